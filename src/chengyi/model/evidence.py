"""Where a value comes from: the row or record behind it (promise 5)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """One archived row, or a whole record where `row` is 0.

    `package` names a package version (``pkg-...@1``); `row` counts records of the package's table
    from 1; `leaf` is the row's Merkle leaf hash (RFC 9162, SHA-256, hexadecimal), or the digest of
    the package's inventory where `row` is 0.
    """

    package: str
    row: int
    leaf: str


@dataclass(frozen=True, slots=True)
class Completeness:
    """What an answer or a source reached, and what it did not (promise 6).

    `expected` is None where nobody declared what to expect; then `ratio` is None as well.
    """

    expected: int | None
    received: int
    missing: tuple[str, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Return received / expected, at most 1, or None where nothing was declared."""
        if not self.expected:
            return None
        return min(self.received, self.expected) / self.expected
