"""The authority of a node and what it issued, as the page of certificates draws it.

Rules: looking founds nothing, issues nothing and publishes nothing; no private key and no token leaves this module, but
a token that was just made for somebody to enrol with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from chengyi.model.errors import ChengyiError
from chengyi.model.text import Text
from chengyi.trust.authority.authority import Authority
from chengyi.trust.authority.paths import serial_text, value_of
from chengyi.trust.authority.profiles import renewal_due
from chengyi.trust.authority.register import Register
from chengyi.trust.authority.trusted import ROOTS

if TYPE_CHECKING:
    from chengyi.node import Node
    from chengyi.trust.authority.register import Issued

REASONS = {
    x509.ReasonFlags.unspecified: Text("未说明", "Unspecified"),
    x509.ReasonFlags.key_compromise: Text("私钥可能泄露", "Key may have leaked"),
    x509.ReasonFlags.affiliation_changed: Text("机构或人员变动", "Affiliation changed"),
    x509.ReasonFlags.superseded: Text("已由新证书取代", "Superseded"),
    x509.ReasonFlags.cessation_of_operation: Text("停止使用", "No longer in use"),
}
"""Why a certificate is revoked (RFC 5280, section 5.3.1), as people choose it."""


@dataclass(frozen=True, slots=True)
class IssuerLine:
    """A certificate that others rest on: root or region."""

    title: Text
    name: str
    fingerprint: str
    until: datetime
    permitted: tuple[str, ...] = ()
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class OwnLine:
    """The node's own certificate: its life, and when it is renewed; `revoked` where its authority is this node."""

    name: str
    serial: str
    fingerprint: str
    since: datetime
    until: datetime
    due: datetime
    revoked: bool = False

    def life(self, now: datetime) -> float:
        """Return the share of its life that is left, from 0 to 1."""
        return max(0.0, min(1.0, (self.until - now) / (self.until - self.since)))


@dataclass(frozen=True, slots=True)
class ListLine:
    """A list of revoked certificates: whose, its number, since when, until when, how many it holds."""

    issuer: str
    number: int
    since: datetime
    until: datetime | None
    count: int

    def is_stale(self, now: datetime) -> bool:
        """Tell whether the list holds no more: whatever rests on it is refused."""
        return self.until is None or now >= self.until


@dataclass(frozen=True, slots=True)
class AuthorityView:
    """The authority at a glance; `fault` where the node's own certificate cannot be read."""

    domain: str
    issuing: bool
    issuers: tuple[IssuerLine, ...]
    lists: tuple[ListLine, ...]
    own: OwnLine | None
    fault: Text | None = None


def authority_of(node: Node, actor: str = "", *, found: bool = False) -> Authority | None:
    """Return the node's authority in the name of somebody; None where there is none, unless it is to be founded."""
    from chengyi.node.certificates import foundation_of

    folder, parts, terms = foundation_of(node)
    parts = replace(parts, actor=actor or parts.actor)
    if found:
        return Authority.local(folder, parts, terms, node=node.settings.node.id)
    return Authority.open(folder, parts, terms) if is_founded(node) else None


def is_founded(node: Node) -> bool:
    """Tell whether the node has an authority; asking founds none."""
    from chengyi.node.certificates import foundation_of

    return (foundation_of(node)[0] / ROOTS).exists()


def view_of(node: Node, authority: Authority) -> AuthorityView:
    """Return what the page shows of an authority."""
    trusted = authority.trusted
    issuers = [_issuer(Text("根证书", "Root"), each) for each in trusted.roots]
    issuers += [_issuer(Text("区域证书", "Region"), each) for each in trusted.regions]
    lists = [_list(each, authority) for each in [*trusted.roots, *trusted.regions]]
    own, fault = None, None
    try:
        own = _own(node, authority)
    except ChengyiError as error:
        fault = Text(error.message("zh"), error.message("en"))
    known = tuple(each for each in lists if each is not None)
    return AuthorityView(authority.domain, authority.issuing, tuple(issuers), known, own, fault)


def issued_as(node: Node, serial: str) -> Issued | None:
    """Return the certificate of this serial number that was issued here and is on record, or None."""
    found = Register(node.rows).find(serial)
    return found if found is not None and found.entry is not None else None


def state_of(issued: Issued, now: datetime) -> tuple[str, Text]:
    """Return the tone and the words for how a certificate stands."""
    if issued.revoked_at is not None:
        return "bad", Text("已吊销", "Revoked")
    if issued.expires_at < now:
        return "quiet", Text("已到期", "Expired")
    return "good", Text("有效", "In force")


def fingerprint_of(authority: Authority) -> str:
    """Return the fingerprint of the root that an authority rests on."""
    return authority.trusted.roots[0].fingerprint(SHA256()).hex()


def reason_text(reason: str | None) -> Text:
    """Return how a reason of revocation is said."""
    return next((text for flag, text in REASONS.items() if flag.value == reason), Text(reason or "—", reason or "—"))


def _issuer(title: Text, certificate: x509.Certificate) -> IssuerLine:
    constraints = value_of(certificate, x509.NameConstraints)
    permitted = tuple(str(each.value) for each in (constraints.permitted_subtrees or ())) if constraints else ()
    excluded = bool(constraints and constraints.excluded_subtrees)
    mark = certificate.fingerprint(SHA256()).hex()
    return IssuerLine(title, _name(certificate.subject), mark, certificate.not_valid_after_utc, permitted, excluded)


def _list(issuer: x509.Certificate, authority: Authority) -> ListLine | None:
    held = authority.trusted.list_of(issuer)
    if held is None:
        return None
    crl = held.crl
    return ListLine(_name(issuer.subject), held.number, crl.last_update_utc, crl.next_update_utc, len(list(crl)))


def _own(node: Node, authority: Authority) -> OwnLine | None:
    held = authority.credentials.current()
    if held is None:
        return None
    made, serial = held.certificate, serial_text(held.certificate)
    issued = [each for each in authority.issued(name=node.settings.node.id) if each.serial == serial]
    return OwnLine(
        name=_name(made.subject),
        serial=serial,
        fingerprint=made.fingerprint(SHA256()).hex(),
        since=made.not_valid_before_utc,
        until=made.not_valid_after_utc,
        due=renewal_due(made),
        revoked=any(each.revoked_at for each in issued),
    )


def _name(subject: x509.Name) -> str:
    return "、".join(str(each.value) for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME)) or "—"
