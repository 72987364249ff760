"""Which pairs are worth comparing: those that share a code that few share.

Rules: a code is a 64-bit number made of small integers, so the engine only joins on equality; a code shared by too
many profiles makes no pairs and is reported; each pair is weighed by the rarity of what it shares, and where there are more
pairs than the budget the lightest go first; the outcome does not depend on the order of rows or threads.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chengyi.integrate.linkage.columns import Bools, Column, Ints, People, Words, look_up
from chengyi.integrate.linkage.settings import LinkageSettings

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from chengyi.store.ports import Tables

KNOWN, OPEN, REHEARSED = 0, 1, 2
_WORST = 10
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Blocking:
    """Candidate pairs of profiles (left < right), and how the blocks were."""

    left: Ints
    right: Ints
    blocks: int
    skipped: int
    largest: int
    skew: tuple[tuple[str, int], ...]


def mix(*parts: Ints | int) -> Ints:
    """Combine integers into one well-spread 64-bit code (splitmix64); -1 where any part is -1."""
    length = max(len(part) for part in parts if not isinstance(part, int))
    code, absent = np.zeros(length, dtype=np.uint64), np.zeros(length, dtype=np.bool_)
    with np.errstate(over="ignore"):
        for part in parts:
            values = np.broadcast_to(np.asarray(part, dtype=np.int64), (length,))
            absent |= values == -1
            code = (code ^ values.astype(np.uint64)) + _GOLDEN
            code = (code ^ (code >> np.uint64(30))) * _MIX_A
            code = (code ^ (code >> np.uint64(27))) * _MIX_B
            code ^= code >> np.uint64(31)
    return np.where(absent, -1, (code >> np.uint64(1)).astype(np.int64))


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
    return [
        mix(np.minimum(a, b), np.maximum(a, b)) for at, a in enumerate(parts) for b in parts[at + 1 :]
    ]


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


def block(people: People, roles: Ints, persons: Ints, ids: Column, tables: "Tables", settings: LinkageSettings) -> Blocking:
    """Return the candidate pairs: open with open or known, rehearsed with known, never within one known person.

    Args:
        people: the profiles.
        roles: `KNOWN`, `OPEN` or `REHEARSED` for each profile.
        persons: the known person of each profile, or -1.
        ids: the ids as written, for finding slips; -1 where they must not be used.
        tables: the engine that joins.
        settings: `block_cap` and `pair_budget`.
    """
    asking = roles != KNOWN
    kept = [_cap(number, kind, listed, asking, settings) for number, (kind, listed) in enumerate(codes(people, ids))]
    budget = min(settings.pair_budget, settings.pairs_each * int(asking.sum()))
    pairs = tables.arrow(_join(tables.view(_table(kept, roles, persons)), budget))
    left, right = (pairs[side].to_numpy().astype(np.int64) for side in ("left", "right"))
    order = np.lexsort((right, left))
    return Blocking(left[order], right[order], *_report(kept))


@dataclass(frozen=True, slots=True)
class _Kept:
    """The codes of one kind that make pairs, and how its blocks were."""

    kind: str
    rows: Ints
    codes: Ints
    weights: Ints
    blocks: int
    largest: int
    skipped: tuple[int, ...]


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
    worst = tuple(-np.sort(-size[heavy]))
    return _Kept(
        kind, rows[keep], mix(number, code[keep]), weight[place[keep]],
        int((size > 1).sum()), int(size.max(initial=0)), tuple(map(int, worst)),
    )  # fmt: skip


def _report(kept: list[_Kept]) -> tuple[int, int, int, tuple[tuple[str, int], ...]]:
    skew = sorted(((-size, part.kind) for part in kept for size in part.skipped))[:_WORST]
    return (
        sum(part.blocks for part in kept),
        sum(len(part.skipped) for part in kept),
        max(part.largest for part in kept),
        tuple((kind, -size) for size, kind in skew),
    )


def _table(kept: list[_Kept], roles: Ints, persons: Ints) -> "pa.Table":
    import pyarrow as pa

    person = np.where((persons >= 0) & (roles != REHEARSED), persons, -1 - np.arange(len(persons))).astype(np.int32)
    rows = np.concatenate([part.rows for part in kept]).astype(np.int32)
    columns = {
        "profile": rows,
        "code": np.concatenate([part.codes for part in kept]),
        "weight": np.concatenate([part.weights for part in kept]).astype(np.int32),
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
