"""How invented clerks use the archive, day by day: the quiet background that a watch over conduct has to live with.

It is made to be hard on simple thresholds. Rates differ between people by a lognormal factor and from day to day more
than chance would (negative binomial); departments have campaigns in which all do two or three times as much; a few
people work in shifts, some are on duty at week-ends, some work late before a deadline; people go on leave and come
back to a full desk, join, or change their post; grants run out and give a run of refusals; desks move, one by one and
by departments; some export once a week or a month, some never; new matters bring new purposes and, now and then, new
fields. None of this is an attack, and each of it looks a little like one. No figure here is taken from people; all
are invented, and stated in `Habits`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np

from chengyi.model.act import Act, ActKind, ActResult

ZONE_HOURS = 8
FIELDS = ("person_name", "aid_kind", "area_code", "birth_year", "household_no", "member_count", "house_grade", "income")
RARE_FIELDS = ("citizen_id", "phone", "disease", "bank_account", "address")
Moment = tuple[datetime, Act]


@dataclass(frozen=True, slots=True)
class Habits:
    """The settings of an invented office; shares are of people, or of days, as they say."""

    people: int = 240
    departments: int = 12
    days: int = 63
    start: date = date(2026, 3, 2)
    rate: float = 22.0
    rate_spread: float = 0.55
    dispersion: float = 6.0
    campaign: float = 0.012
    shift_share: float = 0.03
    weekend_share: float = 0.06
    late_share: float = 0.015
    leave_share: float = 0.25
    joiner_share: float = 0.06
    mover_share: float = 0.03
    refusal: float = 0.015
    expired_share: float = 0.008
    desk_share: float = 0.004
    failed_share: float = 0.03


@dataclass(slots=True)
class Person:
    """One invented clerk; what changes with a new post changes here."""

    id: str
    department: int
    rate: float
    revisit: float
    export_every: int
    export_rows: float
    night: bool
    address: str
    second: str
    first_day: int
    leave: range
    moves: int
    cases: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


class Office:
    """All clerks of an invented district, and their acts of one day after another."""

    def __init__(self, seed: int, habits: Habits | None = None) -> None:
        self.habits = habits or Habits()
        self.draw = np.random.default_rng([seed, 0xC0DE])
        self.people = [self._person(number) for number in range(self.habits.people)]
        self._purposes = [[f"D{each:02d}-事项{n}" for n in range(6)] for each in range(self.habits.departments)]
        self._campaigns: dict[int, int] = {}

    def date_of(self, day: int) -> date:
        """Return the date of a day."""
        return self.habits.start + timedelta(days=day)

    def workday(self, day: int) -> bool:
        """Tell whether a day is one of work; the invented office knows no holidays but week-ends."""
        return self.date_of(day).weekday() < 5

    def day(self, day: int) -> Iterator[Moment]:
        """Yield everybody's acts of a day, each person's in the order of time."""
        busy = self._busy(day)
        moving = int(self.draw.integers(self.habits.departments)) if self.draw.random() < 0.02 else -1
        for person in self.people:
            self._change(person, day, moving)
            if self._present(person, day):
                yield from self.acts_of(person, day, busy[person.department])

    def acts_of(self, person: Person, day: int, factor: float) -> Iterator[Moment]:
        """Yield one person's ordinary acts of a day."""
        factor *= 1.5 if day - 1 in person.leave else 1.0
        mean = person.rate * factor * (1 if self.workday(day) or person.night else 0.35)
        shape = self.habits.dispersion
        count = int(self.draw.negative_binomial(shape, shape / (shape + mean)))
        hours = np.sort(self._hours(person, count, day))
        yield from self.sign_in(person, day, float(hours[0]) - 0.05 if count else 8.5, person.address)
        for hour in hours:
            yield self.at(day, float(hour)), self.act(person)
        yield from self._exports(person, day)
        yield from self._refusals(person, day)

    def sign_in(self, person: Person, day: int, hour: float, address: str) -> Iterator[Moment]:
        """Yield a sign-in, sometimes after a wrong password."""
        account = f"account:{person.id}"
        if self.draw.random() < self.habits.failed_share:
            for _ in range(int(self.draw.integers(1, 4))):
                yield self.at(day, hour - 0.01), Act(ActKind.SIGN_IN_FAILED, person.id, account, address=address)
        yield self.at(day, hour), Act(ActKind.SIGNED_IN, person.id, account, address=address)

    def act(self, person: Person, object: str = "", purpose: str = "", case: str = "", address: str = "") -> Act:
        """Return one reading: of a dossier for a case, sometimes of rows of a dataset."""
        case = case or self.case(person)
        if not object and self.draw.random() < 0.25:
            rows, object = int(self.draw.lognormal(2.6, 0.9)) + 1, f"dataset:d{person.department:02d}"
        else:
            rows, object = 1, object or self.dossier(person)
        return Act(
            ActKind.READ,
            person.id,
            object,
            {"case": case, "rows": rows},
            self.fields(person),
            purpose=purpose or self._purposes[person.department][self._skewed(6)],
            grant=f"grt-{person.department}",
            result=ActResult.ALLOWED.value,
            address=address or self._desk(person),
        )

    def export(self, person: Person, rows: int, address: str = "") -> Act:
        """Return one export of so many rows."""
        return Act(
            ActKind.EXPORTED,
            person.id,
            f"dataset:d{person.department:02d}",
            {"case": self.case(person), "rows": rows},
            self.fields(person),
            purpose=self._purposes[person.department][0],
            grant=f"grt-{person.department}",
            result=ActResult.ALLOWED.value,
            address=address or person.address,
        )

    def refusal(self, person: Person, object: str) -> Act:
        """Return one refusal."""
        return Act(ActKind.DENIED, person.id, object, {"error": "DeniedError"}, result="denied", address=person.address)

    def fields(self, person: Person) -> tuple[str, ...]:
        """Return the fields of a reading: the department's, rarely one that it seldom needs."""
        own = [FIELDS[(person.department + n) % len(FIELDS)] for n in range(3)]
        rare = self.draw.random() < 0.0008
        return (*own, RARE_FIELDS[int(self.draw.integers(len(RARE_FIELDS)))]) if rare else tuple(own)

    def case(self, person: Person) -> str:
        """Return one of the person's open cases; a case lives for a day or two."""
        if not person.cases or self.draw.random() < 0.3:
            person.cases = [*person.cases[-5:], f"C{int(self.draw.integers(10**7)):07d}"]
        return person.cases[int(self.draw.integers(len(person.cases)))]

    def dossier(self, person: Person) -> str:
        """Return a dossier: one seen lately, or another of the department's."""
        if person.seen and self.draw.random() < person.revisit:
            return person.seen[int(self.draw.integers(len(person.seen)))]
        found = f"dossier:{person.department:02d}{int(self.draw.integers(4000)):05d}"
        person.seen = [*person.seen[-59:], found]
        return found

    def at(self, day: int, hour: float) -> datetime:
        """Return the moment of a local hour of a day; hours beyond 24 are of the next."""
        local = datetime.combine(self.date_of(day), datetime.min.time(), UTC)
        return local + timedelta(hours=hour - ZONE_HOURS)

    def busy(self, day: int) -> float:
        """Return a factor for a day of the week: Mondays are fuller."""
        return 1.25 if self.date_of(day).weekday() == 0 else 1.0

    def _busy(self, day: int) -> list[float]:
        for department in range(self.habits.departments):
            if self.draw.random() < self.habits.campaign:
                self._campaigns[department] = day + int(self.draw.integers(2, 5))
        noise = self.draw.lognormal(0, 0.15, self.habits.departments) * self.busy(day)
        factor = [
            float(self.draw.uniform(1.8, 2.8)) if self._campaigns.get(d, -1) > day else 1.0 for d in range(len(noise))
        ]
        return [float(a * b) for a, b in zip(noise, factor, strict=True)]

    def _present(self, person: Person, day: int) -> bool:
        if day < person.first_day or day in person.leave:
            return False
        if self.workday(day):
            return bool(self.draw.random() < 0.95)
        return bool(self.draw.random() < (0.7 if person.night else self.habits.weekend_share))

    def _change(self, person: Person, day: int, moving: int) -> None:
        if day == person.moves:
            person.department = (person.department + 1) % self.habits.departments
            person.seen, person.cases = [], []
        if person.department == moving or self.draw.random() < self.habits.desk_share:
            person.address = self._address(person.department)

    def _hours(self, person: Person, count: int, day: int) -> np.ndarray:
        late = self.draw.random() < self.habits.late_share
        if person.night:
            start = 8.0 if day % 4 < 2 else 20.0
            return np.asarray(start + self.draw.uniform(0.2, 11.5, count))
        hours = np.where(
            self.draw.random(count) < 0.5, self.draw.normal(10, 1, count), self.draw.normal(15.2, 1.1, count)
        )
        hours = np.clip(hours, 8.1, 18.4)
        if late and count:
            some = self.draw.random(count) < 0.3
            hours = np.where(some, self.draw.uniform(19, 22, count), hours)
        return np.asarray(hours)

    def _exports(self, person: Person, day: int) -> Iterator[Moment]:
        if person.export_every and self.workday(day) and self.draw.random() < 1 / person.export_every:
            rows = int(self.draw.lognormal(np.log(person.export_rows), 0.5)) + 1
            yield self.at(day, float(self.draw.uniform(9, 17))), self.export(person, rows)

    def _refusals(self, person: Person, day: int) -> Iterator[Moment]:
        for _ in range(int(self.draw.poisson(self.habits.refusal * person.rate))):
            number = int(self.draw.integers(40))
            yield self.at(day, float(self.draw.uniform(9, 17))), self.refusal(person, f"grant:g{number:02d}")
        if self.draw.random() < self.habits.expired_share:
            hour, number = float(self.draw.uniform(9, 16)), int(self.draw.integers(40))
            for turn in range(int(self.draw.integers(3, 9))):
                yield self.at(day, hour + turn / 60), self.refusal(person, f"grant:g{number:02d}")

    def _desk(self, person: Person) -> str:
        return person.second if self.draw.random() < 0.02 else person.address

    def _skewed(self, count: int) -> int:
        return min(count - 1, int(self.draw.exponential(1.2)))

    def _address(self, department: int) -> str:
        return f"10.{20 + department}.{int(self.draw.integers(4))}.{int(self.draw.integers(10, 250))}"

    def _person(self, number: int) -> Person:
        habits, draw = self.habits, self.draw
        department = number % habits.departments
        leave = int(draw.integers(10, habits.days)) if draw.random() < habits.leave_share else habits.days
        every = (0, 0, 1, 3, 5, 20)[int(draw.integers(6))]
        return Person(
            id=f"u{number:03d}",
            department=department,
            rate=habits.rate * float(draw.lognormal(0, habits.rate_spread)) * (0.6 + 0.08 * department),
            revisit=float(draw.uniform(0.2, 0.85)),
            export_every=every,
            export_rows=float(draw.lognormal(np.log(150), 0.8)),
            night=bool(draw.random() < habits.shift_share),
            address=self._address(department),
            second=self._address(department),
            first_day=int(draw.integers(20, habits.days)) if draw.random() < habits.joiner_share else 0,
            leave=range(leave, leave + int(draw.integers(3, 19))),
            moves=int(draw.integers(20, habits.days)) if draw.random() < habits.mover_share else -1,
        )
