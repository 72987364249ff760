"""Runs many command lines quickly: one process loads the program, and a fork of it runs each line.

Reads one JSON array of argument lists from standard input; writes one JSON array of [exit code, output, errors].
"""

import json
import os
import signal
import sys
import tempfile
from importlib import import_module
from typing import IO

import chengyi.cli

for _name in ("cli.app", "node", "collect.service", "archive", "integrate", "share", "brain", "trust.vault.vault"):
    import_module(f"chengyi.{_name}")

SECONDS = 60
"""After which a command that does not end by itself is ended by a signal, so that its exit code is negative."""


def run(words: list[str]) -> tuple[int, str, str]:
    """Run one command line in a fork, with its own standard streams."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.argv = ["chengyi", *words]
            signal.alarm(SECONDS)
            code: object = 70
            try:
                chengyi.cli.main()
            except SystemExit as left:
                code = left.code or 0
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code if isinstance(code, int) else 1)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), _text(out), _text(err)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


if __name__ == "__main__":
    results = [run(words) for words in json.load(sys.stdin)]
    json.dump(results, sys.stdout)
