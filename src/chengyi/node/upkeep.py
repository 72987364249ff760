"""What a served node does by itself, every so often: nobody has to remember it.

Keeps promise 4: always witnessed. Each round:

1. The lists of revoked certificates that this node answers for are fresh, and so is its own certificate, if it has
   one; a member of a region asks the region's node for both.
2. Fragments that were refused while pages were read are on record.
3. What waits for witnesses, for the time-stamp authority and for the chain is tried again.

Nothing of it stops the console: what fails is kept for the page that it concerns, and tried again.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chengyi.model.errors import ChengyiError
from chengyi.node.membership import keep_membership
from chengyi.node.witnessing import faults_of, publish

if TYPE_CHECKING:
    from chengyi.node.node import Node

SECONDS = 600.0


class Upkeep:
    """A thread that keeps a node in order while it is served: ``with Upkeep(node): ...``.

    `fault` is what kept lists or the own certificate from being fresh in the last round, or None.
    """

    def __init__(self, node: "Node", every: float = SECONDS) -> None:
        self.fault: ChengyiError | None = None
        self._node = node
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def __enter__(self) -> "Upkeep":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def once(self) -> "Round":
        """Do one round, and keep what its page has to say."""
        found = keep_up(self._node)
        self.fault = found.certificates
        return found

    def _run(self) -> None:
        while True:
            try:
                self.once()
            except Exception:
                logging.getLogger(__name__).exception("upkeep failed")
            if self._ended.wait(self._every):
                return


@dataclass(frozen=True, slots=True)
class Round:
    """What failed in one round: with the certificates, and elsewhere."""

    certificates: ChengyiError | None
    others: tuple[ChengyiError, ...]

    @property
    def faults(self) -> tuple[ChengyiError, ...]:
        """Return everything that failed."""
        return (self.certificates, *self.others) if self.certificates else self.others


def keep_up(node: "Node") -> Round:
    """Do one round and return what failed."""
    certificates = _fault(lambda: _certificates(node))
    refusals = _fault(lambda: node.refusals.settle(node.audit))
    witnessing, anchoring = faults_of(publish(node)), node.anchoring.after_run().faults
    return Round(certificates, (*((refusals,) if refusals else ()), *witnessing, *anchoring))


def _fault(work: Callable[[], object]) -> ChengyiError | None:
    try:
        work()
    except ChengyiError as fault:
        return fault
    return None


def _certificates(node: "Node") -> None:
    authority = node.authority
    authority.keep_current()
    if authority.issuing and authority.credentials.current() is not None:
        authority.own(node.settings.node.id)
    elif not authority.issuing and node.settings.authority.region:
        keep_membership(node)
