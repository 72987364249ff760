"""A data centre and an archive that live in memory: rows go in, datasets and their proofs come out."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import ibis
import pyarrow as pa

from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor
from chengyi.model.canonical import Json, canonical
from chengyi.model.codes import RecordClass, Retention, Sensitivity, SharingClass
from chengyi.model.dataset import Dataset, Field
from chengyi.model.errors import NotFoundError
from chengyi.model.package import Package
from chengyi.model.text import Text
from chengyi.trust.ledger.merkle import Tree, leaf_hash
from chengyi.trust.ports import Audit
from simulators.audit import MemoryAudit

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
TYPES = {
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "integer": pa.int64(),
    "decimal": pa.decimal128(18, 6),
}
PUBLIC, INTERNAL = Sensitivity.PUBLIC, Sensitivity.INTERNAL
PERSONAL, SENSITIVE = Sensitivity.PERSONAL, Sensitivity.SENSITIVE


class MemoryTables:
    """Implements the reading half of `store.ports.Tables` over DuckDB in memory."""

    def __init__(self) -> None:
        self.engine = ibis.duckdb.connect()

    def view(self, data: pa.Table) -> Any:
        return ibis.memtable(data)

    def arrow(self, expression: Any) -> pa.Table:
        return self.engine.to_pyarrow(expression)

    def batches(self, expression: Any, rows: int = 65_536) -> pa.RecordBatchReader:
        return self.arrow(expression).to_reader(rows)


@dataclass(frozen=True)
class SimProof:
    row: int
    leaf: bytes
    hashes: tuple[bytes, ...]
    root: bytes
    rows: int


class SimArchive:
    """Implements `share.ports.Records`; packages hold the leaves of their rows."""

    def __init__(self, audit: Audit) -> None:
        self.audit = audit
        self.packages: dict[str, Package] = {}
        self.leaves: dict[str, list[bytes]] = {}

    def keep(self, source: str, rows: Sequence[Sequence[Any]]) -> Package:
        version = sum(package.source == source for package in self.packages.values()) + 1
        leaves = [leaf_hash(canonical([None if cell is None else str(cell) for cell in row])) for row in rows]
        inventory = hashlib.sha256(f"{source}{version}".encode()).hexdigest()
        detail: dict[str, Json] = {"inventory": inventory, "root": Tree(leaves).root.hex(), "rows": len(rows)}
        entry = self.audit.record(Act(ActKind.KEPT, "node:test", f"pkg-{source}@{version}", detail))
        package = Package(
            id=f"pkg-{source}",
            version=version,
            archival_code=f"X001-SJ·2026-D30-{version:04d}",
            title=source,
            source=source,
            department="test",
            fonds="X001",
            record_class=RecordClass.DATA,
            retention=Retention.YEARS_30,
            sharing=SharingClass.CONDITIONAL,
            submission="sub-1",
            components=(),
            metadata={},
            checks=(),
            seal=None,
            event_time=NOON,
            archived_at=NOON,
            inventory=inventory,
            entry=entry,
        )
        self.packages[package.ref], self.leaves[package.ref] = package, leaves
        return package

    def package(self, ref: str, actor: Actor) -> Package:
        if ref not in self.packages:
            raise NotFoundError(kind="档案 package", id=ref)
        return self.packages[ref]

    def row_proofs(self, ref: str, rows: Sequence[int]) -> list[SimProof]:
        tree = Tree(self.leaves[ref])
        if not all(0 < row <= tree.size for row in rows):
            raise NotFoundError(kind="行 row", id=ref)
        return [SimProof(row, self.leaves[ref][row - 1], tree.inclusion(row - 1), tree.root, tree.size) for row in rows]


class SimIntegrate:
    """Implements `share.ports.Datasets`: `put` archives rows and makes them a dataset."""

    def __init__(self, audit: Audit | None = None) -> None:
        self.archive = SimArchive(audit or MemoryAudit())
        self.tables: Any = MemoryTables()
        self.known: dict[str, Dataset] = {}
        self.data: dict[tuple[str, int], pa.Table] = {}

    def put(
        self,
        name: str,
        fields: Mapping[str, tuple[str, Sensitivity]],
        rows: Sequence[Sequence[Any]],
        *,
        sharing: SharingClass = SharingClass.UNCONDITIONAL,
        department: str = "区民政局",
        quarantined: int = 0,
        updated_at: datetime = NOON,
    ) -> Dataset:
        version = self.known[name].version + 1 if name in self.known else 0
        package = self.archive.keep(name, rows)
        columns = {
            field: pa.array([row[at] for row in rows], TYPES.get(kind, pa.string()))
            for at, (field, (kind, _)) in enumerate(fields.items())
        }
        evidence = {
            "_package": pa.array([package.ref] * len(rows), pa.string()),
            "_row": pa.array(range(1, len(rows) + 1), pa.int64()),
            "_leaf": pa.array(self.archive.leaves[package.ref], pa.binary()),
            "_source": pa.array([name] * len(rows), pa.string()),
        }
        self.data[name, version] = pa.table(columns | evidence)
        dataset = Dataset(
            name=name,
            title=Text(name, name),
            department=department,
            sharing=sharing,
            fields=tuple(Field(field, Text(field, field), kind, level) for field, (kind, level) in fields.items()),
            version=version,
            rows=len(rows),
            quarantined=quarantined,
            updated_at=updated_at,
            packages=(package.ref,),
            sources=(name,),
        )
        self.known[name] = dataset
        return dataset

    def drop(self, name: str) -> None:
        del self.known[name]

    def reclass(self, name: str, sharing: SharingClass) -> None:
        self.known[name] = replace(self.known[name], sharing=sharing)

    def datasets(self) -> list[Dataset]:
        return [self.known[name] for name in sorted(self.known)]

    def table(self, name: str, version: int | None = None) -> Any:
        return ibis.memtable(self.data[name, self.known[name].version if version is None else version])
