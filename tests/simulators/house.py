"""An archive over simulators: memory vault, audit and collection, and any rows."""

from dataclasses import dataclass

from chengyi.archive import Archive
from chengyi.archive.service import ArchiveReport
from chengyi.model.actor import Actor, node_actor
from chengyi.model.clock import Clock
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
    clock: Clock
    collect: MemoryCollect
    archive: Archive
    me: Actor

    def keep(self) -> ArchiveReport:
        return self.archive.keep_pending(self.me, SilentReporter())

    def only(self) -> Package:
        found = self.archive.search("", self.me)
        assert found.total == 1
        return found.packages[0]


def house_of(rows: Rows, clock: Clock) -> House:
    """Return an archive with a source of each kind."""
    vault, audit = MemoryVault(), MemoryAudit(clock)
    sources = [
        source_of("documents"),
        source_of("table", CSV, kind="folder"),
        source_of("sheet", XLSX, kind="folder"),
        source_of("filed", kind="filed", fonds="X001"),
        source_of("other", fonds="Y013"),
    ]
    collect = MemoryCollect(vault, sources)
    return House(rows, vault, audit, clock, collect, Archive(rows, vault, audit, clock, collect), node_actor("test"))
