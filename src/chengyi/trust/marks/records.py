"""What is kept of an export, and what of it is public before anything leaves.

Rules:

1. The secrets of an export (layout key, recipient key, salt) are committed to in the ledger before the file leaves:
   SHA-256 over salt, keys and the terms by which marks are read. So nobody, this node included, can choose keys
   afterwards that fit a leak.
2. The recipients of a family are a chain: root(n) = SHA-256(root(n - 1) || code of recipient n). Each export's act has
   the root and the number at that time, so that nobody can be left out of the count, or put in, afterwards.
3. A recipient's code says nothing of who he is without the node's key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from chengyi.model.canonical import Json, canonical
from chengyi.model.text import Text
from chengyi.trust.marks.policy import MarkPolicy

MARKED, EXACT = "marked", "exact"
MODES = (MARKED, EXACT)
_COMMITMENT = b"chengyi marks/1 commitment\0"
_ROSTER = b"chengyi marks/1 roster\0"
_CANARIES = b"chengyi marks/1 canaries\0"


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column of an export: its name in the dataset, its titles, its type, and what its values look like."""

    name: str
    title: Text
    kind: str
    profile: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one export; revealed only in an evidence bundle."""

    layout: bytes = field(repr=False)
    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """One export: who got which rows and columns of what, and how it is recognised.

    `policy.key` is the key in force for it; `canaries` are the row codes of its control rows, `sketch` the least row
    codes of its real ones (8 bytes each). `ordinal` is the recipient's place in his family, from 0.
    """

    id: str
    family: str
    dataset: str
    version: int
    mode: str
    form: str
    grant: str
    recipient: str
    actor: str
    code: str
    ordinal: int
    at: datetime
    rows: int
    marks: int
    columns: tuple[ExportColumn, ...]
    policy: MarkPolicy
    canaries: tuple[str, ...]
    sketch: bytes = field(repr=False)
    file: str
    commitment: str
    entry: int
    secrets: Secrets = field(repr=False)

    def terms(self) -> dict[str, Json]:
        """Return what was committed to, beside the secrets."""
        return terms_of(self.id, self.family, self.code, self.policy, self.canaries)


def terms_of(id: str, family: str, code: str, policy: MarkPolicy, canaries: Sequence[str]) -> dict[str, Json]:
    """Return the terms by which the marks of one export are read."""
    return {
        "export": id,
        "family": family,
        "recipient": code,
        "policy": policy.terms(),
        "canaries": canary_root(canaries),
    }


def commitment(secrets: Secrets, terms: Mapping[str, Json]) -> str:
    """Return the commitment to an export's secrets and terms, hexadecimal."""
    parts = _COMMITMENT + secrets.salt + secrets.layout + secrets.key
    return sha256(parts + canonical(terms)).hexdigest()


def roster_root(codes: Iterable[str]) -> str:
    """Return the root of the chain of recipients, hexadecimal."""
    root = sha256(_ROSTER).digest()
    for code in codes:
        root = sha256(root + code.encode()).digest()
    return root.hex()


def canary_root(codes: Sequence[str]) -> str:
    """Return the commitment to an export's control rows, hexadecimal."""
    return sha256(_CANARIES + "".join(sorted(codes)).encode()).hexdigest()
