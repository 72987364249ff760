"""Secret sharing: every subset, against another implementation, and what fewer shares say."""

import secrets
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.trust.vault import shamir

SECRET = bytes(range(64))


def test_promise_3_every_subset_of_t_gives_the_secret_back() -> None:
    shares = dict(enumerate(shamir.split(SECRET, 9, 6), 1))
    sets = list(combinations(shares, 6))
    assert len(sets) == 84
    assert all(shamir.combine({index: shares[index] for index in chosen}) == SECRET for chosen in sets)


@given(st.binary(min_size=1, max_size=70), st.integers(1, 12), st.integers(0, 12))
def test_any_t_of_n_give_any_secret_and_any_share_back(secret: bytes, t: int, more: int) -> None:
    shares = dict(enumerate(shamir.split(secret, t + more, t), 1))
    chosen = dict(secrets.SystemRandom().sample(sorted(shares.items()), t))
    assert shamir.combine(chosen) == secret
    assert all(shamir.combine(chosen, at=index) == share for index, share in shares.items())


def test_promise_3_fewer_shares_leave_every_secret_equally_likely() -> None:
    """For one byte, t = 2: whatever the secret is, the single share takes every value alike."""
    seen = {secret: Counter(shamir.split(bytes([secret]), 3, 2)[1] for _ in range(4_000)) for secret in (0, 255)}
    for counts in seen.values():
        assert len(counts) > 250
        assert max(counts.values()) < 50


def test_promise_3_too_few_shares_give_something_else() -> None:
    shares = dict(enumerate(shamir.split(SECRET, 9, 6), 1))
    for count in range(1, 6):
        for chosen in combinations(shares, count):
            assert shamir.combine({index: shares[index] for index in chosen}) != SECRET


def test_another_implementation_of_the_field_agrees() -> None:
    """Multiplication by the schoolbook, modulo x^8 + x^4 + x^3 + x + 1 (FIPS 197 section 4.2)."""

    def slow(a: int, b: int) -> int:
        product = 0
        for bit in range(8):
            product ^= (a << bit) * (b >> bit & 1)
        for bit in range(15, 7, -1):
            product ^= (0x11B << (bit - 8)) * (product >> bit & 1)
        return product

    packed = bytes(range(256))
    for factor in range(256):
        ours = shamir._times(int.from_bytes(packed), factor, 256).to_bytes(256)
        assert ours == bytes(slow(each, factor) for each in packed)
    assert all(shamir._times(each, shamir._inverse(each), 1) == 1 for each in range(1, 256))


def test_shares_of_shamirs_package_are_no_shares_of_ours() -> None:
    """It works over a prime field; both give secrets back, by the same interpolation."""
    shamirs = pytest.importorskip("shamirs")
    value = int.from_bytes(SECRET[:16])
    assert shamirs.interpolate(shamirs.shares(value, quantity=9, threshold=6)[:6], threshold=6) == value


@pytest.mark.parametrize(("n", "t"), [(3, 0), (3, 4), (256, 2), (0, 0)])
def test_impossible_shapes_are_refused(n: int, t: int) -> None:
    with pytest.raises(ValueError, match="t <= n"):
        shamir.split(SECRET, n, t)


@pytest.mark.parametrize("shares", [{}, {0: b"a"}, {256: b"a"}, {1: b"a", 2: b"ab"}])
def test_impossible_shares_are_refused(shares: dict[int, bytes]) -> None:
    with pytest.raises(ValueError, match="shares"):
        shamir.combine(shares)
