"""Tracing: everything on record of an actor, an object, a session or a certificate, each act with its proof.

Keeps promises 4 (always witnessed) and 6 (never silently partial). Rules:

1. One indexed query finds the acts; the span of time is cut out in the index.
2. No row is believed: the body's digest leads by its audit path to the root of one signed checkpoint, and the columns
   by which the act was found say what the body says. The first that does not is refused, and nothing is returned.
3. All receipts of one trace are under the same checkpoint, so that they are checked, and kept, together: the latest
   that witnesses cosigned, where it reaches every act.
4. An answer that ends before its last act says where to go on; entries of the ledger that have no body, and might be
   of the one who is traced, are named by `LedgerAudit.completeness`, and hidden columns are found by `check`.
5. An erased act is not found by those whom it concerned; found by its time or number, it shows its erasure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select

from chengyi.model.act import Entry
from chengyi.model.errors import UsageError
from chengyi.trust.audit.bodies import Bodies, Row, stated
from chengyi.trust.audit.rows import acts
from chengyi.trust.body import entry_bytes
from chengyi.trust.ledger.merkle import leaf_hash, verify_inclusion
from chengyi.trust.ports import Checkpoint, Ledger, Receipt

MOST = 10_000
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Asked:
    """What a trace is about: at least one of the four, within ``[since, until)``; all that are set must hold."""

    actor: str = ""
    object: str = ""
    session: str = ""
    certificate: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def named(self) -> dict[str, str]:
        """Return what is set, by column."""
        columns = ("actor", "object", "session", "certificate")
        return {name: value for name in columns if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class Trace:
    """The acts that were found, oldest first (or newest first), each with its receipt under one checkpoint.

    `cursor` is where to go on, or None where nothing is left.
    """

    asked: Asked
    checkpoint: Checkpoint
    entries: tuple[Entry, ...]
    receipts: tuple[Receipt, ...]
    cursor: int | None


def trace(
    bodies: Bodies, ledger: Ledger, asked: Asked, *, limit: int, cursor: int | None = None, newest: bool = False
) -> Trace:
    """Return at most `limit` acts after `cursor`; UsageError, IntegrityError."""
    if not asked.named or not 0 < limit <= MOST:
        raise UsageError(why=f"追溯须指明行为人、对象、会话或证书，每次至多 {MOST} 条 (say whom or what to trace)")
    found = bodies.select(_query(asked, limit + 1, cursor, newest))
    shown = found[:limit]
    checkpoint = _checkpoint(ledger, shown)
    entries, receipts = prove(ledger, checkpoint, shown)
    return Trace(asked, checkpoint, entries, receipts, shown[-1]["entry"] if len(found) > limit else None)


def prove(ledger: Ledger, checkpoint: Checkpoint, rows: Sequence[Row]) -> tuple[tuple[Entry, ...], tuple[Receipt, ...]]:
    """Return entries and receipts of rows, each verified up to the root of the checkpoint; IntegrityError."""
    entries = tuple(map(stated, rows))
    receipts = []
    proofs = list(_proofs(ledger, [each.index for each in entries], checkpoint.size))
    for row, entry, proof in zip(rows, entries, proofs, strict=True):
        body = row["body"].encode()
        verify_inclusion(entry.index, checkpoint.size, leaf_hash(entry_bytes(body)), proof, checkpoint.root)
        receipts.append(Receipt(entry.index, body, proof, checkpoint))
    return entries, tuple(receipts)


def _checkpoint(ledger: Ledger, rows: Sequence[Row]) -> Checkpoint:
    """Return the latest cosigned checkpoint where it reaches all rows, else the latest."""
    cosigned = ledger.cosigned()
    if cosigned is None or any(row["entry"] >= cosigned.size for row in rows):
        return ledger.checkpoint()
    return cosigned


def _proofs(ledger: Ledger, indexes: Sequence[int], size: int) -> Iterator[tuple[bytes, ...]]:
    """Yield audit paths, asked for some at a time, so that the tiles of one request stay at hand until it is done."""
    for start in range(0, len(indexes), _AT_ONCE):
        yield from ledger.inclusions(indexes[start : start + _AT_ONCE], size)


def _query(asked: Asked, limit: int, cursor: int | None, newest: bool) -> Select[tuple[object, ...]]:
    entry = acts.c.entry
    where: list[ColumnElement[bool]] = [acts.c[name] == value for name, value in asked.named.items()]
    if asked.since is not None:
        where.append(acts.c.at >= asked.since)
    if asked.until is not None:
        where.append(acts.c.at < asked.until)
    if cursor is not None:
        where.append(entry < cursor if newest else entry > cursor)
    return select(acts).where(*where).order_by(entry.desc() if newest else entry).limit(limit)
