"""How commands speak: words in the user's language, tables, JSON, and progress."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import is_dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from chengyi.model.errors import ChengyiError
from chengyi.model.reporter import Step
from chengyi.model.text import Language, Text


def language() -> Language:
    """Return the user's language: CHENGYI_LANG, else Chinese unless the locale is English."""
    chosen = os.environ.get("CHENGYI_LANG") or os.environ.get("LANG", "")
    return "en" if chosen.lower().startswith("en") else "zh"


class Terminal:
    """Says things to people, or to programs when `json` is set; without `notes`, work under way says nothing aside."""

    def __init__(self, *, as_json: bool, notes: bool = True) -> None:
        self.as_json = as_json
        self.notes = notes
        self.language = language()
        self._out = Console(highlight=False, soft_wrap=True)
        self._side = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: Text) -> None:
        """Say one sentence to people."""
        if not self.as_json:
            self._out.print(text.say(self.language), markup=False)

    def warn(self, text: Text) -> None:
        """Say one sentence beside the output."""
        self._side.print(text.say(self.language), markup=False)

    def complain(self, fault: ChengyiError) -> None:
        """Say beside the output what went wrong, where, and what to do."""
        self.warn(Text(fault.message("zh"), fault.message("en")))
        if fault.advice():
            self.warn(Text(f"  → {fault.advice('zh')}", f"  → {fault.advice('en')}"))

    def table(self, columns: Sequence[Text], rows: Sequence[Sequence[object]]) -> None:
        """Show rows to people."""
        if self.as_json:
            return
        table = Table(box=None, pad_edge=False)
        for column in columns:
            table.add_column(column.say(self.language), overflow="fold")
        for row in rows:
            table.add_row(*(self._word(cell) for cell in row))
        self._out.print(table)

    def answer(self, value: object) -> None:
        """Give a program its answer."""
        if self.as_json:
            self._out.print_json(json.dumps(plain(value), ensure_ascii=False))

    @contextmanager
    def step(self, title: Text, total: int | None = None) -> Iterator[Step]:
        """Show the progress of one piece of work."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        quiet = not self._side.is_terminal
        with Progress(*columns, TimeRemainingColumn(), console=self._side, transient=True, disable=quiet) as progress:
            yield _Bar(self, progress, title.say(self.language), total)

    def _word(self, cell: object) -> str:
        if isinstance(cell, Text):
            return cell.say(self.language)
        return "—" if cell is None else str(cell)


class _Bar:
    """A progress bar on standard error."""

    def __init__(self, terminal: Terminal, progress: Progress, title: str, total: int | None) -> None:
        self._terminal = terminal
        self._progress = progress
        self._task = progress.add_task(title, total=total)

    def advance(self, units: int = 1) -> None:
        """Move the bar."""
        self._progress.advance(self._task, units)

    def note(self, text: Text) -> None:
        """Say something above the bar."""
        if self._terminal.notes:
            self._terminal.warn(text)


def plain(value: object) -> object:
    """Return a value as JSON can hold it."""
    if isinstance(value, Text):
        return {"zh": value.zh, "en": value.en}
    if isinstance(value, ChengyiError):
        return _error(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in _names(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _error(fault: ChengyiError) -> object:
    return {
        "kind": type(fault).__name__,
        "message": {"zh": fault.message("zh"), "en": fault.message("en")},
        "advice": {"zh": fault.advice("zh"), "en": fault.advice("en")},
        "facts": {name: plain(fact) for name, fact in fault.facts.items()},
    }


def _names(value: object) -> list[str]:
    fields: Mapping[str, object] = getattr(type(value), "__dataclass_fields__", {})
    return list(fields)
