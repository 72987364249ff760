"""The use cases of collection.

Keeps promise 6: never silently partial (every source has its outcome, completeness and account), and promise 8:
bad input loses nothing (one bad source never stops the others; what is set aside keeps its reason).
"""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from sqlalchemy import Connection, update

from chengyi.collect import shelf
from chengyi.collect.account import SourceCounts, account_of, completeness_of, counts_of
from chengyi.collect.delivery import Delivery, Refusal
from chengyi.collect.intake import Intake, heal
from chengyi.collect.report import Account, CollectReport, SourceCheck, SourceOutcome, Tally
from chengyi.collect.rows import submissions as submissions_table
from chengyi.collect.rules import name_fault, safe_path
from chengyi.collect.run import SourceRun
from chengyi.collect.sources import Source
from chengyi.collect.trial import try_source
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor, Permission
from chengyi.model.clock import Clock
from chengyi.model.errors import NotFoundError, UsageError
from chengyi.model.evidence import Completeness
from chengyi.model.reporter import Reporter
from chengyi.model.submission import Submission, SubmissionState
from chengyi.model.text import Text
from chengyi.store.rows import Rows
from chengyi.trust.ports import Audit, Vault

__all__ = ["Account", "Collect", "CollectReport", "SourceCheck", "SourceOutcome", "Tally"]


class Collect:
    """Brings in what the sources deliver."""

    def __init__(  # noqa: PLR0917
        self, rows: Rows, vault: Vault, audit: Audit, clock: Clock, sources: Sequence[Source], home: Path
    ) -> None:
        self.sources = tuple(sources)
        self._rows, self._vault, self._audit, self._clock, self._home = rows, vault, audit, clock, home

    def source(self, id: str) -> Source:
        """Return one source; NotFoundError where there is none of that id."""
        for source in self.sources:
            if source.id == id:
                return source
        raise NotFoundError(kind="来源 source", id=id)

    def check(self, id: str) -> SourceCheck:
        """Try a source without taking anything; what is wrong with it is in the result, never raised."""
        return try_source(self.source(id), self._home)

    def collect(self, actor: Actor, reporter: Reporter, only: Sequence[str] = ()) -> CollectReport:
        """Take what is new of all sources, or of `only` these; a source that fails is reported and left."""
        actor.require(Permission.COLLECT)
        chosen = [self.source(id) for id in only] if only else self.sources
        heal(self._rows, self._vault, self._audit)
        outcomes: list[SourceOutcome] = []
        with reporter.step(Text("收集", "Collect"), len(chosen)) as step:
            for source in chosen:
                outcomes.append(SourceRun(self._intake(source, actor), source, self._home, step).run())
                step.advance()
        return CollectReport(tuple(outcomes))

    def submit(  # noqa: PLR0917
        self,
        source: str,
        sequence: str,
        data: bytes,
        name: str,
        media_type: str,
        event_time: datetime,
        actor: Actor,
    ) -> Submission:
        """Take one record of the node's own into a `filed` source; the same record again gives the same submission.

        The caller answers for the actor's permission. Raises UsageError for another kind of source or a bad name.
        """
        into = self.source(source)
        if into.kind != "filed":
            raise UsageError(why=f"来源 {source} 不接收归档件 (the source is not of kind filed)")
        if name_fault(name) is not None or name_fault(sequence) is not None:
            raise UsageError(why="名称不合要求 (the name is not acceptable)")
        heal(self._rows, self._vault, self._audit)
        intake = self._intake(into, actor)
        opener = lambda: cast("BinaryIO", BytesIO(data))  # noqa: E731 - one use
        taken = intake.take(Delivery(sequence, safe_path(name), media_type, event_time, opener))[1]
        intake.flush()
        return taken if taken is not None else self._latest(source, sequence, data)

    def pending(self) -> list[Submission]:
        """Return what waits for the archive, oldest first; only what the ledger has witnessed."""
        table = submissions_table.c
        with self._rows.read() as connection:
            return shelf.find(connection, table.state == SubmissionState.RECEIVED.value, table.entry.is_not(None))

    def submission(self, id: str) -> Submission:
        """Return one submission; NotFoundError where there is none."""
        with self._rows.read() as connection:
            found = shelf.find(connection, submissions_table.c.id == id)
        if not found:
            raise NotFoundError(kind="报送 submission", id=id)
        return found[0]

    def submissions(
        self, source: str = "", state: SubmissionState | None = None, limit: int = 100, offset: int = 0
    ) -> list[Submission]:
        """Return submissions, newest first."""
        table = submissions_table.c
        where = [table.source == source] if source else []
        where += [] if state is None else [table.state == state.value]
        with self._rows.read() as connection:
            return shelf.find(connection, *where, newest=True, limit=limit, offset=offset)

    def aside(self, source: str = "", limit: int = 100) -> list[Submission]:
        """Return what waits in quarantine, newest first; what a later delivery under its name put right is left out."""
        with self._rows.read() as connection:
            return shelf.find(connection, *shelf.unresolved(source), newest=True, limit=limit)

    def refusals(self, source: str) -> list[Refusal]:
        """Return what could not be taken at all, by name; what was taken since under that name is left out."""
        with self._rows.read() as connection:
            return shelf.refusals(connection, source)

    def settle(self, connection: Connection, ids: Sequence[str], state: SubmissionState, reason: str = "") -> None:
        """Write down what the archive decided, within its own transaction."""
        shelf.settle(connection, ids, state, reason)

    def release(self, id: str, actor: Actor) -> Submission:
        """Take a submission out of quarantine, as a new version of what is accepted under its sequence by now.

        UsageError where it is not in quarantine.
        """
        actor.require(Permission.KEEP_RECORDS)
        submission = self.submission(id)
        if submission.state is not SubmissionState.QUARANTINED:
            raise UsageError(why=f"{id} 不在隔离区 (it is not in quarantine)")
        with self._rows.read() as connection:
            history = shelf.histories(connection, submission.source, submission.sequence)[submission.sequence]
        accepted = [each for each in history if each.state is not SubmissionState.QUARANTINED]
        released = shelf.renewed(submission, accepted[-1].id if accepted else None)
        detail = {"source": released.source, "prior": released.prior, "reason": submission.reason}
        self._audit.record(Act(ActKind.RELEASED, actor.id, id, detail))
        with self._rows.begin() as connection:
            values = {"state": released.state.value, "reason": "", "prior": released.prior, "ordinal": len(history) + 1}
            connection.execute(update(submissions_table).where(submissions_table.c.id == id).values(values))
        return released

    def completeness(self, source: str) -> Completeness:
        """Compare what a source owes with what was accepted of it."""
        with self._rows.read() as connection:
            return completeness_of(connection, self.source(source))

    def counts(self) -> dict[str, SourceCounts]:
        """Return the submissions of each source, counted by state; a source that handed nothing over is left out."""
        with self._rows.read() as connection:
            return counts_of(connection)

    def account(self, source: str) -> Account:
        """Return the account of a source: received = archived + quarantined, in counts, bytes and digests."""
        with self._rows.read() as connection:
            return account_of(connection, self.source(source).id)

    def _intake(self, source: Source, actor: Actor) -> Intake:
        return Intake(self._rows, self._vault, self._audit, self._clock, source, actor.id)

    def _latest(self, source: str, sequence: str, data: bytes) -> Submission:
        import hashlib

        digest = hashlib.sha256(data).hexdigest()
        table = submissions_table.c
        with self._rows.read() as connection:
            found = shelf.find(connection, table.source == source, table.sequence == sequence, newest=True)
        return next(each for each in found if any(file.sha256 == digest for file in each.components))
