import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.model import identifiers as ids

TEXTBOOK = "11010519491231002X"  # the example of GB 11643
CREDIT_EXAMPLE = "91350100M000100Y43"  # the example of GB 32100

births = st.dates(min_value=date(1900, 1, 1), max_value=date(2030, 12, 31))
serials = st.integers(min_value=1, max_value=999)


def test_published_citizen_number_is_well_formed() -> None:
    assert ids.check_citizen_id(TEXTBOOK) == []
    assert ids.citizen_birth_date(TEXTBOOK) == date(1949, 12, 31)
    assert ids.citizen_sex(TEXTBOOK) == "2"
    assert ids.citizen_area(TEXTBOOK) == "110105"
    assert ids.check_citizen_id("440524188001010014") == []


def test_published_credit_code_is_well_formed() -> None:
    assert ids.check_credit_code(CREDIT_EXAMPLE) == []
    assert ids.check_organisation_code(CREDIT_EXAMPLE[8:17]) == []


@given(births, serials)
def test_made_citizen_number_passes_and_says_what_it_was_made_of(born: date, serial: int) -> None:
    number = ids.make_citizen_id(ids.DEMONSTRATION_AREA, born, serial)
    assert ids.check_citizen_id(number) == []
    assert ids.citizen_birth_date(number) == born
    assert ids.citizen_sex(number) == ("1" if serial % 2 else "2")
    assert ids.is_demonstration_area(number)


@given(births, serials, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(born: date, serial: int, place: int, by: int) -> None:
    number = ids.make_citizen_id("110105", born, serial)
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert "check_digit" in ids.check_citizen_id(wrong)


@given(births, serials, st.integers(0, 15))
def test_two_swapped_neighbours_are_always_found(born: date, serial: int, place: int) -> None:
    number = ids.make_citizen_id("110105", born, serial)
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert swapped == number or "check_digit" in ids.check_citizen_id(swapped)


@given(st.text(alphabet=string.digits + "Xx０１ ", max_size=20) | st.text(max_size=20))
def test_checks_never_raise(text: str) -> None:
    for check in (ids.check_citizen_id, ids.check_credit_code, ids.check_organisation_code):
        assert isinstance(check(text), list)
    assert isinstance(ids.check_area_code(text), list)
    assert isinstance(ids.standard_citizen_id(text), str)


@given(st.dates(date(1900, 1, 1), date(1999, 12, 31)), st.integers(1, 995))
def test_upgrade_gives_back_the_long_form(born: date, serial: int) -> None:
    long = ids.make_citizen_id("990106", born, serial)
    assert ids.upgrade_citizen_id(long[:6] + long[8:17]) == long
    assert ids.standard_citizen_id(long[:6] + long[8:17]) == long


def test_serials_of_the_very_old_are_read_as_the_century_before() -> None:
    assert ids.upgrade_citizen_id("110105800101998")[6:10] == "1880"


def test_each_fault_has_its_code() -> None:
    assert ids.check_citizen_id("1101051949123100") == ["shape"]
    assert ids.check_citizen_id("110105194912310020") == ["check_digit"]
    assert "birth_date" in ids.check_citizen_id("110105202302300027")
    assert "area" in ids.check_citizen_id("000105194912310020")
    assert ids.check_citizen_id(TEXTBOOK, today=date(1949, 1, 1)) == ["birth_date"]
    assert ids.check_citizen_id("１1010519491231002X") == ["shape"]
    assert ids.check_credit_code("91350100M000100Y4") == ["shape"]
    assert ids.check_credit_code("91350100M000100Y44") == ["check_digit"]
    assert "area" in ids.check_credit_code("91000100M000100Y43")
    assert ids.check_organisation_code("M000100Y5") == ["check_digit"]
    assert ids.check_organisation_code("m000100Y4") == ["shape"]


def test_standard_form_mends_only_what_the_check_digit_confirms() -> None:
    assert ids.standard_citizen_id(" １１０１０５１９４９１２３１００２ｘ ") == TEXTBOOK
    assert ids.standard_citizen_id("11O1O5l949l23l002X") == TEXTBOOK
    assert ids.standard_citizen_id("11O1O5l949l23l0021") == "11O1O5L949L23L0021"


def test_area_codes_have_three_lengths_and_known_provinces() -> None:
    assert ids.check_area_code("110105") == []
    assert ids.check_area_code("990106001") == []
    assert ids.check_area_code("110105001002") == []
    assert ids.check_area_code("1101050") == ["shape"]
    assert ids.check_area_code("980106") == ["area"]
    assert not ids.is_demonstration_area("110105")


@given(st.integers(0, 999_999))
def test_made_credit_code_passes_both_checks(number: int) -> None:
    code = ids.make_credit_code("9", "1", "990106", f"MA{number:06d}")
    assert ids.check_credit_code(code) == []
    assert ids.check_organisation_code(code[8:17]) == []


@pytest.mark.parametrize("first17", ["", "1101051949123100", "1101051949123100٢", "1101051949123100X"])
def test_check_digit_of_other_text_is_refused(first17: str) -> None:
    with pytest.raises(ValueError):
        ids.citizen_check_digit(first17)


def test_constructors_refuse_malformed_parts() -> None:
    with pytest.raises(ValueError):
        ids.make_citizen_id("990106", date(2000, 1, 1), 1000)
    with pytest.raises(ValueError):
        ids.make_citizen_id("990106001", date(2000, 1, 1), 1)
    with pytest.raises(ValueError):
        ids.upgrade_citizen_id("11010519491231002X")
    with pytest.raises(ValueError):
        ids.make_credit_code("9", "1", "98", "MA000001")
    with pytest.raises(ValueError):
        ids.make_credit_code("9", "1", "990106", "ma000001")
    with pytest.raises(ValueError):
        ids.credit_check_digit("I" * 17)
