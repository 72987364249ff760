"""What our certificates look like (RFC 5280, section 4): root, region, node, person, store.

Rules:

1. A root certifies regions, a region certifies leaves: path lengths 1 and 0. A region may certify names under its own
   domain only: a critical name constraint with one permitted DNS subtree, and every address excluded.
2. A leaf has one host name (`names.py`) as its only alternative name, and the exact name as common name. Node and
   person sign (TLS server and client; client only) and live at most 24 hours; a store's X25519 key agrees on keys
   only, for at most a year, because what is sealed to it rests on disks that long.
3. Serial numbers are 20 random octets (RFC 5280, 4.1.2.2: positive, at most 20). Validity starts five minutes before
   the present, so that a clock a little behind takes what was just issued; it never outlasts the issuer's.
4. Key identifiers are the first 20 octets of the SHA-256 of the key's SubjectPublicKeyInfo.
"""

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chengyi.trust.authority.names import Kind, host
from chengyi.trust.authority.suites import SigningKey

LEEWAY = timedelta(minutes=5)
LONGEST_LEAF = timedelta(hours=24)
LONGEST_STORE = timedelta(days=366)
SEALING = x509.ObjectIdentifier("2.25.110859520344386302368929249384526321236")
"""Sealing key shares to a store: an object identifier from a random UUID (ITU-T X.667)."""

USAGES = {
    Kind.NODE: (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
    Kind.PERSON: (ExtendedKeyUsageOID.CLIENT_AUTH,),
    Kind.STORE: (SEALING,),
}
_EVERY_ADDRESS = [x509.IPAddress(ipaddress.ip_network(each)) for each in ("0.0.0.0/0", "::/0")]


@dataclass(frozen=True, slots=True)
class Term:
    """From when until when something holds."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: a key, and the certificate that speaks for it."""

    key: SigningKey
    certificate: x509.Certificate


def root(key: SigningKey, now: datetime, years: int) -> bytes:
    """Return a self-signed root certificate."""
    name = _name(f"Chengyi Root {key_identifier(key.public).hex()[:16]}", "城忆 Chengyi")
    form = _form(name, name, Term(now - LEEWAY, now + timedelta(days=365 * years)))
    form = _authority(form, 1).add_extension(_own_key(key.public), critical=False)
    return key.certify(form, key.public)


def region(issuer: Issuer, public: bytes, domain: str, now: datetime, years: int) -> bytes:
    """Return the certificate of a region that may certify names under `domain`."""
    constraint = x509.NameConstraints([x509.DNSName(domain)], _EVERY_ADDRESS)
    term = _term(issuer, now, timedelta(days=365 * years))
    form = _authority(_form(issuer.certificate.subject, _name(domain, "城忆 Chengyi"), term), 0)
    form = form.add_extension(constraint, critical=True).add_extension(_own_key(public), critical=False)
    return issuer.key.certify(form.add_extension(_issuers_key(issuer), critical=False), public)


def leaf(issuer: Issuer, public: bytes, kind: Kind, name: str, *, domain: str, term: Term) -> bytes:
    """Return the certificate of a node, person or store."""
    form = _form(issuer.certificate.subject, _name(name), term)
    names = x509.SubjectAlternativeName([x509.DNSName(host(kind, name, domain))])
    form = form.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    form = form.add_extension(_key_usage(sign=kind is not Kind.STORE, agree=kind is Kind.STORE), critical=True)
    form = form.add_extension(x509.ExtendedKeyUsage(USAGES[kind]), critical=kind is Kind.STORE)
    form = form.add_extension(names, critical=False).add_extension(_own_key(public), critical=False)
    return issuer.key.certify(form.add_extension(_issuers_key(issuer), critical=False), public)


def leaf_term(issuer: Issuer, now: datetime, life: timedelta) -> Term:
    """Return the term of a leaf whose whole life, leeway included, is `life`; it never outlasts its issuer."""
    return _term(issuer, now, life - LEEWAY)


def renewal_due(certificate: x509.Certificate) -> datetime:
    """Return when a certificate may be renewed: after two thirds of its life."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return start + (end - start) * 2 / 3


def revocation_list(
    issuer: Issuer,
    number: int,
    now: datetime,
    following: datetime,
    revoked: list[tuple[int, datetime, x509.ReasonFlags]],
) -> bytes:
    """Return a list of revoked certificates (serial, when, why), number `number`, to be followed by `following`."""
    form = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(_whole(now))
        .next_update(_whole(following))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_issuers_key(issuer), critical=False)
    )
    for serial, when, why in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(_whole(when))
        if why is not x509.ReasonFlags.unspecified:
            entry = entry.add_extension(x509.CRLReason(why), critical=False)
        form = form.add_revoked_certificate(entry.build())
    return issuer.key.list(form)


def key_identifier(public: bytes) -> bytes:
    """Return the identifier of a key, 20 bytes."""
    return sha256(public).digest()[:20]


def new_serial() -> int:
    """Return a random positive serial number of 20 octets."""
    return int.from_bytes(secrets.token_bytes(20), "big") >> 1 | 1 << 158


def _form(issuer: x509.Name, subject: x509.Name, term: Term) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .serial_number(new_serial())
        .not_valid_before(_whole(term.start))
        .not_valid_after(_whole(term.end))
    )


def _authority(form: x509.CertificateBuilder, length: int) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=True, path_length=length)
    return form.add_extension(constraints, critical=True).add_extension(_key_usage(certify=True), critical=True)


def _term(issuer: Issuer, now: datetime, life: timedelta) -> Term:
    return Term(now - LEEWAY, min(now + life, issuer.certificate.not_valid_after_utc))


def _key_usage(*, sign: bool = False, agree: bool = False, certify: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=agree,
        key_cert_sign=certify,
        crl_sign=certify,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str, organisation: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _own_key(public: bytes) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier(key_identifier(public))


def _issuers_key(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier(key_identifier(issuer.key.public), None, None)


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)
