"""Distinct profiles: what is compared, once for all mentions that say exactly the same.

Rules: mentions of one known person with equal particulars are one profile, and at most so many profiles of a person are
compared; mentions without a known id are one profile only where name, full birth date and an address, telephone or
household are equal, for a name and a birth date alone do not make one person; some known people are rehearsed as if
their ids were unknown, with the gaps of an open mention, to teach the matcher.
"""

from dataclasses import dataclass

import numpy as np

from chengyi.integrate.linkage.columns import Bools, Column, Ints, mix
from chengyi.integrate.linkage.identity import Identity
from chengyi.integrate.linkage.settings import LinkageSettings

KNOWN, OPEN, REHEARSED = 0, 1, 2
_TOLD = ("name", "sex", "birth_date", "address", "phone", "household", "extra")
_FULL_DATE = 8


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles of a run; rehearsed ones come last.

    Attributes:
        rows: the mention row that stands for each profile.
        roles: `KNOWN`, `OPEN` or `REHEARSED`.
        persons: the known person of each profile, or -1.
        columns: their encoded fields.
        ids: their ids as written; -1 where rehearsed.
        single: whether the profile's source lists each person once.
        profile_of: the profile of each mention row; -1 for a known mention beyond the representatives.
        count: profiles that are not rehearsed.
    """

    rows: Ints
    roles: Ints
    persons: Ints
    columns: dict[str, Column]
    ids: Column
    single: Bools
    profile_of: Ints
    count: int


def make_profiles(
    columns: dict[str, Column], completed: dict[str, Column], identity: Identity, settings: LinkageSettings
) -> Profiles:
    """Find the distinct profiles and choose those to rehearse."""
    single = _single(columns["source"], settings.single_sources)
    rows, profile_of = _distinct(columns, identity, single, settings.representatives)
    persons = identity.persons[rows]
    rehearsed = _rehearse(persons, settings)
    gaps = _gaps(columns, rows, persons, rehearsed)
    every = np.concatenate([rows, rows[rehearsed]])
    roles = np.where(persons >= 0, KNOWN, OPEN)
    ids = identity.ids.codes[every]
    ids[len(rows) :] = -1
    return Profiles(
        rows=every,
        roles=np.concatenate([roles, np.full(len(rehearsed), REHEARSED)]),
        persons=identity.persons[every],
        columns={name: _take(name, columns, completed, every, gaps) for name in completed},
        ids=Column(identity.ids.values, ids),
        single=single[every],
        profile_of=profile_of,
        count=len(rows),
    )


def _single(source: Column, names: frozenset[str]) -> Bools:
    folded = {name.strip().casefold() for name in names}
    listed = np.array([value in folded for value in source.values] or [False], dtype=np.bool_)
    return np.asarray(listed[source.codes] & (source.codes >= 0), dtype=np.bool_)


def _distinct(columns: dict[str, Column], identity: Identity, single: Bools, most: int) -> tuple[Ints, Ints]:
    persons = identity.persons
    rich = _rich(columns) | (persons >= 0)
    alone = np.where(rich, -1, np.arange(len(persons)))
    source = np.where(single, columns["source"].codes, -1)
    key = mix(
        *(part + 1 for part in (persons, identity.ids.codes, alone, source)), *(columns[n].codes + 1 for n in _TOLD)
    )
    _, first, back, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    kept = _most_frequent(persons[first], counts, first, most)
    order = np.flatnonzero(kept)[np.argsort(first[kept], kind="stable")]
    place = np.full(len(first), -1, dtype=np.int64)
    place[order] = np.arange(len(order))
    return first[order], place[back]


def _rich(columns: dict[str, Column]) -> Bools:
    whole = np.array(
        [sum(c.isdigit() for c in value) == _FULL_DATE for value in columns["birth_date"].values] or [False]
    )
    birth = columns["birth_date"].codes
    reached = np.any([columns[name].codes >= 0 for name in ("address", "phone", "household")], axis=0)
    told = (columns["name"].codes >= 0) & (birth >= 0) & whole[birth] & reached
    return np.asarray(told, dtype=np.bool_)


def _most_frequent(persons: Ints, counts: Ints, first: Ints, most: int) -> Bools:
    """Keep every open profile and the `most` profiles of each person that most mentions have."""
    order = np.lexsort((first, -counts, persons))
    starts = np.flatnonzero(np.diff(persons[order], prepend=-2))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    kept = np.empty(len(order), dtype=np.bool_)
    kept[order] = (rank < most) | (persons[order] < 0)
    return kept


def _rehearse(persons: Ints, settings: LinkageSettings) -> Ints:
    """Return the profiles of a fixed sample of people with several profiles."""
    if not (persons < 0).any():
        return np.empty(0, dtype=np.int64)
    several = np.flatnonzero(np.bincount(persons[persons >= 0]) > 1)
    if len(several) < settings.minimum_labels // 2:
        return np.empty(0, dtype=np.int64)
    chosen = several[np.argsort(mix(several), kind="stable")][: settings.training_people]
    return np.flatnonzero(np.isin(persons, chosen))


def _gaps(columns: dict[str, Column], rows: Ints, persons: Ints, rehearsed: Ints) -> dict[str, Bools]:
    """Give each rehearsed profile the missing fields of some open profile."""
    pattern = rows[np.flatnonzero(persons < 0)]
    if not len(rehearsed) or not len(pattern):
        return {}
    donors = pattern[mix(rehearsed) % len(pattern)]
    return {name: columns[name].codes[donors] < 0 for name in _TOLD}


def _take(
    name: str, columns: dict[str, Column], completed: dict[str, Column], every: Ints, gaps: dict[str, Bools]
) -> Column:
    codes = completed[name].codes[every].copy()
    if name in gaps:
        tail = slice(len(every) - len(gaps[name]), None)
        codes[tail] = np.where(gaps[name] | (columns[name].codes[every[tail]] < 0), -1, codes[tail])
    return Column(completed[name].values, codes)
