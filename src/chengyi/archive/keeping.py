"""Keeping: from a pending submission to a package that the ledger witnesses.

Keeps promise 1: archived first, promise 2: never altered, and promise 8: bad input loses nothing. For each batch:

1. Every submission is read back and checked; nothing is written yet.
2. One transaction takes the numbers, stores the inventories through the vault, and writes the packages, unseen.
3. One call puts all acts on record: kept ones and those set aside.
4. One transaction gives each package its ledger entry, which makes it visible, and settles the submissions.

A crash between any two steps leaves submissions pending; the next run takes up packages that step 2 wrote, looks for
acts that step 3 recorded, and doubles neither a package nor a number nor an act.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, update

from chengyi.archive.examine import Examined, Examiner
from chengyi.archive.holdings import insert_packages, load, replace_checks
from chengyi.archive.ports import Deliveries
from chengyi.archive.rows import packages
from chengyi.archive.rules import CODE_ITEMS, CONTENT_ITEMS, failures, in_order, judge, reason_of
from chengyi.archive.search import insert_texts, retire_texts
from chengyi.archive.shelf import Shelf
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor
from chengyi.model.archival_code import CodeStyle
from chengyi.model.clock import Clock
from chengyi.model.errors import NotFoundError
from chengyi.model.package import Check, Package
from chengyi.model.reporter import Reporter, Step
from chengyi.model.submission import Submission, SubmissionState
from chengyi.model.text import Text
from chengyi.store.rows import Rows
from chengyi.trust.ports import Audit, Vault

BATCH = 200


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What one run of the archive did; `waiting` names submissions whose source is no longer configured."""

    kept: int = 0
    versions: int = 0
    set_aside: int = 0
    files: int = 0
    bytes: int = 0
    rows: int = 0
    rejected: int = 0
    waiting: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Tell whether anything was kept or set aside."""
        return bool(self.kept or self.set_aside)


@dataclass(slots=True)
class _Batch:
    """One batch on its way: what is to be kept, what is set aside, what an earlier run wrote already."""

    kept: list[Package] = field(default_factory=list)
    recovered: list[Package] = field(default_factory=list)
    aside: list[tuple[Submission, str]] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    checks: dict[str, Sequence[Check]] = field(default_factory=dict)
    priors: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, str] = field(default_factory=dict)


class Keeper:
    """Keeps what waits; `style` is the style of new archival codes."""

    def __init__(
        self,
        rows: Rows,
        vault: Vault,
        audit: Audit,
        *,
        clock: Clock,
        collect: Deliveries,
        examiner: Examiner,
        style: CodeStyle = CodeStyle.DAT13,
    ) -> None:
        self._rows = rows
        self._vault = vault
        self._audit = audit
        self._clock = clock
        self._collect = collect
        self._examiner = examiner
        self._style = style

    def keep_pending(self, actor: Actor, reporter: Reporter) -> ArchiveReport:
        """Keep or set aside every pending submission, in batches; safe to repeat."""
        pending = self._collect.pending()
        batches = []
        with reporter.step(Text("四性检测与归档", "Four-property checks and keeping"), len(pending)) as step:
            for start in range(0, len(pending), BATCH):
                batch = self._keep(pending[start : start + BATCH], actor, step)
                batches.append(_count(batch))
        return _sum(batches)

    def _keep(self, submissions: Sequence[Submission], actor: Actor, step: Step) -> _Batch:
        batch = _Batch()
        batch.recovered = self._written(submissions)
        taken = {package.submission for package in batch.recovered}
        accepted = list(self._examine([each for each in submissions if each.id not in taken], batch, step))
        step.advance(len(taken))
        with self._rows.begin() as connection:
            self._write(connection, accepted, actor, batch)
        entries = self._witness(batch, actor)
        with self._rows.begin() as connection:
            self._settle(connection, batch, entries)
        return batch

    def _written(self, submissions: Sequence[Submission]) -> list[Package]:
        """Return packages that an earlier run wrote for these submissions, but did not finish."""
        ids = [each.id for each in submissions]
        with self._rows.read() as connection:
            return load(connection, select(packages).where(packages.c.submission.in_(ids)))

    def _examine(self, submissions: Sequence[Submission], batch: _Batch, step: Step) -> Iterator[Examined]:
        for submission in submissions:
            try:
                source = self._collect.source(submission.source)
            except NotFoundError:
                batch.waiting.append(submission.id)
                continue
            examined = self._examiner.examine(submission, source)
            checks = judge(examined.facts, CONTENT_ITEMS)
            batch.checks[submission.id] = checks
            if failures(checks):
                batch.aside.append((submission, reason_of(checks)))
            else:
                yield examined
            step.advance()

    def _write(self, connection: Connection, accepted: Sequence[Examined], actor: Actor, batch: _Batch) -> None:
        ids = [each.submission.id for each in accepted]
        query = select(packages.c.submission).where(packages.c.submission.in_(ids))
        others = set(connection.execute(query).scalars())
        accepted = [each for each in accepted if each.submission.id not in others]
        for submission in others:
            batch.checks.pop(submission)
        shelf = Shelf(connection, self._vault, accepted, self._style)
        texts: list[tuple[Package, str]] = []
        for examined in accepted:
            checks = in_order([*batch.checks[examined.submission.id], *judge(shelf.facts(examined), CODE_ITEMS)])
            batch.checks[examined.submission.id] = checks
            if failures(checks):
                batch.aside.append((examined.submission, reason_of(checks)))
            else:
                package = shelf.add(examined, checks, actor, self._clock.now())
                batch.kept.append(package)
                texts.append((package, examined.text))
        batch.priors = shelf.priors
        stored = shelf.store()
        batch.manifests = {ref: each.manifest for ref, each in stored.items()}
        insert_packages(connection, batch.kept, actor.id, {ref: each.object for ref, each in stored.items()})
        replace_checks(connection, batch.checks)
        insert_texts(connection, texts)

    def _witness(self, batch: _Batch, actor: Actor) -> dict[str, int]:
        """Put on record what is not yet, and return the ledger entry of each ref."""
        entries = {each.ref: self._entry_of(each) for each in batch.recovered}
        new = [*batch.kept, *(each for each in batch.recovered if entries[each.ref] < 0)]
        acts = [
            _kept_act(
                each, batch.priors.get(each.ref, ""), batch.manifests.get(each.ref) or self._manifest(each), actor
            )
            for each in new
        ]
        acts += [_aside_act(each, why, actor) for each, why in batch.aside if not self._told(each)]
        indexes = self._audit.record_all(acts) if acts else []
        return entries | dict(zip((each.ref for each in new), indexes, strict=False))

    def _entry_of(self, package: Package) -> int:
        if package.entry >= 0:
            return package.entry
        found = self._audit.entries(object=package.ref, kind=ActKind.KEPT.value, limit=1)
        return found[0].index if found and found[0].act.detail.get("inventory") == package.inventory else -1

    def _manifest(self, package: Package) -> str:
        """Return the manifest of an inventory that an earlier run stored."""
        with self._rows.read() as connection:
            query = select(packages.c.inventory_object).where(packages.c.ref == package.ref)
            return self._vault.manifest(connection.execute(query).scalar_one())

    def _told(self, submission: Submission) -> bool:
        """Tell whether the last thing on record about a submission here is that it was set aside."""
        found = self._audit.entries(object=submission.id, kind="archive.", limit=1)
        return bool(found) and found[0].act.kind is ActKind.SET_ASIDE

    def _settle(self, connection: Connection, batch: _Batch, entries: Mapping[str, int]) -> None:
        done = [*batch.kept, *batch.recovered]
        for package in done:
            here = (packages.c.ref == package.ref) & packages.c.entry.is_(None)
            connection.execute(update(packages).where(here).values(entry=entries[package.ref]))
        retire_texts(connection, done)
        if done:
            self._collect.settle(connection, [each.submission for each in done], SubmissionState.ARCHIVED)
        for submission, why in batch.aside:
            self._collect.settle(connection, [submission.id], SubmissionState.QUARANTINED, why)


def _kept_act(package: Package, prior: str, manifest: str, actor: Actor) -> Act:
    seal = package.seal
    detail = {
        "archival_code": package.archival_code,
        "inventory": package.inventory,
        "manifest": manifest,
        "prior": prior or None,
        "root": seal.root if seal else "",
        "rows": seal.rows if seal else 0,
        "source": package.source,
        "submission": package.submission,
    }
    return Act(ActKind.KEPT, actor.id, package.ref, detail)


def _aside_act(submission: Submission, why: str, actor: Actor) -> Act:
    detail = {"digest": submission.digest, "reason": why, "source": submission.source, "sequence": submission.sequence}
    return Act(ActKind.SET_ASIDE, actor.id, submission.id, detail)


def _count(batch: _Batch) -> ArchiveReport:
    done = [*batch.kept, *batch.recovered]
    seals = [each.seal for each in done if each.seal]
    return ArchiveReport(
        kept=len(done),
        versions=sum(each.version > 1 for each in done),
        set_aside=len(batch.aside),
        files=sum(len(each.components) for each in done),
        bytes=sum(file.size for each in done for file in each.components),
        rows=sum(seal.rows for seal in seals),
        rejected=sum(seal.rejected for seal in seals),
        waiting=tuple(batch.waiting),
    )


def _sum(reports: Sequence[ArchiveReport]) -> ArchiveReport:
    numbers = {
        name: sum(getattr(each, name) for each in reports) for name in ArchiveReport.__slots__ if name != "waiting"
    }
    return ArchiveReport(**numbers, waiting=tuple(name for each in reports for name in each.waiting))
