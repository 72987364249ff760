"""A small world of two nodes, and one forged request an attack."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chengyi.model.clock import SetClock
from chengyi.trust.messages.algorithms import signing_key, verifying_key
from chengyi.trust.messages.components import Message
from chengyi.trust.messages.digests import content_digest
from chengyi.trust.messages.identities import Peer, PinnedIdentities
from chengyi.trust.messages.nonces import Nonces
from chengyi.trust.messages.policy import Policy
from chengyi.trust.messages.signing import MessageSigner
from chengyi.trust.messages.verification import MessageVerifier
from simulators.audit import MemoryAudit

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HERE = "node-b.example"
ED, EC = "key-ed", "key-ec"


def ed_key(seed: bytes = b"a") -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(seed).digest())


EC_PRIVATE = derive_private_key(int.from_bytes(sha256(b"ec").digest(), "big") >> 1, SECP256R1())


def peers() -> PinnedIdentities:
    ed, ec = (
        Peer("node-a", verifying_key(ed_key().public_key())),
        Peer("node-c", verifying_key(EC_PRIVATE.public_key())),
    )
    return PinnedIdentities([(ED, ed), (EC, ec)])


class MemoryNonces:
    """Implements `trust.messages.nonces.Nonces`."""

    def __init__(self) -> None:
        self.used: set[tuple[str, str]] = set()

    def use(self, keyid: str, nonce: str, until: datetime, now: datetime) -> bool:
        fresh = (keyid, nonce) not in self.used
        self.used.add((keyid, nonce))
        return fresh


@dataclass
class World:
    clock: SetClock = field(default_factory=lambda: SetClock(NOW))
    nonces: Nonces = field(default_factory=MemoryNonces)
    audit: MemoryAudit = field(default_factory=MemoryAudit)

    def verifier(self, most_acts: int = 60, policy: Policy | None = None) -> MessageVerifier:
        return MessageVerifier(
            peers(),
            self.nonces,
            self.audit,
            self.clock,
            authorities=[HERE],
            policy=policy or Policy(),
            most_acts=most_acts,
        )

    def signer(self, keyid: str = ED, *, clock: SetClock | None = None, policy: Policy | None = None) -> MessageSigner:
        key = signing_key(ed_key() if keyid == ED else EC_PRIVATE)
        return MessageSigner(key, keyid, clock or self.clock, policy=policy or Policy())


def plain(body: bytes = b'{"ask":1}', **changes: object) -> Message:
    fields = [("Host", HERE), ("Content-Type", "application/json")] if body else [("Host", HERE)]
    message = Message("POST", "http", HERE, "/node/ask/", "page=1", fields, body)
    return replace(message, **changes)  # type: ignore[arg-type]


def signed(signer: MessageSigner, message: Message | None = None) -> Message:
    message = message or plain()
    added = signer.headers(message)
    kept = [(name, value) for name, value in message.fields if name.lower() not in added]
    return replace(message, fields=[*kept, *added.items()])


def field_changed(message: Message, name: str, change: Callable[[str], str]) -> Message:
    fields = [(key, change(value) if key.lower() == name else value) for key, value in message.fields]
    return replace(message, fields=fields)


def without(message: Message, name: str) -> Message:
    return replace(message, fields=[each for each in message.fields if each[0].lower() != name])


def with_field(message: Message, name: str, value: str) -> Message:
    return replace(message, fields=[*message.fields, (name, value)])


def sub(pattern: str, new: str) -> Callable[[str], str]:
    def change(value: str) -> str:
        changed, count = re.subn(pattern, new, value)
        assert count, f"{pattern} is not in {value}"
        return changed

    return change


def other_body(message: Message) -> Message:
    """Change the body and its digest field, as a man in the middle can."""
    body = b'{"ask":2}'
    return field_changed(replace(message, body=body), "content-digest", lambda _: content_digest(body))


def at(seconds: float) -> SetClock:
    return SetClock(NOW + timedelta(seconds=seconds))
