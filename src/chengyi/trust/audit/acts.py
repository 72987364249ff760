"""The audit: the one way to put an act on record.

Keeps promise 4: always witnessed. Rules:

1. An act is on record when `record` returns: its salted digest in the ledger first, its body in the rows next.
2. Many acts share one append and one transaction; all of them are on record, or the call fails. Those who record
   take turns by the database's write lock, so that every earlier act has its body before the next is witnessed.
3. A crash between ledger and rows leaves entries without bodies. They stay as they are: `completeness` names them,
   nothing invents bodies for them, and the next act that is recorded is preceded by one that says which they are.
4. A body is compared with its ledger entry whenever it is read; one that was edited is refused.
5. A ledger shorter than the acts on record was cut or exchanged, and is refused.
6. What is recorded within `acting` carries the session, certificate and address of that seat.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, func, insert, select, text, update

from chengyi.model.act import Act, ActKind, Entry, Erasure, Seat
from chengyi.model.actor import Actor
from chengyi.model.clock import Clock
from chengyi.model.errors import IntegrityError
from chengyi.model.evidence import Completeness
from chengyi.model.reporter import Reporter, SilentReporter
from chengyi.model.text import Text
from chengyi.store.rows import Rows
from chengyi.trust.audit import gaps
from chengyi.trust.audit.bodies import Bodies, Row
from chengyi.trust.audit.erasure import NOTHING, erasing_act, scrub
from chengyi.trust.audit.rows import acts as acts_table
from chengyi.trust.audit.trace import Asked, Trace, prove, trace
from chengyi.trust.body import SALT_SIZE, entry_bytes, render_body
from chengyi.trust.ledger.receipts import gather
from chengyi.trust.ledger.verify import Fault
from chengyi.trust.ports import Ledger, Receipt

_PAGE = 1_000
_KINDS = frozenset(ActKind)
_SET_BACK = timedelta(hours=1)
"""How far a clock may be set back for `between` to find all acts still."""
_TURN = 0x6368656E67796933
"""The advisory lock by which those who record take turns in PostgreSQL."""


class LedgerAudit:
    """Keeps the port `trust.ports.Audit`.

    `record` and `erase` open their own write transaction: call them outside of one, never within.
    """

    def __init__(self, rows: Rows, ledger: Ledger, clock: Clock) -> None:
        self._rows = rows
        self._ledger = ledger
        self._clock = clock
        self._bodies = Bodies(rows, ledger)
        self._seat: ContextVar[Seat | None] = ContextVar("seat", default=None)

    @contextmanager
    def acting(self, seat: Seat) -> Iterator[None]:
        """Let what this thread (or task) records meanwhile carry a session, certificate and address."""
        before = self._seat.set(seat)
        try:
            yield
        finally:
            self._seat.reset(before)

    def record(self, act: Act) -> int:
        """Put one act on record durably and return its ledger index."""
        return self.record_all([act])[0]

    def record_all(self, acts: Iterable[Act]) -> list[int]:
        """Put many acts on record with one append and one transaction, and return their ledger indexes."""
        done = list(acts)
        if not done:
            return []
        with self._turn() as connection:
            first = self._put(connection, done)
        return list(range(first, first + len(done)))

    def entries(
        self, *, object: str = "", actor: str = "", kind: str = "", limit: int = 100, before: int | None = None
    ) -> list[Entry]:
        """Return entries, newest first, filtered by exact object, actor or kind (prefix); each is verified."""
        query = select(acts_table).order_by(acts_table.c.entry.desc()).limit(limit)
        for column, value in ((acts_table.c.object, object), (acts_table.c.actor, actor)):
            query = query.where(column == value) if value else query
        if kind in _KINDS:
            query = query.where(acts_table.c.kind == kind)  # by the index, which a prefix cannot use
        elif kind:
            query = query.where(acts_table.c.kind.startswith(kind, autoescape=True))
        if before is not None:
            query = query.where(acts_table.c.entry < before)
        return [self._bodies.entry(row) for row in self._bodies.select(query)]

    def between(self, since: datetime, until: datetime, kinds: Sequence[ActKind]) -> Iterator[Entry]:
        """Yield the entries of some kinds within ``[since, until)``, oldest first, each verified."""
        column, start, end = (
            acts_table.c.entry,
            self._bodies.since(since - _SET_BACK),
            self._bodies.since(until + _SET_BACK),
        )
        wanted = select(acts_table).where(
            acts_table.c.kind.in_([each.value for each in kinds]),
            acts_table.c.at >= since,
            acts_table.c.at < until,
            acts_table.c.erased.is_(None),
        )
        checkpoint = self._ledger.checkpoint()
        for first in range(start, end, _PAGE):
            page = wanted.where(column >= first, column < min(end, first + _PAGE)).order_by(column)
            yield from prove(self._ledger, checkpoint, self._bodies.select(page))[0]

    def entry(self, index: int) -> Entry:
        """Return one entry, verified against the ledger; NotFoundError where there is none.

        Of an erased one, what is left of it is returned, with the erasure.
        """
        return self._bodies.entry(self._bodies.row(index))

    def receipt(self, index: int) -> Receipt:
        """Return the receipt of one entry, under the latest cosigned checkpoint that reaches it, else the latest.

        ErasedError where its body was erased.
        """
        return gather(self._ledger, {index: self._bodies.body(self._bodies.row(index))})[0]

    def trace(
        self,
        *,
        actor: str = "",
        object: str = "",
        session: str = "",
        certificate: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1_000,
        cursor: int | None = None,
        newest: bool = False,
    ) -> Trace:
        """Return the acts of an actor, on an object, in a session or under a certificate, with receipts.

        At most 10,000 at once; `cursor` goes on where an earlier trace ended. UsageError, IntegrityError.
        """
        asked = Asked(actor, object, session, certificate, since, until)
        return trace(self._bodies, self._ledger, asked, limit=limit, cursor=cursor, newest=newest)

    def erase(self, index: int, *, by: Actor, approver: Actor, reason: str, basis: str) -> Erasure:
        """Erase the body of one act, put that on record, and say so; an erased one stays as it was erased.

        NotFoundError, DeniedError, UsageError as `erasure` says; IntegrityError where it is not whole.
        """
        with self._turn() as connection:
            entry = self.entry(index)
            if entry.erased is None:
                body = self._bodies.body(self._bodies.row(index))
                act = erasing_act(entry, body, by, approver, (reason, basis))
                if self._rows.dialect == "sqlite":
                    connection.execute(text("PRAGMA secure_delete=ON"))
                blank = update(acts_table).where(acts_table.c.entry == index)
                connection.execute(blank.values(**NOTHING, erased=self._put(connection, [act])))
        scrub(self._rows)
        return self._bodies.erasure(index)

    def completeness(self) -> Completeness:
        """Return how many ledger entries are accounted for, and the ranges (``first-last``) that have no body.

        A body that was erased on record is accounted for.
        """
        size = self._ledger.checkpoint().size
        with self._rows.read() as connection:
            self._check_length(connection, size)
            count, missing = gaps.missing(connection, size)
        return Completeness(size, count, tuple(f"{first}-{last}" for first, last in missing))

    def check(self, reporter: Reporter | None = None) -> tuple[Fault, ...]:
        """Compare every act with the ledger; return those that were changed, and bodies that vanished unaccounted."""
        faults: list[Fault] = []
        told: set[tuple[int, int]] = set()
        total, last = self.completeness().received, -1
        with (reporter or SilentReporter()).step(Text("核对行为记录", "Checking the acts"), total) as step:
            while page := self._bodies.select(_after(last)):
                for row in page:
                    why = self._bodies.check(row)
                    faults += [Fault(f"act {row['entry']}", why)] if why else []
                    told |= gaps.told_by(row)
                last = page[-1]["entry"]
                step.advance(len(page))
        with self._rows.read() as connection:
            _, missing = gaps.missing(connection, last + 1)
        faults += [Fault(f"act {first}-{end}", gaps.WHY) for first, end in missing if (first, end) not in told]
        if last < 0 < self._ledger.checkpoint().size:
            faults.append(Fault("acts", gaps.WHY))
        return tuple(faults)

    @contextmanager
    def _turn(self) -> Iterator[Connection]:
        """Write alone: SQLite's write transactions are alone, PostgreSQL's take turns by a lock of their own."""
        with self._rows.begin() as connection:
            if self._rows.dialect == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_TURN)))
            yield connection

    def _put(self, connection: Connection, done: Sequence[Act]) -> int:
        """Witness acts and keep their bodies; return the index of the first."""
        size = self._ledger.checkpoint().size
        last = self._check_length(connection, size)
        told = [gaps.lost(self._ledger.origin, last + 1, size - 1)] if last + 1 < size else []
        now, seat = self._clock.now(), self._seat.get()
        whole = [*told, *(done if seat is None else (act.seated(seat) for act in done))]
        bodies = [render_body(act, now, secrets.token_hex(SALT_SIZE)) for act in whole]
        first = self._ledger.append([entry_bytes(body) for body in bodies])
        rows = [_row(index, now, act, body) for index, (act, body) in enumerate(zip(whole, bodies, strict=True), first)]
        connection.execute(insert(acts_table), rows)
        return first + len(told)

    def _check_length(self, connection: Connection, size: int) -> int:
        """Return the last entry that has a row, or -1; IntegrityError where the ledger ends before it."""
        last = connection.execute(select(func.max(acts_table.c.entry))).scalar()
        if last is not None and last >= size:
            raise IntegrityError(
                object=self._ledger.origin, why=f"账本仅 {size} 条，短于行为记录 (the log is shorter than the acts)"
            )
        return -1 if last is None else int(last)


def _row(index: int, at: datetime, act: Act, body: bytes) -> Row:
    return {
        "entry": index,
        "at": at,
        "kind": act.kind.value,
        "actor": act.actor,
        "object": act.object,
        "body": body.decode(),
        "session": act.session or None,
        "certificate": act.certificate or None,
    }


def _after(last: int) -> Select[tuple[object, ...]]:
    return select(acts_table).where(acts_table.c.entry > last).order_by(acts_table.c.entry).limit(_PAGE)
