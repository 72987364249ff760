"""The node at work: every room, wired from the home folder.

The one place that knows every room. There are no globals: many nodes can live in one process. Each part is
made when it is first used, so that asking for the status does not start the table engine.
Keeps promise 1 (archived first: the order of `run`) and closes the loop: what the brain decides is filed as a
delivery of the node's own source, and archived like any other.
"""

import os
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor, node_actor
from chengyi.model.clock import Clock, SystemClock
from chengyi.model.errors import ChengyiError
from chengyi.model.reporter import Reporter
from chengyi.node.creation import FILED, Titles, make_home
from chengyi.node.status import Status, status_of
from chengyi.node.verification import VerifyReport, verify_home
from chengyi.node.witnessing import faults_of, publish
from chengyi.store.home import Home
from chengyi.store.rows import Rows
from chengyi.store.settings import HomeSettings, from_environment

if TYPE_CHECKING:
    from chengyi.archive import Archive
    from chengyi.archive.service import ArchiveReport
    from chengyi.brain import Brain
    from chengyi.brain.service import BrainReport
    from chengyi.collect import Collect
    from chengyi.collect.service import CollectReport
    from chengyi.integrate import Integrate
    from chengyi.integrate.service import IntegrateReport, LinkReport
    from chengyi.node.anchoring import Anchoring, AnchorReport
    from chengyi.node.certificates import StoreCertifier
    from chengyi.share import Share
    from chengyi.store.ports import Tables
    from chengyi.trust.audit.acts import LedgerAudit
    from chengyi.trust.authority.authority import Authority
    from chengyi.trust.ledger.log import FileLedger
    from chengyi.trust.ledger.publish import Publisher, PublishReport
    from chengyi.trust.ledger.witness import Witness
    from chengyi.trust.messages.verification import MessageVerifier
    from chengyi.trust.ports import Keys
    from chengyi.trust.vault.refusals import Refusals
    from chengyi.trust.vault.vault import FragmentVault


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one run did in each room; `witnessing` is how the ledger fared with its witnesses, where it has any."""

    collect: "CollectReport"
    archive: "ArchiveReport"
    integrate: "IntegrateReport"
    link: "LinkReport"
    published: int
    brain: "BrainReport"
    witnessing: "PublishReport | ChengyiError | None" = None
    anchoring: "AnchorReport | None" = None

    @property
    def changed(self) -> bool:
        """Tell whether anything is other than before."""
        return bool(
            self.collect.new
            or self.archive.kept
            or self.archive.set_aside
            or self.integrate.sources
            or self.link.changed
            or self.published
            or self.brain.figures
            or self.brain.alerts
        )

    @property
    def errors(self) -> tuple[ChengyiError, ...]:
        """Return what stopped sources; the others went on."""
        return (*self.collect.errors, *self.integrate.errors)

    @property
    def unwitnessed(self) -> tuple[ChengyiError, ...]:
        """Return what kept the ledger from its witnesses, time-stamps and anchors; none of it stops a run."""
        return (*faults_of(self.witnessing), *(self.anchoring.faults if self.anchoring else ()))


class Node:
    """A node at work: its rooms, wired."""

    def __init__(self, home: Path, clock: Clock | None = None, passphrase: str | None = None) -> None:
        self.home = Home(home.absolute())
        self.settings: HomeSettings = self.home.settings()
        self.clock: Clock = clock or SystemClock()
        self.actor: Actor = node_actor(self.settings.node.id)
        self._passphrase = passphrase if passphrase is not None else os.environ.get("CHENGYI_PASSPHRASE")

    @classmethod
    def create(
        cls,
        home: Path,
        id: str,
        *,
        zh: str,
        en: str,
        department: str,
        fonds: str = "X001",
        demonstration: bool = False,
        clock: Clock | None = None,
        passphrase: str | None = None,
    ) -> "Node":
        """Make a new node, or finish one whose making was interrupted; HomeError where there is a node already."""
        secret = passphrase if passphrase is not None else os.environ.get("CHENGYI_PASSPHRASE")
        titles = Titles(zh, en, department)
        make_home(Home(home.absolute()), id, titles, fonds=fonds, demonstration=demonstration, passphrase=secret)
        node = cls(home, clock, passphrase)
        node._prepare()
        return node

    def _prepare(self) -> None:
        """Put the making of this node on record and certify its stores, as far as that was not done before."""
        from chengyi.node.certificates import prepare_stores

        self._witness_creation()
        prepare_stores(self)

    def _witness_creation(self) -> None:
        """Put the making of this node on record, unless it is there."""
        name = f"node:{self.settings.node.id}"
        if not self.audit.entries(object=name, kind=ActKind.CREATED.value, limit=1):
            self.audit.record(Act(ActKind.CREATED, self.actor.id, name, {"verifier": self.keys.verifier}))

    @cached_property
    def rows(self) -> Rows:
        """The node's rows, brought to the present schema."""
        from chengyi.store.migrations import upgrade

        url = from_environment(self.settings.rows.url, "rows.url") or f"sqlite:///{self.home.rows}"
        rows = Rows(url)
        upgrade(rows)
        return rows

    @cached_property
    def tables(self) -> "Tables":
        """The lake and its engine, started at first use."""
        return cast("Tables", _Lazy(self._start_tables))

    def _start_tables(self) -> "Tables":
        from chengyi.store.tables import DuckTables

        return DuckTables(self.home.lake, self.settings.tables.memory)

    @cached_property
    def keys(self) -> "Keys":
        """The node's keys."""
        from chengyi.trust.keys import FileKeys
        from chengyi.trust.selftest import self_test_once

        self_test_once()
        return FileKeys.open(self.home.keys, self._passphrase)

    @cached_property
    def authority(self) -> "Authority":
        """The node's authority: it issues where a region's key is here, and checks in any case."""
        from chengyi.node.certificates import authority_of

        return authority_of(self)

    @cached_property
    def certifier(self) -> "StoreCertifier":
        """Who certifies the node's stores."""
        from chengyi.node.certificates import StoreCertifier

        return StoreCertifier(self)

    @cached_property
    def vault(self) -> "FragmentVault":
        """The only door to stored bytes."""
        from chengyi.node.stores import open_vault

        return open_vault(self, self.refusals)

    @cached_property
    def refusals(self) -> "Refusals":
        """Fragments that were refused, until they are put on record."""
        from chengyi.trust.vault.refusals import Refusals

        return Refusals(self.actor.id)

    @cached_property
    def ledger(self) -> "FileLedger":
        """The witness of what was done."""
        from chengyi.trust.ledger.log import FileLedger

        return FileLedger(self.home.ledger, self.keys, self.settings.node.id, self.clock)

    @cached_property
    def audit(self) -> "LedgerAudit":
        """The one way to put an act on record."""
        from chengyi.trust.audit.acts import LedgerAudit

        return LedgerAudit(self.rows, self.ledger, self.clock)

    @cached_property
    def witness(self) -> "Witness":
        """The witness that this node is for others' ledgers."""
        from chengyi.node.witnessing import make_witness

        return make_witness(self)

    @cached_property
    def publisher(self) -> "Publisher":
        """Who takes the ledger's checkpoints to its witnesses."""
        from chengyi.node.witnessing import make_publisher

        return make_publisher(self)

    @cached_property
    def anchoring(self) -> "Anchoring":
        """Who stamps and anchors the ledger's checkpoints."""
        from chengyi.node.anchoring import Anchoring

        return Anchoring(self)

    @cached_property
    def messages(self) -> "MessageVerifier":
        """Who checks the signed requests of other nodes."""
        from chengyi.node.messaging import make_verifier

        return make_verifier(self)

    @cached_property
    def collect(self) -> "Collect":
        """Bring in."""
        from chengyi.collect import Collect, load_sources

        sources = load_sources(self.home.sources, self.home.path)
        return Collect(self.rows, self.vault, self.audit, self.clock, sources, self.home.path)

    @cached_property
    def archive(self) -> "Archive":
        """Keep."""
        from chengyi.archive import Archive

        return Archive(self.rows, self.vault, self.audit, self.clock, self.collect, verifier=self.keys.verifier)

    @cached_property
    def integrate(self) -> "Integrate":
        """Make one."""
        from chengyi.integrate import Integrate

        sources = self.collect.sources
        return Integrate(self.rows, self.tables, self.keys, self.audit, self.clock, self.archive, sources)

    @cached_property
    def share(self) -> "Share":
        """Let use."""
        from chengyi.share import Share

        return Share(
            self.rows, self.keys, self.audit, self.clock, self.integrate, self.archive, gaps=self.collect.completeness
        )

    @cached_property
    def brain(self) -> "Brain":
        """Decide."""
        from chengyi.brain import Brain

        return Brain(self.rows, self.audit, self.clock, self.share, self, self.actor)

    def run(self, reporter: Reporter) -> RunReport:
        """Bring the river up to date, room by room; where nothing is new, nothing changes."""
        with self.home.lock(), self.refusals.settled(self.audit):
            self._witness_creation()
            report = RunReport(
                collect=self.collect.collect(self.actor, reporter),
                archive=self.archive.keep_pending(self.actor, reporter),
                integrate=self.integrate.update(self.actor, reporter),
                link=self.integrate.link(self.actor, reporter),
                published=self.share.publish(self.actor),
                brain=self.brain.compute(reporter),
            )
        return replace(report, witnessing=publish(self), anchoring=self.anchoring.after_run())

    def status(self) -> Status:
        """Return counts and gaps of every room, by a few cheap queries."""
        return status_of(self)

    def verify(self, reporter: Reporter) -> VerifyReport:
        """Check the whole home offline: the ledger, every act's body, every stored byte, every package."""
        return verify_home(self, reporter)

    def file(self, sequence: str, record: bytes, event_time: datetime) -> str:
        """File one of the brain's records as a delivery of the node's own source, and archive it at once."""
        from chengyi.model.reporter import SilentReporter

        submission = self.collect.submit(
            FILED, sequence, record, f"{sequence}.json", "application/json", event_time, self.actor
        )
        self.archive.keep_pending(self.actor, SilentReporter())
        return submission.id

    def close(self) -> None:
        """Let go of the database and the engine."""
        for name in ("anchoring", "tables", "rows"):
            part = self.__dict__.pop(name, None)
            if part is not None:
                part.close()


class _Lazy:
    """Stands for a part until someone uses it."""

    def __init__(self, make: Any) -> None:  # noqa: ANN401 - a factory of any part
        self._make = make
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the part has
        if self._made is None:
            if name == "close":
                return lambda: None
            self._made = self._make()
        return getattr(self._made, name)
