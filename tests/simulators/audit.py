"""An audit trail that lives in memory, over a real Merkle log in memory."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chengyi.model.act import Act, Entry, Seat
from chengyi.model.clock import Clock, SystemClock
from chengyi.model.errors import NotFoundError
from chengyi.trust.body import entry_bytes, parse_body, render_body
from chengyi.trust.ports import Ledger, Receipt
from simulators.ledger import MemoryLedger


class MemoryAudit:
    """Implements `trust.ports.Audit`; `acts` are the acts so far, oldest first."""

    def __init__(self, clock: Clock | None = None, ledger: Ledger | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._bodies: dict[int, bytes] = {}
        self.ledger: Ledger = ledger or MemoryLedger()
        self._seat = Seat()

    @property
    def acts(self) -> list[Act]:
        return [parse_body(index, body).act for index, body in self._bodies.items()]

    @contextmanager
    def acting(self, seat: Seat) -> Iterator[None]:
        before, self._seat = self._seat, seat
        try:
            yield
        finally:
            self._seat = before

    def record(self, act: Act) -> int:
        return self.record_all([act])[0]

    def record_all(self, acts: Iterable[Act]) -> list[int]:
        done = [act.seated(self._seat) for act in acts]
        bodies = [render_body(act, self._clock.now(), f"{count:032x}") for count, act in enumerate(done)]
        if not bodies:
            return []
        first = self.ledger.append([entry_bytes(body) for body in bodies])
        self._bodies.update(enumerate(bodies, first))
        return list(range(first, first + len(bodies)))

    def entries(
        self, *, object: str = "", actor: str = "", kind: str = "", limit: int = 100, before: int | None = None
    ) -> list[Entry]:
        found = [parse_body(index, body) for index, body in reversed(self._bodies.items())]
        return [
            entry
            for entry in found
            if (not object or entry.act.object == object)
            and (not actor or entry.act.actor == actor)
            and entry.act.kind.value.startswith(kind)
            and (before is None or entry.index < before)
        ][:limit]

    def entry(self, index: int) -> Entry:
        return parse_body(index, self._body(index))

    def receipt(self, index: int) -> Receipt:
        checkpoint = self.ledger.checkpoint()
        return Receipt(index, self._body(index), self.ledger.inclusion(index, checkpoint.size), checkpoint)

    def _body(self, index: int) -> bytes:
        if index not in self._bodies:
            raise NotFoundError(kind="行为 act", id=index)
        return self._bodies[index]
