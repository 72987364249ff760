"""What is written in DER reads back by another library."""

from datetime import UTC, datetime

from asn1crypto import core  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from chengyi.trust.anchors import der


@given(st.integers(0, 2**200))
def test_integers(value: int) -> None:
    assert core.Integer.load(der.integer(value), strict=True).native == value
    assert core.Integer(value).dump() == der.integer(value)


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**130), max_size=6))
def test_identifiers(first: int, second: int, rest: list[int]) -> None:
    dotted = ".".join(map(str, [first, second, *rest]))
    assert core.ObjectIdentifier(dotted).dump() == der.identifier(dotted)


@given(st.binary(max_size=70_000))
def test_octets(value: bytes) -> None:
    assert core.OctetString(value).dump() == der.octets(value)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - hypothesis wants bounds without zone
def test_moments(value: datetime) -> None:
    at = value.replace(tzinfo=UTC, microsecond=0)
    assert core.GeneralizedTime.load(der.moment(at), strict=True).native == at


@given(st.integers(0, 30))
def test_bits(number: int) -> None:
    assert core.BitString.load(der.bit(number), strict=True).native == (0,) * number + (1,)


def test_sets_are_in_order() -> None:
    assert der.set_of(b"\x02\x01\x05", b"\x02\x01\x01") == b"\x31\x06\x02\x01\x01\x02\x01\x05"
