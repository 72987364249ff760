"""Signed requests between nodes: who may speak to this one, and as whom it speaks itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chengyi.model.errors import ChengyiError
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

    def check(chain: Sequence[bytes], at: datetime) -> tuple[str, bytes, str]:
        who = node.authority.trusted.check(chain, at=at)
        return f"{who.kind}:{who.name}", who.public_key, who.serial

    return MessageVerifier(
        CertificateIdentities(check),
        RowNonces(node.rows),
        node.audit,
        node.clock,
        authorities=settings.authorities,
        policy=Policy.of(settings),
    )


def make_auth(node: "Node") -> "MessageAuth | None":
    """Return what signs this node's own requests with its certificate's key; None where it has none to read."""
    from chengyi.trust.messages.algorithms import DerSigning
    from chengyi.trust.messages.client import MessageAuth
    from chengyi.trust.messages.signing import MessageSigner

    try:
        held = node.authority.credentials.current()
    except ChengyiError:
        return None
    if held is None:
        return None
    signing = DerSigning(held.key.public, held.key.sign)
    return MessageAuth(MessageSigner(signing, keyid_of(held.chain[0]), node.clock, certificates=held.chain[:2]))
