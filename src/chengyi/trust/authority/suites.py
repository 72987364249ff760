"""The keys that an authority signs with: P-256 with SHA-256 by default, SM2 with SM3 as an option.

Rules: a certificate, request or list is put together by `cryptography` either way; for SM2, which it cannot sign with,
it is completed by libcrypto. A key or signature of any other algorithm is refused. A secret key leaves as PKCS #8 only
to be locked away.
"""

from enum import StrEnum
from functools import cache
from typing import NoReturn, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from cryptography.x509.oid import SignatureAlgorithmOID

from chengyi.trust.primitives import sm2
from chengyi.trust.primitives.sm2_forms import SIGNATURE_OID, sign_form, subject_key

SM2_WITH_SM3 = x509.ObjectIdentifier(SIGNATURE_OID)
_SM2_CURVE = bytes.fromhex("06082a811ccf5501822d")  # 1.2.156.10197.1.301 as DER

Signed = x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList


class Suite(StrEnum):
    """Which algorithms an authority signs with."""

    P256 = "p256"
    SM = "sm"


class SigningKey(Protocol):
    """A secret key that completes and signs certificates, requests and lists."""

    @property
    def suite(self) -> Suite:
        """Return the suite of the key."""
        ...

    @property
    def public(self) -> bytes:
        """Return the public key as DER SubjectPublicKeyInfo."""
        ...

    def secret(self) -> bytes:
        """Return the secret key as DER PKCS #8, to be locked away."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Sign bytes; the signature is DER."""
        ...

    def certify(self, form: x509.CertificateBuilder, subject: bytes) -> bytes:
        """Return the DER certificate for a subject key (SubjectPublicKeyInfo)."""
        ...

    def request(self, form: x509.CertificateSigningRequestBuilder) -> bytes:
        """Return the DER request for this key."""
        ...

    def list(self, form: x509.CertificateRevocationListBuilder) -> bytes:
        """Return the DER list of revoked certificates."""
        ...


def generate(suite: Suite) -> SigningKey:
    """Make a new key; LibraryMissing where SM2 is asked for and the system has none."""
    if suite is Suite.SM:
        return _Sm2Key(sm2.Sm2PrivateKey.generate())
    return _P256Key(ec.generate_private_key(ec.SECP256R1()))


def load(suite: Suite, secret: bytes) -> SigningKey:
    """Read a key from PKCS #8; ValueError where it is none of the suite."""
    if suite is Suite.SM:
        return _Sm2Key(sm2.Sm2PrivateKey.from_der(secret))
    key = load_der_private_key(secret, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a P-256 key")  # noqa: TRY004 - what was read is wrong, not what was passed
    return _P256Key(key)


def suite_of(public: bytes) -> Suite:
    """Return the suite of a signing key (SubjectPublicKeyInfo); ValueError where it is of none."""
    if _SM2_CURVE in public[:32]:
        sm2.Sm2PublicKey.from_der(public)
        return Suite.SM
    key = load_der_public_key(public)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a P-256 key")  # noqa: TRY004 - as above
    return Suite.P256


def public_of(signed: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    """Return the subject's key of a certificate or request; ValueError where it cannot be read."""
    try:
        return signed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except UnsupportedAlgorithm:
        form = "X509" if isinstance(signed, x509.Certificate) else "X509_REQ"
        return subject_key(form, signed.public_bytes(Encoding.DER))  # type: ignore[arg-type]


def check_signature(public: bytes, signature: bytes, data: bytes) -> None:
    """Check a DER signature over bytes; InvalidSignature where it does not fit, ValueError for a foreign key."""
    if suite_of(public) is Suite.SM:
        sm2.Sm2PublicKey.from_der(public).verify(signature, data)
        return
    key = load_der_public_key(public)
    assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101 - `suite_of` has seen to it
    key.verify(signature, data, ec.ECDSA(SHA256()))


def is_signed_by(signed: Signed, public: bytes) -> bool:
    """Tell whether a certificate, request or list is signed with a key, under the key's own algorithm."""
    try:
        suite = suite_of(public)
        expected = SM2_WITH_SM3 if suite is Suite.SM else SignatureAlgorithmOID.ECDSA_WITH_SHA256
        if signed.signature_algorithm_oid != expected:
            return False
        check_signature(public, signed.signature, _signed_bytes(signed))
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def sealing_key(public: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of an X25519 key (RFC 8410) of 32 bytes; ValueError for another size."""
    key = X25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class _P256Key:
    __slots__ = ("_key", "public")

    suite = Suite.P256

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def secret(self) -> bytes:
        return self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, ec.ECDSA(SHA256()))

    def certify(self, form: x509.CertificateBuilder, subject: bytes) -> bytes:
        complete = form.public_key(load_der_public_key(subject))  # type: ignore[arg-type]
        return complete.sign(self._key, SHA256()).public_bytes(Encoding.DER)

    def request(self, form: x509.CertificateSigningRequestBuilder) -> bytes:
        return form.sign(self._key, SHA256()).public_bytes(Encoding.DER)

    def list(self, form: x509.CertificateRevocationListBuilder) -> bytes:
        return form.sign(self._key, SHA256()).public_bytes(Encoding.DER)

    def __repr__(self) -> str:
        return "P256Key()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")


class _Sm2Key:
    __slots__ = ("_key", "public")

    suite = Suite.SM

    def __init__(self, key: sm2.Sm2PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().der()

    def secret(self) -> bytes:
        return self._key.der()

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)

    def certify(self, form: x509.CertificateBuilder, subject: bytes) -> bytes:
        own = _SM2_CURVE in subject[:32]
        public = _template_key().public_key() if own else load_der_public_key(subject)
        template = form.public_key(public).sign(_template_key(), SHA256())  # type: ignore[arg-type]
        return sign_form("X509", template.public_bytes(Encoding.DER), self._key, subject if own else None)

    def request(self, form: x509.CertificateSigningRequestBuilder) -> bytes:
        template = form.sign(_template_key(), SHA256())
        return sign_form("X509_REQ", template.public_bytes(Encoding.DER), self._key, self.public)

    def list(self, form: x509.CertificateRevocationListBuilder) -> bytes:
        template = form.sign(_template_key(), SHA256())
        return sign_form("X509_CRL", template.public_bytes(Encoding.DER), self._key)

    def __repr__(self) -> str:
        return "Sm2Key()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")


@cache
def _template_key() -> ec.EllipticCurvePrivateKey:
    """Return a key that only fills the places which libcrypto overwrites; nothing trusts it."""
    return ec.generate_private_key(ec.SECP256R1())


def _signed_bytes(signed: Signed) -> bytes:
    if isinstance(signed, x509.Certificate):
        return signed.tbs_certificate_bytes
    if isinstance(signed, x509.CertificateSigningRequest):
        return signed.tbs_certrequest_bytes
    return signed.tbs_certlist_bytes
