"""A command that is interrupted in the middle of a library ends with words alone."""

import subprocess
import sys

STRUCK_IN_A_POOL = """
import signal, sys
import chengyi.cli.leaving as leaving
from sqlalchemy import create_engine, event

def run():
    engine = create_engine("sqlite://")
    @event.listens_for(engine, "reset")
    def strike(*_):
        signal.raise_signal(signal.SIGINT)
    with engine.connect() as connection:
        connection.exec_driver_sql("select 1")
    return 0

leaving._run = run
leaving.leave()
"""


def test_an_interrupt_that_a_library_logs_shows_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", STRUCK_IN_A_POOL], capture_output=True, text=True, timeout=60)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
