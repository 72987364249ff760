"""The board on which one running piece of work writes its progress, for pages to read.

Rules: one run at a time; the board never loses an error; reading it never waits for the work; work that returns a text
says by it how it ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from chengyi.model.errors import ChengyiError
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text

KEPT_NOTES = 20
RUN = Text("更新数据之河", "Bring the river up to date")


@dataclass(slots=True)
class Line:
    """One step of the work: its title and how far it is."""

    title: Text
    total: int | None
    done: int = 0
    closed: bool = False
    notes: list[Text] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def advance(self, units: int = 1) -> None:
        """Say that so many units are done."""
        self.done += units

    def note(self, text: Text) -> None:
        """Keep the latest remarks."""
        self.notes = [*self.notes, text][-KEPT_NOTES:]

    @property
    def left(self) -> float | None:
        """Return the seconds left at the pace so far, or None where that cannot be told."""
        if self.closed or not self.total or not self.done:
            return None
        return (time.monotonic() - self.begun) * max(0, self.total - self.done) / self.done


@dataclass(slots=True)
class Run:
    """One run: who started it when, what it is, its steps, and how it ended."""

    started_by: str
    started_at: datetime
    title: Text = RUN
    lines: list[Line] = field(default_factory=list)
    running: bool = True
    outcome: Text | None = None
    failure: Text | None = None
    advice: Text | None = None

    @contextmanager
    def step(self, title: Text, total: int | None = None) -> Iterator[Line]:
        """Open a step."""
        line = Line(title, total)
        self.lines.append(line)
        try:
            yield line
        finally:
            line.closed = True


class Board:
    """Starts a run in the background and shows it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._thread: threading.Thread | None = None

    @property
    def run(self) -> Run | None:
        """Return the latest run, or None before the first."""
        return self._run

    def start(self, work: Callable[[Reporter], object], by: str, at: datetime, title: Text = RUN) -> bool:
        """Start the work unless a run is under way; tell whether it was started."""
        with self._lock:
            if self._run is not None and self._run.running:
                return False
            run = Run(by, at, title)
            self._run = run
            self._thread = threading.Thread(target=_finish, args=(work, run), name="chengyi-run", daemon=True)
            self._thread.start()
            return True

    def wait(self, seconds: float | None = None) -> None:
        """Wait for the run to end."""
        if self._thread is not None:
            self._thread.join(seconds)


def _finish(work: Callable[[Reporter], object], run: Run) -> None:
    try:
        said = work(run)
        run.outcome = said if isinstance(said, Text) else None
    except ChengyiError as error:
        run.failure = Text(error.message("zh"), error.message("en"))
        run.advice = Text(error.advice("zh"), error.advice("en"))
    except Exception:
        import logging

        logging.getLogger(__name__).exception("a run failed")
        run.failure = Text("运行未完成：程序内部错误。", "The run did not finish: an internal error.")
        run.advice = Text("请查阅节点目录下的 console.log。", "See console.log in the node's home.")
    finally:
        run.running = False
