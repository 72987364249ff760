"""Taking deliveries in: bytes straight into the vault, then rows, then the witness.

Keeps promise 4 (always witnessed) and promise 8 (bad input loses nothing, a repeat changes nothing). Rules:

1. Bytes go into the vault while they are hashed; there is no plain copy. A delivery that was seen before is hashed
   first, and stored only where it changed.
2. The bytes of up to `PORTION` deliveries are made durable by one flush, then their rows are committed, then their
   acts are recorded, then each submission is given its ledger entry. Only then is it pending.
3. A crash before the commit leaves vault objects that nothing names, and the next run takes the deliveries again;
   a crash after it leaves submissions without entry, and the next run looks for their acts before it records any.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import BinaryIO

from sqlalchemy import select, update

from chengyi.collect import shelf
from chengyi.collect.delivery import Delivery, Refusal
from chengyi.collect.rows import deliveries_refused, submissions
from chengyi.collect.rules import CHANGED_UNDER_SEQUENCE, Judgement, Known, bilingual, judge
from chengyi.collect.sources import Source
from chengyi.model.act import Act, ActKind
from chengyi.model.clock import Clock
from chengyi.model.submission import Component, Submission, SubmissionState, submission_digest, submission_id
from chengyi.store.rows import Rows, insert_new
from chengyi.trust.ports import Audit, Vault

PORTION = 200
_CHUNK = 1 << 20


class Intake:
    """Takes the deliveries of one source, portion by portion."""

    def __init__(self, rows: Rows, vault: Vault, audit: Audit, clock: Clock, source: Source, actor: str) -> None:  # noqa: PLR0917
        self._rows, self._vault, self._audit, self._clock = rows, vault, audit, clock
        self._source, self._actor = source, actor
        self._taken: list[tuple[Submission, int]] = []
        self._manifests: dict[str, str] = {}
        self._refused: list[Refusal] = []
        self._new_marks: dict[str, tuple[str, int]] = {}
        with rows.read() as connection:
            self._history = shelf.histories(connection, source.id)
            self._marks = shelf.marks(connection, source.id)

    def known(self, name: str, mark: str) -> int:
        """Return how many deliveries stand behind a name that was seen with this very mark, or 0."""
        there = self._marks.get(name)
        return there[1] if there is not None and mark and there[0] == mark else 0

    def remember(self, name: str, mark: str, deliveries: int = 1) -> None:
        """Remember a mark with the next flush."""
        if mark and self._marks.get(name) != (mark, deliveries):
            self._marks[name] = self._new_marks[name] = (mark, deliveries)

    def take(self, delivery: Delivery) -> tuple[Judgement, Submission | None]:
        """Take one delivery; what is unchanged gives no submission. Raises what its stream and the vault raise."""
        history = self._history.get(delivery.sequence, [])
        if history:
            with delivery.open() as stream:
                digest = submission_digest((_component(delivery, *_measure(stream), ""),))
            judgement, _ = judge(history, digest, self._source.changed)
            if judgement is Judgement.UNCHANGED:
                return judgement, None
        with delivery.open() as stream:
            stored = self._vault.put(stream, durable=False)
        component = _component(delivery, stored.size, stored.sha256, stored.object)
        self._manifests[stored.object] = stored.manifest
        judgement, prior = judge(history, submission_digest((component,)), self._source.changed)
        if judgement is Judgement.UNCHANGED:
            return judgement, None
        submission = self._submission(delivery, component, history, judgement, prior)
        self._hold(submission)
        return judgement, submission

    def refuse(self, refusal: Refusal) -> None:
        """Put on record that something could not be taken at all."""
        self._refused.append(refusal)

    @property
    def full(self) -> bool:
        """Tell whether a portion is complete."""
        return len(self._taken) + len(self._refused) >= PORTION

    def flush(self) -> None:
        """Commit what was taken, and have it witnessed."""
        taken, self._taken = self._taken, []
        refused, self._refused = self._refused, []
        marks, self._new_marks = self._new_marks, {}
        if not taken and not refused and not marks:
            return
        self._vault.sync()
        with self._rows.begin() as connection:
            shelf.put(connection, taken, self._actor)
            shelf.put_marks(connection, self._source.id, marks)
            insert_new(connection, deliveries_refused, [self._refusal_row(each) for each in refused])
        manifests, self._manifests = self._manifests, {}
        received = [submission for submission, _ in taken]
        record_received(self._rows, self._audit, received, self._actor, manifest=manifests.__getitem__)
        if refused:
            record_refused(self._rows, self._audit)

    def _hold(self, submission: Submission) -> None:
        history = self._history.setdefault(submission.sequence, [])
        history.append(Known(submission.id, submission.digest, submission.state))
        self._taken.append((submission, len(history)))

    def _submission(
        self,
        delivery: Delivery,
        component: Component,
        history: Sequence[Known],
        judgement: Judgement,
        prior: Known | None,
    ) -> Submission:
        digest = submission_digest((component,))
        fault = delivery.fault or (CHANGED_UNDER_SEQUENCE if judgement is Judgement.CONFLICT else None)
        return Submission(
            id=_fresh_id(self._source.id, delivery.sequence, digest, history),
            source=self._source.id,
            sequence=delivery.sequence,
            digest=digest,
            components=(component,),
            event_time=delivery.event_time,
            captured_at=self._clock.now(),
            prior=None if prior is None else prior.id,
            state=SubmissionState.RECEIVED if fault is None else SubmissionState.QUARANTINED,
            reason="" if fault is None else bilingual(fault),
        )

    def _refusal_row(self, refusal: Refusal) -> dict[str, object]:
        return {
            "source": self._source.id,
            "name": refusal.name,
            "code": refusal.code,
            "reason": bilingual(refusal.reason),
            "refused_at": self._clock.now(),
            "refused_by": self._actor,
            "entry": None,
        }


def record_received(
    rows: Rows, audit: Audit, received: Sequence[Submission], actor: str, *, manifest: Callable[[str], str]
) -> None:
    """Record the acts of receiving, and give each submission its ledger entry; `manifest` knows that of an object."""
    if not received:
        return
    entries = audit.record_all([_act(submission, actor, manifest) for submission in received])
    with rows.begin() as connection:
        shelf.witness(connection, zip((each.id for each in received), entries, strict=True))


def record_refused(rows: Rows, audit: Audit) -> None:
    """Record the refusals that no act witnesses yet."""
    table = deliveries_refused
    with rows.read() as connection:
        waiting = connection.execute(select(table).where(table.c.entry.is_(None))).all()
    for row in waiting:
        name = f"{row.source}/{row.name}"
        there = [each for each in audit.entries(object=name, kind=ActKind.REFUSED_INPUT.value)
                 if each.act.detail.get("code") == row.code]  # fmt: skip
        detail = {"source": row.source, "code": row.code, "reason": row.reason}
        entry = there[0].index if there else audit.record(Act(ActKind.REFUSED_INPUT, row.refused_by, name, detail))
        this = (table.c.source == row.source) & (table.c.name == row.name) & (table.c.code == row.code)
        with rows.begin() as connection:
            connection.execute(update(table).where(this).values(entry=entry))


def heal(rows: Rows, vault: Vault, audit: Audit) -> None:
    """Finish what a crash left between the rows and the ledger; acts that are there already are not repeated."""
    with rows.read() as connection:
        waiting = shelf.find(connection, submissions.c.entry.is_(None))
        actors = select(submissions.c.id, submissions.c.captured_by).where(submissions.c.entry.is_(None))
        actor_of = {row.id: row.captured_by for row in connection.execute(actors)}
    found: list[tuple[str, int]] = []
    for submission in waiting:
        there = audit.entries(object=submission.id, kind="collect.", limit=1)
        if there:
            found.append((submission.id, there[0].index))
        else:
            record_received(rows, audit, [submission], actor_of[submission.id], manifest=vault.manifest)
    if found:
        with rows.begin() as connection:
            shelf.witness(connection, found)
    record_refused(rows, audit)


def _act(submission: Submission, actor: str, manifest: Callable[[str], str]) -> Act:
    aside = submission.state is SubmissionState.QUARANTINED
    return Act(
        ActKind.REFUSED_INPUT if aside else ActKind.RECEIVED,
        actor,
        submission.id,
        {
            "source": submission.source,
            "sequence": submission.sequence,
            "digest": submission.digest,
            "manifests": [manifest(each.object) for each in submission.components],
            "bytes": submission.size,
            "prior": submission.prior,
            "reason": submission.reason,
        },
    )


def _component(delivery: Delivery, size: int, sha256: str, object: str) -> Component:
    return Component(delivery.path, size, sha256, delivery.media_type, object)


def _measure(stream: BinaryIO) -> tuple[int, str]:
    whole, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        whole.update(chunk)
        size += len(chunk)
    return size, whole.hexdigest()


def _fresh_id(source: str, sequence: str, digest: str, history: Sequence[Known]) -> str:
    """Return the id of a delivery; content that comes back after other content is another delivery."""
    plain = submission_id(source, sequence, digest)
    if all(each.id != plain for each in history):
        return plain
    return submission_id(source, f"{sequence}\0{history[-1].id}", digest)
