"""Evidence lists: which rows a figure or an alert stands on, kept compactly and sealed by one root.

Keeps promise 5: every number leads home. Rules: a list has no row twice and is ordered by package and row; it is kept
as compressed text, one line ``package row leaf`` a row; its root is the Merkle root (RFC 9162) over those lines.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chengyi.model.evidence import Evidence
from chengyi.share import leaf_hash, root

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("_package", "_row", "_leaf")
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class EvidenceList:
    """An evidence list as it is kept: the number of rows, the root in hexadecimal, and the compressed lines."""

    count: int
    root: str
    packed: bytes


def pack(table: "pa.Table") -> EvidenceList:
    """Keep the evidence columns of a table."""
    rows = table.select(COLUMNS).group_by(list(COLUMNS)).aggregate([])
    ordered = rows.sort_by([("_package", "ascending"), ("_row", "ascending")])
    columns = (ordered[name].to_pylist() for name in COLUMNS)
    return pack_lines([f"{package} {row} {leaf.hex()}" for package, row, leaf in zip(*columns, strict=True)])


def pack_lines(lines: Sequence[str]) -> EvidenceList:
    """Keep evidence lines that are in order already."""
    return EvidenceList(len(lines), root_of(lines), zlib.compress("\n".join(lines).encode(), _LEVEL))


def lines_of(packed: bytes) -> list[str]:
    """Return the lines of a kept list."""
    text = zlib.decompress(packed).decode()
    return text.split("\n") if text else []


def unpack(packed: bytes) -> list[Evidence]:
    """Return the evidence of a kept list."""
    return unpack_lines(lines_of(packed))


def unpack_lines(lines: Iterable[str]) -> list[Evidence]:
    """Return the evidence that lines name."""
    return [_evidence(line) for line in lines]


def root_of(lines: Iterable[str]) -> str:
    """Return the Merkle root over evidence lines, in hexadecimal."""
    return root([leaf_hash(line.encode()) for line in lines]).hex()


def _evidence(line: str) -> Evidence:
    package, row, leaf = line.split(" ")
    return Evidence(package, int(row), leaf)
