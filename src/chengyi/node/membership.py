"""A member of a region, and the door of the region's node: enrolling, renewing, lists, over HTTP.

Keeps promise 8 of `docs/security.md`: certificates that end. Rules:

1. What passes is signed, and checked here against the root whose fingerprint was compared; the way it comes is not
   believed. Only the token is secret: it goes by https, or stays on this machine.
2. A served member renews its certificate when two thirds of its life have passed, and takes the lists of revoked
   certificates each time it looks, so that a revocation arrives within minutes.
3. What the region refuses is told with its own reason; what it answers is bounded.
"""

from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chengyi.model.canonical import parse
from chengyi.model.errors import UsageError
from chengyi.trust.authority.refusals import Reason, refusal
from chengyi.trust.authority.wire import CERTIFICATE, LIST, LONGEST_CHAIN, MOST_LISTS, Enrolment, Renewal, unpem
from chengyi.trust.transport import Exchange, Limits

if TYPE_CHECKING:
    from chengyi.node.node import Node
    from chengyi.trust.authority.names import Identity

REFUSED = 403
_LIMITS = Limits(seconds=15.0, most_bytes=4 << 20)
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


class RegionDoor:
    """The door of a region's node at an address (``https://host:port``), for the node of this name."""

    def __init__(self, url: str, name: str = "") -> None:
        self._url = url
        self._name = name

    def lists(self) -> list[bytes]:
        """Return the lists of region and root (DER); UnreachableError."""
        with self._exchange("lists") as exchange:
            return _unpem(exchange, exchange.ask("GET")[1], LIST, MOST_LISTS)

    def enrol(self, request: bytes, token: str) -> list[bytes]:
        """Return the chain (DER, leaf first) for a request; CertificateError, UnreachableError, UsageError."""
        found = urlsplit(self._url)
        if found.scheme != "https" and found.hostname not in _HERE:
            raise UsageError(why="登记凭据只经 https 或在本机发送 (a token is sent by https, or on this machine)")
        return self._chain("enrol", Enrolment(request, token).render())

    def renew(self, renewal: Renewal) -> list[bytes]:
        """Return the next chain (DER, leaf first) for a renewal; CertificateError, UnreachableError."""
        return self._chain("renew", renewal.render())

    def _chain(self, what: str, text: str) -> list[bytes]:
        with self._exchange(what) as exchange:
            status, body = exchange.ask("POST", text.encode(), also=(REFUSED,))
            if status == REFUSED:
                raise _refusal(exchange, body, self._name)
            return _unpem(exchange, body, CERTIFICATE, LONGEST_CHAIN)

    def _exchange(self, what: str) -> "closing[Exchange]":
        return closing(Exchange(f"{self._url}/authority/{what}", "application/json", _LIMITS))


def join(node: "Node", token: str, fingerprint: str) -> "Identity":
    """Enrol with the region of the settings by a token, and join it; an authority that was here is kept aside.

    Raises:
        CertificateError: The region refuses, or its root is not the one with this fingerprint (SHA-256, hexadecimal).
        UnreachableError: It cannot be asked.
        UsageError: The settings name no region, or one to which a token cannot go.
    """
    from chengyi.node.certificates import forget_store_certificates, foundation_of
    from chengyi.trust.authority.authority import Authority
    from chengyi.trust.authority.suites import Suite

    authority, door = node.authority, _door(node)
    request = authority.credentials.begin(node.settings.node.id, Suite(node.settings.authority.suite))
    chain = door.enrol(request, token)
    joined = Authority.join(*foundation_of(node), chain=chain, fingerprint=fingerprint, lists=door.lists())
    forget_store_certificates(node)
    return joined.check(chain)


def renew(node: "Node") -> None:
    """Renew this node's certificate at its region; CertificateError, UnreachableError, UsageError."""
    authority = node.authority
    chain = _door(node).renew(ask_for_renewal(node))
    authority.credentials.accept(chain, authority.trusted, node.clock.now())


def ask_for_renewal(node: "Node") -> Renewal:
    """Make the next key, and return what the region needs to certify it."""
    authority = node.authority
    held = authority.own(node.settings.node.id)
    request = authority.credentials.begin(authority.check(held.chain).name, held.key.suite)
    return Renewal(held.chain, request, held.prove(request))


def keep_membership(node: "Node") -> None:
    """Take the region's lists, and renew the certificate where it is time; CertificateError, UnreachableError."""
    authority = node.authority
    held = [each.der for each in authority.trusted.lists()]
    for der in _door(node).lists():
        if der not in held:
            authority.take_list(der)
    own = authority.credentials.current()
    if own is not None and own.is_due(node.clock.now()):
        renew(node)


def _door(node: "Node") -> RegionDoor:
    url = node.settings.authority.region
    if not url:
        raise UsageError(why="node.toml 未写明 [authority] region (node.toml names no region in [authority])")
    return RegionDoor(url, node.settings.node.id)


def _unpem(exchange: Exchange, body: bytes, what: str, most: int) -> list[bytes]:
    try:
        return unpem(what, body, most)
    except ValueError as error:
        raise exchange.unreachable("答复无法识读 (its answer cannot be read)") from error


def _refusal(exchange: Exchange, body: bytes, name: str) -> Exception:
    try:
        return refusal(Reason(parse(body)["reason"]), name)
    except (ValueError, KeyError, TypeError):
        return exchange.unreachable("答复无法识读 (its answer cannot be read)")
