"""Checks a path against our own profile, and says which step failed.

A path is a leaf, its region and its root; there is no other shape. `chains.py` lets `cryptography` judge the same path;
this judge is stricter, knows only the profile of `profiles.py`, and is the only one for certificates that
`cryptography` cannot judge (SM2 signatures, X25519 subjects). Steps:

1. The region's issuer is a trusted root, by name and key identifier; the leaf's is the region.
2. Signatures are genuine, each under its issuer's key and algorithm.
3. Every certificate is valid now.
4. The region may certify nobody but leaves under its own domain; root and region may sign certificates and lists.
5. The leaf has one host name under that domain, the usages of its kind and of no other, and nothing critical that is
   unknown.

A certificate is told apart by issuer and serial number. Its fingerprint is for people: ECDSA lets anybody turn a
signature into another of the same bytes, and by that the fingerprint into another of the same certificate.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtensionOID, NameOID

from chengyi.trust.authority.names import KINDS_FOR, Identity, Kind, Purpose, label, split_host
from chengyi.trust.authority.profiles import LEEWAY, LONGEST_LEAF, LONGEST_STORE, USAGES
from chengyi.trust.authority.refusals import UNREADABLE, Reason, refusal
from chengyi.trust.authority.suites import is_signed_by, public_of

LARGEST_CERTIFICATE = 8 << 10
LONGEST_CHAIN = 3
_KNOWN = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.NAME_CONSTRAINTS,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
}
_Value = TypeVar("_Value", bound=x509.ExtensionType)


def read_chain(chain: bytes | Sequence[bytes]) -> list[x509.Certificate]:
    """Parse one DER certificate, or up to three, leaf first; CertificateError where they are not."""
    parts = [chain] if isinstance(chain, bytes) else list(chain)
    if len(parts) > LONGEST_CHAIN:
        raise refusal(Reason.TOO_LONG, "")
    if any(len(part) > LARGEST_CERTIFICATE for part in parts):
        raise refusal(Reason.TOO_LARGE, "")
    try:
        found = [x509.load_der_x509_certificate(part) for part in parts]
        _ = [(each.extensions, each.subject, each.issuer, each.version) for each in found]
    except UNREADABLE as error:
        raise refusal(Reason.MALFORMED, "") from error
    if not found or any(each.serial_number <= 0 for each in found) or not all(map(_ends_whole, found, parts)):
        raise refusal(Reason.MALFORMED, "")
    return found


def find_path(
    leaf: x509.Certificate, others: Iterable[x509.Certificate], roots: Iterable[x509.Certificate], name: str
) -> tuple[x509.Certificate, x509.Certificate, x509.Certificate]:
    """Return leaf, region and root by name and key identifier; CertificateError where there is no such path."""
    held, anchors = list(others), list(roots)
    regions = [each for each in held if _is_issued_by(leaf, each)]
    for each in regions:
        for anchor in anchors:
            if _is_issued_by(each, anchor):
                return leaf, each, anchor
    longer = any(_is_issued_by(each, other) for each in regions for other in held if other.issuer != other.subject)
    raise refusal(Reason.TOO_LONG if longer else Reason.UNKNOWN_ISSUER, name)


def check_path(path: Sequence[x509.Certificate], at: datetime, name: str, *, signatures: bool = True) -> str:
    """Check leaf, region and root, as the module's head says, and return the domain; CertificateError on failure."""
    leaf, region, root = path
    if signatures:
        _check_signatures(leaf, region, root, name)
    check_times(path, at, name)
    domain = domain_under(region, root)
    if domain is None or not has_known_parts(leaf):
        raise refusal(Reason.OUTSIDE_PROFILE, name)
    return domain


def check_times(path: Sequence[x509.Certificate], at: datetime, name: str) -> None:
    """Check that every certificate of a path is valid now, leaf first."""
    for each in path:
        if at < each.not_valid_before_utc:
            raise refusal(Reason.NOT_YET_VALID, name)
        if at > each.not_valid_after_utc:
            raise refusal(Reason.EXPIRED, name)


def domain_under(region: x509.Certificate, root: x509.Certificate) -> str | None:
    """Return the domain that a region may certify under a root, None where either is outside the profile."""
    authorities = _is_authority(root, 1) and _is_authority(region, 0) and _all_known([region, root])
    return _domain(region) if authorities else None


def has_known_parts(leaf: x509.Certificate) -> bool:
    """Tell whether a leaf lives no longer than its kind may, and has no critical part that is unknown."""
    return _all_known([leaf]) and _has_short_life(leaf)


def identify(leaf: x509.Certificate, domain: str, name: str) -> Identity:
    """Return whom a leaf speaks for; CertificateError where it does not keep to the profile."""
    hosts = _host(leaf)
    common = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    told = split_host(hosts)
    if told is None or len(common) != 1 or len(leaf.subject.rdns) != 1:
        raise refusal(Reason.OUTSIDE_PROFILE, name)
    kind, theirs = told
    if theirs != domain:
        raise refusal(Reason.OUTSIDE_DOMAIN, name)
    exact = str(common[0].value)
    if hosts.partition(".")[0] != label(exact) or not _has_usages(leaf, kind):
        raise refusal(Reason.OUTSIDE_PROFILE, name)
    try:
        public = public_of(leaf)
    except UNREADABLE as error:
        raise refusal(Reason.OUTSIDE_PROFILE, name) from error
    return Identity(exact, kind, domain, serial_text(leaf), leaf.fingerprint(SHA256()).hex(), public)


def check_use(identity: Identity, purpose: Purpose, name: str) -> None:
    """Check that a certificate is for this use and, where `name` is given, made out to it."""
    if identity.kind not in KINDS_FOR[purpose]:
        raise refusal(Reason.WRONG_USE, name or identity.name)
    if name and name != identity.name:
        raise refusal(Reason.WRONG_NAME, name)


def serial_text(certificate: x509.Certificate) -> str:
    """Return a certificate's serial number in lower-case hexadecimal, without leading zeros."""
    return f"{certificate.serial_number:x}"


def value_of(certificate: x509.Certificate, kind: type[_Value]) -> _Value | None:
    """Return an extension's value, or None where the certificate has none."""
    for each in certificate.extensions:
        if type(each.value) is kind:
            return each.value
    return None


def _ends_whole(certificate: x509.Certificate, der: bytes) -> bool:
    """Tell whether the signature's bit string leaves no bits out, as DER has it for octets."""
    return der.endswith(b"\0" + certificate.signature)


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    theirs, own = value_of(certificate, x509.AuthorityKeyIdentifier), value_of(issuer, x509.SubjectKeyIdentifier)
    same = theirs is not None and own is not None and theirs.key_identifier == own.digest
    return same and certificate.issuer == issuer.subject


def _check_signatures(leaf: x509.Certificate, region: x509.Certificate, root: x509.Certificate, name: str) -> None:
    try:
        genuine = is_signed_by(region, public_of(root)) and is_signed_by(leaf, public_of(region))
    except UNREADABLE as error:
        raise refusal(Reason.FORGED, name) from error
    if not genuine:
        raise refusal(Reason.FORGED, name)


def _is_authority(certificate: x509.Certificate, length: int) -> bool:
    constraints, usage = value_of(certificate, x509.BasicConstraints), value_of(certificate, x509.KeyUsage)
    if constraints is None or usage is None:
        return False
    return constraints.ca and constraints.path_length == length and usage.key_cert_sign and usage.crl_sign


def _all_known(path: Sequence[x509.Certificate]) -> bool:
    return all(
        certificate.version is x509.Version.v3
        and all(each.oid in _KNOWN or not each.critical for each in certificate.extensions)
        for certificate in path
    )


def _has_short_life(leaf: x509.Certificate) -> bool:
    usage = value_of(leaf, x509.KeyUsage)
    longest = LONGEST_STORE if usage is not None and not usage.digital_signature else LONGEST_LEAF
    return leaf.not_valid_after_utc - leaf.not_valid_before_utc <= longest + LEEWAY


def _domain(region: x509.Certificate) -> str | None:
    constraints = value_of(region, x509.NameConstraints)
    permitted = (constraints.permitted_subtrees if constraints is not None else None) or []
    if len(permitted) != 1 or not isinstance(permitted[0], x509.DNSName):
        return None
    return permitted[0].value


def _host(leaf: x509.Certificate) -> str:
    names = value_of(leaf, x509.SubjectAlternativeName)
    found = list(names) if names is not None else []
    return found[0].value if len(found) == 1 and isinstance(found[0], x509.DNSName) else ""


def _has_usages(leaf: x509.Certificate, kind: Kind) -> bool:
    constraints, usage = value_of(leaf, x509.BasicConstraints), value_of(leaf, x509.KeyUsage)
    uses = value_of(leaf, x509.ExtendedKeyUsage)
    if constraints is None or constraints.ca or usage is None or uses is None:
        return False
    agrees = kind is Kind.STORE
    exact = usage.key_agreement is agrees and usage.digital_signature is not agrees and not usage.key_cert_sign
    return exact and not usage.crl_sign and set(uses) == set(USAGES[kind])
