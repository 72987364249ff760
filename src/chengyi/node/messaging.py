"""Signed requests between nodes: who may speak to this one, and as whom it speaks itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chengyi.trust.messages.identities import CertificateIdentities, keyid_of
from chengyi.trust.messages.nonces import RowNonces
from chengyi.trust.messages.policy import Policy
from chengyi.trust.messages.verification import MessageVerifier

if TYPE_CHECKING:
    from chengyi.node.node import Node
    from chengyi.trust.messages.client import MessageAuth


def make_verifier(node: "Node") -> MessageVerifier:
    """Return who checks other nodes' requests: by the authority's chains, quietly, since anybody can send a bad one."""
    settings = node.settings.messages

    def check(chain: Sequence[bytes], at: datetime) -> tuple[str, bytes]:
        who = node.authority.trusted.check(chain, at=at)
        return f"{who.kind}:{who.name}", who.public_key

    return MessageVerifier(
        CertificateIdentities(check),
        RowNonces(node.rows),
        node.audit,
        node.clock,
        authorities=settings.authorities,
        policy=Policy.of(settings),
    )


def make_auth(node: "Node") -> "MessageAuth":
    """Return what signs this node's own requests with its certificate's key."""
    from chengyi.trust.messages.algorithms import DerSigning
    from chengyi.trust.messages.client import MessageAuth
    from chengyi.trust.messages.signing import MessageSigner

    held = node.authority.own(node.settings.node.id)
    signing = DerSigning(held.key.public, held.key.sign)
    return MessageAuth(MessageSigner(signing, keyid_of(held.chain[0]), node.clock, certificates=held.chain[:2]))
