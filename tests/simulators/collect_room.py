"""A collection room in memory: a home folder, simulators for vault and audit, real rows."""

from dataclasses import dataclass, field
from pathlib import Path

import chengyi.collect.rows  # noqa: F401 - declares the tables
from chengyi.collect import Collect, CollectReport, SourceOutcome, load_sources
from chengyi.model.actor import Actor, node_actor
from chengyi.model.clock import SetClock
from chengyi.model.reporter import SilentReporter
from chengyi.model.submission import SubmissionState
from chengyi.store.rows import Rows
from simulators.audit import MemoryAudit
from simulators.vault import MemoryVault

SOURCE = """
[source]
id = "{id}"
title = {{ zh = "名册", en = "Roll" }}
department = "区民政局"
fonds = "Y012"
changed = "{changed}"
[connector]
{connector}
{rest}
"""


@dataclass
class Room:
    """One room, and short ways to use it."""

    home: Path
    clock: SetClock
    rows: Rows
    vault: MemoryVault = field(default_factory=MemoryVault)
    audit: MemoryAudit = field(default_factory=MemoryAudit)
    actor: Actor = field(default_factory=lambda: node_actor("test"))

    def add(self, id: str, connector: str, rest: str = "", changed: str = "quarantine") -> None:
        text = SOURCE.format(id=id, connector=connector, rest=rest, changed=changed)
        (self.home / "sources" / f"{id}.toml").write_text(text, "utf-8")

    def put(self, path: str, content: str | bytes) -> Path:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    @property
    def collect(self) -> Collect:
        sources = load_sources(self.home / "sources", self.home)
        return Collect(self.rows, self.vault, self.audit, self.clock, sources, self.home)

    def run(self) -> CollectReport:
        return self.collect.collect(self.actor, SilentReporter())

    def one(self) -> SourceOutcome:
        (outcome,) = self.run().sources
        return outcome

    def archive_all(self) -> None:
        ids = [submission.id for submission in self.collect.pending()]
        with self.rows.begin() as connection:
            self.collect.settle(connection, ids, SubmissionState.ARCHIVED)
