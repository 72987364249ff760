from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.trust.marks.rowkeys import NUMBERS, numbers, one_form, row_keys


def naive(*parts: int) -> datetime:
    """A table's own wall time."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


@pytest.mark.parametrize(
    "forms",
    [
        ("ab-12 c", "AB-12C", "ａｂ-12c", "'ab-12c"),
        ("007", "7", 7, 7.0, "7.0", Decimal("7.000"), "+7"),
        ("1,234.50", "1234.5", Decimal("1234.500000"), "１２３４．５"),
        ("2026-06-03", "2026/6/3", "2026.06.03", "2026年6月3日", "20260603", date(2026, 6, 3), naive(2026, 6, 3)),
        ("2026-06-03 04:05:00", "2026-06-03T04:05", naive(2026, 6, 3, 4, 5), "2026/6/3 4:05"),
        ("-0.50", "-.5".replace("-.", "-0."), Decimal("-0.5")),
    ],
)
def test_re_typing_does_not_change_a_key(forms: tuple[object, ...]) -> None:
    assert len({one_form(each) for each in forms}) == 1


def test_unlike_values_stay_unlike() -> None:
    assert len({one_form(each) for each in ("7", "70", "-7", "2026-06", "2026-13-01", "A7", "", None)}) == 7


def test_a_row_without_any_part_of_its_key_has_none() -> None:
    found = row_keys({"a": ["x", "", None], "b": [1, None, ""]}, ("a", "b"))
    assert found[0] is not None
    assert found[1:] == [None, None]
    assert row_keys({"cost": [1999, "2000", None]}, ("cost@1000",)) == ["1", "2", None]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("decimal", "1,200.5", 1200.5),
        ("integer", "１２", 12),
        ("decimal", "12a", None),
        ("decimal", "1e5", None),
        ("decimal", True, None),
        ("decimal", "", None),
        ("date", "1970-01-02", 1),
        ("date", "1970-02-30", None),
        ("datetime", "1970-01-01 00:01:01", 61),
        ("datetime", naive(1970, 1, 2), 86_400),
        ("date", 5, None),
    ],
)
def test_a_value_is_read_or_absent_and_never_guessed(kind: str, value: object, expected: float | None) -> None:
    found = numbers([value], kind)[0]
    assert np.isnan(found) if expected is None else found == expected


@given(st.text(max_size=300))
def test_no_text_breaks_the_readers(text: str) -> None:
    assert one_form(one_form(text)) == one_form(text) or text
    for kind in (*NUMBERS, "date", "datetime"):
        numbers([text], kind)
