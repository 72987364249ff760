"""What a served node does by itself, every so often: nobody has to remember it.

Keeps promise 4: always witnessed. Each round:

1. The lists of revoked certificates that this node answers for are fresh, and so is its own certificate, if it has
   one; a member of a region asks the region's node for both.
2. Fragments that were refused while pages were read are on record.
3. What waits for witnesses, for the time-stamp authority and for the chain is tried again.

Nothing of it stops the console: what fails is returned, kept by the part that failed for its page, and tried again.
"""

import threading
from typing import TYPE_CHECKING

from chengyi.model.errors import ChengyiError
from chengyi.node.witnessing import publish

if TYPE_CHECKING:
    from chengyi.node.node import Node

SECONDS = 600.0


class Upkeep:
    """A thread that keeps a node in order while it is served: ``with Upkeep(node): ...``."""

    def __init__(self, node: "Node", every: float = SECONDS) -> None:
        self._node = node
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def __enter__(self) -> "Upkeep":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def _run(self) -> None:
        while True:
            keep_up(self._node)
            if self._ended.wait(self._every):
                return


def keep_up(node: "Node") -> list[ChengyiError]:
    """Do one round and return what failed."""
    faults: list[ChengyiError] = []
    for work in (_certificates, _refusals):
        try:
            work(node)
        except ChengyiError as fault:
            faults.append(fault)
    told = publish(node)
    if isinstance(told, ChengyiError):
        faults.append(told)
    elif told is not None:
        faults += [*told.conflicts, *told.failures]
    return [*faults, *node.anchoring.after_run().faults]


def _certificates(node: "Node") -> None:
    authority = node.authority
    authority.keep_current()
    if authority.issuing and authority.credentials.current() is not None:
        authority.own(node.settings.node.id)
    elif not authority.issuing and node.settings.authority.region:
        from chengyi.node.membership import keep_membership

        keep_membership(node)


def _refusals(node: "Node") -> None:
    node.refusals.settle(node.audit)
