"""Reading and writing submissions as rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, exists, select, update

from chengyi.collect.delivery import Refusal
from chengyi.collect.rows import components, deliveries_refused, delivery_marks, submissions
from chengyi.collect.rules import Known
from chengyi.model.submission import Component, Submission, SubmissionState
from chengyi.model.text import Text
from chengyi.store.rows import insert_new, upsert

_PORTION = 500


def put(connection: Connection, taken: Sequence[tuple[Submission, int]], actor: str) -> None:
    """Write submissions (each with its ordinal under its sequence); those already there stay as they are."""
    insert_new(connection, submissions, [_row(submission, ordinal, actor) for submission, ordinal in taken])
    files = [
        {
            "submission": submission.id,
            "path": each.path,
            "size": each.size,
            "sha256": each.sha256,
            "media_type": each.media_type,
            "object": each.object,
        }
        for submission, _ in taken
        for each in submission.components
    ]
    insert_new(connection, components, files)


def put_marks(connection: Connection, source: str, marks: Mapping[str, tuple[str, int]]) -> None:
    """Remember by which signs deliveries were last seen."""
    rows = [
        {"source": source, "name": name, "mark": mark, "deliveries": count} for name, (mark, count) in marks.items()
    ]
    upsert(connection, delivery_marks, rows)


def marks(connection: Connection, source: str) -> dict[str, tuple[str, int]]:
    """Return name -> (mark, deliveries) of one source."""
    query = select(delivery_marks).where(delivery_marks.c.source == source)
    return {row.name: (row.mark, row.deliveries) for row in connection.execute(query)}


def histories(connection: Connection, source: str, sequence: str | None = None) -> dict[str, list[Known]]:
    """Return the earlier submissions of a source by sequence, oldest first."""
    query = select(submissions.c.sequence, submissions.c.id, submissions.c.digest, submissions.c.state)
    query = query.where(submissions.c.source == source).order_by(submissions.c.ordinal)
    if sequence is not None:
        query = query.where(submissions.c.sequence == sequence)
    found: dict[str, list[Known]] = {}
    for name, id, digest, state in connection.execute(query):
        found.setdefault(name, []).append(Known(id, digest, SubmissionState(state)))
    return found


def find(
    connection: Connection,
    *where: ColumnElement[bool],
    newest: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[Submission]:
    """Return submissions with their components, in the order in which they were witnessed."""
    order = (submissions.c.entry, submissions.c.captured_at, submissions.c.id)
    query = select(submissions).where(*where).order_by(*(each.desc() if newest else each for each in order))
    if limit is not None:
        query = query.limit(limit).offset(offset)
    rows = connection.execute(query).all()
    files = _components(connection, [row.id for row in rows])
    return [_submission(row, files.get(row.id, ())) for row in rows]


def unresolved(source: str = "") -> tuple[ColumnElement[bool], ...]:
    """Return the condition for what is in quarantine and was not put right by a later delivery."""
    ours = (submissions.c.source == source,) if source else ()
    quarantined = SubmissionState.QUARANTINED.value
    later = submissions.alias("later")
    same = (later.c.source == submissions.c.source) & (later.c.sequence == submissions.c.sequence)
    after = same & (later.c.ordinal > submissions.c.ordinal) & (later.c.state != quarantined)
    return *ours, submissions.c.state == quarantined, ~exists().where(after), ~_opened_since()


def _opened_since() -> ColumnElement[bool]:
    """Tell whether an archive file was set aside, and in another state since all its entries were taken."""
    entries, whole = delivery_marks.alias("entries"), delivery_marks.alias("whole")
    itself = (whole.c.source == submissions.c.source) & (whole.c.name == submissions.c.sequence)
    inside = (entries.c.source == submissions.c.source) & (entries.c.name == submissions.c.sequence + "!/")
    return exists().where(inside & ~exists().where(itself & (whole.c.mark == entries.c.mark)))


def refusals(connection: Connection, source: str) -> list[Refusal]:
    """Return what a source was refused and did not deliver since."""
    table = deliveries_refused.c
    taken = exists().where(submissions.c.source == table.source, submissions.c.sequence == table.name)
    query = select(deliveries_refused).where(table.source == source, ~taken).order_by(table.name, table.code)
    return [Refusal(row.name, row.code, Text(row.reason, row.reason)) for row in connection.execute(query)]


def witness(connection: Connection, entries: Iterable[tuple[str, int]]) -> None:
    """Write down under which ledger entry each submission was received."""
    rows = [{"this": id, "at": entry} for id, entry in entries]
    if rows:
        target = submissions.c.id == bindparam("this")
        connection.execute(update(submissions).where(target).values(entry=bindparam("at")), rows)


def settle(connection: Connection, ids: Sequence[str], state: SubmissionState, reason: str) -> None:
    """Give submissions a state."""
    for start in range(0, len(ids), _PORTION):
        some = submissions.c.id.in_(ids[start : start + _PORTION])
        connection.execute(update(submissions).where(some).values(state=state.value, reason=reason))


def renewed(submission: Submission, prior: str | None) -> Submission:
    """Return a submission as it waits for the archive again."""
    return replace(submission, state=SubmissionState.RECEIVED, reason="", prior=prior)


def _components(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[Component, ...]]:
    found: dict[str, tuple[Component, ...]] = {}
    for start in range(0, len(ids), _PORTION):
        some = components.c.submission.in_(ids[start : start + _PORTION])
        for row in connection.execute(select(components).where(some).order_by(components.c.path)):
            one = Component(row.path, row.size, row.sha256, row.media_type, row.object)
            found[row.submission] = (*found.get(row.submission, ()), one)
    return found


def _submission(row: Row[Any], files: tuple[Component, ...]) -> Submission:
    return Submission(
        id=row.id,
        source=row.source,
        sequence=row.sequence,
        digest=row.digest,
        components=files,
        event_time=row.event_time,
        captured_at=row.captured_at,
        prior=row.prior,
        state=SubmissionState(row.state),
        reason=row.reason,
    )


def _row(submission: Submission, ordinal: int, actor: str) -> dict[str, object]:
    return {
        "id": submission.id,
        "source": submission.source,
        "sequence": submission.sequence,
        "digest": submission.digest,
        "event_time": submission.event_time,
        "captured_at": submission.captured_at,
        "captured_by": actor,
        "prior": submission.prior,
        "state": submission.state.value,
        "reason": submission.reason,
        "bytes": submission.size,
        "ordinal": ordinal,
        "entry": None,
    }
