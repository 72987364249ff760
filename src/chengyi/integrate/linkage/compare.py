"""What a pair of profiles have in common, as numbers.

Rules: texts are compared by character, never by byte; a text pair that occurs many times is compared once; a field that
either side lacks is NaN, which is neither agreement nor disagreement; citizen ids are no feature, so that pairs
whose ids are known can teach the matcher what pairs look like whose ids are not.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from chengyi.integrate.linkage.columns import Column, Floats, Halves, Ints, Objects, People, Words, look_up, rarity

FEATURES = (
    "name_level", "name_similarity", "name_sorted", "name_shared", "name_unshared", "name_shared_part", "sound_shared",
    "family_similarity", "given_similarity", "name_bits", "sex_same", "birth_level", "birth_digits", "birth_years",
    "birth_bits", "address_level", "address_similarity", "address_shared", "address_bits", "phone_level",
    "household_same", "extra_level", "extra_shared", "extra_words", "extra_clash",
)  # fmt: skip
PLACE = {name: place for place, name in enumerate(FEATURES)}
_CHUNK = 262_144
_SIMILAR = 0.85


def compare(people: People, left: Ints, right: Ints) -> Halves:
    """Return one row of `FEATURES` for each pair, in half precision, for there may be millions."""
    found = np.empty((len(left), len(FEATURES)), dtype=np.float16)
    facts = _Facts(people)
    for start in range(0, len(left), _CHUNK):
        part = slice(start, start + _CHUNK)
        columns = facts.of(left[part], right[part])
        for name, values in columns.items():
            found[part, PLACE[name]] = values
    return found


class _Facts:
    """Compares pairs of one set of profiles; what belongs to values is computed once."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.name_bits = rarity(people.name.codes, len(people.name.values))
        self.birth_bits = rarity(people.birth.codes, len(people.birth.values))
        self.address_bits = rarity(people.address.codes, len(people.address.values))
        self.texts = np.array([s.text for s in people.spellings], dtype=object)
        self.families = np.array([s.family for s in people.spellings], dtype=object)
        self.givens = np.array([s.given for s in people.spellings], dtype=object)
        self.sorted_texts = np.array([" ".join(sorted(s.text.split())) for s in people.spellings], dtype=object)

    def of(self, left: Ints, right: Ints) -> dict[str, Any]:
        """Return the features of some pairs by name."""
        return {
            **self._names(left, right),
            **self._sex(left, right),
            **self._births(left, right),
            **self._addresses(left, right),
            **self._contacts(left, right),
            **self._extras(left, right),
        }

    def _names(self, left: Ints, right: Ints) -> dict[str, Any]:
        from rapidfuzz.distance import Indel, JaroWinkler

        people = self.people
        a, b = people.name.codes[left], people.name.codes[right]
        shared, unshared, share = _overlap(people.parts, people.part_bits, a, b)
        sounds = _overlap(people.sounds, people.sound_bits, a, b)[2]
        similarity = _similar(self.texts, a, b, JaroWinkler.normalized_similarity)
        return {
            "name_level": self._name_level(left, right, similarity),
            "name_similarity": similarity,
            "name_sorted": _similar(self.sorted_texts, a, b, Indel.normalized_similarity),
            "name_shared": shared,
            "name_unshared": unshared,
            "name_shared_part": share,
            "sound_shared": sounds,
            "family_similarity": _similar(self.families, a, b, JaroWinkler.normalized_similarity),
            "given_similarity": _similar(self.givens, a, b, JaroWinkler.normalized_similarity),
            "name_bits": np.where((a == b) & (a >= 0), look_up(self.name_bits, a, np.nan), 0.0),
        }

    def _name_level(self, left: Ints, right: Ints, similarity: Floats) -> Floats:
        """5 same, 4 drawn alike, 3 sounds alike, 2 nearly the same, 1 shares a given or family name, 0 none."""
        people = self.people
        level = np.zeros(len(left), dtype=np.float32)
        level[_same(people.family, left, right) | _same(people.given, left, right)] = 1
        level[similarity >= _SIMILAR] = 2
        level[_same(people.sounded, left, right)] = 3
        level[_same(people.drawn, left, right)] = 4
        level[_same(people.name, left, right)] = 5
        level[np.isnan(similarity)] = np.nan
        return level

    def _sex(self, left: Ints, right: Ints) -> dict[str, Any]:
        return {"sex_same": _equal(self.people.sex, left, right)}

    def _births(self, left: Ints, right: Ints) -> dict[str, Any]:
        a, b = self.people.birth.codes[left], self.people.birth.codes[right]
        one, other = self.people.digits[a], self.people.digits[b]
        known = (a >= 0) & (b >= 0) & (one[:, 0] > 0) & (other[:, 0] > 0)
        comparable = (one > 0) & (other > 0)
        digits = _digit_differences(one, other, comparable)
        years = np.minimum(np.abs(one[:, 0] - other[:, 0]), 100)
        level = _birth_level(one, other, comparable, digits)
        columns = {"birth_level": level, "birth_digits": digits, "birth_years": years}
        masked = {name: np.where(known, values, np.nan) for name, values in columns.items()}
        return masked | {"birth_bits": np.where(a == b, look_up(self.birth_bits, a, np.nan), 0.0)}

    def _addresses(self, left: Ints, right: Ints) -> dict[str, Any]:
        from rapidfuzz.distance import Indel

        people = self.people
        a, b = people.address.codes[left], people.address.codes[right]
        similarity = _similar(people.address.values, a, b, Indel.normalized_similarity)
        shared, _, share = _overlap(people.address_words, people.address_bits, a, b)
        level = np.where(a == b, 3, np.where(similarity >= _SIMILAR, 2, np.where(shared > 0, 1, 0)))
        return {
            "address_level": np.where(np.isnan(similarity), np.nan, level),
            "address_similarity": similarity,
            "address_shared": share,
            "address_bits": np.where((a == b) & (a >= 0), look_up(self.address_bits, a, np.nan), shared),
        }

    def _contacts(self, left: Ints, right: Ints) -> dict[str, Any]:
        from rapidfuzz.distance import OSA

        phone = self.people.phone
        a, b = phone.codes[left], phone.codes[right]
        slips = _similar(phone.values, a, b, OSA.distance)
        level = np.where(a == b, 2, np.where(slips <= 1, 1, 0))
        return {
            "phone_level": np.where((a < 0) | (b < 0), np.nan, level),
            "household_same": _equal(self.people.household, left, right),
        }

    def _extras(self, left: Ints, right: Ints) -> dict[str, Any]:
        people = self.people
        a, b = people.extra.codes[left], people.extra.codes[right]
        slots_shared, slots_unshared, _ = _overlap(people.extra_slots, people.extra_bits, a, b)
        words_shared, _, share = _overlap(people.extra_words, people.extra_word_bits, a, b)
        level = np.where(slots_shared > 0, 2, np.where(words_shared > 0, 1, 0))
        absent = (a < 0) | (b < 0)
        return {
            "extra_level": np.where(absent, np.nan, level),
            "extra_shared": slots_shared,
            "extra_words": share,
            "extra_clash": slots_unshared,
        }


def _same(column: Column, left: Ints, right: Ints) -> Any:  # noqa: ANN401 - a boolean array
    a, b = column.codes[left], column.codes[right]
    return (a == b) & (a >= 0)


def _equal(column: Column, left: Ints, right: Ints) -> Any:  # noqa: ANN401 - a float array
    a, b = column.codes[left], column.codes[right]
    return np.where((a < 0) | (b < 0), np.nan, (a == b).astype(np.float32))


def _similar(texts: Objects, a: Ints, b: Ints, scorer: Callable[..., Any]) -> Floats:
    """Score the text of each pair of codes, each distinct pair once; NaN where a text is absent."""
    from rapidfuzz.process import cpdist

    found = np.full(len(a), np.nan, dtype=np.float32)
    present = np.flatnonzero((a >= 0) & (b >= 0))
    if not len(present):
        return found
    low, high = np.minimum(a[present], b[present]), np.maximum(a[present], b[present])
    keys, back = np.unique(low * len(texts) + high, return_inverse=True)
    scores = cpdist(texts[keys // len(texts)], texts[keys % len(texts)], scorer=scorer, dtype=np.float32, workers=-1)
    found[present] = scores[back]
    return found


def _overlap(words: Words, bits: Floats, a: Ints, b: Ints) -> tuple[Floats, Floats, Floats]:
    """Return shared bits, the smaller side's unshared bits, and the shared share of the smaller side."""
    mine, yours = words.of(a), words.of(b)
    weights = np.append(bits, np.float32(0.0))
    hit = np.zeros(mine.shape, dtype=np.bool_)
    for at in range(yours.shape[1]):
        hit |= mine == yours[:, at : at + 1]
    hit &= mine >= 0
    shared = (weights[mine] * hit).sum(axis=1)
    smaller = np.minimum(weights[mine].sum(axis=1), weights[yours].sum(axis=1))
    absent = (a < 0) | (b < 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = (shared, np.maximum(smaller - shared, 0), np.minimum(shared / smaller, 1))
    one, two, three = (np.where(absent, np.nan, values).astype(np.float32) for values in columns)
    return one, two, three


def _digit_differences(one: Ints, other: Ints, comparable: Any) -> Any:  # noqa: ANN401 - arrays
    """Count the digits in which comparable date parts differ, place by place."""
    total = np.zeros(len(one), dtype=np.int64)
    for part, width in enumerate((4, 2, 2)):
        a, b = one[:, part], other[:, part]
        for place in range(width):
            total += comparable[:, part] & (a // 10**place % 10 != b // 10**place % 10)
    return total


def _birth_level(one: Ints, other: Ints, comparable: Any, digits: Any) -> Any:  # noqa: ANN401 - arrays
    """5 same day, 4 swapped or one digit off, 3 two digits off, 2 same year only or partial, 1 near year, 0 none."""
    same = (one == other) & comparable
    whole = comparable.all(axis=1)
    swapped = same[:, 0] & (one[:, 1] == other[:, 2]) & (one[:, 2] == other[:, 1])
    near = np.abs(one[:, 0] - other[:, 0]) <= 1
    choices = [same.all(axis=1), whole & (swapped | (digits == 1)), whole & (digits == 2), same[:, 0], near]
    return np.select(choices, [5, 4, 3, 2, 1], 0)
