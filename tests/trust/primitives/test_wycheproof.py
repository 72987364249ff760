"""C2SP Wycheproof: what the product relies on, and its near relatives in the same library, vector by vector.

In scope are the files of `SCOPE`. `ELSEWHERE` are in scope and judged next to the code that they test. `OUTSIDE` says
which are not, and why. What a library refuses though the vector is valid is in `REFUSED`, by count and reason; the
tests fail when a file, a count or a verdict changes.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hmac, keywrap
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256, SHA512, SM3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_der_public_key

from trust.vectors import json_vectors

Test = dict[str, Any]
Judge = Callable[[Test, Test], None]
"""Does what the vector says; raises one of `REJECTS` where the library rejects it, AssertionError where it errs."""

REJECTS = (InvalidTag, InvalidSignature, keywrap.InvalidUnwrap, ValueError)


def _b(test: Test, name: str) -> bytes:
    return bytes.fromhex(test[name])


def _aead(kind: Callable[[bytes], Any]) -> Judge:
    def judge(_: Test, test: Test) -> None:
        cipher, nonce, aad = kind(_b(test, "key")), _b(test, "iv"), _b(test, "aad")
        plain, sealed = _b(test, "msg"), _b(test, "ct") + _b(test, "tag")
        assert cipher.decrypt(nonce, sealed, aad) == plain
        assert cipher.encrypt(nonce, plain, aad) == sealed

    return judge


def _wrap(wrap: Callable[[bytes, bytes], bytes], unwrap: Callable[[bytes, bytes], bytes]) -> Judge:
    def judge(_: Test, test: Test) -> None:
        assert unwrap(_b(test, "key"), _b(test, "ct")) == _b(test, "msg")
        assert wrap(_b(test, "key"), _b(test, "msg")) == _b(test, "ct")

    return judge


def _hkdf(kind: type[SHA256] | type[SHA512]) -> Judge:
    def judge(_: Test, test: Test) -> None:
        derivation = HKDF(algorithm=kind(), length=test["size"], salt=_b(test, "salt"), info=_b(test, "info"))
        assert derivation.derive(_b(test, "ikm")) == _b(test, "okm")

    return judge


def _hmac_sm3(group: Test, test: Test) -> None:
    code = hmac.HMAC(_b(test, "key"), SM3())
    code.update(_b(test, "msg"))
    if code.finalize()[: group["tagSize"] // 8] != _b(test, "tag"):
        raise InvalidSignature


def _ed25519(group: Test, test: Test) -> None:
    key = load_der_public_key(_b(group, "publicKeyDer"))
    assert isinstance(key, Ed25519PublicKey)
    key.verify(_b(test, "sig"), _b(test, "msg"))


def _ecdsa(group: Test, test: Test) -> None:
    key = load_der_public_key(_b(group, "publicKeyDer"))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(_b(test, "sig"), _b(test, "msg"), ec.ECDSA(SHA256()))


def _mldsa(group: Test, test: Test) -> None:
    key = MLDSA44PublicKey.from_public_bytes(_b(group, "publicKey"))
    key.verify(_b(test, "sig"), _b(test, "msg"), _b(test, "ctx") if "ctx" in test else None)


SCOPE: dict[str, tuple[int, Judge]] = {
    "aes_gcm": (316, _aead(AESGCM)),
    "chacha20_poly1305": (325, _aead(ChaCha20Poly1305)),
    "aes_wrap": (165, _wrap(keywrap.aes_key_wrap, keywrap.aes_key_unwrap)),
    "aes_kwp": (254, _wrap(keywrap.aes_key_wrap_with_padding, keywrap.aes_key_unwrap_with_padding)),
    "hkdf_sha256": (86, _hkdf(SHA256)),
    "hkdf_sha512": (83, _hkdf(SHA512)),
    "hmac_sm3": (174, _hmac_sm3),
    "ed25519": (151, _ed25519),
    "ecdsa_secp256r1_sha256": (484, _ecdsa),
    "mldsa_44_verify": (180, _mldsa),
}
ELSEWHERE = {
    "sm4_gcm": "tests/trust/primitives/test_libgcrypt.py: 104 vectors",
    "c2sp_chunked_encryption_aes_256_gcm": "tests/trust/vault/test_cobblestone.py: 35 vectors",
}
OUTSIDE = {
    "sm4_ccm": "Neither the product nor `cryptography` offers SM4-CCM; the suite is SM4-GCM.",
    "c2sp_chunked_encryption_aes_128_gcm": "The product offers the 256-bit form only.",
}
REFUSED = {
    "aes_gcm": (27, "Nonces outside 8 to 128 bytes: `cryptography` refuses them; ours always have 12."),
}


@pytest.fixture(scope="module")
def archive(shared_data: Path) -> Path:
    return shared_data / "trust" / "wycheproof-vectors.tar.xz"


def test_every_file_is_in_scope_or_left_out_for_a_reason(archive: Path) -> None:
    found = {Path(name).name.removesuffix("_test.json") for name in json_vectors(archive)}
    assert found == SCOPE.keys() | ELSEWHERE.keys() | OUTSIDE.keys()
    assert len(found) == 14


@pytest.mark.parametrize("name", SCOPE)
def test_every_vector_is_judged_rightly(archive: Path, name: str) -> None:
    total, judge = SCOPE[name]
    (suite,) = json_vectors(archive, f"{name}_test").values()
    counts: Counter[str] = Counter()
    for group in suite["testGroups"]:
        for test in group["tests"]:
            counts[outcome(name, judge, group, test)] += 1
    assert counts["wrong"] == 0
    assert counts["refused"] == REFUSED.get(name, (0, ""))[0]
    assert sum(counts.values()) == total


def outcome(name: str, judge: Judge, group: Test, test: Test) -> str:
    try:
        judge(group, test)
    except REJECTS:
        if test["result"] != "valid":
            return "right"
        return "refused" if name in REFUSED and not 8 <= len(_b(test, "iv")) <= 128 else "wrong"
    return "wrong" if test["result"] == "invalid" else "right"
