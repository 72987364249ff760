"""Names in certificates: who is meant, and how that is written so that name constraints hold it.

Rules:

1. Everybody has one host name ``<label>.<kind>.<domain>`` as the only subject alternative name, so that a region's
   permitted DNS subtree (RFC 5280, 4.2.1.10) binds nodes, persons and stores alike. `kind` is node, person or store.
2. The exact name stands in the subject's common name. A name that is a DNS label is its own label; any other, such as
   one in Chinese, is ``x-`` and 40 hexadecimal digits of its SHA-256, so that the two cannot be told apart wrongly.
3. A common name that does not belong to its host name is refused.
4. Domains lie under `.internal`, which is reserved for private use and never resolved outside.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from chengyi.model.errors import UsageError

PARENT = "chengyi.internal"
LONGEST_NAME = 64  # bytes: ub-common-name of RFC 5280, appendix A.1, counted as `cryptography` does
_LABEL = re.compile(r"(?!x-)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HASH_DIGITS = 40


class Kind(StrEnum):
    """What a certificate speaks for."""

    NODE = "node"
    PERSON = "person"
    STORE = "store"


class Purpose(StrEnum):
    """What a certificate is shown for."""

    SERVER = "server"
    CLIENT = "client"
    SEAL = "seal"


KINDS_FOR = {
    Purpose.SERVER: frozenset({Kind.NODE}),
    Purpose.CLIENT: frozenset({Kind.NODE, Kind.PERSON}),
    Purpose.SEAL: frozenset({Kind.STORE}),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a checked certificate speaks for; `serial` and `fingerprint` (SHA-256) are hexadecimal."""

    name: str
    kind: Kind
    domain: str
    serial: str
    fingerprint: str
    public_key: bytes
    """The subject's key as DER SubjectPublicKeyInfo."""


def domain_of(region: str) -> str:
    """Return the domain of a region from its label, or the domain itself; UsageError where it is neither."""
    domain = region if "." in region else f"{region}.{PARENT}"
    labels = domain.split(".")
    if len(domain) > LONGEST_NAME or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UsageError(why=f"区域名 {region!r} 须为小写域名 (a region is a domain name in lower case)")
    return domain


def own_domain(node: str) -> str:
    """Return the domain of a node that is a region by itself, whatever its id."""
    fits = _LABEL.fullmatch(node) and len(node) + len(PARENT) < LONGEST_NAME
    return f"{node if fits else 'n-' + sha256(node.encode()).hexdigest()[:_HASH_DIGITS]}.{PARENT}"


def label(name: str) -> str:
    """Return the DNS label for a name."""
    return name if _LABEL.fullmatch(name) else f"x-{sha256(name.encode()).hexdigest()[:_HASH_DIGITS]}"


def host(kind: Kind, name: str, domain: str) -> str:
    """Return the host name for somebody; UsageError for a name that a certificate cannot hold."""
    if not 0 < len(name.encode()) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise UsageError(why=f"名称须可显示，不超过 {LONGEST_NAME} 字节 (a name is printable, at most 64 bytes)")
    return f"{label(name)}.{kind.value}.{domain}"


def split_host(text: str) -> tuple[Kind, str] | None:
    """Return the kind and the domain that a host name says, or None where it is of no such form."""
    parts = text.split(".", 2)
    if len(parts) != 3 or parts[1] not in {kind.value for kind in Kind}:
        return None
    return Kind(parts[1]), parts[2]
