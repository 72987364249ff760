"""The audit: the one way to put an act on record.

Keeps promise 4: always witnessed. Rules:

1. An act is on record when `record` returns: its salted digest in the ledger first, its body in the rows next.
2. Many acts share one append and one transaction; all of them are on record, or the call fails.
3. A crash between ledger and rows leaves an entry without a body. It stays as it is: `completeness` names
   it, nothing invents a body for it, and later acts go on after it.
4. A body is compared with its ledger entry whenever it is read; one that was edited is refused.
5. A ledger shorter than the acts on record was cut or exchanged, and is refused.
"""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Select, func, insert, select

from chengyi.model.act import Act, Entry
from chengyi.model.clock import Clock
from chengyi.model.errors import IntegrityError, NotFoundError
from chengyi.model.evidence import Completeness
from chengyi.model.reporter import Reporter, SilentReporter
from chengyi.model.text import Text
from chengyi.store.rows import Rows
from chengyi.trust.audit.rows import acts as acts_table
from chengyi.trust.body import SALT_SIZE, entry_bytes, parse_body, render_body
from chengyi.trust.ledger.verify import Fault
from chengyi.trust.ports import Ledger, Receipt

_PAGE = 1_000


class LedgerAudit:
    """Keeps the port `trust.ports.Audit`.

    `record` opens its own write transaction: call it outside of one, never within.
    """

    def __init__(self, rows: Rows, ledger: Ledger, clock: Clock) -> None:
        self._rows = rows
        self._ledger = ledger
        self._clock = clock
        self._opened = False

    def record(self, act: Act) -> int:
        """Put one act on record durably and return its ledger index."""
        return self.record_all([act])[0]

    def record_all(self, acts: Iterable[Act]) -> list[int]:
        """Put many acts on record with one append and one transaction, and return their ledger indexes."""
        self._check_length()
        now = self._clock.now()
        done = list(acts)
        bodies = [render_body(act, now, secrets.token_hex(SALT_SIZE)) for act in done]
        if not bodies:
            return []
        first = self._ledger.append([entry_bytes(body) for body in bodies])
        values = [
            {"entry": index, "at": now, "kind": act.kind.value, "actor": act.actor, "object": act.object, "body": body}
            for index, (act, body) in enumerate(zip(done, map(bytes.decode, bodies), strict=True), first)
        ]
        with self._rows.begin() as connection:
            connection.execute(insert(acts_table), values)
        return list(range(first, first + len(bodies)))

    def entries(
        self, *, object: str = "", actor: str = "", kind: str = "", limit: int = 100, before: int | None = None
    ) -> list[Entry]:
        """Return entries, newest first, filtered by exact object, actor or kind (prefix); each is verified."""
        query = select(acts_table).order_by(acts_table.c.entry.desc()).limit(limit)
        for column, value in ((acts_table.c.object, object), (acts_table.c.actor, actor)):
            query = query.where(column == value) if value else query
        if kind:
            query = query.where(acts_table.c.kind.startswith(kind, autoescape=True))
        if before is not None:
            query = query.where(acts_table.c.entry < before)
        return [parse_body(row["entry"], self._witnessed(row)) for row in self._select(query)]

    def entry(self, index: int) -> Entry:
        """Return one entry, verified against the ledger; NotFoundError where there is none."""
        return parse_body(index, self._body(index))

    def receipt(self, index: int) -> Receipt:
        """Return the receipt of one entry under the latest checkpoint."""
        body = self._body(index)
        checkpoint = self._ledger.checkpoint()
        return Receipt(index, body, self._ledger.inclusion(index, checkpoint.size), checkpoint)

    def completeness(self) -> Completeness:
        """Return how many ledger entries have their body, and the ranges (``first-last``) that have none."""
        size = self._check_length()
        column = acts_table.c.entry
        follower = func.lead(column).over(order_by=column)
        steps = select(column.label("entry"), follower.label("follower")).subquery()
        gaps = select(steps).where(steps.c.follower > steps.c.entry + 1)
        with self._rows.read() as connection:
            count, low, high = connection.execute(select(func.count(), func.min(column), func.max(column))).one()
            inner = [(row.entry + 1, row.follower - 1) for row in connection.execute(gaps)]
        edges = [(0, low - 1), (high + 1, size - 1)] if count else [(0, size - 1)]
        missing = [(first, last) for first, last in edges[:1] + inner + edges[1:] if first <= last]
        return Completeness(size, count, tuple(f"{first}-{last}" for first, last in missing))

    def check(self, reporter: Reporter | None = None) -> tuple[Fault, ...]:
        """Compare every body on record with the ledger and return those that were changed."""
        faults: list[Fault] = []
        total, last = self.completeness().received, -1
        with (reporter or SilentReporter()).step(Text("核对行为记录", "Checking the acts"), total) as step:
            while page := self._page(last):
                for row in page:
                    faults.extend(self._faults(row))
                last = page[-1]["entry"]
                step.advance(len(page))
        return tuple(faults)

    def _page(self, after: int) -> list[Mapping[str, Any]]:
        column = acts_table.c.entry
        return self._select(select(acts_table).where(column > after).order_by(column).limit(_PAGE))

    def _faults(self, row: Mapping[str, Any]) -> list[Fault]:
        try:
            self._witnessed(row)
        except IntegrityError as error:
            return [Fault(f"act {row['entry']}", str(error.facts["why"]))]
        return []

    def _check_length(self) -> int:
        size = self._ledger.checkpoint().size
        if not self._opened:
            with self._rows.read() as connection:
                last = connection.execute(select(func.max(acts_table.c.entry))).scalar()
            if last is not None and last >= size:
                raise IntegrityError(
                    object=self._ledger.origin, why=f"账本仅 {size} 条，短于行为记录 (the log is shorter than the acts)"
                )
            self._opened = True
        return size

    def _body(self, index: int) -> bytes:
        found = self._select(select(acts_table).where(acts_table.c.entry == index))
        if not found:
            raise NotFoundError(kind="行为 act", id=index)
        return self._witnessed(found[0])

    def _witnessed(self, row: Mapping[str, Any]) -> bytes:
        body: bytes = row["body"].encode()
        if entry_bytes(body) != self._ledger.entry(row["entry"]):
            raise IntegrityError(object=f"act {row['entry']}", why="行为记录被改动 (the act was changed)")
        entry = parse_body(row["entry"], body)
        index = (entry.at, entry.act.kind.value, entry.act.actor, entry.act.object)
        if index != (row["at"], row["kind"], row["actor"], row["object"]):
            raise IntegrityError(object=f"act {row['entry']}", why="行为索引被改动 (the act's index was changed)")
        return body

    def _select(self, query: Select[Any]) -> list[Mapping[str, Any]]:
        with self._rows.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
