from collections import Counter
from datetime import date

import numpy as np

from chengyi.district.names import LOOK_ALIKES
from chengyi.district.people import couples
from chengyi.district.places import STREETS, quarters_of
from chengyi.district.world import World
from chengyi.model.identifiers import (
    check_area_code,
    check_citizen_id,
    check_credit_code,
    citizen_birth_date,
    citizen_sex,
)


def test_citizen_numbers_are_well_formed_distinct_and_nobodys(world: World) -> None:
    people = world.people
    assert len(set(people.citizen_id)) == len(people)
    for number, sex, birth in zip(people.citizen_id, people.sex, people.birth, strict=True):
        assert check_citizen_id(number, today=date(2026, 10, 31)) == []
        assert number.startswith("9901")
        assert citizen_sex(number) == str(sex)
        assert citizen_birth_date(number) == birth.item()


def test_ages_are_full_years_on_the_day(world: World) -> None:
    birth, day = world.people.birth, np.datetime64("2026-10-31")
    months = (day.astype("datetime64[M]") - birth.astype("datetime64[M]")).astype(int)
    assert np.all(np.abs(months / 12 - world.people.age) <= 1)


def test_phones_belong_to_no_operator(world: World) -> None:
    phones = [phone for phone in world.people.phone if phone]
    assert len(set(phones)) == len(phones)
    assert all(phone.startswith("16000") and len(phone) == 11 for phone in phones)


def test_surnames_fall_off_as_published(world: World) -> None:
    counts = Counter(name[0] for name in world.people.name)
    top = sum(count for _, count in counts.most_common(10)) / len(world.people)
    assert 0.40 < top < 0.47
    assert {"王", "李", "张"} == {name for name, _ in counts.most_common(3)}


def test_there_are_homonyms_double_surnames_and_dotted_names(world: World) -> None:
    names = world.people.name.tolist()
    assert len(set(names)) < len(names) * 0.9
    assert any("·" in name for name in names)
    assert any(name.startswith(("欧阳", "上官", "诸葛", "司马")) for name in names)


def test_couples_are_a_man_and_a_woman_of_one_household(world: World) -> None:
    husband, wife = couples(world.people)
    assert np.all(world.people.sex[husband] == 1)
    assert np.all(world.people.sex[wife] == 2)
    assert np.all(world.people.household[husband] == world.people.household[wife])


def test_street_codes_lie_in_the_unassigned_range() -> None:
    assert len(STREETS) == 8
    for number, street in enumerate(STREETS):
        assert check_area_code(street.code) == []
        assert street.code.startswith("990106")
        assert len(set(quarters_of(number))) >= 8


def test_addresses_of_offices_name_the_same_door(world: World) -> None:
    at = np.arange(200)
    full, plain = world.people.address(at, 0), world.people.address(at, 1)
    assert [text.removeprefix("云汀区").replace("幢", "号楼") for text in full] == plain.tolist()
    assert len({tuple(world.people.address(at[:1], style)) for style in range(4)}) == 4


def test_credit_codes_are_well_formed(world: World) -> None:
    assert all(check_credit_code(code) == [] for code in world.enterprises.credit_code)


def test_look_alikes_change_their_character() -> None:
    assert all(one != other and len(other) == 1 for one, other in LOOK_ALIKES.items())
