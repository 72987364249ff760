"""Baselines: what is usual for somebody, told so that a few odd days, attacks among them, do not move it.

Rules:

1. A baseline is the median of the days on which its subject acted; its spread is the median absolute deviation times
   1.4826 (equal to the standard deviation for normal values; Rousseeuw & Croux, JASA 88, 1993, section 1).
2. Counts are compared as log(1 + x): what is usual for people grows by factors, not by steps.
3. Whoever has few days of their own is compared with the peers' days as well; whoever has no peers, with everybody.
4. A spread never falls below a floor, so that a very regular person is not flagged for two acts more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import expm1, log1p
from statistics import median

OWN_DAYS = 8
MAD_TO_SIGMA = 1.4826
FLOOR = 0.35


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual: the median in the figure's own unit, the spread of its logarithm, over so many days, and whose."""

    usual: float
    spread: float
    days: int
    of: str

    def limit(self, deviations: float) -> float:
        """Return the value that lies so many spreads above the usual one."""
        return expm1(min(log1p(self.usual) + deviations * self.spread, 50))

    def deviations(self, value: float) -> float:
        """Return how many spreads a value lies above the usual one."""
        return (log1p(max(0.0, value)) - log1p(self.usual)) / self.spread


def baseline(own: Sequence[float], peers: Sequence[float]) -> Baseline:
    """Return the baseline of a subject with these days, beside those of its peers."""
    if len(own) >= OWN_DAYS:
        return _of(own, "own")
    if peers:
        return _of([*own, *peers], "peers")
    return _of(own or [0.0], "own")


def _of(values: Sequence[float], whose: str) -> Baseline:
    logs = sorted(log1p(max(0.0, value)) for value in values)
    middle = median(logs)
    spread = MAD_TO_SIGMA * median([abs(value - middle) for value in logs])
    return Baseline(expm1(middle), max(FLOOR, spread), len(values), whose)


@dataclass(slots=True)
class Cusum:
    """A one-sided cumulative sum of what exceeds the usual (Page, Biometrika 41, 1954), in units of the usual day.

    Each day adds ``min(x / usual - 1 - slack, most)``; the sum never falls below 0, and starts anew after an alarm.
    """

    slack: float = 0.5
    most: float = 4.0
    value: float = 0.0

    def add(self, amount: float, usual: float) -> float:
        """Add a day and return the sum."""
        self.value = max(0.0, self.value + min(amount / usual - 1 - self.slack, self.most))
        return self.value
