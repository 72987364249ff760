"""A small time-stamp authority for a node that has no other (RFC 3161): its word is the node's clock.

Keeps promise 4 in the embedded default: a later clock cannot unsay an earlier stamp, for its token is kept and in
the ledger. It proves nothing to who does not trust the node; for them, name an outside authority. Rules:

1. A reply carries the signer's certificate only, and only where it was asked for: with two, the order of the SET
   makes some clients refuse it.
2. The signed attributes hold the signing certificate's digest (ESS signing-certificate-v2, RFC 5816).
3. A serial number is written down before the token is signed, and is never given twice.
4. A request that is malformed, or asks for a hash or a policy that is not ours, gets a rejection that says so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Protocol

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sqlalchemy import select

from chengyi.model.clock import Clock
from chengyi.model.errors import ConfigError
from chengyi.store.rows import Rows, upsert
from chengyi.trust.anchors import der
from chengyi.trust.anchors.held import held, hold
from chengyi.trust.anchors.rows import stamp_serials
from chengyi.trust.ports import Keys

KEY_FILE = "tsa.key"
POLICY = "2.25.161066781646713528214324268081767920374"
_PURPOSE = "chengyi-tsa/1"
_LIFE = timedelta(days=3653)
_MOST_BYTES = 4096
_SIZES = {"2.16.840.1.101.3.4.2.1": 32, "2.16.840.1.101.3.4.2.2": 48, "2.16.840.1.101.3.4.2.3": 64}

_SHA256 = der.sequence(der.identifier("2.16.840.1.101.3.4.2.1"))
_ECDSA_SHA256 = der.sequence(der.identifier("1.2.840.10045.4.3.2"))
_SIGNED_DATA = der.identifier("1.2.840.113549.1.7.2")
_TST_INFO = der.identifier("1.2.840.113549.1.9.16.1.4")
_CONTENT_TYPE = der.identifier("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = der.identifier("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE_V2 = der.identifier("1.2.840.113549.1.9.16.2.47")
_GRANTED, _REJECTION = der.integer(0), der.integer(2)
_BAD_ALGORITHM, _BAD_FORMAT, _BAD_POLICY = 0, 5, 15


@asn1.sequence
class _Algorithm:
    identifier: x509.ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class _Imprint:
    algorithm: _Algorithm
    digest: bytes


@asn1.sequence
class TimeStampQuery:
    """TimeStampReq (RFC 3161 §2.4.1) without extensions, of which we know none."""

    version: int
    imprint: _Imprint
    policy: x509.ObjectIdentifier | None
    nonce: int | None
    certificate: Annotated[bool, asn1.Default(value=False)]


class Serials(Protocol):
    """Gives each number once."""

    def next(self) -> int:
        """Return the next serial number, durably."""
        ...


class RowSerials:
    """Serial numbers of one authority in rows; several processes may share them."""

    def __init__(self, rows: Rows, authority: str) -> None:
        self._rows = rows
        self._authority = authority

    def next(self) -> int:
        """Return the next serial number, durably."""
        table = stamp_serials
        query = select(table.c.last).where(table.c.authority == self._authority).with_for_update()
        with self._rows.begin() as connection:
            number = int(connection.scalar(query) or 0) + 1
            upsert(connection, table, [{"authority": self._authority, "last": number}])
        return number


@dataclass(frozen=True, slots=True, repr=False)
class TsaIdentity:
    """The authority's key and certificate."""

    key: EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, folder: Path, keys: Keys, name: str, at: datetime) -> "TsaIdentity":
        """Make a key and a self-signed certificate in the folder of keys; HomeError where there is one."""
        key = generate_private_key(SECP256R1())
        certificate = self_signed(key, name, at)
        secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        facts = {"certificate": certificate.public_bytes(Encoding.PEM).decode()}
        hold(folder / KEY_FILE, keys, _PURPOSE, secret, facts)
        return cls(key, certificate)

    @classmethod
    def open(cls, folder: Path, keys: Keys) -> "TsaIdentity":
        """Open the key and certificate; ConfigError where there is none."""
        secret, facts = held(folder / KEY_FILE, keys, _PURPOSE, ("certificate",))
        key = load_der_private_key(secret, None)
        certificate = x509.load_pem_x509_certificate(facts["certificate"].encode())
        if not isinstance(key, EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
            raise ConfigError(file=KEY_FILE, key="certificate", why="证书与密钥不符 (it is not the key's certificate)")
        return cls(key, certificate)

    def __repr__(self) -> str:
        return f"TsaIdentity({self.certificate.subject.rfc4514_string()})"


class LocalTsa:
    """Answers time-stamp queries by the node's own clock; keeps the port `timestamps.Tsa`."""

    def __init__(self, identity: TsaIdentity, serials: Serials, clock: Clock, policy: str = POLICY) -> None:
        self._identity = identity
        self._serials = serials
        self._clock = clock
        self._policy = policy

    @property
    def name(self) -> str:
        """Return the authority's name."""
        return self._identity.certificate.subject.rfc4514_string()

    @property
    def certificate(self) -> x509.Certificate:
        """Return the certificate that tokens are checked with."""
        return self._identity.certificate

    def answer(self, query: bytes) -> bytes:
        """Return the reply to a query, both DER: a token, or a rejection with its reason."""
        request = _parsed(query)
        if request is None:
            return _rejection(_BAD_FORMAT)
        imprint = request.imprint
        if _SIZES.get(imprint.algorithm.identifier.dotted_string) != len(imprint.digest):
            return _rejection(_BAD_ALGORITHM)
        if request.policy is not None and request.policy.dotted_string != self._policy:
            return _rejection(_BAD_POLICY)
        info = self._info(request)
        return der.sequence(der.sequence(_GRANTED), self._token(info, with_certificate=request.certificate))

    def _info(self, request: TimeStampQuery) -> bytes:
        """Return the TSTInfo (RFC 3161 §2.4.2), accurate to a second."""
        imprint = request.imprint
        algorithm = der.sequence(der.identifier(imprint.algorithm.identifier.dotted_string))
        nonce = b"" if request.nonce is None else der.integer(request.nonce)
        return der.sequence(
            der.integer(1),
            der.identifier(self._policy),
            der.sequence(algorithm, der.octets(imprint.digest)),
            der.integer(self._serials.next()),
            der.moment(self._clock.now()),
            der.sequence(der.integer(1)),
            nonce,
        )

    def _token(self, info: bytes, *, with_certificate: bool) -> bytes:
        """Return the CMS SignedData over the info (RFC 5652 §5)."""
        certificate = self._identity.certificate.public_bytes(Encoding.DER)
        signed = der.sequence(
            der.integer(3),
            der.set_of(_SHA256),
            der.sequence(_TST_INFO, der.explicit(0, der.octets(info))),
            der.set_of(certificate, tag=0xA0) if with_certificate else b"",
            der.set_of(self._signer_info(info, certificate)),
        )
        return der.sequence(_SIGNED_DATA, der.explicit(0, signed))

    def _signer_info(self, info: bytes, certificate: bytes) -> bytes:
        attributes = (
            _attribute(_CONTENT_TYPE, _TST_INFO),
            _attribute(_MESSAGE_DIGEST, der.octets(sha256(info).digest())),
            _attribute(_SIGNING_CERTIFICATE_V2, _signing_certificate(certificate)),
        )
        signature = self._identity.key.sign(der.set_of(*attributes), ECDSA(SHA256()))
        issued = self._identity.certificate
        return der.sequence(
            der.integer(1),
            der.sequence(issued.issuer.public_bytes(), der.integer(issued.serial_number)),
            _SHA256,
            der.set_of(*attributes, tag=0xA0),
            _ECDSA_SHA256,
            der.octets(signature),
        )


def self_signed(key: EllipticCurvePrivateKey, name: str, at: datetime) -> x509.Certificate:
    """Return a certificate that may sign time-stamps and nothing else (RFC 3161 §2.3), for ten years."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(minutes=5))
        .not_valid_after(at + _LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def _parsed(query: bytes) -> TimeStampQuery | None:
    if len(query) > _MOST_BYTES:
        return None
    try:
        found = asn1.decode_der(TimeStampQuery, query)
    except ValueError:
        return None
    return found if found.version == 1 and (found.nonce or 0) >= 0 else None


def _rejection(reason: int) -> bytes:
    return der.sequence(der.sequence(_REJECTION, der.bit(reason)))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return der.sequence(kind, der.set_of(value))


def _signing_certificate(certificate: bytes) -> bytes:
    """Return SigningCertificateV2 with the SHA-256 of the certificate (RFC 5035 §3)."""
    return der.sequence(der.sequence(der.sequence(der.octets(sha256(certificate).digest()))))
