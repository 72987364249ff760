"""Whom a citizen id makes known, and when an id must not be believed.

Rules: only a well-formed id with a right check digit makes known; where one id is used by clearly different people, the
camp that agrees with the birth date and sex written in the id keeps it, else the larger camp, else nobody; the others
are compared like people without an id, and the id is no evidence for them. An id with a wrong digit is not thrown away:
it still shows slips of the pen.

Source: GB 11643 with ISO 7064 MOD 11-2, which catches every single wrong digit and every swap of neighbours.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from chengyi.integrate.linkage.columns import Bools, Column, Ints, Objects, as_objects, look_up, relabel
from chengyi.integrate.linkage.spelling import Spelling, spell
from chengyi.model.identifiers import check_citizen_id, citizen_birth_date, citizen_sex, standard_citizen_id

_MALE = frozenset({"1", "男", "m", "male", "男性"})
_FEMALE = frozenset({"2", "女", "f", "female", "女性"})
_NEAR_NAME = 0.8


@dataclass(frozen=True, slots=True)
class Identity:
    """The known person of each mention (-1: open), the ids as compared, and who was suspended."""

    persons: Ints
    ids: Column
    suspended: Bools


def identify(columns: dict[str, Column]) -> Identity:
    """Group mentions by valid citizen id and suspend those that use another person's."""
    ids = relabel(columns["citizen_id"], standard_citizen_id)
    valid = np.array([not check_citizen_id(text) for text in ids.values] or [False], dtype=np.bool_)
    persons = np.where(look_up(valid, ids.codes, False), ids.codes, -1).astype(np.int64)
    suspended = _suspect(persons, ids.values, columns)
    return Identity(np.where(suspended, -1, persons), Column(ids.values, np.where(suspended, -1, ids.codes)), suspended)


def sex_of(text: str) -> str:
    """Return 1, 2 or the text itself, so that 男, M and 1 agree."""
    return "1" if text in _MALE else "2" if text in _FEMALE else text


def complete(columns: dict[str, Column], identity: Identity) -> dict[str, Column]:
    """Return the columns with birth date and sex of known mentions filled in from the id where they are absent."""
    ids = identity.ids.values
    known = sorted(set(identity.persons[identity.persons >= 0].tolist()))
    births = {person: str(citizen_birth_date(ids[person])) for person in known}
    sexes: dict[int, str] = {person: citizen_sex(ids[person]) for person in known}
    return columns | {
        "birth_date": _fill(columns["birth_date"], identity.persons, births),
        "sex": _fill(columns["sex"], identity.persons, sexes),
    }


def _fill(column: Column, persons: Ints, told: dict[int, str]) -> Column:
    values = sorted({*column.values, *told.values()})
    order = {value: place for place, value in enumerate(values)}
    moved = np.array([order[value] for value in column.values] or [-1], dtype=np.int64)
    by_person = np.full(max(told, default=0) + 1, -1, dtype=np.int64)
    for person, value in told.items():
        by_person[person] = order[value]
    written = look_up(moved, column.codes)
    return Column(as_objects(values), np.where(written >= 0, written, look_up(by_person, persons)))


def _suspect(persons: Ints, ids: Objects, columns: dict[str, Column]) -> Bools:
    """Mark the mentions that use an id which is somebody else's."""
    suspended = np.zeros(len(persons), dtype=np.bool_)
    rows = np.flatnonzero((persons >= 0) & (columns["name"].codes >= 0))
    rows = rows[np.argsort(persons[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(persons[rows], prepend=-1))
    for group in np.split(rows, starts[1:]) if len(rows) else []:
        if len(np.unique(columns["name"].codes[group])) > 1:
            suspended[_intruders(group, ids[persons[group[0]]], columns)] = True
    return suspended


@dataclass(frozen=True, slots=True)
class _Bearer:
    """One distinct way in which an id is used."""

    spelling: Spelling
    sex: str
    birth: str


def _intruders(group: Ints, id_text: str, columns: dict[str, Column]) -> list[int]:
    bearers: dict[_Bearer, list[int]] = {}
    for row in group.tolist():
        bearers.setdefault(_bearer(row, columns), []).append(row)
    camps = _camps(list(bearers))
    if len(camps) == 1:
        return []
    counts = Counter({at: sum(len(bearers[bearer]) for bearer in camp) for at, camp in enumerate(camps)})
    merits = [(max(_agrees(bearer, id_text) for bearer in camp), counts[at]) for at, camp in enumerate(camps)]
    best = max(merits)
    owner = merits.index(best) if merits.count(best) == 1 else -1
    return [row for at, camp in enumerate(camps) if at != owner for bearer in camp for row in bearers[bearer]]


def _bearer(row: int, columns: dict[str, Column]) -> _Bearer:
    name, sex, birth = (_value(columns[field], row) for field in ("name", "sex", "birth_date"))
    return _Bearer(spell(name), sex_of(sex), birth.replace("-", ""))


def _value(column: Column, row: int) -> str:
    code = int(column.codes[row])
    return str(column.values[code]) if code >= 0 else ""


def _camps(bearers: list[_Bearer]) -> list[list[_Bearer]]:
    camps: list[list[_Bearer]] = []
    for bearer in bearers:
        near = [camp for camp in camps if any(not _clash(bearer, other) for other in camp)]
        camps = [camp for camp in camps if camp not in near]
        camps.append([bearer, *(other for camp in near for other in camp)])
    return camps


def _clash(one: _Bearer, other: _Bearer) -> bool:
    """Whether two uses of one id are clearly two people; a changed name with the same birth date and sex is not."""
    if one.spelling.drawn == other.spelling.drawn or one.spelling.sounds == other.spelling.sounds:
        return False
    sexes = bool(one.sex and other.sex and one.sex != other.sex)
    same_birth = bool(one.birth) and one.birth == other.birth
    if near_names(one.spelling, other.spelling):
        return not same_birth and (sexes or _far(one.birth, other.birth))
    return sexes or not same_birth


def near_names(one: Spelling, other: Spelling) -> bool:
    """Whether two names differ by one character of three or more, or as little for other scripts."""
    from rapidfuzz.distance import OSA, JaroWinkler

    if one.han and other.han:
        return max(len(one.text), len(other.text)) >= 3 and OSA.distance(one.text, other.text) <= 1
    return JaroWinkler.normalized_similarity(one.text, other.text) >= _NEAR_NAME


def _far(one: str, other: str) -> bool:
    if len(one) != 8 or len(other) != 8:
        return False
    return one[:4] != other[:4] and sum(a != b for a, b in zip(one, other, strict=True)) > 2


def _agrees(bearer: _Bearer, id_text: str) -> int:
    return int(bearer.birth == id_text[6:14]) + int(bearer.sex == citizen_sex(id_text))


def first_of(persons: Ints) -> Ints:
    """Return the first row of each known person; the last place is a spare for nobody."""
    first = np.full(int(persons.max(initial=-1)) + 2, -1, dtype=np.int64)
    known = np.flatnonzero(persons >= 0)[::-1]
    first[persons[known]] = known
    return first
