"""Checks chains of certificates: `cryptography`'s verifier, and on top of it revocation (RFC 5280, section 6).

`cryptography` builds the path and checks signatures, times, names, name constraints, usage and depth; it does not look
at revocation at all. Rules:

1. A chain is good when the verifier accepts it and a fitting list of revoked certificates speaks for every
   certificate in it but the anchor (`revocation.py`; deny by default).
2. A certificate authority without a key usage is let pass, as RFC 5280 (6.1.4, step n) says; with one it needs
   `keyCertSign`. In all else the verifier's own policy stands.
3. Beyond the verifier: what RFC 5280 asks of those who issue is asked here too. Serial numbers below the anchor are
   positive (4.1.2.2); authorities have a subject key identifier, those below the anchor an authority key identifier
   (4.2.1.1, 4.2.1.2); policy constraints are critical (4.2.1.11); an anchor has no extended key usage and names no
   other issuer's key; a leaf is not for "any" use, and its key is fit today.
4. Only the vectors pass `lists=None`, which leaves revocation out: nothing in the product does.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, PublicKeyAlgorithmOID

from chengyi.trust.authority.names import Purpose
from chengyi.trust.authority.refusals import UNREADABLE, Reason, refusal
from chengyi.trust.authority.revocation import RevocationList, check_not_revoked

_MODERN = {PublicKeyAlgorithmOID.ED25519}
_MOST_JUDGED = 256


class Checker:
    """Checks chains against one set of trusted roots."""

    __slots__ = ("_builder", "_judged", "roots")

    def __init__(self, roots: Sequence[x509.Certificate], depth: int | None = None) -> None:
        """Trust `roots`; `depth` is the number of intermediates that a chain may have at most."""
        self.roots = tuple(roots)
        builder = _policy().store(verification.Store(list(roots)))
        self._builder = builder if depth is None else builder.max_chain_depth(depth)
        self._judged: dict[tuple[x509.Certificate, bool], bool] = {}

    def check(
        self,
        leaf: x509.Certificate,
        intermediates: Sequence[x509.Certificate],
        *,
        lists: Iterable[RevocationList] | None,
        at: datetime,
        purpose: Purpose = Purpose.SERVER,
        subject: verification.Subject | None = None,
        name: str = "",
    ) -> list[x509.Certificate]:
        """Check a chain and return its path, leaf first and anchor last.

        Args:
            leaf: The certificate that is shown.
            intermediates: Others that may be of use, in any order.
            lists: All lists of revoked certificates at hand; None leaves revocation out.
            at: The moment to check for.
            purpose: What the leaf is shown for: `SERVER` or `CLIENT`.
            subject: The host name or address that a server has to have.
            name: What to call it in an error.

        Raises:
            CertificateError: A step failed; the verifier's refusals all have the reason `UNKNOWN_ISSUER`.
        """
        try:
            path = self._path(leaf, list(intermediates), at, purpose, subject)
        except (verification.VerificationError, *UNREADABLE) as error:
            raise refusal(Reason.UNKNOWN_ISSUER, name) from error
        if not self._is_proper(path):
            raise refusal(Reason.OUTSIDE_PROFILE, name)
        if lists is not None:
            check_not_revoked(path, lists, at, name)
        return path

    def _path(
        self,
        leaf: x509.Certificate,
        intermediates: list[x509.Certificate],
        at: datetime,
        purpose: Purpose,
        subject: verification.Subject | None,
    ) -> list[x509.Certificate]:
        builder = self._builder.time(at)
        if purpose is Purpose.CLIENT or subject is None:
            return builder.build_client_verifier().verify(leaf, intermediates).chain
        return builder.build_server_verifier(subject).verify(leaf, intermediates)

    def _is_proper(self, path: Sequence[x509.Certificate]) -> bool:
        last = len(path) - 1
        above = all(self._is_proper_above(each, anchor=at == last) for at, each in enumerate(path[1:], 1))
        return above and (last == 0 or _is_issued(path[0])) and _is_proper_leaf(path[0])

    def _is_proper_above(self, authority: x509.Certificate, *, anchor: bool) -> bool:
        """Judge an authority once: the same few stand above every leaf."""
        place = (authority, anchor)
        if place not in self._judged:
            issued = _is_proper_anchor(authority) if anchor else _is_issued(authority)
            if len(self._judged) >= _MOST_JUDGED:
                self._judged.clear()
            self._judged[place] = issued and _is_proper_authority(authority)
        return self._judged[place]


def _policy() -> verification.PolicyBuilder:
    authorities = verification.ExtensionPolicy.webpki_defaults_ca().may_be_present(
        x509.KeyUsage, verification.Criticality.AGNOSTIC, _may_certify
    )
    return verification.PolicyBuilder().extension_policies(
        ca_policy=authorities, ee_policy=verification.ExtensionPolicy.webpki_defaults_ee()
    )


def _may_certify(_policy: verification.Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an authority's key usage lacks keyCertSign")


def _is_issued(certificate: x509.Certificate) -> bool:
    return certificate.serial_number > 0 and _value(certificate, x509.AuthorityKeyIdentifier) is not None


def _is_proper_authority(certificate: x509.Certificate) -> bool:
    policies = [each for each in certificate.extensions if each.oid == ExtensionOID.POLICY_CONSTRAINTS]
    return all(each.critical for each in policies) and _value(certificate, x509.SubjectKeyIdentifier) is not None


def _is_proper_anchor(certificate: x509.Certificate) -> bool:
    if _value(certificate, x509.ExtendedKeyUsage) is not None:
        return False
    issuer, own = _value(certificate, x509.AuthorityKeyIdentifier), _value(certificate, x509.SubjectKeyIdentifier)
    if issuer is None:
        return True
    foreign = issuer.authority_cert_issuer is not None or issuer.authority_cert_serial_number is not None
    return not foreign and (certificate.issuer != certificate.subject or issuer.key_identifier == own.digest)


def _is_proper_leaf(certificate: x509.Certificate) -> bool:
    usage = _value(certificate, x509.ExtendedKeyUsage)
    return ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in (usage or ()) and _is_fit_key(certificate)


def _is_fit_key(certificate: x509.Certificate) -> bool:
    if certificate.public_key_algorithm_oid in _MODERN:
        return True
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= 2048 and key.key_size % 8 == 0
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256


def _value(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> Any:  # noqa: ANN401 - of that kind
    return next((each.value for each in certificate.extensions if type(each.value) is kind), None)
