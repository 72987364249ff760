"""Scripted attacks from within, laid over the conduct of an invented office, with the truth kept apart.

Eleven kinds, each as its script's docstring says. Strength is drawn anew for each attack, from faint to plain; some are
so faint that no rule within the budget will see them, and that is meant: a set on which everything is found tells
nothing. A set is made from one seed; the seeds by which rules were tuned and those by which they are scored are
different, and both are named in `docs/behaviour.md`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType

from chengyi.district.conduct import RARE_FIELDS, Habits, Moment, Office, Person
from chengyi.model.act import Act, ActKind, Entry

WARM_DAYS = 28
EACH = 2
WATCHED = frozenset(f"dossier:star{number:02d}" for number in range(10))
"""Dossiers under special watch: half of the well-known people, as an archive would list only some of them."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One scripted attack: its kind, whose account does it, and its first and last day."""

    kind: str
    subject: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Conduct:
    """A generated set: acts in the order of time, who belongs where, which are attacks, and what is watched."""

    entries: tuple[Entry, ...]
    groups: Mapping[str, str]
    attacks: tuple[Attack, ...]
    watched: frozenset[str]
    scored: tuple[date, date]


def generate(seed: int, habits: Habits | None = None, each: int = EACH) -> Conduct:
    """Return the set of a seed: an office, and `each` attacks of every kind within its scored days."""
    office = Office(seed, habits)
    plans = _plans(office, each)
    moments: list[Moment] = []
    for day in range(office.habits.days):
        moments += office.day(day)
        for plan in plans:
            if plan.first <= day <= plan.last:
                moments += SCRIPTS[plan.kind](office, plan, day)
    moments.sort(key=lambda each: (each[0], each[1].actor))
    entries = tuple(Entry(index, at, f"{index:032x}", act) for index, (at, act) in enumerate(moments))
    attacks = tuple(Attack(p.kind, p.person.id, office.date_of(p.first), office.date_of(p.last)) for p in plans)
    groups = {person.id: f"d{number % office.habits.departments:02d}" for number, person in enumerate(office.people)}
    scored = (office.date_of(WARM_DAYS), office.date_of(office.habits.days - 1))
    return Conduct(entries, MappingProxyType(groups), attacks, WATCHED, scored)


@dataclass(frozen=True, slots=True)
class _Plan:
    kind: str
    person: Person
    first: int
    last: int
    strength: float
    """From 0, faint, to 1, plain."""


def _plans(office: Office, each: int) -> list[_Plan]:
    plans, free = [], [person for person in office.people if person.first_day == 0 and not person.night]
    for kind in SCRIPTS:
        for _ in range(each):
            person = free.pop(int(office.draw.integers(len(free))))
            length = LENGTHS.get(kind, 1)
            first = int(office.draw.integers(WARM_DAYS + 1, office.habits.days - length - 2))
            while not office.workday(first):
                first += 1
            person.leave = range(0)
            if kind == "dormant":
                person.leave = range(first - 20, first)
            plans.append(_Plan(kind, person, first, first + length - 1, float(office.draw.random())))
    return plans


def bulk_export(office: Office, plan: _Plan, day: int) -> Iterator[Moment]:
    """Once, in working hours: 8 to 60 times the usual export, in one to three parts."""
    rows = int(plan.person.export_rows * (8 + 52 * plan.strength))
    for part in range(1 + int(office.draw.integers(3))):
        yield office.at(day, 10 + part * 0.7), office.export(plan.person, rows)


def slow_drip(office: Office, plan: _Plan, day: int) -> Iterator[Moment]:
    """On fourteen days: an export of one to two and a half times the usual size each working day."""
    if office.workday(day):
        rows = int(max(60.0, plan.person.export_rows) * (1 + 1.5 * plan.strength))
        yield office.at(day, float(office.draw.uniform(9, 17))), office.export(plan.person, rows)


def celebrities(office: Office, plan: _Plan, day: int) -> Iterator[Moment]:
    """On two days: 5 to 16 dossiers of well-known people, half of them watched, under the case at hand."""
    case = office.case(plan.person)
    for turn in range(3 + int(5 * plan.strength)):
        star = f"dossier:star{int(office.draw.integers(20)):02d}"
        yield office.at(day, 11 + turn / 20), office.act(plan.person, star, case=case)


def neighbours(office: Office, plan: _Plan, day: int) -> Iterator[Moment]:
    """Once: 15 to 45 dossiers of one street, all under one case number."""
    case = office.case(plan.person)
    for turn in range(15 + int(30 * plan.strength)):
        yield (
            office.at(day, 13 + turn / 25),
            office.act(plan.person, f"dossier:street{plan.first:02d}{turn:03d}", case=case),
        )


def off_hours(office: Office, plan: _Plan, day: int) -> Iterator[Moment]:
    """On two nights between 22 and 3 o'clock: 10 to 40 readings from the usual desk."""
    for turn in range(10 + int(30 * plan.strength)):
        yield office.at(day, 22 + turn / 8), office.act(plan.person)


def sharing(office: Office, plan: _Plan, day: int) -> Iterator[Moment]:
    """On four days: a second person uses the account from another desk at the same time."""
    if office.workday(day):
        other = f"10.{40 + plan.person.department}.9.{plan.first}"
        hours = sorted(office.draw.uniform(9, 17, 6 + int(10 * plan.strength)))
        yield from office.sign_in(plan.person, day, float(hours[0]) - 0.02, other)
        for hour in hours:
            yield office.at(day, float(hour)), office.act(plan.person, address=other)


def probing(office: Office, plan: _Plan, day: int) -> Iterator[Moment]:
    """Once: 10 to 40 refusals at as many doors."""
    for turn in range(10 + int(30 * plan.strength)):
        yield office.at(day, 14 + turn / 30), office.refusal(plan.person, f"grant:x{turn:02d}")


def other_purpose(office: Office, plan: _Plan, day: int) -> Iterator[Moment]:
    """On three days: 6 to 20 readings a day for a purpose nobody in the department has, with fields it never needs."""
    if office.workday(day):
        for _ in range(6 + int(14 * plan.strength)):
            plain = office.act(plan.person, purpose=f"自定事项{plan.first}")
            rare = RARE_FIELDS[plan.first % len(RARE_FIELDS)]
            yield (
                office.at(day, float(office.draw.uniform(9, 17))),
                Act(
                    ActKind.READ,
                    plain.actor,
                    plain.object,
                    plain.detail,
                    (*plain.fields, rare),
                    purpose=plain.purpose,
                    grant=plain.grant,
                    result=plain.result,
                    address=plain.address,
                ),
            )


def takeover(office: Office, plan: _Plan, day: int) -> Iterator[Moment]:
    """Once: wrong passwords, a sign-in from an outside address in the evening, then 12 to 50 readings."""
    foreign = f"172.30.{plan.first}.{7 + int(200 * plan.strength)}"
    account = f"account:{plan.person.id}"
    for turn in range(4):
        yield (
            office.at(day, 19.5 + turn / 60),
            Act(ActKind.SIGN_IN_FAILED, plan.person.id, account, address=foreign),
        )
    yield office.at(day, 19.6), Act(ActKind.SIGNED_IN, plan.person.id, account, address=foreign)
    for turn in range(12 + int(38 * plan.strength)):
        yield office.at(day, 19.7 + turn / 30), office.act(plan.person, address=foreign)


def dormant(office: Office, plan: _Plan, day: int) -> Iterator[Moment]:
    """After twenty days without any act: two days of 40 to 120 more readings than usual, from the usual desk."""
    for turn in range(40 + int(80 * plan.strength)):
        yield office.at(day, 8.5 + turn / 15), office.act(plan.person)


def scraping(office: Office, plan: _Plan, day: int) -> Iterator[Moment]:
    """On two days: 40 to 160 dossiers one after another, some seconds apart, in working hours."""
    start = float(office.draw.uniform(9, 15))
    for turn in range(40 + int(120 * plan.strength)):
        number = (plan.first * 100 + turn) % 4000
        object = f"dossier:{plan.person.department:02d}{number:05d}"
        yield office.at(day, start) + timedelta(seconds=4 * turn), office.act(plan.person, object)


Script = Callable[[Office, _Plan, int], Iterator[tuple[datetime, Act]]]
SCRIPTS: Mapping[str, Script] = MappingProxyType(
    {
        script.__name__: script
        for script in (
            bulk_export,
            slow_drip,
            celebrities,
            neighbours,
            off_hours,
            sharing,
            probing,
            other_purpose,
            takeover,
            dormant,
            scraping,
        )
    }
)
LENGTHS: Mapping[str, int] = MappingProxyType(
    {"slow_drip": 14, "celebrities": 2, "off_hours": 2, "sharing": 4, "other_purpose": 3, "dormant": 2, "scraping": 2}
)
"""How many days a kind lasts, where it is more than one."""
