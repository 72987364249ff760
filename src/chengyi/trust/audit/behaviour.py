"""Behaviour: rules that say whose day was odd, which figure against which baseline, and by which acts.

Keeps promise 7 (people decide about people): an alert draws attention and says why; it changes nothing else. Rules:

1. A rule compares one figure of a day with the subject's own baseline, or the peers' where the subject is new. It is
   broken where the figure lies so many spreads above the usual one, and is so many times it, and at least so much.
2. Some rules need a second reason as well: refusals must be at many doors and a good part of all acts; a strange
   address matters with wrong passwords, at odd hours, or with more acts than usual.
3. Exports are summed up over days (CUSUM), so that many small ones count like a large one.
4. The rules are a table with a version; the same acts, asked for over the same days, give the same alerts.
5. All that a subject's day broke is one alert. A rule that was broken on a subject's last days says nothing again,
   unless the figure has doubled.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from types import MappingProxyType

from chengyi.model.act import Entry
from chengyi.model.text import Text
from chengyi.trust.audit.baseline import Baseline, Cusum, baseline
from chengyi.trust.audit.conduct import Figure, Figures, Known, Span, Surroundings, figures, remember

VERSION = 1
TRAILING = timedelta(days=28)
WARM = timedelta(days=14)
QUIET = timedelta(days=3)
IDLE = timedelta(days=14)
LEAST_ACTS = 1
LEAST_PEERS = 4
GROUP_FIGURES = frozenset({"acts", "rows", "new_objects", "burst"})
"""Figures of which a full day of the whole group takes its part."""
_PEER_DAYS = 400


@dataclass(frozen=True, slots=True)
class Day:
    """A subject's figures, what is usual, and by how much the whole group does more today (1 where it does not)."""

    figures: Figures
    usual: Mapping[str, Baseline]
    full: float = 1.0

    def value(self, figure: str) -> float:
        """Return a figure."""
        return self.figures[figure].value

    def shared_out(self, figure: str) -> float:
        """Return a figure without the part that is owed to a full day of the whole group."""
        return self.value(figure) / self.full if figure in GROUP_FIGURES else self.value(figure)

    def above(self, figure: str) -> float:
        """Return how many spreads a figure lies above the usual."""
        return self.usual[figure].deviations(self.shared_out(figure))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: broken where `figure` is `deviations` spreads above, `times` the usual, and `at_least` so much.

    With `record`, it must also be that many times the largest of the subject's trailing days.
    """

    id: str
    title: Text
    figure: str
    deviations: float
    at_least: float
    times: float = 1.0
    record: float = 0.0
    guard: Callable[[Day], bool] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that was broken: the figure, the limit, what is usual and whose baseline, and the acts that made it."""

    rule: str
    title: Text
    figure: float
    limit: float
    usual: float
    of: str
    days: int
    full: float
    entries: tuple[int, ...]

    @property
    def reason(self) -> Text:
        """Say what was found against what is usual."""
        whose = Text("本人", "own") if self.of == "own" else Text("同部门", "peers'")
        return Text(
            f"{self.title.zh}：{_said(self.figure)}，{whose.zh}近{self.days}日常态为 {_said(self.usual)}，"
            f"限值 {_said(self.limit)}",
            f"{self.title.en}: {_said(self.figure)}; usual ({whose.en}, {self.days} days) {_said(self.usual)}, "
            f"limit {_said(self.limit)}",
        )


@dataclass(frozen=True, slots=True)
class Alert:
    """Whose day was odd, and all that made it so."""

    subject: str
    day: date
    findings: tuple[Finding, ...]


def _refused(day: Day) -> bool:
    return day.value("refused") >= 0.15 * day.value("acts")


def _suspicious(day: Day) -> bool:
    return day.value("failed") >= 3 or day.value("night") >= 5 or max(day.above("acts"), day.above("rows")) >= 2


RULES: tuple[Rule, ...] = (
    Rule("rate", Text("全天操作次数偏多", "acts in a day"), "acts", 3.5, 40, 2.5),
    Rule("burst", Text("十分钟内操作密集", "acts within ten minutes"), "burst", 4.0, 30, 3.0),
    Rule("volume", Text("调阅与导出行数偏多", "rows read and exported"), "rows", 4.5, 800, 6.0),
    Rule("breadth", Text("首次接触的对象偏多", "objects new to the subject"), "new_objects", 3.5, 30, 3.0),
    Rule("one_case", Text("一个事由下对象偏多", "objects under one case"), "one_case", 3.0, 14, 2.0),
    Rule("night", Text("非工作时间操作", "acts outside of working hours"), "night", 3.0, 10, 2.0, 1.5),
    Rule("rest_day", Text("休息日操作", "acts on a day of rest"), "rest_day", 3.0, 30, 2.0, 2.0),
    Rule("denied", Text("在多处被拒绝", "doors at which refused"), "denied", 3.5, 8, 3.0, guard=_refused),
    Rule("export", Text("单日导出量远超以往", "rows exported in a day"), "exported", 3.0, 400, 4.0, 4.0),
    Rule("export_cusum", Text("导出量持续超出常态", "exports beyond the usual, summed up"), "drift", 0.0, 7.0),
    Rule("purpose", Text("以从未用过的用途操作", "acts for a purpose never used"), "new_purpose", 3.0, 5),
    Rule("field", Text("触及从未用过的字段", "acts on fields never used"), "new_field", 3.0, 5),
    Rule("sharing", Text("在不同地址间交替使用", "changes between addresses"), "switches", 3.0, 6, 2.0),
    Rule("stranger", Text("来自陌生地址的操作", "acts from a strange address"), "stranger", 3.0, 5, guard=_suspicious),
    Rule("dormant", Text("长期停用后大量操作", "acts after long idleness"), "awakened", 2.5, 40, 2.0),
    Rule("watched", Text("调阅特别关注的对象", "objects under special watch"), "watched", 0.0, 1),
)
"""The rules of this version."""


@dataclass(slots=True)
class _Subject:
    history: deque[tuple[date, Mapping[str, float]]] = field(default_factory=deque)
    known: Known = field(default_factory=Known)
    drift: Cusum = field(default_factory=Cusum)
    told: dict[str, tuple[date, float]] = field(default_factory=dict)
    last: date | None = None

    def largest(self, figure: str) -> float:
        """Return the largest value of a figure on the trailing days."""
        return max((values[figure] for _, values in self.history), default=0.0)


class Watch:
    """Takes acts day by day and says whose day was odd; nothing is kept but what the trailing weeks need.

    Args:
        around: Hours and days of work, and what is under special watch.
        group_of: Tells to which peers a subject belongs; an unknown one belongs to all others of that kind.
    """

    def __init__(
        self, around: Surroundings, group_of: Callable[[str], str] = lambda _: "", rules: Sequence[Rule] = RULES
    ) -> None:
        self._around = around
        self._group_of = group_of
        self._rules = rules
        self._subjects: dict[str, _Subject] = defaultdict(_Subject)
        self._peers: dict[str, Known] = defaultdict(Known)
        self._days: dict[str, deque[Mapping[str, float]]] = defaultdict(lambda: deque(maxlen=_PEER_DAYS))
        self._first: date | None = None

    def assess(self, entries: Iterable[Entry]) -> Iterator[Alert]:
        """Yield the alerts of acts that come in the order of time, day after day."""
        for day, acts in _by_day(entries, self._around):
            yield from self.day(day, acts)

    def day(self, day: date, acts: Mapping[str, Sequence[Entry]]) -> list[Alert]:
        """Return the alerts of one day, of which all acts by subject are given; days come in order."""
        self._first = self._first or day
        taken = {subject: self._figures(subject, day, acts[subject]) for subject in sorted(acts)}
        usual = {subject: self._usual(subject, found) for subject, found in taken.items()}
        full = self._fullness(taken, usual)
        alerts = []
        for subject, found in taken.items():
            seen = Day(found, usual[subject], max(1.0, full[self._group_of(subject)]))
            alerts.append(Alert(subject, day, self._findings(subject, day, seen)))
        for subject, found in taken.items():
            self._remember(subject, day, found, acts[subject])
        for peers in self._peers.values():
            peers.forget(day - TRAILING)
        return [alert for alert in alerts if alert.findings and day - self._first >= WARM]

    def _usual(self, subject: str, found: Figures) -> dict[str, Baseline]:
        held, group = self._subjects[subject], self._group_of(subject)
        return {name: self._baseline(held, group, name) for name in found}

    def _fullness(
        self, taken: Mapping[str, Figures], usual: Mapping[str, Mapping[str, Baseline]]
    ) -> Mapping[str, float]:
        """Return by how much each group does more today than its members usually do: the median of their factors."""
        factors: dict[str, list[float]] = defaultdict(list)
        for subject, found in taken.items():
            if found["acts"].value:
                factor = (found["acts"].value + 1) / (usual[subject]["acts"].usual + 1)
                factors[self._group_of(subject)].append(factor)
        return defaultdict(
            lambda: 1.0, {group: median(each) for group, each in factors.items() if len(each) >= LEAST_PEERS}
        )

    def _figures(self, subject: str, day: date, acts: Sequence[Entry]) -> dict[str, Figure]:
        held = self._subjects[subject]
        while held.history and held.history[0][0] < day - TRAILING:
            held.history.popleft()
        held.known.forget(day - TRAILING)
        span = Span(day, day - TRAILING)
        found = figures(acts, held.known, self._peers[self._group_of(subject)], span, self._around)
        idle = held.last is not None and day - held.last >= IDLE
        found["awakened"] = found["acts"] if idle else Figure(0)
        found["drift"] = self._drift(held, found["exported"])
        return found

    def _drift(self, held: _Subject, exported: Figure) -> Figure:
        past = [values["exported"] for _, values in held.history]
        usual = _trimmed_mean(past) + 40
        return Figure(held.drift.add(exported.value, usual), exported.entries)

    def _findings(self, subject: str, day: date, seen: Day) -> tuple[Finding, ...]:
        held = self._subjects[subject]
        broken = [self._finding(rule, seen, held) for rule in self._rules if self._broken(rule, seen, held)]
        return tuple(each for each in broken if self._says(held, each, day))

    def _baseline(self, held: _Subject, group: str, name: str) -> Baseline:
        own = [values[name] for _, values in held.history]
        peers = [values[name] for values in self._days[group]] if len(own) < 8 else []
        return baseline(own, peers)

    def _broken(self, rule: Rule, day: Day, held: _Subject) -> bool:
        value, usual = day.shared_out(rule.figure), day.usual[rule.figure]
        if value < max(rule.at_least, rule.times * usual.usual):
            return False
        if rule.record and value < rule.record * held.largest(rule.figure):
            return False
        if rule.deviations and usual.deviations(value) < rule.deviations:
            return False
        return rule.guard is None or rule.guard(day)

    def _finding(self, rule: Rule, day: Day, held: _Subject) -> Finding:
        figure, usual = day.figures[rule.figure], day.usual[rule.figure]
        limit = max(rule.at_least, rule.times * usual.usual, usual.limit(rule.deviations) if rule.deviations else 0.0)
        limit = max(limit, rule.record * held.largest(rule.figure))
        limit *= day.full if rule.figure in GROUP_FIGURES else 1.0
        return Finding(
            rule.id, rule.title, figure.value, limit, usual.usual, usual.of, usual.days, day.full, figure.entries
        )

    def _says(self, held: _Subject, finding: Finding, day: date) -> bool:
        before = held.told.get(finding.rule)
        quiet = before is not None and day - before[0] <= QUIET and finding.figure < 2 * before[1]
        if not quiet:
            held.told[finding.rule] = (day, finding.figure)
            if finding.rule == "export_cusum":
                held.drift.value = 0.0
        return not quiet

    def _remember(self, subject: str, day: date, found: Figures, acts: Sequence[Entry]) -> None:
        held, group = self._subjects[subject], self._group_of(subject)
        values = MappingProxyType({name: figure.value for name, figure in found.items()})
        if found["acts"].value >= LEAST_ACTS:
            held.history.append((day, values))
            held.last = day
            self._days[group].append(values)
        remember(acts, day, held.known, self._peers[group])


def _by_day(entries: Iterable[Entry], around: Surroundings) -> Iterator[tuple[date, dict[str, list[Entry]]]]:
    today: date | None = None
    acts: dict[str, list[Entry]] = defaultdict(list)
    for each in entries:
        day = each.at.astimezone(around.zone).date()
        if today is not None and day != today:
            yield today, acts
            acts = defaultdict(list)
        today = day
        if is_subject(each.act.actor):
            acts[each.act.actor].append(each)
    if today is not None:
        yield today, acts


def is_subject(actor: str) -> bool:
    """Tell whether an actor is somebody whose conduct is looked at: not a node, and not nobody."""
    return bool(actor) and not actor.startswith("node:")


def _trimmed_mean(values: Sequence[float]) -> float:
    """Return the mean without the largest tenth."""
    kept = sorted(values)[: max(1, len(values) - len(values) // 10)]
    return sum(kept) / len(kept) if kept else 0.0


def _said(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
