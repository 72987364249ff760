"""Whose key a key id is: the port through which certificates come in.

Rules: an unknown, expired or revoked key has no peer; the port decides by its own checks (a certificate chain, a
pinned key), never by what the message says of itself.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from chengyi.model.errors import TerminalError
from chengyi.trust.messages.algorithms import VerifyingKey, read_verifying_key

CheckChain = Callable[[Sequence[bytes], datetime], tuple[str, bytes, str]]
"""Checks a chain (DER, leaf first) at a moment; returns the subject's id and key (SubjectPublicKeyInfo), and serial."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The owner of a key: the node's or person's id, the key that verifies, and the serial of the certificate shown."""

    id: str
    key: VerifyingKey
    certificate: str = ""


class Identities(Protocol):
    """Finds the peer of a key id."""

    def find(self, keyid: str, certificates: Sequence[bytes], at: datetime) -> Peer | None:
        """Return the peer whose key this is at that moment, or None.

        `certificates` are what the request carried, leaf first, DER, unchecked: the implementation verifies the
        chain, the dates and revocation, and that the key id is that of the leaf.
        """
        ...


class PinnedIdentities:
    """Keys that the operator named; certificates are not looked at."""

    def __init__(self, peers: Iterable[tuple[str, Peer]]) -> None:
        self._peers = dict(peers)

    def find(self, keyid: str, certificates: Sequence[bytes], at: datetime) -> Peer | None:
        """Return the pinned peer, or None."""
        return self._peers.get(keyid)


class CertificateIdentities:
    """Peers by the certificates that their requests carry; the key id is the leaf's SHA-256 fingerprint."""

    def __init__(self, check: CheckChain) -> None:
        self._check = check

    def find(self, keyid: str, certificates: Sequence[bytes], at: datetime) -> Peer | None:
        """Return the peer whose chain was checked, or None where it was refused."""
        if not certificates or keyid_of(certificates[0]) != keyid:
            return None
        try:
            name, key, serial = self._check(certificates, at)
            return Peer(name, read_verifying_key(key), serial)
        except TerminalError:
            return None


def keyid_of(certificate: bytes) -> str:
    """Return the key id of a certificate (DER): its SHA-256 fingerprint in lower-case hexadecimal."""
    return sha256(certificate).hexdigest()
