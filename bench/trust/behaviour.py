"""The rules of behaviour on generated attacks: what is found of each kind, and how many alerts people must look at.

The seeds here were first used after the rules were settled; rules are tuned on others only (see docs/behaviour.md).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta, timezone

from bench.figures import Figure, Result, timed
from bench.ground import Ground
from chengyi.district.attacks import Conduct, generate
from chengyi.trust.audit.behaviour import VERSION, Alert, Watch
from chengyi.trust.audit.conduct import Surroundings

TUNED = (1, 2, 3, 4)
SCORED = (101, 102, 103, 104, 105, 106, 107, 108)
_ZONE = timezone(timedelta(hours=8))


def measure(ground: Ground) -> Result:
    """Recall by kind, false and all alerts per 100 subjects a day, and acts assessed per second."""
    seeds = SCORED[: ground.size(len(SCORED), 1)]
    scores = [score(generate(seed)) for seed in seeds]
    kinds = sorted(scores[0].attacks)
    about = (
        f"Rules of version {VERSION} on {len(seeds)} generated sets (seeds {seeds[0]} to {seeds[-1]}, tuned on "
        f"{', '.join(map(str, TUNED))}), each of {scores[0].subjects} clerks over {scores[0].days} scored days after "
        f"four weeks to learn what is usual, with {sum(scores[0].attacks.values())} scripted attacks of "
        f"{len(kinds)} kinds and every strength. An attack counts as found if one of its days, or the day after, is "
        "flagged. All that a clerk's day broke is one alert; a false one concerns a day without attack. The values of "
        "a line are the sets."
    )
    figures = [
        Figure("attacks found, of all", "share", tuple(each.recall() for each in scores), at_least=0.8),
        Figure("alerts, per 100 subjects a day", "alerts", tuple(each.rate(each.alerts) for each in scores), at_most=1),
        Figure("of these false", "alerts", tuple(each.rate(each.false) for each in scores)),
        *(Figure(f"found: {kind}", "share", (_together(scores, kind),)) for kind in kinds),
        Figure("acts assessed", "acts/s", tuple(each.speed for each in scores)),
    ]
    return Result("behaviour", "Rules of behaviour on generated attacks", about, tuple(figures))


@dataclass(slots=True)
class Score:
    """What became of one set."""

    subjects: int
    days: int
    alerts: int
    speed: float
    false: int = 0
    attacks: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)

    def recall(self) -> float:
        """Return the share of attacks that were found."""
        return sum(self.found.values()) / sum(self.attacks.values())

    def rate(self, alerts: int) -> float:
        """Return alerts per 100 subjects a day."""
        return 100 * alerts / (self.subjects * self.days)


def score(conduct: Conduct) -> Score:
    """Assess a set and compare the alerts with the truth."""
    raised: list[Alert] = []
    seconds = timed(lambda: raised.extend(assessed(conduct)))
    first, last = conduct.scored
    alerts = [each for each in raised if first <= each.day <= last]
    result = Score(len(conduct.groups), (last - first).days + 1, len(alerts), len(conduct.entries) / seconds)
    true = set()
    for attack in conduct.attacks:
        end = attack.last + timedelta(days=1)
        own = (each for each in alerts if each.subject == attack.subject)
        hits = {(each.subject, each.day) for each in own if attack.first <= each.day <= end}
        result.attacks[attack.kind] += 1
        result.found[attack.kind] += bool(hits)
        true |= hits
    result.false = sum((each.subject, each.day) not in true for each in alerts)
    return result


def assessed(conduct: Conduct) -> list[Alert]:
    """Return the alerts of a set."""
    around = Surroundings(_ZONE, watched=conduct.watched)
    return list(Watch(around, lambda subject: conduct.groups.get(subject, "")).assess(conduct.entries))


def _together(scores: Sequence[Score], kind: str) -> float:
    return sum(each.found[kind] for each in scores) / sum(each.attacks[kind] for each in scores)
