"""What no probability may override: pairs that must not link, and evidence an id still gives.

Rules: two different valid ids are two people; a source that lists each person once has two people in two rows; in one
household or at one address another given name or another birth date is another person of the family, not a variant
(Fellegi-Sunter alone merges families); an id one slip away
from another is strong evidence, a far one is evidence against.
"""

from dataclasses import replace

import numpy as np

from chengyi.integrate.linkage.columns import Bools, Column, Floats, Halves, Ints, People
from chengyi.integrate.linkage.compare import PLACE
from chengyi.integrate.linkage.pairs import APART, FAMILY, FREE, Marks, Pairs
from chengyi.integrate.linkage.profiles import Profiles

NEAR_ID, NEXT_ID, FAR_ID = 8.0, 3.0, -4.0
_DIFFERENT_GIVEN = 0.7
_SAME_SOUND = 3


def barred(people: People, profiles: Profiles, features: Halves, left: Ints, right: Ints) -> Marks:
    """Mark the pairs that must not link, as `APART` or `FAMILY`."""
    persons, single, sources = profiles.persons, profiles.single, people.source.codes
    known = (persons[left] >= 0) & (persons[right] >= 0)
    listed = single[left] & single[right] & (sources[left] == sources[right])
    marks = np.where(family(people, features, left, right), FAMILY, FREE)
    marks = np.where(known | listed, APART, marks)
    return np.where(known & (persons[left] == persons[right]), FREE, marks).astype(np.int8)


def relent(pairs: Pairs, persons: Ints, odds: float) -> Pairs:
    """Lift the family rule where an open profile also likely matches, by name too, another profile of the same person.

    A known person's own misspelled name would else bar those who write it right.
    """
    open_, known = _open_and_known(pairs, persons)
    key = np.where(known >= 0, open_ * (int(persons.max(initial=0)) + 1) + known, -1)
    named = _of(pairs.features, "name_level") >= _SAME_SOUND
    good = np.unique(key[pairs.free & named & (pairs.odds > odds) & (key >= 0)])
    lifted = (pairs.barred == FAMILY) & np.isin(key, good)
    return replace(pairs, barred=np.where(lifted, FREE, pairs.barred).astype(np.int8))


def _open_and_known(pairs: Pairs, persons: Ints) -> tuple[Ints, Ints]:
    """Return the open profile and the known person of each pair; -1 where it has no such two."""
    one, other = persons[pairs.left], persons[pairs.right]
    open_ = np.where(one < 0, pairs.left, pairs.right)
    return open_, np.where((one < 0) != (other < 0), np.maximum(one, other), -1)


def family(people: People, features: Halves, left: Ints, right: Ints) -> Bools:
    """Mark pairs that share a household or an address but are two people of it."""
    home = (_of(features, "household_same") == 1) | (_of(features, "address_level") == 3)
    digits, years = _of(features, "birth_digits"), _of(features, "birth_years")
    other_birth = (digits >= 3) & (years > 0)
    level = _of(features, "name_level")
    han = np.array([s.han for s in people.spellings] or [False], dtype=np.bool_)
    written = han[people.name.codes[left]] & han[people.name.codes[right]] & ~np.isnan(level)
    same_birth = _of(features, "birth_level") >= 4
    shared, longest = _characters(people, left, right)
    slip = (shared == longest) | (same_birth & (longest >= 3) & (shared >= longest - 1))
    other_han = written & ((level < 2) | ((level == 2) & ~same_birth)) & ~slip
    other_word = ~written & (_of(features, "given_similarity") < _DIFFERENT_GIVEN)
    return home & ((written & other_birth) | other_han | (other_word & other_birth))  # type: ignore[no-any-return]


def _of(features: Halves, name: str) -> Halves:
    return features[:, PLACE[name]]


def _characters(people: People, left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Count the parts (surname, given characters) that two names share in any order, and those of the longer name."""
    a, b = people.parts.of(people.name.codes[left]), people.parts.of(people.name.codes[right])
    shared = np.zeros(len(a), dtype=np.int64)
    for at in range(b.shape[1]):
        shared += ((a == b[:, at : at + 1]) & (a >= 0)).any(axis=1)
    return shared, np.maximum((a >= 0).sum(axis=1), (b >= 0).sum(axis=1))


def id_evidence(ids: Column, left: Ints, right: Ints) -> tuple[Floats, Bools]:
    """Return log2 odds from ids of which one cannot be trusted, and which pairs are within two slips."""
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cpdist

    bits = np.zeros(len(left), dtype=np.float32)
    near = np.zeros(len(left), dtype=np.bool_)
    rows = np.flatnonzero((ids.codes[left] >= 0) & (ids.codes[right] >= 0))
    if len(rows):
        one, other = ids.values[ids.codes[left[rows]]], ids.values[ids.codes[right[rows]]]
        slips = cpdist(one, other, scorer=OSA.distance, dtype=np.int32)
        bits[rows] = np.select([slips <= 1, slips <= 2, slips >= 6], [NEAR_ID, NEXT_ID, FAR_ID], 0.0)
        near[rows] = slips <= 2
    return bits, near
