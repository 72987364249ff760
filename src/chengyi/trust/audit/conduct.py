"""The conduct of a subject on a day, in figures, each with the acts that make it.

Rules:

1. A subject is whoever is named as actor; what a node does by itself is not conduct. Days and hours are local.
2. What is new is new to the subject within the trailing weeks: an object, a purpose, a field, an address. A purpose,
   field or address that several peers have as well is not new, for offices change together.
3. Every figure keeps the indexes of the acts that made it, so that an alert leads to them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise

from chengyi.model.act import ActKind, Entry

KINDS = (
    ActKind.READ,
    ActKind.EXPORTED,
    ActKind.DENIED,
    ActKind.REQUESTED,
    ActKind.SIGNED_IN,
    ActKind.SIGN_IN_FAILED,
    ActKind.TURNED_AWAY,
)
"""The kinds of acts that are conduct."""
DENIALS = frozenset({ActKind.DENIED, ActKind.TURNED_AWAY})
USES = frozenset({ActKind.READ, ActKind.EXPORTED, ActKind.REQUESTED}) | DENIALS
BURST = timedelta(minutes=10)
FEW_PEERS = 2
SETTLED = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the figures need to know beside the acts: time zone, hours and days of work, what is under watch."""

    zone: tzinfo
    opens: int = 7
    closes: int = 20
    workday: Callable[[date], bool] = lambda day: day.weekday() < 5
    watched: frozenset[str] = frozenset()

    def at_night(self, at: datetime) -> bool:
        """Tell whether a moment lies outside of working hours."""
        return not self.opens <= at.astimezone(self.zone).hour < self.closes

    def at_rest(self, at: datetime) -> bool:
        """Tell whether a moment lies within the hours of work, but on a day of rest."""
        local = at.astimezone(self.zone)
        return self.opens <= local.hour < self.closes and not self.workday(local.date())


@dataclass(slots=True)
class Known:
    """What a subject, or a group of peers, used within the trailing weeks: its first and last day, and users."""

    first: dict[str, date] = field(default_factory=dict)
    last: dict[str, date] = field(default_factory=dict)
    users: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def has(self, thing: str, since: date) -> bool:
        """Tell whether it was used on or after a day."""
        return self.last.get(thing, date.min) >= since

    def settled(self, thing: str, day: date) -> bool:
        """Tell whether it has been in use for some days."""
        return day - self.first.get(thing, day) >= SETTLED

    def shared(self, thing: str) -> bool:
        """Tell whether several have used it."""
        return len(self.users.get(thing, ())) >= FEW_PEERS

    def note(self, thing: str, day: date, user: str) -> None:
        """Remember that it was used."""
        self.first.setdefault(thing, day)
        self.last[thing] = day
        self.users[thing].add(user)

    def forget(self, before: date) -> None:
        """Forget what was last used before a day."""
        for thing in [thing for thing, day in self.last.items() if day < before]:
            del self.last[thing], self.first[thing]
            self.users.pop(thing, None)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a day, and the indexes of the acts that made it."""

    value: float
    entries: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A day, and since when things count as known on it."""

    day: date
    since: date


Figures = Mapping[str, Figure]


def figures(entries: Sequence[Entry], own: Known, peers: Known, span: Span, around: Surroundings) -> dict[str, Figure]:
    """Return the figures of one subject's day; `entries` are its acts in the order of time."""
    since = span.since
    uses = [each for each in entries if each.act.kind in USES]
    denied = [each for each in uses if each.act.kind in DENIALS]
    exports = [each for each in uses if each.act.kind is ActKind.EXPORTED]
    opened = [each for each in uses if each.act.kind not in DENIALS]
    fresh = _first_of_each(each for each in opened if not own.has(each.act.object, since))
    return {
        "acts": _count(uses),
        "burst": _burst(uses),
        "rows": Figure(sum(map(rows_of, opened)), _indexes(opened)),
        "exported": Figure(sum(map(rows_of, exports)), _indexes(exports)),
        "new_objects": _count(fresh),
        "night": _count([each for each in uses if around.at_night(each.at)]),
        "rest_day": _count([each for each in uses if around.at_rest(each.at)]),
        "denied": _count(_first_of_each(denied)),
        "refused": _count(denied),
        "one_case": _one_case(opened),
        "new_purpose": _count([each for each in opened if _unheard(_purpose(each), own, peers, since)]),
        "new_field": _count([each for each in opened if _new_field(each, own, peers, since)]),
        "switches": _switches(uses, own, span.day),
        "stranger": _count([each for each in uses if _strange(each, own, peers, since)]),
        "failed": _count([each for each in entries if each.act.kind is ActKind.SIGN_IN_FAILED]),
        "watched": _count([each for each in opened if each.act.object in around.watched]),
    }


def remember(entries: Iterable[Entry], day: date, own: Known, peers: Known) -> None:
    """Remember what was used on a day, once its figures are taken."""
    for each in entries:
        user = each.act.actor
        if each.act.kind not in DENIALS:
            own.note(each.act.object, day, user)
        for thing in (_purpose(each), _address(each), _network(each), *_fields(each)):
            if thing:
                own.note(thing, day, user)
                peers.note(thing, day, user)


def rows_of(entry: Entry) -> int:
    """Return how many rows an act handed out; an act that does not say handed out one thing."""
    rows = entry.act.detail.get("rows", 1)
    return rows if isinstance(rows, int) and rows >= 0 else 1


def _count(entries: Sequence[Entry]) -> Figure:
    return Figure(len(entries), _indexes(entries))


def _indexes(entries: Sequence[Entry]) -> tuple[int, ...]:
    return tuple(each.index for each in entries)


def _first_of_each(entries: Iterable[Entry]) -> list[Entry]:
    first: dict[str, Entry] = {}
    for each in entries:
        first.setdefault(each.act.object, each)
    return list(first.values())


def _burst(uses: Sequence[Entry]) -> Figure:
    best, start = (0, 0), 0
    for end, each in enumerate(uses, 1):
        while each.at - uses[start].at > BURST:
            start += 1
        best = max(best, (end - start, -start))
    count, start = best[0], -best[1]
    return Figure(count, _indexes(uses[start : start + count]))


def _one_case(opened: Sequence[Entry]) -> Figure:
    """Return the most objects that were opened for the first time under one case."""
    cases: dict[str, list[Entry]] = defaultdict(list)
    for each in _first_of_each(opened):
        if case := str(each.act.detail.get("case", "")):
            cases[case].append(each)
    return _count(max(cases.values(), key=len, default=[]))


def _switches(uses: Sequence[Entry], own: Known, day: date) -> Figure:
    """Return the changes from one address to another, one of which was not in use before the last days."""
    seated = [each for each in uses if each.act.address]
    changed = [(a, b) for a, b in pairwise(seated) if a.act.address != b.act.address]
    return _count([b for a, b in changed if not all(own.settled(_address(each), day) for each in (a, b))])


def _strange(entry: Entry, own: Known, peers: Known, since: date) -> bool:
    return _unheard(_network(entry), own, peers, since)


def _new_field(entry: Entry, own: Known, peers: Known, since: date) -> bool:
    return any(_unheard(name, own, peers, since) for name in _fields(entry))


def _unheard(thing: str, own: Known, peers: Known, since: date) -> bool:
    return bool(thing) and not own.has(thing, since) and not peers.shared(thing)


def _purpose(entry: Entry) -> str:
    return f"purpose:{entry.act.purpose}" if entry.act.purpose else ""


def _address(entry: Entry) -> str:
    return f"address:{entry.act.address}" if entry.act.address else ""


def _network(entry: Entry) -> str:
    """Return the network of an address: the first half of an IPv4 address, the first 48 bits of an IPv6 address."""
    parts = entry.act.address.split(":") if ":" in entry.act.address else entry.act.address.split(".")
    return f"network:{'.'.join(parts[: 3 if ':' in entry.act.address else 2])}" if entry.act.address else ""


def _fields(entry: Entry) -> tuple[str, ...]:
    return tuple(f"field:{name}" for name in entry.act.fields)
