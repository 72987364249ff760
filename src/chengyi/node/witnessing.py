"""The node as a witness of others, and its own ledger before its witnesses.

Keeps promise 4: always witnessed. Rules:

1. What witnesses say, or fail to say, never stops a run; it is reported.
2. The acts of cosigning alone are not worth a round: two nodes that witness each other come to rest.
3. Requests carry this node's signature (RFC 9421) where it has a certificate; where a log is bound to a node, only
   requests that its certificate signed are answered, and the act of cosigning names that certificate.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from chengyi.model.act import ActKind, Seat
from chengyi.model.errors import ChengyiError, ConfigError, IntegrityError

if TYPE_CHECKING:
    from chengyi.node.node import Node
    from chengyi.trust.ledger.monitor import Monitor
    from chengyi.trust.ledger.policy import Policy
    from chengyi.trust.ledger.publish import Publisher, PublishReport
    from chengyi.trust.ledger.request import Answer
    from chengyi.trust.ledger.witness import Witness
    from chengyi.trust.messages.components import Message

_QUIET = frozenset({ActKind.COSIGNED, ActKind.COSIGNING_REFUSED, ActKind.ANCHORED, ActKind.STAMPED})
_PAGE = 200


def make_witness(node: "Node") -> "Witness":
    """Return the witness of a node; ConfigError where a log's key is malformed."""
    from chengyi.trust.ledger.notes import Verifier
    from chengyi.trust.ledger.witness import Witness

    logs = {}
    for each in node.settings.witness.logs:
        try:
            logs[each.origin] = Verifier.parse(each.key)
        except IntegrityError as fault:
            raise _config("witness.logs", each.origin, fault) from fault
    return Witness(
        node.home.witness,
        node.keys,
        logs,
        clock=node.clock,
        audit=node.audit,
        actor=node.actor.id,
        post_quantum=node.settings.witness.post_quantum,
        senders={each.origin: each.node for each in node.settings.witness.logs if each.node},
    )


def make_publisher(node: "Node") -> "Publisher":
    """Return the publisher of a node's ledger; ConfigError where a witness's key is malformed."""
    from chengyi.node.messaging import make_auth
    from chengyi.store.objects import FolderObjects
    from chengyi.trust.ledger.asking import WitnessAddress
    from chengyi.trust.ledger.notes import Verifier
    from chengyi.trust.ledger.publish import Publisher

    policy = policy_of(node)
    named = node.settings.ledger.witnesses
    return Publisher(
        node.ledger,
        Verifier.parse(node.keys.verifier),
        [WitnessAddress(each.name, each.url, policy.witnesses[each.name]) for each in named],
        policy=policy,
        objects=FolderObjects(node.home.witness / "own"),
        clock=node.clock,
        audit=node.audit,
        actor=node.actor.id,
        auth=lambda: make_auth(node),
        worth=lambda size: _worth(node, size),
    )


def cosign(node: "Node", message: "Message", address: str = "") -> "Answer":
    """Answer another node's request to cosign; MessageRefusedError where it had to be signed and is not."""
    sender, seat = node.witness.sender_of(message.body), Seat(address=address)
    if sender:
        seat = replace(seat, certificate=node.messages.verify(message, f"node:{sender}").certificate)
    with node.audit.acting(seat):
        return node.witness.add_checkpoint(message.body)


def make_monitor(node: "Node") -> "Monitor":
    """Return the monitor by which a node looks at others' logs."""
    from chengyi.store.objects import FolderObjects
    from chengyi.trust.ledger.monitor import Monitor

    return Monitor(FolderObjects(node.home.witness / "own"), node.audit, actor=node.actor.id)


def policy_of(node: "Node") -> "Policy":
    """Return the policy that a node's receipts are made for; ConfigError where a witness's key is malformed."""
    from chengyi.trust.ledger.cosignatures import Cosigner
    from chengyi.trust.ledger.notes import Verifier
    from chengyi.trust.ledger.policy import Policy

    witnesses = {}
    for each in node.settings.ledger.witnesses:
        try:
            witnesses[each.name] = Cosigner.parse(each.key)
        except IntegrityError as fault:
            raise _config("ledger.witnesses", each.name, fault) from fault
    return Policy.of(witnesses, node.settings.ledger.needed, [Verifier.parse(node.keys.verifier)])


def publish(node: "Node") -> "PublishReport | ChengyiError | None":
    """Take the latest checkpoint to the witnesses, if there are any; a failure is returned, never raised."""
    if not node.settings.ledger.witnesses:
        return None
    try:
        return node.publisher.publish()
    except ChengyiError as fault:
        return fault


def faults_of(told: "PublishReport | ChengyiError | None") -> tuple[ChengyiError, ...]:
    """Return what went wrong in a round, as `publish` told it."""
    if isinstance(told, ChengyiError):
        return (told,)
    return (*told.conflicts, *told.failures) if told else ()


def _worth(node: "Node", size: int) -> bool:
    """Tell whether the ledger grew beyond `size` by anything but what witnessing itself puts on record."""
    before: int | None = None
    while True:
        page = node.audit.entries(limit=_PAGE, before=before)
        new = [each for each in page if each.index >= size]
        if any(each.act.kind not in _QUIET for each in new):
            return True
        if len(new) < _PAGE:
            return False
        before = new[-1].index


def _config(key: str, name: str, fault: IntegrityError) -> ConfigError:
    return ConfigError(file="node.toml", key=key, why=f"{name}：{fault.facts['why']}")
