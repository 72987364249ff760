"""Who lives with whom: households from templates, and ages and sexes that meet the 2020 census exactly.

Each place in a household template wants an age that fits its role; then, sex by sex, the wanted ages are ranked and
the census ages are dealt out in that order. So the margins (age band x sex, household size) are exact, and spouses,
children and grandparents still fit together.

Sources: seventh census, 2020: 0-14 17.95 %, 15-59 63.35 %, 60+ 18.70 %, 65+ 13.50 %, sex ratio 105.07, mean
household 2.62. Shares of five-year bands and of single household sizes are from memory of the same tables.
"""

from dataclasses import dataclass

import numpy as np

from chengyi.district.settings import quota

BANDS = (
    *(5.52, 6.39, 6.04, 5.16, 5.31, 6.53, 8.81, 7.03, 6.60, 8.12),
    *(8.60, 7.19, 5.20, 5.25, 3.52, 2.22, 1.44, 0.76, 0.31),
)
MALE_SHARES = (*(0.530,) * 3, *(0.5156,) * 9, *(0.501,) * 2, 0.490, 0.475, 0.445, 0.40, 0.33)
SIZE_SHARES = (25.39, 29.68, 20.99, 13.17, 6.17, 2.50, 1.05, 1.05)
MEAN_SIZE = 2.62

HEAD, SPOUSE, CHILD, IN_LAW, GRANDCHILD, PARENT, OTHER = range(7)
RELATIONS = ("户主", "配偶", "子女", "儿媳女婿", "孙子女", "父母", "其他")
_LETTERS = "HSCDGPO"

# per household size: (template, share, mean age of the head, spread)
_TEMPLATES: dict[int, tuple[tuple[str, float, float, float], ...]] = {
    1: (("H", 0.40, 31, 7), ("H", 0.60, 66, 12)),
    2: (("HS", 0.22, 32, 6), ("HS", 0.48, 62, 9), ("HC", 0.14, 42, 8), ("HP", 0.10, 46, 9), ("HO", 0.06, 30, 9)),
    3: (("HSC", 0.56, 37, 7), ("HSC", 0.22, 54, 6), ("HSP", 0.07, 50, 7), ("HSG", 0.07, 62, 6), ("HCC", 0.08, 41, 7)),
    4: (("HSCC", 0.62, 38, 6), ("HSCP", 0.20, 42, 7), ("HSCG", 0.10, 60, 6), ("HSPP", 0.08, 46, 7)),
    5: (("HSCCP", 0.50, 39, 6), ("HSCPP", 0.18, 37, 5), ("HSCDG", 0.32, 58, 6)),
    6: (("HSCCPP", 0.45, 38, 5), ("HSCDGG", 0.55, 60, 5)),
    7: (("HSCDGGP", 0.60, 57, 5), ("HSCCCPP", 0.40, 38, 5)),
    8: (("HSCDGGPP", 1.0, 57, 5),),
}


@dataclass(frozen=True, slots=True)
class Places:
    """The places in all households, household by household: arrays of equal length.

    `head`, `spouse`, `child`, `in_law` give the position of that member of the same household, or -1.
    """

    household: np.ndarray
    role: np.ndarray
    sex: np.ndarray
    age: np.ndarray
    head: np.ndarray
    spouse: np.ndarray
    child: np.ndarray
    in_law: np.ndarray

    @property
    def households(self) -> int:
        """Return the number of households."""
        return int(self.household[-1]) + 1


def compose(people: int, rng: np.random.Generator) -> Places:
    """Compose households for exactly so many people."""
    templates, heads = _choose(_sizes(people), rng)
    lengths = np.array([len(template) for template in templates])
    household = np.repeat(np.arange(len(templates)), lengths)
    role = np.array([_LETTERS.index(letter) for letter in "".join(templates)], dtype=np.int8)
    where = [_locate(household, role, wanted) for wanted in (HEAD, SPOUSE, CHILD, IN_LAW)]
    wish = _wished_ages(household, role, heads, where, rng)
    ages = _census_ages(people, rng)
    sex = _sexes(household, role, wish, where, rng, men=len(ages[1]))
    age = np.empty(people, dtype=np.int64)
    for each in (1, 2):
        places = np.flatnonzero(sex == each)
        age[places[np.argsort(wish[places], kind="stable")]] = np.sort(ages[each])
    return Places(household, role, sex, age, *where)


def _sizes(people: int) -> np.ndarray:
    counts = quota(round(people / MEAN_SIZE), np.array(SIZE_SHARES))
    missing = people - int(counts @ np.arange(1, 9))
    while missing:
        step = 1 if missing > 0 else -1
        size = int(np.argmax(counts[1:4])) + 1
        counts[size] -= 1
        counts[size + step] += 1
        missing -= step
    return np.repeat(np.arange(1, 9), counts)


def _choose(sizes: np.ndarray, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    templates: list[str] = []
    heads: list[np.ndarray] = []
    for size, kinds in _TEMPLATES.items():
        counts = quota(int(np.sum(sizes == size)), np.array([kind[1] for kind in kinds]))
        for (template, _, mean, spread), count in zip(kinds, counts.tolist(), strict=True):
            templates += [template] * count
            heads.append(np.maximum(rng.normal(mean, spread, count), 19.0))
    order = rng.permutation(len(templates))
    return [templates[at] for at in order.tolist()], np.concatenate(heads)[order]


def _locate(household: np.ndarray, role: np.ndarray, wanted: int) -> np.ndarray:
    places = np.flatnonzero(role == wanted)
    first = np.full(int(household[-1]) + 1, -1)
    first[household[places][::-1]] = places[::-1]
    return np.asarray(first[household])


def _wished_ages(
    household: np.ndarray, role: np.ndarray, heads: np.ndarray, where: list[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    noise = rng.standard_normal(len(role))
    head = heads[household]
    wish = head + 0.0
    gap = np.clip(27.5 + 3.6 * noise, 20, 42)
    wish = np.where(role == SPOUSE, head + 2.6 * noise, wish)
    wish = np.where(role == CHILD, head - gap, wish)
    wish = np.where(role == PARENT, head + np.clip(26.5 + 3.2 * noise, 20, 40), wish)
    wish = np.where(role == OTHER, head + 5 * noise, wish)
    child = np.where(where[2] >= 0, wish[where[2]], head - 27)
    wish = np.where(role == IN_LAW, child + 1.8 * noise, wish)
    wish = np.where(role == GRANDCHILD, child - np.clip(26.5 + 2.5 * noise, 19, 40), wish)
    return np.asarray(np.where(wish < 0, rng.random(len(role)) * 6, wish) + rng.random(len(role)) * 0.5)


def _census_ages(people: int, rng: np.random.Generator) -> dict[int, np.ndarray]:
    men = np.array(BANDS) * np.array(MALE_SHARES)
    women = np.array(BANDS) - men
    counts = quota(people, np.concatenate([men, women]))
    bands = np.arange(len(BANDS)) * 5
    ages = {}
    for sex, part in ((1, counts[: len(BANDS)]), (2, counts[len(BANDS) :])):
        start = np.repeat(bands, part)
        ages[sex] = start + np.minimum(rng.integers(0, 5, len(start)), np.where(start == 90, 6, 4))
    return ages


def _sexes(
    household: np.ndarray,
    role: np.ndarray,
    wish: np.ndarray,
    where: list[np.ndarray],
    rng: np.random.Generator,
    *,
    men: int,
) -> np.ndarray:
    share = np.where(wish < 15, 0.53, np.where(wish > 60, 0.46, 0.53))
    sex = np.where(rng.random(len(role)) < share, 1, 2)
    has_spouse = where[1] >= 0
    sex = np.where((role == HEAD) & has_spouse, np.where(rng.random(len(role)) < 0.80, 1, 2), sex)
    sex = np.where(role == SPOUSE, 3 - sex[where[0]], sex)
    sex = np.where(role == IN_LAW, 3 - sex[where[2]], sex)
    second = (role == PARENT) & (np.roll(role, 1) == PARENT) & (np.roll(household, 1) == household)
    sex = np.where(second, 3 - np.roll(sex, 1), sex)
    first = (role == PARENT) & np.roll(second, -1)
    paired = (
        second | first | has_spouse & np.isin(role, (HEAD, SPOUSE)) | (where[3] >= 0) & np.isin(role, (CHILD, IN_LAW))
    )
    return _balance(sex, np.flatnonzero(~paired), men, rng)


def _balance(sex: np.ndarray, free: np.ndarray, men: int, rng: np.random.Generator) -> np.ndarray:
    excess = int(np.sum(sex == 1)) - men
    more = 1 if excess > 0 else 2
    candidates = free[sex[free] == more]
    changed = rng.permutation(candidates)[: abs(excess)]
    sex[changed] = 3 - more
    return sex
