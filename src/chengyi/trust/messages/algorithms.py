"""The algorithms of signed requests: Ed25519 and ECDSA P-256 (RFC 9421 §3.3.4 and §3.3.6), and SM2 with SM3.

Rules: the key says which algorithm it is for, never the message; an ECDSA signature is ``r || s``, 32 bytes each;
another algorithm is another class that keeps the two protocols. SM2 is not in the RFC's registry: its name is
private to nodes of this suite, its signature is DER as in certificates, and the system's libcrypto computes it.
"""

from collections.abc import Callable
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from chengyi.model.errors import UsageError
from chengyi.trust.primitives import LibraryMissing
from chengyi.trust.primitives.sm2 import Sm2PrivateKey, Sm2PublicKey

ED25519 = "ed25519"
ECDSA_P256 = "ecdsa-p256-sha256"
SM2_SM3 = "sm2-sm3"
_HALF = 32


class SigningKey(Protocol):
    """Signs messages; the secret stays within."""

    @property
    def algorithm(self) -> str:
        """Return the name in the registry of RFC 9421, or a private one."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature in the form that RFC 9421 gives it."""
        ...


class VerifyingKey(Protocol):
    """Checks signatures of one key."""

    @property
    def algorithm(self) -> str:
        """Return the only algorithm that the key is used with."""
        ...

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether this is the key's signature of the message."""
        ...


class Ed25519Signing:
    """Signs by Ed25519 (RFC 8032)."""

    __slots__ = ("_key",)
    algorithm = ED25519

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """Return 64 bytes."""
        return self._key.sign(message)


class P256Signing:
    """Signs by ECDSA over P-256 with SHA-256."""

    __slots__ = ("_key",)
    algorithm = ECDSA_P256

    def __init__(self, key: EllipticCurvePrivateKey) -> None:
        _require_p256(key.curve.name)
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """Return ``r || s``, 64 bytes."""
        return _flat(self._key.sign(message, ECDSA(SHA256())))


class DerSigning:
    """Signs by a key that is held elsewhere and returns signatures as in certificates (DER)."""

    __slots__ = ("_sign", "algorithm")

    def __init__(self, public: bytes, sign: Callable[[bytes], bytes]) -> None:
        """Take the key's DER SubjectPublicKeyInfo, and what signs with it."""
        self.algorithm = read_verifying_key(public).algorithm
        self._sign = sign

    def sign(self, message: bytes) -> bytes:
        """Return the signature in the form of the algorithm."""
        found = self._sign(message)
        return _flat(found) if self.algorithm == ECDSA_P256 else found


class Ed25519Verifying:
    """Checks Ed25519 signatures."""

    __slots__ = ("_key",)
    algorithm = ED25519

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether the signature is right."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class P256Verifying:
    """Checks ECDSA signatures over P-256."""

    __slots__ = ("_key",)
    algorithm = ECDSA_P256

    def __init__(self, key: EllipticCurvePublicKey) -> None:
        _require_p256(key.curve.name)
        self._key = key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether the signature is right."""
        if len(signature) != 2 * _HALF:
            return False
        r, s = int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")
        try:
            self._key.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


class Sm2Signing:
    """Signs by SM2 with SM3 (GB/T 32918.2)."""

    __slots__ = ("_key",)
    algorithm = SM2_SM3

    def __init__(self, key: Sm2PrivateKey) -> None:
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """Return the signature, DER."""
        return self._key.sign(message)


class Sm2Verifying:
    """Checks SM2 signatures."""

    __slots__ = ("_key",)
    algorithm = SM2_SM3

    def __init__(self, key: Sm2PublicKey) -> None:
        self._key = key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether the signature is right."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def signing_key(key: object) -> SigningKey:
    """Return the signing key over a private key; UsageError for a kind that has no suite."""
    if isinstance(key, Ed25519PrivateKey):
        return Ed25519Signing(key)
    if isinstance(key, EllipticCurvePrivateKey):
        return P256Signing(key)
    if isinstance(key, Sm2PrivateKey):
        return Sm2Signing(key)
    raise UsageError(why="该类密钥不能用于请求签名 (this kind of key cannot sign requests)")


def verifying_key(key: object) -> VerifyingKey:
    """Return the verifying key over a public key; UsageError for a kind that has no suite."""
    if isinstance(key, Ed25519PublicKey):
        return Ed25519Verifying(key)
    if isinstance(key, EllipticCurvePublicKey):
        return P256Verifying(key)
    if isinstance(key, Sm2PublicKey):
        return Sm2Verifying(key)
    raise UsageError(why="该类密钥不能用于请求签名 (this kind of key cannot sign requests)")


def read_verifying_key(der: bytes) -> VerifyingKey:
    """Return the verifying key of a SubjectPublicKeyInfo; UsageError where it is none that has a suite."""
    try:
        return verifying_key(load_der_public_key(der))
    except (ValueError, UnsupportedAlgorithm):
        pass
    try:
        return verifying_key(Sm2PublicKey.from_der(der))
    except (ValueError, LibraryMissing) as fault:
        raise UsageError(why="该类密钥不能用于请求签名 (this kind of key cannot sign requests)") from fault


def _flat(signature: bytes) -> bytes:
    """Return ``r || s`` of an ECDSA signature in DER."""
    r, s = decode_dss_signature(signature)
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def _require_p256(curve: str) -> None:
    if curve != SECP256R1.name:
        raise UsageError(why="请求签名只用 P-256 曲线 (requests are signed on the curve P-256 only)")
