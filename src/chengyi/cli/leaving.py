"""How a command ends: with words and an exit code, never with a traceback.

Rules: an error says what, where and what to do, in the user's language, and as JSON too where JSON was asked for;
Ctrl-C ends with 130 wherever it strikes, also inside a library that turns it into an error of its own or swallows it;
a reader that went away (`chengyi status | head`) is told nothing.
"""

import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chengyi.model.errors import ChengyiError

INTERRUPTED = 130
_AGAIN = 0.5
"""Seconds after which an interrupt that did not end the program strikes again."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)


class Interruption:
    """Remembers that Ctrl-C was struck, whatever became of the KeyboardInterrupt."""

    struck = False

    def watch(self) -> None:
        """Take over SIGINT, unless whoever started us has it ignored (as a shell does for work in the background)."""
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._strike)
        sys.unraisablehook = self._unraisable
        if logging.lastResort:
            logging.lastResort.addFilter(self._worth_saying)

    def _strike(self, number: int, frame: FrameType | None) -> None:
        """Interrupt, and again a little later: a library or a destructor may have swallowed the first."""
        self.struck = True
        again = threading.Timer(_AGAIN, signal.raise_signal, (signal.SIGINT,))
        again.daemon = True
        again.start()
        raise KeyboardInterrupt

    def _unraisable(self, swallowed: "sys.UnraisableHookArgs") -> None:
        """Keep quiet about an interrupt that Python had to swallow."""
        if swallowed.exc_type is not KeyboardInterrupt:
            sys.__unraisablehook__(swallowed)

    def _worth_saying(self, record: logging.LogRecord) -> bool:
        """Keep quiet about what libraries log of an interrupt that struck in the middle of them."""
        return not self.struck


def leave() -> None:
    """Run the command line, and leave with its exit code."""
    interruption = Interruption()
    interruption.watch()
    try:
        code = _run()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
    except BaseException as fault:  # noqa: BLE001 - the last line of defence: a user never sees a traceback
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = _end(fault, interruption)
    if code == INTERRUPTED:
        _say("已中断，已做的完好；再次运行即可接续。", "Interrupted; what was done is whole. Run again to continue.")
    sys.exit(code)


@contextmanager
def natives_silenced() -> Iterator[None]:
    """Keep from the terminal what native libraries print past Python, such as a Rust thread's panic on a full disk."""
    spoken = sys.__stderr__
    if spoken is None or sys.stderr is not spoken:
        yield
        return
    spoken.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding=spoken.encoding, errors="backslashreplace")
    _point(2, os.open(os.devnull, os.O_WRONLY))
    try:
        yield
    finally:
        aside, sys.stderr = sys.stderr, spoken
        aside.flush()
        os.dup2(aside.fileno(), 2)
        aside.close()


def _point(number: int, file: int) -> None:
    os.dup2(file, number)
    os.close(file)


def _run() -> int:
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    from chengyi.cli.app import app

    code = app(standalone_mode=False)
    sys.stdout.flush()
    return code if isinstance(code, int) else 0


def _end(fault: BaseException, interruption: Interruption) -> int:
    if isinstance(fault, SystemExit):
        return fault.code if isinstance(fault.code, int) else 0
    if interruption.struck or isinstance(fault, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(fault, BrokenPipeError):
        _point(1, os.open(os.devnull, os.O_WRONLY))
        return 1
    from chengyi.model.errors import ChengyiError

    known = _in_words(fault)
    if isinstance(known, ChengyiError):
        return _explain(known)
    shown = getattr(fault, "format_message", None)
    inside = f"{type(fault).__name__}: {fault}"
    words = (shown(), shown()) if shown else (f"内部错误：{inside}", f"Internal error: {inside}")
    _say(*words)
    return int(getattr(fault, "exit_code", 70))


def _in_words(fault: BaseException) -> BaseException:
    """Return what an error of Python's own means to the user, where that is known."""
    from chengyi.model.errors import AccessError, DeviceError, NotFoundError, StorageFullError, UsageError

    if isinstance(fault, UnicodeEncodeError) and any("\udc80" <= letter <= "\udcff" for letter in "".join(sys.argv)):
        return UsageError(why="参数不是 UTF-8 文字 (an argument is not text in UTF-8)")
    if not isinstance(fault, OSError):
        return fault
    path = str(fault.filename or "-")
    if fault.errno in _FULL:
        return StorageFullError(path=path)
    if fault.errno in _CLOSED:
        return AccessError(path=path)
    if isinstance(fault, FileNotFoundError) and path in sys.argv:
        return NotFoundError(kind="文件 file", id=path)
    return DeviceError(path=path, why=fault.strerror or type(fault).__name__)


def _explain(fault: "ChengyiError") -> int:
    _say(fault.message("zh"), fault.message("en"))
    if fault.advice():
        _say(fault.advice("zh"), fault.advice("en"))
    if "--json" in sys.argv:
        from chengyi.cli.terminal import Terminal

        Terminal(as_json=True).answer({"error": fault})
    return fault.exit_code


def _say(zh: str, en: str) -> None:
    from chengyi.cli.terminal import language

    print(zh if language() == "zh" else en, file=sys.stderr)  # noqa: T201 - the terminal edge
