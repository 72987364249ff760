"""The hash functions of the suites, and hash trees over them.

Rules: SHA-256 (FIPS 180-4) by hashlib, BLAKE3 by its own package, SM3 (GB/T 32905) by the system's libgcrypt where it
is there and by `cryptography` else; all give 32 bytes. A tree is hashed as RFC 9162 section 2.1.1 does: a leaf under
0x00, a node under 0x01, the left half as large a power of two as fits. BLAKE3 has a mode for that: its leaves are
hashed under a fixed key instead of a first byte, which would put every block out of its place.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from blake3 import blake3

from chengyi.trust.primitives import LibraryMissing
from chengyi.trust.primitives._buffers import Bytes

SIZE = 32


class Hasher(Protocol):
    """A hash under way."""

    def update(self, data: Any, /) -> Any:  # noqa: ANN401 - any buffer; each library returns what it likes
        """Take further bytes."""
        ...

    def digest(self) -> bytes:
        """Return the 32 bytes of the hash."""
        ...


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash function by name; `new` starts one."""

    name: str
    new: Callable[[bytes], Hasher]
    leaf: Callable[[Bytes], bytes]
    """Returns the hash of a tree's leaf."""
    slow: bool = False
    """True where a processor does less than some hundred MiB in a second."""

    def root(self, leaves: Sequence[bytes]) -> bytes:
        """Return the root over leaf hashes, level by level; that of no leaf is the hash of nothing."""
        if not leaves:
            return self.new(b"").digest()
        level = list(leaves)
        while len(level) > 1:
            odd = level[-1:] if len(level) % 2 else []
            pairs = zip(level[::2], level[1::2], strict=False)
            level = [self.new(b"\1" + left + right).digest() for left, right in pairs] + odd
        return level[0]


class _PlainSm3:
    """SM3 by `cryptography`, with the face of hashlib."""

    def __init__(self, data: bytes) -> None:
        from cryptography.hazmat.primitives.hashes import SM3
        from cryptography.hazmat.primitives.hashes import Hash as Context

        self._context = Context(SM3())
        self._context.update(data)

    def update(self, data: Bytes) -> None:
        self._context.update(data)

    def digest(self) -> bytes:
        return self._context.copy().finalize()


def sm3(data: bytes = b"") -> Hasher:
    """Start an SM3 hash on the fastest implementation that the system has."""
    from chengyi.trust.primitives import libgcrypt

    try:
        return libgcrypt.sm3(data)
    except LibraryMissing:
        return _PlainSm3(data)


def _sha256_leaf(data: Bytes) -> bytes:
    hasher = hashlib.sha256(b"\0")
    hasher.update(data)
    return hasher.digest()


def _blake3_leaf(data: Bytes) -> bytes:
    return blake3(data, key=_BLAKE3_LEAF).digest()


def _sm3_leaf(data: Bytes) -> bytes:
    hasher = sm3(b"\0")
    hasher.update(data)
    return hasher.digest()


_BLAKE3_LEAF = blake3(b"chengyi-fragment-leaf/1").digest()
SHA_256 = Hash("sha256", hashlib.sha256, _sha256_leaf)
BLAKE3 = Hash("blake3", blake3, _blake3_leaf)
SM3 = Hash("sm3", sm3, _sm3_leaf, slow=True)
