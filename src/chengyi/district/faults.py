"""The errors that departments make, and how often: the one table of rates, and how each kind changes a cell.

Rules: every change is marked with its kind, column, row and what should have stood there, so that the counts in
``truth/errors.json`` are exact; a change that would change nothing is not counted; errors never touch the truth.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from chengyi.district.names import LOOK_ALIKES
from chengyi.district.people import People
from chengyi.district.table import IMPOSSIBLE, Mark, Table, cells, constant

Cells = np.ndarray

RATES: Mapping[str, tuple[tuple[str, str, float], ...]] = MappingProxyType(
    {
        "police-population": (
            ("duplicate", "", 0.001),
            ("missing", "citizen_id", 0.002),
            ("wrong_digit", "citizen_id", 0.001),
            ("look_alike", "person_name", 0.003),
            ("missing", "person_name", 0.0005),
            ("impossible_date", "birth_date", 0.0008),
            ("bad_code", "sex", 0.0005),
            ("stale", "address", 0.02),
        ),
        "civil-low-income": (
            ("duplicate", "", 0.005),
            ("missing", "citizen_id", 0.015),
            ("wrong_digit", "citizen_id", 0.008),
            ("swapped_digits", "citizen_id", 0.005),
            ("head_id", "citizen_id", 0.025),
            ("old_form", "citizen_id", 0.02),
            ("homonym_id", "citizen_id", 0.02),
            ("look_alike", "person_name", 0.015),
            ("impossible_date", "start_date", 0.006),
            ("placeholder", "phone", 0.03),
            ("stale", "address", 0.08),
        ),
        "civil-marriages": (
            ("missing", "husband_id", 0.01),
            ("missing", "wife_id", 0.01),
            ("wrong_digit", "husband_id", 0.004),
            ("wrong_digit", "wife_id", 0.004),
            ("old_form", "husband_id", 0.10),
            ("look_alike", "husband_name", 0.008),
            ("look_alike", "wife_name", 0.008),
        ),
        "education-students": (
            ("duplicate", "", 0.002),
            ("missing", "citizen_id", 0.02),
            ("wrong_digit", "citizen_id", 0.008),
            ("swapped_digits", "citizen_id", 0.006),
            ("head_id", "citizen_id", 0.012),
            ("look_alike", "person_name", 0.012),
            ("impossible_date", "birth_date", 0.002),
            ("stale", "address", 0.06),
        ),
        "health-visits": (
            ("duplicate", "", 0.003),
            ("missing", "citizen_id", 0.06),
            ("wrong_digit", "citizen_id", 0.008),
            ("swapped_digits", "citizen_id", 0.006),
            ("head_id", "citizen_id", 0.02),
            ("full_width", "citizen_id", 0.01),
            ("look_alike", "person_name", 0.012),
            ("missing", "person_name", 0.002),
            ("impossible_date", "visit_date", 0.002),
            ("bad_code", "sex", 0.003),
        ),
        "housing-survey": (
            ("missing", "citizen_id", 0.04),
            ("wrong_digit", "citizen_id", 0.008),
            ("old_form", "citizen_id", 0.15),
            ("full_width", "citizen_id", 0.01),
            ("look_alike", "person_name", 0.015),
            ("bad_code", "safety_grade", 0.003),
        ),
        "labour-insurance": (
            ("missing", "citizen_id", 0.002),
            ("wrong_digit", "citizen_id", 0.002),
            ("look_alike", "person_name", 0.005),
        ),
        "disability-certificates": (
            ("duplicate", "", 0.002),
            ("missing", "citizen_id", 0.01),
            ("wrong_digit", "citizen_id", 0.006),
            ("swapped_digits", "citizen_id", 0.004),
            ("look_alike", "person_name", 0.015),
            ("bad_code", "disability_grade", 0.004),
            ("impossible_date", "issue_date", 0.003),
            ("stale", "address", 0.06),
        ),
        "emergency-relief": (
            ("duplicate", "", 0.015),
            ("look_alike", "person_name", 0.02),
            ("missing", "phone", 0.10),
            ("stale", "address", 0.05),
        ),
        "charity-donations": (("missing", "citizen_id", 0.35), ("look_alike", "person_name", 0.02)),
        "agriculture-subsidy": (
            ("missing", "citizen_id", 0.02),
            ("wrong_digit", "citizen_id", 0.006),
            ("old_form", "citizen_id", 0.08),
            ("look_alike", "person_name", 0.012),
            ("stale", "address", 0.03),
        ),
        "market-enterprises": (("wrong_digit", "credit_code", 0.01), ("look_alike", "legal_representative", 0.006)),
        "traffic-detectors": (("duplicate", "", 0.001), ("missing", "speed_kmh", 0.005), ("stuck", "speed_kmh", 0.002)),
        "services-cases": (
            ("missing", "citizen_id", 0.12),
            ("wrong_digit", "citizen_id", 0.005),
            ("look_alike", "person_name", 0.01),
        ),
        "water-sensors": (("missing", "value", 0.006), ("spike", "value", 0.003)),
    }
)

_BLANKS = ("", "无", "不详", "/")
_FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
BAD_CODES = ("3", "X", "未登记")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a kind of error may need to know: the table, the rows, the people, and chance."""

    table: Table
    element: str
    rows: np.ndarray
    people: People
    rng: np.random.Generator

    @property
    def persons(self) -> np.ndarray:
        """Return whom the rows speak of."""
        return np.asarray(self.table.persons[0][self.rows])


def spoil(table: Table, people: People, rng: np.random.Generator) -> None:
    """Put this source's errors into the table; repeated rows come first, so that copies may differ.

    No cell is spoiled twice: what should have stood there is always the mark's truth.
    """
    touched: dict[str, np.ndarray] = {}
    for kind, element, rate in RATES.get(table.source, ()):
        hit = rng.random(len(table)) < rate
        if kind == "duplicate":
            _repeat(table, np.flatnonzero(hit))
            continue
        spoiled = touched.setdefault(element, np.zeros(len(table), dtype=bool))
        rows = np.flatnonzero(hit & ~spoiled)
        _change(Circumstances(table, element, rows, people, rng), kind)
        spoiled[rows] = True


def _repeat(table: Table, rows: np.ndarray) -> None:
    order = np.sort(np.concatenate([np.arange(len(table)), rows]), kind="stable")
    table.take(order)
    for mark in table.marks:
        mark.rows = np.searchsorted(order, mark.rows)
    copies = np.flatnonzero(np.diff(order, prepend=-1) == 0)
    table.marks.append(Mark("duplicate", "", copies, constant(None, len(copies))))


def _change(about: Circumstances, kind: str) -> None:
    old = about.table.values[about.element][about.rows]
    new = _KINDS[kind](old, about)
    changed = np.array([one != other for one, other in zip(old, new, strict=True)], dtype=bool)
    column = about.table.values[about.element] = about.table.values[about.element].copy()
    column[about.rows[changed]] = new[changed]
    about.table.marks.append(Mark(kind, about.element, about.rows[changed], old[changed]))


def _each(old: Cells, change: Callable[[str], object]) -> Cells:
    return cells(change(cell) if isinstance(cell, str) and cell else cell for cell in old)


def _missing(old: Cells, _about: Circumstances) -> Cells:
    return constant(None, len(old))


def _placeholder(old: Cells, about: Circumstances) -> Cells:
    return cells(_BLANKS[pick] for pick in about.rng.integers(1, len(_BLANKS), len(old)).tolist())


def _wrong_digit(old: Cells, about: Circumstances) -> Cells:
    def change(text: str) -> str:
        at = int(about.rng.integers(8, 17))
        if at >= len(text) or not text[at].isdigit():
            return text
        return f"{text[:at]}{(int(text[at]) + int(about.rng.integers(1, 10))) % 10}{text[at + 1 :]}"

    return _each(old, change)


def _swapped_digits(old: Cells, about: Circumstances) -> Cells:
    def change(text: str) -> str:
        at = int(about.rng.integers(6, 16))
        return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]

    return _each(old, change)


def _old_form(old: Cells, _about: Circumstances) -> Cells:
    return _each(old, lambda text: text[:6] + text[8:17] if text[6:8] == "19" and text[14:17] < "996" else text)


def _full_width(old: Cells, _about: Circumstances) -> Cells:
    return _each(old, lambda text: text.translate(_FULL_WIDTH))


def _head_id(old: Cells, about: Circumstances) -> Cells:
    """Write the number of the head of the household, or of the spouse where the row speaks of the head."""
    places, persons = about.people.places, about.persons
    known = persons >= 0
    at = np.where(known, persons, 0)
    other = np.where(places.head[at] == at, places.spouse[at], places.head[at])
    ids = about.people.citizen_id
    return cells(
        ids[who] if known_here and who >= 0 and cell else cell
        for cell, who, known_here in zip(old, other.tolist(), known.tolist(), strict=True)
    )


def _homonym_id(old: Cells, about: Circumstances) -> Cells:
    """Write the number of somebody else of the same name, where there is one."""
    first: dict[str, list[int]] = {}
    for number, name in enumerate(about.people.name.tolist()):
        first.setdefault(name, []).append(number)
    new = []
    for cell, person in zip(old, about.persons.tolist(), strict=True):
        others = [other for other in first.get(about.people.name[person], ()) if other != person]
        new.append(about.people.citizen_id[others[0]] if others and cell else cell)
    return cells(new)


def _look_alike(old: Cells, about: Circumstances) -> Cells:
    def change(name: str) -> str:
        places = [at for at, letter in enumerate(name) if letter in LOOK_ALIKES]
        if not places:
            return name
        at = places[int(about.rng.integers(0, len(places)))]
        return name[:at] + LOOK_ALIKES[name[at]] + name[at + 1 :]

    return _each(old, change)


def _impossible_date(old: Cells, about: Circumstances) -> Cells:
    options = IMPOSSIBLE[about.table.dates[about.element]]
    picks = about.rng.integers(0, len(options), len(old)).tolist()
    return cells(options[pick] if cell else cell for cell, pick in zip(old, picks, strict=True))


def _bad_code(old: Cells, about: Circumstances) -> Cells:
    return cells(BAD_CODES[pick] for pick in about.rng.integers(0, len(BAD_CODES), len(old)).tolist())


def _stale(_old: Cells, about: Circumstances) -> Cells:
    return np.asarray(about.table.stale[about.element][about.rows])


def _stuck(old: Cells, _about: Circumstances) -> Cells:
    return constant(-1, len(old))


def _spike(old: Cells, _about: Circumstances) -> Cells:
    return cells(round(cell * 10, 2) if isinstance(cell, float) else cell for cell in old)


_KINDS: Mapping[str, Callable[[Cells, Circumstances], Cells]] = MappingProxyType(
    {
        "missing": _missing,
        "placeholder": _placeholder,
        "wrong_digit": _wrong_digit,
        "swapped_digits": _swapped_digits,
        "old_form": _old_form,
        "full_width": _full_width,
        "head_id": _head_id,
        "homonym_id": _homonym_id,
        "look_alike": _look_alike,
        "impossible_date": _impossible_date,
        "bad_code": _bad_code,
        "stale": _stale,
        "stuck": _stuck,
        "spike": _spike,
    }
)
