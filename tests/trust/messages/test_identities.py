"""Whose key it is: by pinning, or by the chain that a request carries."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chengyi.model.errors import IntegrityError, MessageRefusedError, UnreachableError, UsageError
from chengyi.store.settings import MessageSettings
from chengyi.trust.messages.algorithms import read_verifying_key, signing_key, verifying_key
from chengyi.trust.messages.identities import CertificateIdentities, keyid_of
from chengyi.trust.messages.policy import Policy
from chengyi.trust.messages.refusals import Refusal
from chengyi.trust.messages.signing import MessageSigner
from chengyi.trust.messages.verification import MessageVerifier
from trust.messages.forge import EC_PRIVATE, HERE, NOW, World, ed_key, signed

LEAF, OTHER = b"a leaf", b"another"


def spki(key: object) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


def check(chain: Sequence[bytes], at: datetime) -> tuple[str, bytes, str]:
    if chain[0] != LEAF:
        raise IntegrityError(object="chain", why="unknown")
    return "node:a", spki(EC_PRIVATE), "5e"


def test_the_peer_is_whom_the_checked_chain_speaks_for() -> None:
    found = CertificateIdentities(check).find(keyid_of(LEAF), [LEAF], NOW)
    assert found is not None
    assert (found.id, found.key.algorithm, found.certificate) == ("node:a", "ecdsa-p256-sha256", "5e")


def test_promise_4_a_chain_that_is_refused_or_is_another_keys_has_no_peer() -> None:
    identities = CertificateIdentities(check)
    assert identities.find(keyid_of(OTHER), [OTHER], NOW) is None
    assert identities.find(keyid_of(OTHER), [LEAF], NOW) is None
    assert identities.find(keyid_of(LEAF), [], NOW) is None


def test_a_passing_fault_is_not_taken_for_a_refusal() -> None:
    def away(chain: Sequence[bytes], at: datetime) -> tuple[str, bytes, str]:
        raise UnreachableError(source="x", why="y")

    with pytest.raises(UnreachableError):
        CertificateIdentities(away).find(keyid_of(LEAF), [LEAF], NOW)


def test_a_request_is_believed_by_the_chain_that_it_carries() -> None:
    world = World()
    identities = CertificateIdentities(check)
    verifier = MessageVerifier(identities, world.nonces, world.audit, world.clock, authorities=[HERE])
    signer = MessageSigner(signing_key(EC_PRIVATE), keyid_of(LEAF), world.clock, certificates=[LEAF, b"region"])
    found = verifier.verify(signed(signer), "node:a")
    assert (found.id, found.certificate) == ("node:a", "5e")


def test_promise_4_a_good_request_of_another_than_its_sender_is_refused_and_its_nonce_not_used_up() -> None:
    world = World()
    verifier = MessageVerifier(CertificateIdentities(check), world.nonces, world.audit, world.clock, authorities=[HERE])
    request = signed(MessageSigner(signing_key(EC_PRIVATE), keyid_of(LEAF), world.clock, certificates=[LEAF]))
    with pytest.raises(MessageRefusedError) as caught:
        verifier.verify(request, "node:b")
    assert caught.value.facts["reason"] == Refusal.WRONG_SENDER
    assert [act.detail["reason"] for act in world.audit.acts] == ["wrong-sender"]
    assert verifier.verify(request, "node:a").id == "node:a"


def test_keys_without_a_suite_are_refused() -> None:
    assert read_verifying_key(spki(ed_key())).algorithm == "ed25519"
    large = generate_private_key(SECP384R1())
    for work in (
        lambda: read_verifying_key(spki(large)),
        lambda: read_verifying_key(b"garbage"),
        lambda: verifying_key(b"garbage"),
        lambda: signing_key(large),
        lambda: signing_key("garbage"),
    ):
        with pytest.raises(UsageError):
            work()


def test_the_policy_is_that_of_the_settings() -> None:
    policy = Policy.of(MessageSettings(life_seconds=20, skew_seconds=5))
    assert (policy.life.total_seconds(), policy.skew.total_seconds()) == (20, 5)
    assert Policy.of(MessageSettings()) == Policy()
