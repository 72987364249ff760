"""Erasing an act in every room that holds something of it.

Rule: the audit erases first, so that nothing goes without an act; what other rooms keep about the same entry follows,
and follows again if it is asked for again after a crash.
"""

from typing import TYPE_CHECKING

from sqlalchemy import update

from chengyi.model.act import Erasure
from chengyi.model.actor import Actor

if TYPE_CHECKING:
    from chengyi.node.node import Node


def erase_act(node: "Node", index: int, *, by: Actor, approver: Actor, reason: str, basis: str) -> Erasure:
    """Erase the body of an act, and who read what under a grant with it; as `LedgerAudit.erase` says."""
    from chengyi.share.rows import accesses

    done = node.audit.erase(index, by=by, approver=approver, reason=reason, basis=basis)
    with node.rows.begin() as connection:
        connection.execute(update(accesses).where(accesses.c.entry == index).values(actor="", case_no=""))
    return done
