"""Flags: days of conduct that the rules found odd, on record, and what people made of them.

Keeps promises 4 (always witnessed) and 7 (people decide about people). Rules:

1. A flag is an act (`audit.flagged`) and has that act's index as its number; it says whose day, by which version of
   the rules, which figures against which baselines, and which acts made them.
2. A subject's day is flagged once: watched again, only rules that were not broken before are put on record.
3. A flag changes nothing but what people look at. Its state is what the last act about it says (`audit.settled`):
   who explained or confirmed it, when and why. Nobody settles a flag about oneself.
4. There is no other store of flags than the acts: what was flagged or settled cannot be edited, only added to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from chengyi.model.act import Act, ActKind, Entry, FlagState
from chengyi.model.actor import Actor, Permission
from chengyi.model.canonical import Json
from chengyi.model.errors import NotFoundError, UsageError
from chengyi.model.reporter import Reporter, SilentReporter
from chengyi.model.text import Text
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.audit.behaviour import TRAILING, VERSION, WARM, Alert, Finding, Watch
from chengyi.trust.audit.conduct import KINDS, Surroundings

SHOWN_ENTRIES = 200
_REASON_AT_LEAST = 4
_REASON_AT_MOST = 500
_MOST_OF_A_DAY = 100


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that was broken, as it is on record; `entries` are the first of `count` acts that made the figure."""

    rule: str
    text: Text
    figure: str
    limit: str
    usual: str
    entries: tuple[int, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Flag:
    """A flagged day: its number, whose day, why, and what people made of it."""

    number: int
    at: datetime
    subject: str
    day: date
    rules: int
    reasons: tuple[Reason, ...]
    state: FlagState = FlagState.OPEN
    settled: Entry | None = None

    @property
    def settled_reason(self) -> str:
        """Return the reason that was given when it was settled."""
        return "" if self.settled is None else str(self.settled.act.detail["reason"])


class Flags:
    """Watches conduct, flags odd days, and keeps what people made of them."""

    def __init__(self, audit: LedgerAudit, by: Actor) -> None:
        self._audit = audit
        self._by = by

    def watch(
        self, watch: Watch, around: Surroundings, last: date, days: int = 1, reporter: Reporter | None = None
    ) -> list[Flag]:
        """Assess the `days` days up to `last`, put on record what is new, and return it.

        `watch` has to be fresh. The weeks before are read as well, to know what is usual.
        """
        if not 1 <= days <= 366:
            raise UsageError(why="天数须为1至366 (1 to 366 days)")
        first = last - timedelta(days=days - 1)
        begin, end = (datetime.combine(day, time(), around.zone) for day in (first, last + timedelta(days=1)))
        title = Text("分析行为", "Looking at conduct")
        with (reporter or SilentReporter()).step(title) as step:
            entries = self._audit.between(begin - TRAILING - WARM, end, KINDS)
            alerts = [alert for alert in watch.assess(_counted(entries, step)) if alert.day >= first]
        return [flag for alert in alerts if (flag := self._raise(alert)) is not None]

    def flags(self, *, subject: str = "", limit: int = 100, before: int | None = None) -> list[Flag]:
        """Return flags, newest first, of everybody or of one subject; erased ones are left out."""
        object = _object_of(subject) if subject else ""
        found = self._audit.entries(object=object, kind=ActKind.FLAGGED.value, limit=limit, before=before)
        return [self._flag(entry) for entry in found if entry.erased is None]

    def flag(self, number: int) -> Flag:
        """Return a flag by its number; NotFoundError."""
        entry = self._audit.entry(number)
        if entry.act.kind is not ActKind.FLAGGED or entry.erased is not None:
            raise NotFoundError(kind="行为预警 flag", id=number)
        return self._flag(entry)

    def settle(self, number: int, state: FlagState, reason: str, by: Actor) -> Flag:
        """Say what a flag turned out to be; DeniedError, UsageError, NotFoundError."""
        by.require(Permission.SEE_AUDIT)
        flag, reason = self.flag(number), reason.strip()
        if state is FlagState.OPEN or not _REASON_AT_LEAST <= len(reason) <= _REASON_AT_MOST:
            raise UsageError(why="须写明结论与理由，理由4至500字 (a conclusion and a reason of 4 to 500 characters)")
        if flag.subject == by.id:
            raise UsageError(why="不得认定本人的行为预警 (nobody settles a flag about oneself)")
        detail: dict[str, Json] = {"reason": reason, "state": state.value}
        self._audit.record(Act(ActKind.SETTLED, by.id, _settled_object(number), detail))
        return self.flag(number)

    def _raise(self, alert: Alert) -> Flag | None:
        known = self._audit.entries(object=_object_of(alert.subject), kind=ActKind.FLAGGED.value, limit=_MOST_OF_A_DAY)
        told = {
            reason.rule
            for flag in map(_flag_of, (each for each in known if each.erased is None))
            if (flag.day, flag.rules) == (alert.day, VERSION)
            for reason in flag.reasons
        }
        fresh = [finding for finding in alert.findings if finding.rule not in told]
        if not fresh:
            return None
        detail: dict[str, Json] = {
            "day": alert.day.isoformat(),
            "findings": [_said(finding) for finding in fresh],
            "rules": VERSION,
        }
        return self.flag(self._audit.record(Act(ActKind.FLAGGED, self._by.id, _object_of(alert.subject), detail)))

    def _flag(self, entry: Entry) -> Flag:
        flag = _flag_of(entry)
        found = self._audit.entries(object=_settled_object(entry.index), kind=ActKind.SETTLED.value, limit=1)
        if not found:
            return flag
        state = FlagState(str(found[0].act.detail["state"]))
        return Flag(flag.number, flag.at, flag.subject, flag.day, flag.rules, flag.reasons, state, found[0])


def _flag_of(entry: Entry) -> Flag:
    detail = cast("dict[str, Any]", entry.act.detail)
    reasons = tuple(
        Reason(
            each["rule"],
            Text(each["zh"], each["en"]),
            each["figure"],
            each["limit"],
            each["usual"],
            tuple(each["entries"]),
            each["count"],
        )
        for each in detail["findings"]
    )
    subject = entry.act.object.removeprefix(_object_of(""))
    return Flag(entry.index, entry.at, subject, date.fromisoformat(detail["day"]), detail["rules"], reasons)


def _said(finding: Finding) -> Json:
    entries: Sequence[int] = finding.entries
    return {
        "count": len(entries),
        "days": finding.days,
        "en": finding.reason.en,
        "entries": list(entries[:SHOWN_ENTRIES]),
        "figure": f"{finding.figure:.6g}",
        "limit": f"{finding.limit:.6g}",
        "of": finding.of,
        "rule": finding.rule,
        "usual": f"{finding.usual:.6g}",
        "zh": finding.reason.zh,
    }


def _counted(entries: Iterator[Entry], step: Any) -> Iterator[Entry]:  # noqa: ANN401 - a reporter's step
    for each in entries:
        step.advance()
        yield each


def _object_of(subject: str) -> str:
    return f"subject:{subject}"


def _settled_object(number: int) -> str:
    return f"flag:{number}"


def last_whole_day(now: datetime, around: Surroundings) -> date:
    """Return yesterday, where the office is."""
    return now.astimezone(around.zone).date() - timedelta(days=1)
