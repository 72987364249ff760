"""An archive that lives in memory: tables go in, packages with sealed tables come out in ledger order."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pyarrow as pa

from chengyi.model.canonical import canonical
from chengyi.model.codes import RecordClass, Retention, SharingClass
from chengyi.model.errors import NotFoundError
from chengyi.model.package import Package, RowSeal
from chengyi.model.text import Text
from chengyi.trust.ledger.merkle import leaf_hash

EVENT = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class MemoryBadRow:
    row: int
    raw: str
    code: str
    reason: Text


@dataclass(frozen=True)
class MemorySealed:
    table: pa.Table
    rows: pa.Array
    leaves: pa.Array
    bad: tuple[MemoryBadRow, ...]
    tree: Sequence[bytes]


@dataclass
class MemoryArchive:
    """Implements `integrate.ports.Records`."""

    packages: list[Package] = field(default_factory=list)
    tables: dict[str, MemorySealed] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def keep(
        self,
        source: str,
        columns: Mapping[str, Sequence[str | None]] | pa.Table,
        *,
        id: str = "",
        event_time: datetime = EVENT,
        bad: Mapping[int, str] | None = None,
        sealed: bool = True,
    ) -> Package:
        """Keep a table; `bad` maps row numbers to the raw text of records that could not be read."""
        number = len(self.packages)
        id = id or f"pkg-{hashlib.sha256(f'{source}{number}'.encode()).hexdigest()[:12]}"
        version = 1 + sum(package.id == id for package in self.packages)
        table = columns if isinstance(columns, pa.Table) else _table(columns)
        kept = _seal(table, bad or {})
        seal = RowSeal("t.csv", {}, tuple(table.column_names), len(kept.tree), len(kept.bad), "") if sealed else None
        package = Package(
            id=id,
            version=version,
            archival_code=f"X001-SJ·2026-D30-{number:04d}",
            title=source,
            source=source,
            department="test",
            fonds="X001",
            record_class=RecordClass.DATA,
            retention=Retention.YEARS_30,
            sharing=SharingClass.CONDITIONAL,
            submission=f"sub-{number}",
            components=(),
            metadata={},
            checks=(),
            seal=seal,
            event_time=event_time,
            archived_at=event_time,
            inventory="",
            entry=number * 3,
        )
        self.packages.append(package)
        if sealed:
            self.tables[package.ref] = kept
        return package

    def since(self, source: str, after_entry: int) -> list[Package]:
        return [package for package in self.packages if package.source == source and package.entry > after_entry]

    def table_of(self, ref: str) -> MemorySealed:
        self.opened.append(ref)
        if ref not in self.tables:
            raise NotFoundError(kind="表 table", id=ref)
        return self.tables[ref]

    def spoil(self, ref: str) -> None:
        """Forget the table of a package."""
        del self.tables[ref]
        self.packages = [replace(each, seal=None) if each.ref == ref else each for each in self.packages]


def _table(columns: Mapping[str, Sequence[str | None]]) -> pa.Table:
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})


def _seal(table: pa.Table, bad: Mapping[int, str]) -> MemorySealed:
    total = table.num_rows + len(bad)
    good = [row for row in range(1, total + 1) if row not in bad]
    cells = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    tree: dict[int, bytes] = {row: leaf_hash(canonical({"raw": raw})) for row, raw in bad.items()}
    tree |= {row: leaf_hash(canonical(list(each))) for row, each in zip(good, cells, strict=True)}
    unread = tuple(MemoryBadRow(row, raw, "missing_cells", Text("缺列", "too short")) for row, raw in bad.items())
    leaves = pa.array([tree[row] for row in good], pa.binary(32))
    return MemorySealed(table, pa.array(good, pa.int64()), leaves, unread, [tree[row] for row in sorted(tree)])
