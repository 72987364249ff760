"""RFC 9421, Appendix B.2: every base is built, every signature verified, the deterministic ones made again."""

from base64 import b64decode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import system
from chengyi.model.errors import MessageRefusedError
from chengyi.trust.messages.algorithms import SM2_SM3, DerSigning, signing_key, verifying_key
from chengyi.trust.messages.components import Component, Message, signature_base
from chengyi.trust.messages.digests import check_digest
from chengyi.trust.messages.fields import Signature, read_signatures
from trust.messages.forge import EC_PRIVATE
from trust.messages.rfc9421 import CASES, REQUEST, RESPONSE, Case, signing, verifying

DETERMINISTIC = [case for case in CASES if case.name in {"sig-b25", "sig-b26"}]


def received(case: Case) -> Message:
    added = [("Signature-Input", f"{case.name}={case.input}"), ("Signature", f"{case.name}=:{case.signature}:")]
    return replace(case.message, fields=[*case.message.fields, *added])


def read(case: Case) -> Signature:
    (found,) = read_signatures(received(case), 4096)
    return found


def base(case: Case, message: Message | None = None) -> bytes:
    found = read(case)
    return signature_base(message or case.message, found.components, found.params)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_signature_base_is_that_of_the_rfc(case: Case) -> None:
    assert read(case).params == case.input
    assert base(case).decode() == case.base


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_signature_of_the_rfc_verifies_and_a_changed_one_does_not(case: Case) -> None:
    key, value = verifying(case.key), b64decode(case.signature)
    assert read(case).value == value
    assert key.verifies(value, base(case))
    assert not key.verifies(value, base(case) + b" ")
    assert not key.verifies(bytes([value[0] ^ 1]) + value[1:], base(case))


@pytest.mark.parametrize("case", DETERMINISTIC, ids=lambda case: case.name)
def test_deterministic_signatures_are_made_again(case: Case) -> None:
    assert signing(case.key).sign(base(case)) == b64decode(case.signature)


def test_ecdsa_signatures_are_r_and_s_of_32_bytes_each() -> None:
    key = signing("test-key-ecc-p256")
    for _ in range(32):
        value = key.sign(b"message")
        assert len(value) == 64
        assert verifying("test-key-ecc-p256").verifies(value, b"message")


def test_a_key_that_is_held_elsewhere_signs_in_the_form_of_the_rfc() -> None:
    spki = EC_PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    elsewhere = DerSigning(spki, lambda data: EC_PRIVATE.sign(data, ECDSA(SHA256())))
    value = elsewhere.sign(b"message")
    assert (elsewhere.algorithm, len(value)) == ("ecdsa-p256-sha256", 64)
    assert verifying_key(EC_PRIVATE.public_key()).verifies(value, b"message")


def test_sm2_is_a_private_suite_over_the_systems_libcrypto() -> None:
    from chengyi.trust.primitives import sm2

    if not sm2.available():
        pytest.skip(f"{system.MISSING}a libcrypto with SM2; install it with: apt-get install libssl3")
    private = sm2.Sm2PrivateKey.generate()
    ours, theirs = signing_key(private), verifying_key(private.public_key())
    value = ours.sign(b"message")
    assert ours.algorithm == theirs.algorithm == SM2_SM3
    assert theirs.verifies(value, b"message")
    assert not theirs.verifies(value, b"another")
    assert not theirs.verifies(value[:-1], b"message")
    assert not theirs.verifies(b"", b"message")


@pytest.mark.parametrize("message", [REQUEST, RESPONSE], ids=["request", "response"])
def test_the_digests_of_the_rfc_are_those_of_its_bodies(message: Message) -> None:
    check_digest(message)
    with pytest.raises(MessageRefusedError, match="body is not"):
        check_digest(replace(message, body=message.body + b" "))


@pytest.mark.parametrize(
    ("component", "value"),
    [
        (Component("@method"), "POST"),
        (Component("@target-uri"), "https://example.com/foo?param=Value&Pet=dog"),
        (Component("@authority"), "example.com"),
        (Component("@scheme"), "https"),
        (Component("@request-target"), "/foo?param=Value&Pet=dog"),
        (Component("@path"), "/foo"),
        (Component("@query"), "?param=Value&Pet=dog"),
        (Component("@query-param", {"name": "param"}), "Value"),
    ],
)
def test_derived_components_are_those_of_section_2_2(component: Component, value: str) -> None:
    line, _ = signature_base(REQUEST, [component], "()").decode().split("\n")
    assert line == f"{component}: {value}"


@pytest.mark.parametrize(
    "component",
    [Component("@status"), Component("@nothing"), Component("@method", {"req": "1"}), Component("date", {"bs": "1"})],
)
def test_components_that_are_not_of_a_request_are_refused(component: Component) -> None:
    with pytest.raises(MessageRefusedError):
        signature_base(REQUEST, [component], "()")


def test_an_absent_query_is_a_question_mark_and_the_default_port_is_no_part_of_the_authority() -> None:
    plain = replace(REQUEST, authority="EXAMPLE.com:443", query="", path="")
    lines = signature_base(plain, [Component("@authority"), Component("@path"), Component("@query")], "()").decode()
    assert lines.startswith('"@authority": example.com\n"@path": /\n"@query": ?\n')
