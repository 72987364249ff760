"""An archive over simulators: memory vault and audit, SQLite rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chengyi.archive import Archive
from chengyi.archive.service import ArchiveReport
from chengyi.model.actor import Actor, Role, node_actor
from chengyi.model.clock import SetClock
from chengyi.model.package import Package
from chengyi.model.reporter import SilentReporter
from chengyi.store.rows import Rows
from simulators.audit import MemoryAudit
from simulators.collect import MemoryCollect, source_of
from simulators.vault import MemoryVault

CSV = '[reader]\nformat = "csv"'
XLSX = '[reader]\nformat = "xlsx"'


@dataclass
class House:
    """The archive and all that it stands on."""

    rows: Rows
    vault: MemoryVault
    audit: MemoryAudit
    clock: SetClock
    collect: MemoryCollect
    archive: Archive
    me: Actor

    def keep(self) -> ArchiveReport:
        return self.archive.keep_pending(self.me, SilentReporter())

    def only(self) -> Package:
        found = self.archive.search("", self.me)
        assert found.total == 1
        return found.packages[0]


@pytest.fixture
def house(tmp_path: Path, clock: SetClock) -> Iterator[House]:
    rows = Rows(f"sqlite:///{tmp_path}/node.db")
    rows.create_all()
    vault, audit = MemoryVault(), MemoryAudit(clock)
    sources = [
        source_of("documents"),
        source_of("table", CSV, kind="folder"),
        source_of("sheet", XLSX, kind="folder"),
        source_of("filed", kind="filed", fonds="X001"),
    ]
    collect = MemoryCollect(vault, sources)
    yield House(rows, vault, audit, clock, collect, Archive(rows, vault, audit, clock, collect), node_actor("test"))
    rows.close()


@pytest.fixture
def clerk() -> Actor:
    return Actor("clerk-1", "经办", "区民政局", frozenset({Role.CLERK}))
