"""What one department hands over: columns in its own writing, and, kept apart, whom each row truly speaks of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np

Style = Literal["iso", "compact", "chinese", "slash"]

_STYLES: dict[str, Callable[[date], str]] = {
    "iso": lambda day: day.isoformat(),
    "compact": lambda day: f"{day:%Y%m%d}",
    "chinese": lambda day: f"{day.year}年{day.month}月{day.day}日",
    "slash": lambda day: f"{day.year}/{day.month}/{day.day}",
}
IMPOSSIBLE = {
    "iso": ("2023-02-30", "2022-13-05", "2024-06-31"),
    "compact": ("20230230", "20221305", "20240631"),
    "chinese": ("2023年2月30日", "2022年13月5日", "2024年6月31日"),
    "slash": ("2023/2/30", "2022/13/5", "2024/6/31"),
}


@dataclass(slots=True)
class Mark:
    """Errors of one kind that were put into one column: the rows, and what should have stood there."""

    kind: str
    element: str
    rows: np.ndarray
    truth: np.ndarray


@dataclass(slots=True)
class Table:
    """Rows of one source before they are written.

    `values` maps data element -> cells (None is empty) in the sender's column order; `persons` has one array for each
    entity that a row speaks of (-1: nobody in the district); `delivery` is the file of each row; `stale` offers what
    an outdated record would say; `dates` tells how a date column is written.
    """

    source: str
    values: dict[str, np.ndarray]
    persons: tuple[np.ndarray, ...]
    delivery: np.ndarray
    stale: dict[str, np.ndarray] = field(default_factory=dict)
    dates: dict[str, Style] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.delivery)

    def take(self, rows: np.ndarray) -> None:
        """Keep these rows, in this order; only before any error is marked."""
        self.values = {element: cells[rows] for element, cells in self.values.items()}
        self.stale = {element: cells[rows] for element, cells in self.stale.items()}
        self.persons = tuple(person[rows] for person in self.persons)
        self.delivery = self.delivery[rows]

    def files(self) -> list[tuple[str, np.ndarray]]:
        """Return each file's name and its rows, in order."""
        names, starts = np.unique(self.delivery.astype(str), return_inverse=True)
        return [(str(name), np.flatnonzero(starts == number)) for number, name in enumerate(names)]

    def ordinals(self) -> np.ndarray:
        """Return for each row its ordinal in its file, from 1."""
        ordinal = np.empty(len(self), dtype=np.int64)
        for _, rows in self.files():
            ordinal[rows] = np.arange(1, len(rows) + 1)
        return ordinal


def written(days: np.ndarray, style: Style) -> np.ndarray:
    """Write days in one office's habit; NaT becomes None."""
    kinds, at = np.unique(days.astype("datetime64[D]").astype(np.int64), return_inverse=True)
    write = _STYLES[style]
    missing = np.datetime64("NaT", "D").astype(np.int64)
    texts = [None if kind == missing else write(date.fromordinal(kind + _EPOCH)) for kind in kinds.tolist()]
    return cells(texts)[at]


_EPOCH = date(1970, 1, 1).toordinal()


def calendar(days: np.ndarray) -> np.ndarray:
    """Return days as date cells, for carriers that know dates."""
    return days.astype("datetime64[D]").astype(object)


def moments(seconds: np.ndarray, style: str) -> np.ndarray:
    """Write moments (datetime64[s], local time) by one strftime format; NaT becomes None."""
    kinds, at = np.unique(seconds.astype("datetime64[s]"), return_inverse=True)
    return cells([None if np.isnat(kind) else f"{kind.item():{style}}" for kind in kinds])[at]


def cells(values: Iterable[object]) -> np.ndarray:
    """Return cells as an object array of one dimension."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def blank_unless(filled: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the cells where `filled`, and empty cells elsewhere."""
    array = constant(None, len(values))
    array[filled] = values[filled]
    return array


def constant(value: object, count: int) -> np.ndarray:
    """Return the same cell so many times."""
    array = np.empty(count, dtype=object)
    array[:] = value
    return array


def numbered(prefix: str, count: int, width: int = 6, start: int = 1) -> np.ndarray:
    """Return running numbers with a prefix."""
    return cells(f"{prefix}{number:0{width}d}" for number in range(start, start + count))


def chosen(options: Iterable[object], picks: np.ndarray) -> np.ndarray:
    """Return the option that each pick names."""
    return np.asarray(cells(options)[picks])
