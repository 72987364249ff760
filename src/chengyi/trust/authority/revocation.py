"""Lists of revoked certificates (CRL, RFC 5280, sections 5 and 6.3), which `cryptography` parses and does not apply.

Deny by default: a list that is absent, out of date, of another issuer, or of a form we do not read is a refusal.
What is checked of a list, in this order:

1. It is by the certificate's issuer: by name, by its authority key identifier where it has one, and by signature.
2. The issuer may sign lists: `cRLSign`, where it has a key usage (6.3.3, step f).
3. It has a number, which is not critical (5.2.3), and a next update; it is valid now.
4. Complete and direct only: no delta, no indirect, no partial reasons, no attribute certificates; a list for one kind
   of certificates is used for that kind only; an issuing distribution point is critical (5.2.5).
5. Nothing critical in it is unknown, neither in the list nor in an entry (5.2, 5.3).

A list is read and its signature checked once; a certificate is then looked up in constant time.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from chengyi.trust.authority.refusals import UNREADABLE, Reason, refusal

LARGEST_LIST = 8 << 20
_KNOWN = {ExtensionOID.CRL_NUMBER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.ISSUING_DISTRIBUTION_POINT}
_KNOWN_OF_ENTRY = {CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE}

Check = Callable[[x509.CertificateRevocationList, x509.Certificate], bool]
"""Tells whether a list is signed by the holder of a certificate."""


class RevocationList:
    """One list of revoked certificates, read and held ready for lookups."""

    __slots__ = ("_by", "_check", "_form", "_genuine", "_serials", "crl", "der", "ends", "number", "starts")

    def __init__(self, crl: x509.CertificateRevocationList, der: bytes, check: Check) -> None:
        """Hold a parsed list; `read` parses one."""
        self.crl = crl
        self.der = der
        self._check = check
        self._by: dict[x509.Certificate, bool] = {}
        self._genuine: set[x509.Certificate] = set()
        self._serials = {entry.serial_number for entry in crl}
        self._form = _form(crl)
        self.starts, self.ends = crl.last_update_utc, crl.next_update_utc
        self.number = _number(crl)
        """The list's number, -1 where it has none."""

    @classmethod
    def read(cls, der: bytes, check: Check | None = None) -> "RevocationList":
        """Parse a DER list of at most 8 MiB; CertificateError where it is not one."""
        if len(der) > LARGEST_LIST:
            raise refusal(Reason.TOO_LARGE, "CRL")
        try:
            return cls(x509.load_der_x509_crl(der), der, check or _signed_by)
        except UNREADABLE as error:
            raise refusal(Reason.MALFORMED, "CRL") from error

    def is_by(self, issuer: x509.Certificate) -> bool:
        """Tell whether the list says that it is by this issuer, by name and key identifier."""
        if issuer not in self._by:
            theirs, ours = _key_of_list(self.crl), _key_of_issuer(issuer)
            same_key = theirs is None or ours is None or theirs == ours
            self._by[issuer] = same_key and self.crl.issuer == issuer.subject
        return self._by[issuer]

    def check(self, issuer: x509.Certificate, at: datetime, name: str) -> None:
        """Check the list itself, as the module's head says; CertificateError where a step fails."""
        if issuer not in self._genuine:
            if not _may_sign_lists(issuer) or not self._check(self.crl, issuer):
                raise refusal(Reason.LIST_FORGED, name)
            self._genuine.add(issuer)
        if not self._form.fit:
            raise refusal(Reason.LIST_UNFIT, name)
        if self.ends is None or not self.starts <= at < self.ends:
            raise refusal(Reason.LIST_STALE, name)

    def covers(self, certificate: x509.Certificate) -> bool:
        """Tell whether the list speaks about certificates of this kind."""
        if not self._form.users_only and not self._form.authorities_only:
            return True
        return self._form.authorities_only if _is_authority(certificate) else self._form.users_only

    def holds(self, certificate: x509.Certificate) -> bool:
        """Tell whether a certificate is on the list."""
        return certificate.serial_number in self._serials


def check_not_revoked(
    path: Sequence[x509.Certificate], lists: Iterable[RevocationList], at: datetime, name: str
) -> None:
    """Check every certificate of a path, leaf first and anchor last, but the anchor; CertificateError where refused."""
    held = list(lists)
    for certificate, issuer in pairwise(path):
        found = [each for each in held if each.is_by(issuer) and each.covers(certificate)]
        if not found:
            raise refusal(Reason.LIST_MISSING, name)
        newest = found[0] if len(found) == 1 else max(found, key=lambda each: (each.starts, each.number))
        newest.check(issuer, at, name)
        if newest.holds(certificate):
            raise refusal(Reason.REVOKED, name)


class _Form:
    """What a list is for, and whether it has a form that we read."""

    __slots__ = ("authorities_only", "fit", "users_only")

    def __init__(self, *, fit: bool, users_only: bool = False, authorities_only: bool = False) -> None:
        self.fit = fit
        self.users_only = users_only
        self.authorities_only = authorities_only


def _form(crl: x509.CertificateRevocationList) -> _Form:
    numbers = [each for each in crl.extensions if each.oid == ExtensionOID.CRL_NUMBER]
    known = all(each.oid in _KNOWN or not each.critical for each in crl.extensions)
    deltas = any(each.oid == ExtensionOID.DELTA_CRL_INDICATOR for each in crl.extensions)
    entries = all(_entry_is_known(entry) for entry in crl)
    fit = known and entries and not deltas and len(numbers) == 1 and not numbers[0].critical
    try:
        point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    except x509.ExtensionNotFound:
        return _Form(fit=fit)
    value = point.value
    partial = value.indirect_crl or value.only_some_reasons or value.only_contains_attribute_certs
    return _Form(
        fit=fit and point.critical and not partial,
        users_only=value.only_contains_user_certs,
        authorities_only=value.only_contains_ca_certs,
    )


def _entry_is_known(entry: x509.RevokedCertificate) -> bool:
    return all(
        each.oid in _KNOWN_OF_ENTRY or (not each.critical and each.oid != CRLEntryExtensionOID.CERTIFICATE_ISSUER)
        for each in entry.extensions
    )


def _number(crl: x509.CertificateRevocationList) -> int:
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return -1


def _signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _key_of_list(crl: x509.CertificateRevocationList) -> bytes | None:
    try:
        return crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None


def _key_of_issuer(issuer: x509.Certificate) -> bytes | None:
    try:
        return issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None
