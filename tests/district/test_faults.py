import numpy as np
import pytest

from chengyi.district.departments.registers import population
from chengyi.district.departments.welfare import low_income
from chengyi.district.faults import RATES, spoil
from chengyi.district.settings import Settings
from chengyi.district.sources import SENDINGS
from chengyi.district.table import Mark, Table, written
from chengyi.district.world import World, create
from chengyi.model.identifiers import check_citizen_id, upgrade_citizen_id


@pytest.fixture(scope="module")
def small() -> World:
    return create(Settings(people=3000))


@pytest.fixture(scope="module")
def spoiled(small: World) -> Table:
    """The population register with every kind of error that identifiers and names can have, often."""
    table = population(small)
    rates = tuple(
        (kind, "citizen_id", 0.12)
        for kind in ("missing", "wrong_digit", "swapped_digits", "old_form", "full_width", "head_id", "homonym_id")
    )
    rates += (("look_alike", "person_name", 0.5), ("placeholder", "phone", 0.1), ("impossible_date", "birth_date", 0.1))
    rates += (("bad_code", "sex", 0.1), ("stale", "address", 0.2))
    _spoil_by(table, small, rates)
    return table


def _spoil_by(table: Table, world: World, rates: tuple[tuple[str, str, float], ...]) -> None:
    name = "spoiled-in-a-test"
    table.source, kept = name, table.source
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chengyi.district.faults.RATES", {name: rates})
        spoil(table, world.people, np.random.default_rng(1))
    table.source = kept


def _mark(table: Table, kind: str) -> Mark:
    return next(mark for mark in table.marks if mark.kind == kind)


def _cells(table: Table, kind: str) -> list[tuple[str, str]]:
    mark = _mark(table, kind)
    assert len(mark.rows), kind
    return list(zip(table.values[mark.element][mark.rows], mark.truth, strict=True))


def test_marks_tell_every_change_and_nothing_else(small: World, spoiled: Table) -> None:
    clean = population(small)
    for element, cells in spoiled.values.items():
        changed = {int(row) for mark in spoiled.marks if mark.element == element for row in mark.rows}
        different = {
            row for row, (one, other) in enumerate(zip(cells, clean.values[element], strict=True)) if one != other
        }
        assert changed == different
        for mark in spoiled.marks:
            if mark.element == element:
                assert mark.truth.tolist() == clean.values[element][mark.rows].tolist()


@pytest.mark.parametrize("kind", ["wrong_digit", "swapped_digits"])
def test_wrong_and_swapped_digits_fail_the_check(spoiled: Table, kind: str) -> None:
    assert all(check_citizen_id(cell) for cell, _ in _cells(spoiled, kind))


def test_old_forms_upgrade_to_the_truth(spoiled: Table) -> None:
    assert all(upgrade_citizen_id(cell) == truth for cell, truth in _cells(spoiled, "old_form"))


def test_numbers_of_others_are_well_formed(spoiled: Table) -> None:
    for kind in ("head_id", "homonym_id"):
        assert all(check_citizen_id(cell) == [] for cell, _ in _cells(spoiled, kind))


def test_head_id_is_of_the_same_household(small: World, spoiled: Table) -> None:
    owner = {number: at for at, number in enumerate(small.people.citizen_id)}
    household = small.people.household
    assert all(household[owner[cell]] == household[owner[truth]] for cell, truth in _cells(spoiled, "head_id"))


def test_look_alikes_differ_by_one_character(spoiled: Table) -> None:
    for cell, truth in _cells(spoiled, "look_alike"):
        assert len(cell) == len(truth)
        assert sum(one != other for one, other in zip(cell, truth, strict=True)) == 1


def test_impossible_dates_keep_the_habit_of_the_office(spoiled: Table) -> None:
    assert {cell for cell, _ in _cells(spoiled, "impossible_date")} <= {"20230230", "20221305", "20240631"}


def test_repeated_rows_are_marked_and_speak_of_the_same_person(small: World) -> None:
    table = low_income(small)
    table.marks.append(Mark("late", "", np.array([len(table) - 1]), np.array([None], dtype=object)))
    last = table.values["citizen_id"][-1]
    _spoil_by(table, small, (("duplicate", "", 0.5),))
    copies = _mark(table, "duplicate").rows
    assert len(copies)
    for row in copies:
        assert table.persons[0][row] == table.persons[0][row - 1]
        assert table.values["citizen_id"][row] == table.values["citizen_id"][row - 1]
    assert table.values["citizen_id"][_mark(table, "late").rows[0]] == last


def test_every_rate_names_a_source_and_an_element_that_it_sends() -> None:
    columns = {sending.id: set(sending.columns) for sending in SENDINGS}
    for source, rates in RATES.items():
        assert [kind for kind, _, _ in rates].count("duplicate") <= 1
        for place, (kind, element, rate) in enumerate(rates):
            assert 0 < rate < 0.5
            assert element in columns[source] or (kind == "duplicate" and place == 0)


def test_rates_are_met(small: World) -> None:
    table = population(create(Settings(people=20_000)))
    spoil(table, small.people, np.random.default_rng(3))
    stale = _mark(table, "stale")
    assert abs(len(stale.rows) / len(table) - 0.02) < 0.004


def test_dates_are_written_in_four_habits() -> None:
    day = np.array(["2026-03-01", "NaT"], dtype="datetime64[D]")
    assert [written(day, style).tolist() for style in ("iso", "compact", "chinese", "slash")] == [
        ["2026-03-01", None],
        ["20260301", None],
        ["2026年3月1日", None],
        ["2026/3/1", None],
    ]
