"""Whom algorithms tell about progress; they never print or log.

An algorithm opens a step, advances it, and closes it; the terminal draws a bar, the web page
updates a line, and tests listen.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from chengyi.model.text import Text


class Step(Protocol):
    """One piece of work under way."""

    def advance(self, units: int = 1) -> None:
        """Say that so many units are done."""
        ...

    def note(self, text: Text) -> None:
        """Say something that the user should see now."""
        ...


class Reporter(Protocol):
    """Listens to the progress of work."""

    def step(self, title: Text, total: int | None = None) -> AbstractContextManager[Step]:
        """Open a step of `total` units, or of unknown length."""
        ...


class _Silence:
    def advance(self, units: int = 1) -> None:
        pass

    def note(self, text: Text) -> None:
        pass


class SilentReporter:
    """Listens to nothing."""

    @contextmanager
    def step(self, title: Text, total: int | None = None) -> Iterator[Step]:
        """Open a step that nobody watches."""
        yield _Silence()
