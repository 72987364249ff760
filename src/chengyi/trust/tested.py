"""The primitives that the self-test tests, each called as the product calls it.

Rules: heavy libraries are imported when they are called for; what fails to import fails its test.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt


@dataclass(frozen=True, slots=True)
class Primitives:
    """The functions under test, each as the product uses it."""

    sha256: Callable[[bytes], bytes]
    sha512: Callable[[bytes], bytes]
    blake3: Callable[[bytes], bytes]
    sm3: Callable[[bytes], bytes]
    hmac: Callable[[bytes, bytes], bytes]
    hkdf_sha256: Callable[[bytes, bytes, bytes, int], bytes]
    hkdf_sha512: Callable[[bytes, bytes, bytes, int], bytes]
    scrypt: Callable[[bytes, bytes, int, int, int], bytes]
    seal_aes: Callable[[bytes, bytes, bytes, bytes], bytes]
    open_aes: Callable[[bytes, bytes, bytes, bytes], bytes]
    seal_sm4: Callable[[bytes, bytes, bytes, bytes], bytes]
    open_sm4: Callable[[bytes, bytes, bytes, bytes], bytes]
    sign_ed25519: Callable[[bytes, bytes], bytes]
    verify_ed25519: Callable[[bytes, bytes, bytes], bool]
    sign_ecdsa: Callable[[int, bytes], bytes]
    verify_ecdsa: Callable[[bytes, bytes, bytes], bool]
    exchange: Callable[[bytes, bytes], bytes]
    open_hpke: Callable[[bytes, bytes, bytes], bytes]
    seal_hpke: Callable[[bytes, bytes, bytes], bytes]
    mldsa_public: Callable[[bytes], bytes]
    sign_mldsa: Callable[[bytes, bytes], bytes]
    verify_mldsa: Callable[[bytes, bytes, bytes], bool]
    unseal: Callable[[bytes, bytes, bytes], bytes]
    seal: Callable[[bytes, bytes, bytes], bytes]
    split: Callable[[bytes, int, int], list[bytes]]
    combine: Callable[[Mapping[int, bytes]], bytes]
    merkle_root: Callable[[list[bytes]], bytes]
    encode: Callable[[bytes], list[bytes]]
    join: Callable[[Mapping[int, bytes], int], bytes]
    verify_sm2: Callable[[bytes, bytes, bytes], bool] | None = None


def real() -> Primitives:
    """Return the product's own primitives; `verify_sm2` is None where the system has no SM2."""
    from chengyi.trust.ledger.merkle import leaf_hash, root
    from chengyi.trust.primitives import hashes, sm2
    from chengyi.trust.primitives.ciphers import AES_256_GCM, SM4_GCM
    from chengyi.trust.vault import cobblestone, shamir

    return Primitives(
        sha256=lambda data: hashes.SHA_256.new(data).digest(),
        sha512=lambda data: hashlib.sha512(data).digest(),
        blake3=lambda data: hashes.BLAKE3.new(data).digest(),
        sm3=lambda data: hashes.SM3.new(data).digest(),
        hmac=lambda key, data: hmac.digest(key, data, hashlib.sha256),
        hkdf_sha256=lambda key, salt, info, size: HKDF(SHA256(), size, salt, info).derive(key),
        hkdf_sha512=lambda key, salt, info, size: HKDF(SHA512(), size, salt, info).derive(key),
        scrypt=lambda phrase, salt, n, r, p: Scrypt(salt, 64, n, r, p).derive(phrase),
        seal_aes=_sealing(AES_256_GCM.make),
        open_aes=_opening(AES_256_GCM.make),
        seal_sm4=_sealing(SM4_GCM.make),
        open_sm4=_opening(SM4_GCM.make),
        sign_ed25519=lambda seed, data: Ed25519PrivateKey.from_private_bytes(seed).sign(data),
        verify_ed25519=_verify_ed25519,
        sign_ecdsa=_sign_ecdsa,
        verify_ecdsa=_verify_ecdsa,
        exchange=_exchange,
        open_hpke=lambda key, box, info: _hpke().decrypt(box, X25519PrivateKey.from_private_bytes(key), info),
        seal_hpke=_seal_hpke,
        mldsa_public=lambda seed: MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw(),
        sign_mldsa=lambda seed, data: MLDSA44PrivateKey.from_seed_bytes(seed).sign(data),
        verify_mldsa=_verify_mldsa,
        unseal=cobblestone.unseal,
        seal=cobblestone.seal,
        split=shamir.split,
        combine=shamir.combine,
        merkle_root=lambda leaves: root([leaf_hash(each) for each in leaves]),
        encode=_encode,
        join=_join,
        verify_sm2=_verify_sm2 if sm2.available() else None,
    )


def _sealing(make: Callable[[bytes], object]) -> Callable[[bytes, bytes, bytes, bytes], bytes]:
    def seal(key: bytes, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        out = bytearray(len(plain) + 16)
        make(key).encrypt_into(nonce, plain, aad, memoryview(out))  # type: ignore[attr-defined]
        return bytes(out)

    return seal


def _opening(make: Callable[[bytes], object]) -> Callable[[bytes, bytes, bytes, bytes], bytes]:
    def open_sealed(key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        out = bytearray(len(sealed) - 16)
        make(key).decrypt_into(nonce, sealed, aad, memoryview(out))  # type: ignore[attr-defined]
        return bytes(out)

    return open_sealed


def _verify_ed25519(public: bytes, signature: bytes, data: bytes) -> bool:
    return _accepted(lambda: Ed25519PublicKey.from_public_bytes(public).verify(signature, data))


def _sign_ecdsa(secret: int, data: bytes) -> bytes:
    key = ec.derive_private_key(secret, ec.SECP256R1())
    return key.sign(data, ec.ECDSA(SHA256(), deterministic_signing=True))


def _verify_ecdsa(point: bytes, signature: bytes, data: bytes) -> bool:
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    return _accepted(lambda: key.verify(signature, data, ec.ECDSA(SHA256())))


def _exchange(secret: bytes, public: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


def _hpke() -> hpke.Suite:
    return hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def _seal_hpke(secret: bytes, plain: bytes, info: bytes) -> bytes:
    return _hpke().encrypt(plain, X25519PrivateKey.from_private_bytes(secret).public_key(), info)


def _verify_mldsa(public: bytes, signature: bytes, data: bytes) -> bool:
    return _accepted(lambda: MLDSA44PublicKey.from_public_bytes(public).verify(signature, data))


def _encode(stripe: bytes) -> list[bytes]:
    from chengyi.trust.vault.code import code_of

    return [bytes(each) for each in code_of(6, 9).encode(stripe)]


def _join(pieces: Mapping[int, bytes], size: int) -> bytes:
    from chengyi.trust.vault.code import code_of

    return code_of(6, 9).join(pieces, size)


def _verify_sm2(public: bytes, signature: bytes, data: bytes) -> bool:
    from chengyi.trust.primitives.sm2 import Sm2PublicKey

    return _accepted(lambda: Sm2PublicKey.from_der(public).verify(signature, data))


def _accepted(check: Callable[[], None]) -> bool:
    try:
        check()
    except InvalidSignature:
        return False
    return True
