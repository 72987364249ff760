"""The account and the completeness of a source.

Keeps promise 6: never silently partial. The received side is what was written down at capture, one line a submission;
the other side is counted from the files themselves, by the state that their submission has now.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from chengyi.collect import rules
from chengyi.collect.report import Account, Tally
from chengyi.collect.rows import components, deliveries_refused, submissions
from chengyi.collect.sources import Source
from chengyi.model.evidence import Completeness
from chengyi.model.submission import SubmissionState


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """How many submissions a source handed over, what became of them, and when the last one came."""

    received: int = 0
    archived: int = 0
    quarantined: int = 0
    last: datetime | None = None


def counts_of(connection: Connection) -> dict[str, SourceCounts]:
    """Return the counts of every source that handed something over, in one question to the database."""
    table = submissions.c
    query = select(table.source, table.state, func.count(), func.max(table.captured_at))
    found: dict[str, dict[SubmissionState, tuple[int, datetime]]] = {}
    for source, state, count, last in connection.execute(query.group_by(table.source, table.state)):
        found.setdefault(source, {})[SubmissionState(state)] = count, last
    return {source: _counts(states) for source, states in found.items()}


def _counts(states: Mapping[SubmissionState, tuple[int, datetime]]) -> SourceCounts:
    return SourceCounts(
        received=sum(count for count, _ in states.values()),
        archived=states[SubmissionState.ARCHIVED][0] if SubmissionState.ARCHIVED in states else 0,
        quarantined=states[SubmissionState.QUARANTINED][0] if SubmissionState.QUARANTINED in states else 0,
        last=max(last for _, last in states.values()),
    )


def account_of(connection: Connection, source: str) -> Account:
    """Return the account of one source."""
    files = _files(connection, source)
    sides = {state: _tally(files[state]) for state in SubmissionState}
    received = _received(connection, source, [row for rows in files.values() for row in rows])
    refused = select(func.count()).select_from(deliveries_refused).where(deliveries_refused.c.source == source)
    waiting = sides[SubmissionState.RECEIVED]
    balanced = (
        waiting.count == 0
        and received.count == sum(side.count for side in sides.values())
        and received.bytes == sum(side.bytes for side in sides.values())
    )
    return Account(
        source=source,
        received=received,
        archived=sides[SubmissionState.ARCHIVED],
        quarantined=sides[SubmissionState.QUARANTINED],
        pending=waiting,
        refused=connection.execute(refused).scalar_one(),
        balanced=balanced,
    )


def completeness_of(connection: Connection, source: Source) -> Completeness:
    """Compare what the source owes with what was accepted; what waits in quarantine is still missing."""
    accepted = (
        select(submissions.c.sequence)
        .where(submissions.c.source == source.id, submissions.c.state != SubmissionState.QUARANTINED.value)
        .distinct()
        .order_by(submissions.c.sequence)
    )
    received = list(connection.execute(accepted).scalars())
    if source.expected is None:
        return rules.completeness(received)
    owed = source.expected
    return rules.completeness(received, deliveries=owed.deliveries, sequences=owed.sequences, names=owed.names)


_File = tuple[str, int, str]


def _files(connection: Connection, source: str) -> dict[SubmissionState, list[_File]]:
    query = (
        select(submissions.c.state, submissions.c.id, components.c.size, components.c.sha256)
        .join(components, components.c.submission == submissions.c.id)
        .where(submissions.c.source == source)
    )
    files: dict[SubmissionState, list[_File]] = {state: [] for state in SubmissionState}
    for state, submission, size, sha256 in connection.execute(query):
        files[SubmissionState(state)].append((submission, size, sha256))
    return files


def _received(connection: Connection, source: str, files: list[_File]) -> Tally:
    captured = select(func.count(), func.coalesce(func.sum(submissions.c.bytes), 0)).where(
        submissions.c.source == source
    )
    count, size = connection.execute(captured).one()
    return Tally(count, size, _digest(sha256 for _, _, sha256 in files))


def _tally(files: list[_File]) -> Tally:
    count = len({submission for submission, _, _ in files})
    return Tally(count, sum(size for _, size, _ in files), _digest(sha256 for _, _, sha256 in files))


def _digest(digests: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
