"""The people of the district as they truly are: names, numbers, phones, addresses, and where they moved.

Rules: every citizen number lies in 9901xx, which is assigned to nobody, and has a true check digit; every phone
begins with 16000, which no operator has. No real person and no real place is in here.
"""

from dataclasses import dataclass

import numpy as np

from chengyi.district import households, names
from chengyi.district.households import CHILD, GRANDCHILD, HEAD, IN_LAW, PARENT, SPOUSE, Places
from chengyi.district.places import Addresses, settle
from chengyi.district.settings import Settings
from chengyi.district.table import blank_unless

_WEIGHTS = np.array((7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
_DIGITS = np.array(list("10X98765432"), dtype=object)
_SERIALS = 499  # a prime: one step through it meets every serial


@dataclass(frozen=True, slots=True)
class People:
    """One item a person; `home` and `former_home` hold one address a household, `moved` tells who has the former."""

    places: Places
    birth: np.ndarray
    name: np.ndarray
    former_name: np.ndarray
    ethnicity: np.ndarray
    citizen_id: np.ndarray
    phone: np.ndarray
    household_no: np.ndarray
    home: Addresses
    former_home: Addresses
    moved: np.ndarray
    gone: np.ndarray

    def __len__(self) -> int:
        return len(self.birth)

    @property
    def sex(self) -> np.ndarray:
        """Return 1 for men and 2 for women."""
        return self.places.sex

    @property
    def age(self) -> np.ndarray:
        """Return the age in full years on the district's day."""
        return self.places.age

    @property
    def household(self) -> np.ndarray:
        """Return the number of each person's household, from 0."""
        return self.places.household

    def address(self, at: np.ndarray, style: int) -> np.ndarray:
        """Write the present addresses of these people in one office's habit."""
        return self.home.text(self.household[at], style)

    def former_address(self, at: np.ndarray, style: int) -> np.ndarray:
        """Write the addresses at which these people's households lived before, or would have."""
        return self.former_home.text(self.household[at], style)


def populate(settings: Settings) -> People:
    """Make the people of the district."""
    places = households.compose(settings.people, settings.stream("households"))
    rng = settings.stream("people")
    birth = _births(places.age, settings, rng)
    ethnicity = _by_household(places, names.ethnicities(places.households, rng))
    name = _names(places, birth, ethnicity, rng)
    count = places.households
    moved = (rng.random(count) < 0.12)[places.household]
    return People(
        places=places,
        birth=birth,
        name=name,
        former_name=_former_names(places, name, birth, rng),
        ethnicity=np.array(names.ETHNICITIES, dtype=object)[ethnicity],
        citizen_id=citizen_ids(birth, places.sex, _areas(places, rng)),
        phone=_phones(places.age, rng),
        household_no=np.array([f"YT{number:07d}" for number in rng.permutation(count) + 1], dtype=object),
        home=settle(count, rng),
        former_home=settle(count, rng),
        moved=moved,
        gone=_gone(places, settings, rng),
    )


def citizen_ids(birth: np.ndarray, sex: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Make distinct citizen numbers with true check digits, all at once."""
    months = birth.astype("datetime64[M]")
    day = (birth - months).astype(np.int64) + 1
    month = months.astype(np.int64) % 12 + 1
    year = months.astype(np.int64) // 12 + 1970
    date = year * 10_000 + month * 100 + day
    turn = _turns(date * 10 + sex)
    serial = ((date * 7 + turn * 37) % _SERIALS) * 2 + np.where(sex == 1, 1, 2)
    first17 = area * 10**11 + date * 1000 + serial
    digits = first17[:, None] // 10 ** np.arange(16, -1, -1) % 10
    check = _DIGITS[digits @ _WEIGHTS % 11]
    return np.array([f"{number}{last}" for number, last in zip(first17.tolist(), check, strict=True)], dtype=object)


def _turns(keys: np.ndarray) -> np.ndarray:
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(starts, len(keys)))
    turns = np.empty(len(keys), dtype=np.int64)
    turns[order] = np.arange(len(keys)) - np.repeat(starts, lengths)
    return turns


def _births(age: np.ndarray, settings: Settings, rng: np.random.Generator) -> np.ndarray:
    day = np.datetime64(settings.as_of)
    months = day.astype("datetime64[M]") - age * 12 - rng.integers(0, 12, len(age))
    birth = months.astype("datetime64[D]") + rng.integers(0, 28, len(age))
    return np.asarray(np.minimum(birth, day))


def _areas(places: Places, rng: np.random.Generator) -> np.ndarray:
    elsewhere = (rng.random(len(places.role)) < 0.14) & (places.age > 5)
    others = rng.integers(990_101, 990_113, len(places.role))
    return np.where(elsewhere, others, 990_106)


def _by_household(places: Places, values: np.ndarray) -> np.ndarray:
    return np.asarray(values[places.household])


def _names(places: Places, birth: np.ndarray, ethnicity: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    name = _surnames(places, rng) + names.given_names(
        birth.astype("datetime64[Y]").astype(np.int64) + 1970, places.sex, rng
    )
    west = np.flatnonzero(ethnicity == names.WESTERN)
    name[west] = names.western_names(len(west), rng)
    return np.asarray(name)


def _surnames(places: Places, rng: np.random.Generator) -> np.ndarray:
    own = names.surnames(len(places.role), rng)
    household = names.surnames(places.households, rng)[places.household]
    role, sex = places.role, places.sex
    head, spouse = places.head, places.spouse
    own = np.where(role == HEAD, household, own)
    father_is_spouse = (spouse >= 0) & (sex[head] == 2) & (rng.random(len(role)) < 0.93)
    fathers = np.where(father_is_spouse, own[spouse], household)
    own = np.where(role == CHILD, fathers, own)
    child_is_father = (places.child >= 0) & ((sex[places.child] == 1) | (places.in_law < 0))
    grandchild = np.where(child_is_father, fathers, np.where(places.in_law >= 0, own[places.in_law], household))
    own = np.where(role == GRANDCHILD, grandchild, own)
    return np.where((role == PARENT) & (sex == 1), household, own)


def _former_names(places: Places, name: np.ndarray, birth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    at = np.flatnonzero((rng.random(len(name)) < 0.015) & (places.age >= 10))
    former = np.full(len(name), None, dtype=object)
    years = birth[at].astype("datetime64[Y]").astype(np.int64) + 1970
    former[at] = np.array([text[:1] for text in name[at]], dtype=object) + names.given_names(years, places.sex[at], rng)
    return former


def _phones(age: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    numbers = rng.permutation(1_000_000)[: len(age)]
    text = np.array([f"16000{number:06d}" for number in numbers.tolist()], dtype=object)
    has = (age >= 12) & (rng.random(len(age)) < np.where(age > 75, 0.55, 0.94))
    return blank_unless(has, text)


def _gone(places: Places, settings: Settings, rng: np.random.Generator) -> np.ndarray:
    """Return the day on which each person moved out of the district, or NaT."""
    leaving = (rng.random(places.households) < 0.012)[places.household]
    alone = (places.age >= 19) & (places.age < 40) & np.isin(places.role, (CHILD, IN_LAW)) & ~leaving
    leaving |= alone & (rng.random(len(places.role)) < 0.04)
    back = (rng.random(places.households) * 700).astype(np.int64)[places.household]
    return np.where(leaving, np.datetime64(settings.as_of) - back, np.datetime64("NaT", "D"))


def couples(people: People) -> tuple[np.ndarray, np.ndarray]:
    """Return husbands and wives: heads with their spouses, and children with theirs."""
    role, places = people.places.role, people.places
    spouse, in_law = np.flatnonzero(role == SPOUSE), np.flatnonzero(role == IN_LAW)
    one = np.concatenate([places.head[spouse], places.child[in_law]])
    other = np.concatenate([spouse, in_law])
    man = people.sex[one] == 1
    return np.where(man, one, other), np.where(man, other, one)
