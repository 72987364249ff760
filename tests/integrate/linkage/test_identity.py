from datetime import date

import pytest

from chengyi.integrate.linkage.columns import FIELDS, Column, encode
from chengyi.integrate.linkage.identity import complete, identify, near_names
from chengyi.integrate.linkage.spelling import spell
from chengyi.model.identifiers import DEMONSTRATION_AREA, make_citizen_id

FATHER = make_citizen_id(DEMONSTRATION_AREA, date(1960, 3, 1), 11)
WITH_X = next(
    text
    for serial in range(1, 99)
    if (text := make_citizen_id(DEMONSTRATION_AREA, date(1970, 1, 2), serial))[-1] == "X"
)


def columns(rows: list[tuple[str | None, str | None, str | None, str | None]]) -> dict[str, Column]:
    """Rows of (citizen id, name, sex, birth date)."""
    told = dict(zip(("citizen_id", "name", "sex", "birth_date"), zip(*rows, strict=True), strict=True))
    return {field: encode(list(told.get(field, [None] * len(rows)))) for field in FIELDS}


def test_the_same_valid_id_makes_one_known_person_however_it_is_typed() -> None:
    found = identify(columns([(WITH_X, "王伟", None, None), (WITH_X.lower(), "王玮", None, None)]))
    assert found.persons[0] == found.persons[1] >= 0


@pytest.mark.parametrize("wrong", [FATHER[:5] + FATHER[6:], FATHER[:-1] + str((int(FATHER[-1]) + 1) % 10), "无", None])
def test_an_id_that_fails_its_checks_makes_nobody_known(wrong: str | None) -> None:
    assert identify(columns([(wrong, "王伟", None, None)])).persons.tolist() == [-1]


def test_a_wife_under_her_husbands_id_is_suspended_and_he_keeps_it() -> None:
    found = identify(
        columns(
            [
                (FATHER, "李娜", "女", "1962-08-08"),
                (FATHER, "王建国", "1", "1960-03-01"),
                (FATHER, "王建国", None, None),
            ]
        )
    )
    assert found.suspended.tolist() == [True, False, False]
    assert found.ids.codes[0] == -1


def test_where_nothing_tells_whose_the_id_is_nobody_keeps_it() -> None:
    found = identify(columns([(FATHER, "李娜", None, None), (FATHER, "王建国", None, None)]))
    assert found.suspended.all()


def test_more_records_outweigh_one() -> None:
    found = identify(columns([(FATHER, "李娜", None, None), *[(FATHER, "王建国", None, None)] * 2]))
    assert found.suspended.tolist() == [True, False, False]


def test_a_changed_name_with_the_same_birth_date_and_sex_is_one_person() -> None:
    found = identify(columns([(FATHER, "王招弟", "1", "1960-03-01"), (FATHER, "王雅静", "1", "1960-03-01")]))
    assert not found.suspended.any()


def test_a_slip_in_a_long_name_is_one_person_unless_sex_or_birth_disagree() -> None:
    one = identify(columns([(FATHER, "王建国", None, None), (FATHER, "王建囯", None, None)]))
    two = identify(columns([(FATHER, "王建国", "1", "1960-03-01"), (FATHER, "王建华", "2", "1985-11-30")]))
    assert not one.suspended.any()
    assert two.suspended.tolist() == [False, True]


def test_birth_date_and_sex_of_the_known_are_completed_from_the_id_and_no_others() -> None:
    told = columns([(FATHER, "王建国", None, None), (None, "王建国", None, None), (FATHER, "王建国", "2", "1961")])
    full = complete(told, identify(told))
    births = [full["birth_date"].values[code] if code >= 0 else None for code in full["birth_date"].codes]
    assert births == ["1960-03-01", None, "1961"]
    assert full["sex"].codes[1] == -1


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [("王建国", "王建华", True), ("王伟", "王芳", False), ("john smith", "jon smith", True), ("john", "mary", False)],
)
def test_names_near_enough_for_a_slip(one: str, other: str, near: bool) -> None:
    assert near_names(spell(one), spell(other)) is near
