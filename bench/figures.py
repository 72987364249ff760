"""A measured figure, and how it is shown."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what it is, its unit, its value in each run, and the bar it is held against, where there is one.

    `at_least` and `at_most` bound the median.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def median(self) -> float:
        """Return the median of all runs."""
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        """Return the value that 95 % of the runs do not exceed (nearest rank)."""
        ordered = sorted(self.values)
        return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]

    @property
    def bar(self) -> str:
        """Return the bar in words, and whether the median keeps it."""
        if self.at_least is not None:
            return f"≥ {shown(self.at_least)}: {'kept' if self.median >= self.at_least else 'MISSED'}"
        if self.at_most is not None:
            return f"≤ {shown(self.at_most)}: {'kept' if self.median <= self.at_most else 'MISSED'}"
        return ""


@dataclass(frozen=True, slots=True)
class Result:
    """All figures of one measurement, and what a reader must know about them."""

    name: str
    title: str
    about: str
    figures: tuple[Figure, ...] = field(default=())


def shown(value: float) -> str:
    """Return a figure with three significant digits (a share close to 1 with four), whole ones in full."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.4f}" if 0.99 <= value < 1 else f"{value:.3g}"


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def table(result: Result) -> str:
    """Return a measurement as a Markdown section."""
    heads = ("figure", "unit", "median", "least", "most", "95 %", "runs", "bar")
    lines = [f"## {result.title}", "", result.about, "", _row(heads), _row(["---"] * len(heads))]
    lines += [_row(_cells(figure)) for figure in result.figures]
    return "\n".join(lines) + "\n"


def _cells(figure: Figure) -> list[str]:
    spread = [figure.median, min(figure.values), max(figure.values), figure.p95]
    return [figure.what, figure.unit, *map(shown, spread), str(len(figure.values)), figure.bar]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
