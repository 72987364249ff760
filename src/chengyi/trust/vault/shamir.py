"""Shamir's secret sharing over GF(2^8) (How to Share a Secret, CACM 22(11), 1979; the field of FIPS 197).

Rules:

1. Each byte of the secret is the constant term of its own polynomial of degree t - 1; the other coefficients are
   random. Share *i* (1 to n) is the value of all polynomials at *i*.
2. Fewer than t shares say nothing of the secret, whatever the computing power.
3. All bytes are worked on at once, packed into one integer: which steps are done depends on public numbers only
   (n, t, the shares' indexes), and no table is read at a secret place.
"""

import secrets
from collections.abc import Mapping

_REDUCTION = 0x1B
LARGEST = 255


def split(secret: bytes, n: int, t: int) -> list[bytes]:
    """Return n shares as long as the secret, any t of which give it back; ValueError unless 1 <= t <= n <= 255."""
    if not 1 <= t <= n <= LARGEST:
        raise ValueError("1 <= t <= n <= 255")
    size = len(secret)
    terms = [int.from_bytes(secrets.token_bytes(size)) for _ in range(t - 1)] + [int.from_bytes(secret)]
    return [_value(terms, index, size).to_bytes(size) for index in range(1, n + 1)]


def combine(shares: Mapping[int, bytes], at: int = 0) -> bytes:
    """Return the polynomials' value at `at` from t shares by index: at 0 the secret, at i share i.

    Lagrange's interpolation; from fewer than t shares the result is unrelated to the secret. ValueError where the
    shares differ in length or an index is out of range.
    """
    sizes = {len(each) for each in shares.values()}
    if len(sizes) != 1 or not all(1 <= index <= LARGEST for index in shares) or not 0 <= at <= LARGEST:
        raise ValueError("shares of one length with indexes from 1 to 255 are needed")
    size, total = sizes.pop(), 0
    for index, share in shares.items():
        total ^= _times(int.from_bytes(share), _weight(index, at, shares), size)
    return total.to_bytes(size)


def _value(terms: list[int], x: int, size: int) -> int:
    total = 0
    for term in terms:
        total = _times(total, x, size) ^ term
    return total


def _weight(index: int, at: int, indexes: Mapping[int, bytes]) -> int:
    above, below = 1, 1
    for other in indexes:
        if other != index:
            above, below = _times(above, at ^ other, 1), _times(below, index ^ other, 1)
    return _times(above, _inverse(below), 1)


def _inverse(x: int) -> int:
    """Return x^254, the inverse in the field."""
    power, square = 1, x
    for _ in range(7):
        square = _times(square, square, 1)
        power = _times(power, square, 1)
    return power


def _times(packed: int, factor: int, size: int) -> int:
    """Multiply every byte of `packed` by a public factor."""
    ones = int.from_bytes(b"\x01" * size)
    total = 0
    while factor:
        total ^= packed * (factor & 1)
        factor >>= 1
        carry = (packed >> 7) & ones
        packed = ((packed & ones * 0x7F) << 1) ^ carry * _REDUCTION
    return total
