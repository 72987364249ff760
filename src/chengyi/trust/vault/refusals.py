"""Putting refused fragments on record.

Keeps promise 4: always witnessed. Rules: a refusal is remembered when it happens and put on record when no
transaction is open, because reading a fragment may happen inside of one; the same refusal is recorded once by a
process; a store that does not answer is one act, not one for each of its objects.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json
from chengyi.trust.ports import Audit
from chengyi.trust.vault.faults import FaultKind, FragmentFault

_MOST = 10_000


class Refusals:
    """Listens to a vault, and records what it refused; several threads may tell it."""

    def __init__(self, actor: str) -> None:
        self._actor = actor
        self._seen: set[tuple[str, str, str]] = set()
        self._waiting: list[FragmentFault] = []
        self._lock = threading.Lock()

    def __call__(self, fault: FragmentFault) -> None:
        """Remember a refusal."""
        silent = fault.kind is FaultKind.UNREACHABLE
        sign = ("" if silent else fault.object, fault.store, fault.kind.value)
        with self._lock:
            if sign not in self._seen and len(self._seen) < _MOST:
                self._seen.add(sign)
                self._waiting.append(fault)

    def settle(self, audit: Audit) -> int:
        """Put on record what waits, and return how many acts that made; call it outside of any transaction.

        What cannot be put on record goes on waiting.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, []
        if waiting:
            try:
                audit.record_all([self._act(each) for each in waiting])
            except BaseException:
                with self._lock:
                    self._waiting[:0] = waiting
                raise
        return len(waiting)

    @contextmanager
    def settled(self, audit: Audit) -> Iterator[None]:
        """Do some work, and put on record at its end what was refused, also where the work failed."""
        try:
            yield
        finally:
            self.settle(audit)

    def _act(self, fault: FragmentFault) -> Act:
        detail: dict[str, Json] = {
            "store": fault.store,
            "version": fault.version,
            "fault": fault.kind.value,
            "why": fault.why,
        }
        if fault.kind is FaultKind.UNREACHABLE:
            return Act(
                ActKind.FRAGMENT_REFUSED, self._actor, f"store:{fault.store}", {**detail, "object": fault.object}
            )
        return Act(ActKind.FRAGMENT_REFUSED, self._actor, fault.object, detail)
