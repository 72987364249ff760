import numpy as np
import pytest

from chengyi.district.households import CHILD, GRANDCHILD, HEAD, PARENT, SIZE_SHARES, SPOUSE, compose
from chengyi.district.settings import quota
from chengyi.district.world import World


@pytest.mark.parametrize(
    ("low", "high", "share"), [(0, 15, 0.1795), (15, 60, 0.6335), (60, 200, 0.1870), (65, 200, 0.1350)]
)
def test_age_bands_meet_the_census(world: World, low: int, high: int, share: float) -> None:
    age = world.people.age
    assert abs(np.mean((age >= low) & (age < high)) - share) < 0.005


def test_sex_ratio_meets_the_census(world: World) -> None:
    sex = world.people.sex
    assert abs(np.mean(sex == 1) - 105.07 / 205.07) < 0.005


def test_household_sizes_meet_the_census(world: World) -> None:
    sizes = np.bincount(np.bincount(world.people.household), minlength=9)[1:9]
    assert abs(len(world.people) / sizes.sum() - 2.62) < 0.01
    assert np.max(np.abs(sizes / sizes.sum() - np.array(SIZE_SHARES) / sum(SIZE_SHARES))) < 0.005


@pytest.mark.parametrize("people", [500, 501, 502, 1999, 5003])
def test_any_number_of_people_is_housed_exactly(people: int) -> None:
    places = compose(people, np.random.default_rng(people))
    assert len(places.role) == people
    assert np.bincount(places.household).min() >= 1
    assert np.sum(places.role == HEAD) == places.households


def test_members_of_a_household_fit_together(world: World) -> None:
    places = world.people.places
    age, role = places.age, places.role
    child, parent, spouse = role == CHILD, role == PARENT, role == SPOUSE
    assert np.mean(age[places.head[child]] - age[child] >= 16) > 0.99
    assert np.mean(age[parent] - age[places.head[parent]] >= 16) > 0.99
    assert np.mean(np.abs(age[spouse] - age[places.head[spouse]]) <= 10) > 0.99
    assert np.all(places.sex[spouse] != places.sex[places.head[spouse]])
    young = (role == GRANDCHILD) & (places.child >= 0)
    assert np.mean(age[places.child[young]] > age[young]) > 0.99


def test_pointers_stay_in_the_household(world: World) -> None:
    places = world.people.places
    for pointer in (places.head, places.spouse, places.child, places.in_law):
        known = pointer >= 0
        assert np.all(places.household[pointer[known]] == places.household[known])


def test_quota_splits_exactly() -> None:
    assert quota(10, np.array([1, 1, 1])).tolist() == [4, 3, 3]
    assert quota(0, np.array([2.0, 3.0])).tolist() == [0, 0]
