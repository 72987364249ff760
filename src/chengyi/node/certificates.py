"""The authority of a home, and how its stores are certified.

Rules:

1. A node that nobody enrolled founds an authority of its own when a certificate is first needed.
2. A node that issues certifies its stores by its authority; a member of another's region by its signing key, since a
   region does not certify what never leaves a member.
3. Where the authority changes, the stores are certified anew at the next sealing.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from chengyi.model.errors import NotFoundError
from chengyi.trust.authority.names import Purpose
from chengyi.trust.authority.terms import Parts, Terms
from chengyi.trust.vault.custody import NodeCertifier

if TYPE_CHECKING:
    from chengyi.node.node import Node
    from chengyi.trust.authority.authority import Authority


def foundation_of(node: "Node") -> tuple[Path, Parts, Terms]:
    """Return the folder of the node's authority, what it stands on, and how it works."""
    parts = Parts(node.rows, node.audit, node.clock, node.keys, node.actor.id)
    return node.home.keys / "authority", parts, Terms.of(node.settings.authority)


def authority_of(node: "Node") -> "Authority":
    """Open the node's authority, or found one of this node alone."""
    from chengyi.trust.authority.authority import Authority

    return Authority.local(*foundation_of(node), node=node.settings.node.id)


def forget_store_certificates(node: "Node") -> None:
    """Drop the stores' certificates, so that whoever certifies now does so anew; their keys stay."""
    for path in (node.home.keys / "stores").glob("*.crt"):
        path.unlink()


def renew_store(node: "Node", id: str) -> bytes:
    """Certify a store's key anew and return the certificate (DER); NotFoundError where there is no such store.

    This is the way back where a certificate was revoked, and the key is good; where it leaked, retire the store.
    """
    for site in node.vault.sites:
        if site.id == id:
            return site.custodian.renew()
    raise NotFoundError(kind="存储点 store", id=id)


def prepare_stores(node: "Node") -> None:
    """See to it that lists are fresh and every store is certified, before work that seals to the stores begins."""
    node.authority.keep_current()
    for site in node.vault.sites:
        site.custodian.public()


class StoreCertifier:
    """Certifies and checks the certificates of a node's stores; several threads may ask."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._one_by_one = threading.Lock()
        self._own = NodeCertifier(node.keys, node.clock)

    def certify(self, store: str, public: X25519PublicKey) -> bytes:
        """Return a certificate (DER) of a store's key."""
        with self._one_by_one:
            authority = self._node.authority
            if not authority.issuing:
                return self._own.certify(store, public)
            return authority.certify_store(store, public.public_bytes_raw())

    def check(self, certificate: bytes, store: str) -> None:
        """Check a store's certificate as it stands now; CertificateError or IntegrityError where it does not hold."""
        with self._one_by_one:
            authority = self._node.authority
            if not authority.issuing:
                self._own.check(certificate, store)
                return
            authority.keep_current()
            authority.check([certificate, *authority.chain], store, Purpose.SEAL)
