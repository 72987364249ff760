"""A room of integration over an archive in memory, real rows and a real lake in a temporary folder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import chengyi.integrate.rows  # noqa: F401 - declares the tables
from chengyi.integrate import Integrate, IntegrateReport, LinkReport
from chengyi.integrate.contract_checks import contract_of
from chengyi.integrate.contracts import Contract
from chengyi.integrate.loads import FaultyRow, Load
from chengyi.integrate.standard import Standard, read_header
from chengyi.model.actor import Actor, node_actor
from chengyi.model.clock import SetClock
from chengyi.model.reporter import SilentReporter
from chengyi.model.text import Text
from chengyi.store.rows import Rows
from chengyi.store.tables import DuckTables
from simulators.archive import MemoryArchive
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys


@dataclass(frozen=True)
class SimSource:
    """Implements `integrate.ports.ContractedSource`."""

    id: str
    contract: Mapping[str, Any]
    title: Text = field(default_factory=lambda: Text("名册", "Roll"))
    department: str = "区民政局"
    sharing: str = "conditional"
    file: str = ""


def contract_document(
    columns: Sequence[str | Mapping[str, Any]], dataset: str = "people", **rest: Any
) -> dict[str, Any]:
    """Return a contract as it stands in TOML; a bare element id is a column of the same name."""
    listed = [{"name": each, "element": each} if isinstance(each, str) else dict(each) for each in columns]
    return {"dataset": dataset, "title": {"zh": "名册", "en": "Roll"}, "column": listed, **rest}


@dataclass
class Room:
    """Integration, and short ways to use it."""

    folder: Path
    clock: SetClock
    rows: Rows
    tables: DuckTables
    archive: MemoryArchive = field(default_factory=MemoryArchive)
    audit: MemoryAudit = field(default_factory=MemoryAudit)
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    actor: Actor = field(default_factory=lambda: node_actor("test"))
    sources: list[SimSource] = field(default_factory=list)

    def declare(
        self, id: str, columns: Sequence[str | Mapping[str, Any]], dataset: str = "people", **rest: Any
    ) -> None:
        facts = {name: rest.pop(name) for name in ("department", "sharing") if name in rest}
        self.sources = [each for each in self.sources if each.id != id]
        self.sources.append(SimSource(id, contract_document(columns, dataset, **rest), **facts))

    @property
    def integrate(self) -> Integrate:
        return Integrate(self.rows, self.tables, self.keys, self.audit, self.clock, self.archive, self.sources)

    def update(self) -> IntegrateReport:
        return self.integrate.update(self.actor, SilentReporter())

    def link(self) -> LinkReport:
        return self.integrate.link(self.actor, SilentReporter())

    def held(self, dataset: str = "people") -> list[dict[str, Any]]:
        rows = self.tables.arrow(self.integrate.table(dataset)).sort_by(
            [("_package", "ascending"), ("_row", "ascending")]
        )
        found: list[dict[str, Any]] = rows.to_pylist()
        return found

    def waiting(self, dataset: str = "people") -> list[dict[str, Any]]:
        table = self.integrate.quarantine(dataset)
        found: list[dict[str, Any]] = [] if table is None else self.tables.arrow(table).to_pylist()
        return found


@pytest.fixture
def room(tmp_path: Path, clock: SetClock) -> Iterator[Room]:
    rows = Rows(f"sqlite:///{tmp_path / 'node.db'}")
    rows.create_all()
    tables = DuckTables(tmp_path / "lake")
    yield Room(tmp_path, clock, rows, tables)
    tables.close()
    rows.close()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckTables]:
    tables = DuckTables(tmp_path_factory.mktemp("engine"))
    yield tables
    tables.close()


Standardised = tuple[list[dict[str, Any]], list[FaultyRow]]


@pytest.fixture
def standardise(engine: DuckTables) -> Callable[..., Standardised]:
    """Run cells through one contract: the rows that go on, and the faulty ones."""

    def run(
        columns: Sequence[str | Mapping[str, Any]], cells: Mapping[str, Sequence[str | None]], **rest: Any
    ) -> Standardised:
        contract = contract_of(SimSource("s", contract_document(columns, **rest)))
        assert contract is not None
        return scan(engine, contract, cells)

    return run


def scan(engine: DuckTables, contract: Contract, cells: Mapping[str, Sequence[str | None]]) -> Standardised:
    archive = MemoryArchive()
    package = archive.keep("s", cells)
    sealed = archive.table_of(package.ref)
    load = Load(Standard(contract, read_header(contract, list(cells))), [package.ref], [sealed])
    good = [row for batch in load.batches(engine) for row in batch.to_pylist()]
    return good, list(load.faulty())
