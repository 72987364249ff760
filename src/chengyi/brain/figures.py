"""The book of figures: every computation that was made, its values, and the rows behind each.

Rules: a computation is entered once, whole, with its definition as it stood; it is never changed; the latest
computation of an indicator gives its present figures, the earlier ones its history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from chengyi.brain import rows as tables
from chengyi.brain.evidence import EvidenceList, unpack
from chengyi.model.canonical import Json
from chengyi.model.decision import Figure
from chengyi.model.errors import NotFoundError
from chengyi.model.evidence import Completeness, Evidence
from chengyi.store.rows import Rows, insert_new


@dataclass(frozen=True, slots=True)
class Computation:
    """One computation of one indicator: its definition as it stood, and what it read.

    `inputs` has one entry a dataset: name, version, grant, ledger entry of the reading, rows.
    """

    id: str
    indicator: str
    version: int
    definition: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]
    figures: int
    digest: str
    computed_at: datetime
    entry: int


class FigureBook:
    """Keeps computations and their figures in rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def has(self, computation: str) -> bool:
        """Tell whether a computation was made already."""
        return bool(self._all(select(tables.computations.c.id).where(tables.computations.c.id == computation)))

    def add(self, computation: Computation, figures: Sequence[tuple[Figure, EvidenceList]]) -> None:
        """Enter a computation with all its figures."""
        with self._rows.begin() as connection:
            insert_new(connection, tables.computations, [_computation_row(computation)])
            insert_new(connection, tables.figures, [_figure_row(each, computation.id) for each, _ in figures])
            lines = [{"figure": each.id, "lines": evidence.packed} for each, evidence in figures]
            insert_new(connection, tables.figure_evidence, lines)

    def figures(self, indicator: str, limit: int) -> list[Figure]:
        """List the present figures, of one indicator or of all, by indicator and group."""
        made = tables.computations
        latest = select(func.max(made.c.entry)).group_by(made.c.indicator)
        query = select(tables.figures).where(tables.figures.c.entry.in_(latest))
        if indicator:
            query = query.where(tables.figures.c.indicator == indicator)
        order = (tables.figures.c.indicator, tables.figures.c.group_key)
        return [_figure(row) for row in self._all(query.order_by(*order).limit(limit))]

    def history(self, indicator: str, group: str, limit: int) -> list[Figure]:
        """List all figures of one indicator and group, newest first."""
        table = tables.figures
        query = select(table).where(table.c.indicator == indicator, table.c.group_key == group)
        return [_figure(row) for row in self._all(query.order_by(table.c.entry.desc()).limit(limit))]

    def figure(self, id: str) -> Figure:
        """Return one figure; NotFoundError."""
        return _figure(self._one(select(tables.figures).where(tables.figures.c.id == id), "指标值 figure", id))

    def of_computation(self, id: str) -> list[Figure]:
        """List all figures of one computation."""
        return [_figure(row) for row in self._all(select(tables.figures).where(tables.figures.c.computation == id))]

    def computation_of(self, figure: str) -> Computation:
        """Return the computation that made a figure; NotFoundError."""
        made = tables.computations
        query = (
            select(made)
            .join(tables.figures, tables.figures.c.computation == made.c.id)
            .where(tables.figures.c.id == figure)
        )
        return Computation(**self._one(query, "指标值 figure", figure))

    def count(self) -> int:
        """Count the present figures."""
        made = tables.computations
        latest = select(func.max(made.c.entry)).group_by(made.c.indicator)
        counted = self._all(select(func.sum(made.c.figures).label("count")).where(made.c.entry.in_(latest)))
        return int(counted[0]["count"] or 0)

    def packed(self, figure: str) -> bytes:
        """Return the kept evidence lines of a figure; NotFoundError."""
        table = tables.figure_evidence
        lines: bytes = self._one(select(table).where(table.c.figure == figure), "指标值 figure", figure)["lines"]
        return lines

    def evidence(self, figure: str) -> list[Evidence]:
        """Return the rows behind a figure, in order; NotFoundError."""
        return unpack(self.packed(figure))

    def _one(self, query: Select[Any], kind: str, id: str) -> dict[str, Any]:
        found = self._all(query)
        if not found:
            raise NotFoundError(kind=kind, id=id)
        return found[0]

    def _all(self, query: Select[Any]) -> list[dict[str, Any]]:
        with self._rows.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def _computation_row(made: Computation) -> dict[str, Any]:
    inputs: list[Json] = [dict(each) for each in made.inputs]
    return {
        "id": made.id,
        "indicator": made.indicator,
        "version": made.version,
        "definition": dict(made.definition),
        "inputs": inputs,
        "figures": made.figures,
        "digest": made.digest,
        "computed_at": made.computed_at,
        "entry": made.entry,
    }


def _figure_row(figure: Figure, computation: str) -> dict[str, Any]:
    return {
        "id": figure.id,
        "computation": computation,
        "indicator": figure.indicator,
        "version": figure.version,
        "group_key": figure.group,
        "value": figure.value,
        "computed_at": figure.computed_at,
        "evidence": figure.evidence,
        "root": figure.root,
        "expected": figure.completeness.expected,
        "received": figure.completeness.received,
        "missing": list(figure.completeness.missing),
        "entry": figure.entry,
    }


def _figure(row: Mapping[str, Any]) -> Figure:
    return Figure(
        id=row["id"],
        indicator=row["indicator"],
        version=row["version"],
        group=row["group_key"],
        value=row["value"],
        computed_at=row["computed_at"],
        evidence=row["evidence"],
        root=row["root"],
        completeness=Completeness(row["expected"], row["received"], tuple(row["missing"])),
        entry=row["entry"],
    )
