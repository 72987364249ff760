"""Which pairs are worth comparing: those that share a code that few share.

Rules: a code is a 64-bit number made of small integers, so the engine only joins on equality; a code shared by too
many profiles makes no pairs and is reported; each pair is weighed by the rarity of what it shares, and where there
are more pairs than the budget the lightest go first; the outcome does not depend on the order of rows or threads.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chengyi.integrate.linkage.columns import Bools, Column, Ints, People, Words, look_up, mix
from chengyi.integrate.linkage.profiles import KNOWN, OPEN, REHEARSED, Profiles
from chengyi.integrate.linkage.settings import LinkageSettings

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from chengyi.store.ports import Tables

_WORST = 10
_OVERLAP = 6


@dataclass(frozen=True, slots=True)
class Blocking:
    """Candidate pairs of profiles (left < right), and how the blocks were."""

    left: Ints
    right: Ints
    pairs: int
    blocks: int
    skipped: int
    largest: int
    skew: tuple[tuple[str, int], ...]


def codes(people: People, ids: Column) -> Iterator[tuple[str, list[Ints]]]:
    """Yield every kind of code with one or more codes a profile; -1 where a profile has none."""
    year, moon, whole = _birth(people)
    words = _columns(people.parts, people.name.codes)
    sounds = _columns(people.sounds, people.name.codes)
    slots = _columns(people.extra_slots, people.extra.codes)[:4]
    places = _columns(people.address_words, people.address.codes)[:3]
    sounded, drawn = people.sounded.codes, people.drawn.codes
    address, phone, household = people.address.codes, people.phone.codes, people.household.codes
    tail = _tail(people.phone)
    yield "name", [people.name.codes]
    yield "name_drawn_year", [mix(drawn, year)]
    yield "name_sound_year", [mix(sounded, year)]
    yield "name_sound_moon", [mix(sounded, moon)]
    yield "name_sound_address", [mix(sounded, place) for place in places[:2]]
    yield "name_sound_phone", [mix(sounded, tail)]
    yield "name_sound_extra", [mix(sounded, slot) for slot in slots]
    yield "part_birth", [mix(word, whole) for word in words]
    yield "sound_birth", [mix(sound, whole) for sound in sounds]
    yield "part", words
    yield "part_year", [mix(word, year) for word in words]
    yield "part_extra", [mix(word, slot) for word in words for slot in slots]
    yield "part_place", [mix(word, place) for word in words for place in places[:2]]
    yield "sound_pair", _pairs(sounds[:5])
    yield "sound_year_extra", [mix(sound, year, slot) for sound in sounds[:4] for slot in slots]
    yield "part_year_extra", [mix(word, year, slot) for word in words[:4] for slot in slots]
    yield "part_year_place", [mix(word, year, place) for word in words[:4] for place in places[:2]]
    yield "part_moon", [mix(word, moon) for word in words]
    yield "part_address", [mix(word, address) for word in words]
    yield "sound_address", [mix(sound, address) for sound in sounds]
    yield "part_place_extra", [mix(word, place, slot) for word in words[:4] for place in places[:2] for slot in slots]
    yield "part_pair", _pairs(words[:5])
    yield "sound_pair_year", [mix(pair, year) for pair in _pairs(sounds[:5])]
    yield "birth", [whole]
    yield "birth_address", [mix(whole, place) for place in places]
    yield "birth_extra", [mix(whole, slot) for slot in slots]
    yield "year_address_extra", [mix(year, address, slot) for slot in slots]
    yield "address", [address]
    yield "address_extra", [mix(address, slot) for slot in slots]
    yield "phone", [phone]
    yield "phone_part", [mix(tail, word) for word in words]
    yield "household_part", [mix(household, word) for word in words]
    yield "household", [household]
    yield "household_birth", [mix(household, whole), mix(household, moon), mix(household, year)]
    yield "id_part", _fragments(ids)


def _columns(words: Words, value_codes: Ints) -> list[Ints]:
    taken = words.of(value_codes)
    return [taken[:, at] for at in range(taken.shape[1])]


def _pairs(parts: list[Ints]) -> list[Ints]:
    return [mix(np.minimum(a, b), np.maximum(a, b)) for at, a in enumerate(parts) for b in parts[at + 1 :]]


def _birth(people: People) -> tuple[Ints, Ints, Ints]:
    parts = people.digits[people.birth.codes]
    year, month, day = (np.where(parts[:, at] > 0, parts[:, at], -1) for at in range(3))
    return year, mix(month, day), mix(year, month, day)


def _tail(phone: Column) -> Ints:
    tails = np.array([int(value[-4:]) if len(value) >= 7 else -1 for value in phone.values] or [-1], dtype=np.int64)
    return np.asarray(look_up(tails, phone.codes), dtype=np.int64)


def _fragments(ids: Column) -> list[Ints]:
    """Three overlapping cuts of an id: a slip in one place leaves at least one whole."""
    found = []
    for cut in (slice(0, 14), slice(6, 17), slice(10, 18)):
        texts = np.unique(np.array([value[cut] for value in ids.values] or [""], dtype=object), return_inverse=True)[1]
        found.append(np.asarray(look_up(texts.astype(np.int64), ids.codes), dtype=np.int64))
    return found


def block(people: People, profiles: Profiles, tables: "Tables", settings: LinkageSettings) -> Blocking:
    """Return the candidate pairs: open with open or known, rehearsed with known, never within one known person."""
    budget = min(settings.pair_budget, settings.pairs_each * int((profiles.roles != KNOWN).sum()))
    table, report = _shared_codes(people, profiles, budget, settings)
    pairs = tables.arrow(_join(tables.view(table), budget))
    left, right = (pairs[side].to_numpy().astype(np.int64) for side in ("left", "right"))
    order = np.lexsort((right, left))
    return Blocking(left[order], right[order], len(left), *report)


_Report = tuple[int, int, int, tuple[tuple[str, int], ...]]


def _shared_codes(
    people: People, profiles: Profiles, budget: int, settings: LinkageSettings
) -> tuple["pa.Table", _Report]:
    asking = profiles.roles != KNOWN
    kinds = enumerate(codes(people, profiles.ids))
    kept = [_cap(number, kind, listed, asking, settings) for number, (kind, listed) in kinds]
    light = _lighten(kept, _OVERLAP * budget)
    return _table(light, profiles.roles, profiles.persons), _report(light)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The codes of one kind that make pairs, and how its blocks were."""

    kind: str
    rows: Ints
    codes: Ints
    weights: Ints
    costs: Ints
    sizes: Ints
    blocks: int
    largest: int
    skipped: Ints


def _cap(number: int, kind: str, listed: list[Ints], asking: Bools, settings: LinkageSettings) -> _Kept:
    """Drop codes that nobody else has or nobody asks about, and those that would make more than cap x cap pairs."""
    rows = np.concatenate([np.flatnonzero(code != -1) for code in listed])
    code = np.concatenate([code[code != -1] for code in listed])
    asked = np.isin(code, np.unique(code[asking[rows]]))
    rows, code = rows[asked], code[asked]
    _, place, size = np.unique(code, return_inverse=True, return_counts=True)
    askers = np.bincount(place, weights=asking[rows], minlength=len(size)).astype(np.int64)
    heavy = (size > 1) & (askers * size > settings.block_cap**2)
    keep = ((size > 1) & ~heavy)[place]
    weight = np.maximum(1, np.round(8 * np.log2(len(asking) / np.maximum(size, 1)))).astype(np.int64)
    place = place[keep]
    return _Kept(
        kind=kind,
        rows=rows[keep].astype(np.int32),
        codes=mix(number, code[keep]),
        weights=weight[place].astype(np.int32),
        costs=(askers * size)[place].astype(np.int32),
        sizes=size[place].astype(np.int32),
        blocks=int((size > 1).sum()),
        largest=int(size.max(initial=0)),
        skipped=size[heavy],
    )


def _lighten(kept: list[_Kept], most: int) -> list[_Kept]:
    """Drop the heaviest blocks of all kinds until what is left makes at most so many pairs, counted with repeats."""
    top = int(max((part.costs.max(initial=0) for part in kept), default=0))
    made = np.zeros(top + 1)
    for part in kept:
        made += np.bincount(part.costs, weights=part.costs / part.sizes, minlength=top + 1)
    limit = int(np.searchsorted(np.cumsum(made), most, side="right"))
    return [_below(part, limit) for part in kept]


def _below(part: _Kept, limit: int) -> _Kept:
    light = part.costs < limit
    first = np.unique(part.codes[~light], return_index=True)[1]
    skipped = np.concatenate([part.skipped, part.sizes[~light][first]])
    return replace(
        part, rows=part.rows[light], codes=part.codes[light], weights=part.weights[light], costs=part.costs[light],
        sizes=part.sizes[light], skipped=skipped,
    )  # fmt: skip


def _report(kept: list[_Kept]) -> _Report:
    skew = sorted((-int(size), part.kind) for part in kept for size in -np.sort(-part.skipped)[:_WORST])[:_WORST]
    return (
        sum(part.blocks for part in kept),
        sum(len(part.skipped) for part in kept),
        max(part.largest for part in kept),
        tuple((kind, -size) for size, kind in skew),
    )


def _table(kept: list[_Kept], roles: Ints, persons: Ints) -> "pa.Table":
    import pyarrow as pa

    person = np.where((persons >= 0) & (roles != REHEARSED), persons, -1 - np.arange(len(persons))).astype(np.int32)
    rows = np.concatenate([part.rows for part in kept])
    columns = {
        "profile": rows,
        "code": np.concatenate([part.codes for part in kept]),
        "weight": np.concatenate([part.weights for part in kept]),
        "role": roles.astype(np.int8)[rows],
        "person": person[rows],
    }
    return pa.table(columns)


def _join(view: "ibis.Table", budget: int) -> "ibis.Table":
    import ibis

    left = view.select("code", "weight", l_profile="profile", l_role="role", l_person="person")
    right = view.select("code", r_profile="profile", r_role="role", r_person="person")
    joined = left.join(right, "code")
    both = joined.l_role + joined.r_role
    wanted = joined.filter(
        joined.l_profile < joined.r_profile, both >= OPEN, both <= REHEARSED, joined.l_person != joined.r_person
    )
    pairs = wanted.group_by(left="l_profile", right="r_profile").aggregate(total=wanted.weight.sum())
    ranked = pairs.order_by(ibis.desc("total"), "left", "right").limit(budget)
    return ranked.select("left", "right")
