"""What applications count with: groups of rows, their evidence, and what was not reached.

Rules: rows are grouped by the engine's own values; a group's evidence is exactly the rows that were counted in it;
every figure carries the inputs' own notes on what is missing, and adds its own.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from chengyi.brain.values import ALL, Computed
from chengyi.model.evidence import Completeness
from chengyi.share import SharedTable

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

EVIDENCE = ("_package", "_row", "_leaf")
CHINA = timezone(timedelta(hours=8))
_SHIFT_HOURS = 8


def local_date(moment: datetime) -> date:
    """Return the day in China Standard Time."""
    return moment.astimezone(CHINA).date()


def local_day(column: "ibis.Value") -> "ibis.Value":
    """Return the day in China Standard Time of a column of moments in UTC."""
    import ibis

    return (column + ibis.interval(hours=_SHIFT_HOURS)).date()


def local_minute(moment: datetime) -> str:
    """Return hour and minute in China Standard Time of a moment in UTC, as the engine hands it out."""
    return f"{moment + timedelta(hours=_SHIFT_HOURS):%H:%M}"


def evidence_as(table: "ibis.Table", prefix: str) -> dict[str, "ibis.Value"]:
    """Return the evidence columns under other names, so that two tables can be joined."""
    return {f"{prefix}{name}": table[name] for name in EVIDENCE}


def names(*prefixes: str) -> list[str]:
    """Return the names of evidence columns under prefixes."""
    return [f"{prefix}{name}" for prefix in prefixes for name in EVIDENCE]


def evidence(table: "pa.Table", *prefixes: str) -> "pa.Table":
    """Return the evidence columns of joined rows, one below the other, without rows that were not joined."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [
        table.select([f"{prefix}{name}" for name in EVIDENCE]).rename_columns(list(EVIDENCE)) for prefix in prefixes
    ]
    stacked = pa.concat_tables(parts)
    return stacked.filter(pc.is_valid(stacked["_package"]))


def slices(table: "pa.Table", by: str) -> "Iterator[tuple[str, pa.Table]]":
    """Yield each group of rows, in order of the group's name; rows without a group are left out."""
    import pyarrow.compute as pc

    known = table.filter(pc.is_valid(table[by])).sort_by([(by, "ascending")])
    start = 0
    for counted in pc.value_counts(known[by].combine_chunks()).to_pylist() if known.num_rows else ():
        yield str(counted["values"]), known.slice(start, counted["counts"])
        start += counted["counts"]


def groups(table: "pa.Table", by: str) -> "Iterator[tuple[str, pa.Table]]":
    """Yield the whole under `all`, then each group."""
    yield ALL, table
    yield from slices(table, by)


def true_count(table: "pa.Table", flag: str) -> int:
    """Count the rows in which a flag is true."""
    import pyarrow.compute as pc

    return int(pc.sum(table[flag].cast("int64")).as_py() or 0)


def where(table: "pa.Table", flag: str) -> "pa.Table":
    """Return the rows in which a flag is true."""
    return table.filter(table[flag])


def distinct(table: "pa.Table", column: str) -> int:
    """Count the different values of a column."""
    import pyarrow.compute as pc

    return int(pc.count_distinct(table[column]).as_py())


def notes(tables: Iterable[SharedTable], *own: str) -> tuple[str, ...]:
    """Return what the inputs did not reach, with quarantined rows added up, and the figure's own notes."""
    given = [note for table in tables for note in table.completeness.missing]
    waiting = sum(int(note.partition(":")[2]) for note in given if note.startswith("quarantined:"))
    first = [f"quarantined:{waiting}"] if waiting else []
    rest = [note for note in given if not note.startswith("quarantined:")]
    return tuple(dict.fromkeys([*first, *rest, *own]))


def count_note(code: str, count: int) -> tuple[str, ...]:
    """Return a note about so many rows, or none."""
    return (f"{code}:{count}",) if count else ()


def computed(group: str, value: str, rows: "pa.Table", missing: Iterable[str], expected: int | None = None) -> Computed:
    """Return a figure; `expected` counts the rows that should have been counted, where more than those that were."""
    reached = rows.num_rows
    return Computed(group, value, rows, Completeness(max(reached, expected or 0), reached, tuple(missing)))


def run(table: SharedTable, expression: Any) -> "pa.Table":  # noqa: ANN401 - an Ibis expression
    """Run an expression of a shared table's engine."""
    return table.arrow(expression)
