"""Accusation: whom a leak speaks against, and how surely.

Rules:

1. An innocent recipient's bits are independent of the leak: the leak was made of other recipients' copies. Given the
   biases p and the shown bits y, his score is a sum of independent terms whose distributions are known exactly.
2. For every L > 0 the probability that an innocent scores at least s is at most exp(K(L) - L s), where K is the sum of
   the logarithms of the cells' moment generating functions (Chernoff). The least over L is searched numerically; as
   every L gives a true bound, an inexact search can only make the bound larger. No Gaussian is used anywhere.
3. Each recipient's bound is the least over the decoders of (bound / the decoder's part of the budget): a union bound
   over decoders, whose parts add up to at most one.
4. A recipient is accused where his bound times the number of recipients tested is at most the limit (1e-6): a union
   bound over recipients. So the probability that any innocent at all is accused is at most the limit.
5. That nobody can be accused is an answer: it says how much of the evidence there is.

Steps 1 to 4 assume that the keyed functions behind biases and bits cannot be told from random ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from chengyi.trust.marks.decoders import Array, Decoder, bank

LIMIT = 1e-6
_GRID = np.geomspace(2.0**-6, 2.0**5, 45)
_CLOSE = log(1e-2)
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Reading:
    """What a leak shows: for each distinct cell its bias p (float64) and the bit y (bool)."""

    odds: Array
    shown: Array

    @property
    def marks(self) -> int:
        """Return the number of cells."""
        return len(self.odds)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the leak says of one recipient.

    `logarithm` is ln of the bound that an innocent looks at least this guilty by any decoder; `score` is his symmetric
    Tardos score over the square root of the marks; `agree` the share of cells that show his bit.
    """

    score: float
    agree: float
    logarithm: float
    decoder: str

    @property
    def bound(self) -> float:
        """Return the bound, at most 1."""
        return min(1.0, exp(self.logarithm))

    def accused(self, tested: int, limit: float = LIMIT) -> bool:
        """Tell whether the bound holds for all recipients tested together."""
        return self.logarithm + log(max(1, tested)) <= log(limit)


class Chernoff:
    """The bound of one decoder over one reading: K(L) and its slope, for cells of two known scores each."""

    def __init__(self, reading: Reading, decoder: Decoder) -> None:
        self.if_0, self.if_1 = decoder.scores(reading.odds, reading.shown)
        self._weights = np.log1p(-reading.odds), np.log(reading.odds)
        self._grid = np.array([self._cumulant(float(at))[0] for at in _GRID])

    def roughly(self, scores: Array) -> Array:
        """Return ln of a bound for each of many scores, by the tabulated L only."""
        found: Array = (self._grid[:, None] - _GRID[:, None] * scores[None, :]).min(axis=0)
        return np.minimum(found, 0.0)

    def logarithm(self, score: float) -> float:
        """Return ln of the bound on P(an innocent scores at least this); 0 where nothing can be said."""
        if self._cumulant(0.0)[1] >= score:
            return 0.0
        low, high = 0.0, 1.0
        while self._cumulant(high)[1] < score and high < _GRID[-1]:
            low, high = high, 2 * high
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._cumulant(middle)[1] < score else (low, middle)
            if high - low < 1e-6 * high:
                break
        return min(0.0, *(self._cumulant(at)[0] - at * score for at in (low, high)))

    def _cumulant(self, at: float) -> tuple[float, float]:
        """Return K and its derivative."""
        left, right = self._weights[0] + at * self.if_0, self._weights[1] + at * self.if_1
        both = np.logaddexp(left, right)
        slope = self.if_0 * np.exp(left - both) + self.if_1 * np.exp(right - both)
        return float(both.sum()), float(slope.sum())


class Judge:
    """Scores recipients against one reading, by every decoder of a bank."""

    def __init__(self, reading: Reading, decoders: Sequence[Decoder] | None = None) -> None:
        self._reading = reading
        self._decoders = tuple(bank() if decoders is None else decoders)
        self._bounds = [Chernoff(reading, each) for each in self._decoders]
        self._rise = np.stack([each.if_1 - each.if_0 for each in self._bounds])
        self._base = np.array([each.if_0.sum() for each in self._bounds])

    def scores(self, bits: Array) -> Array:
        """Return the scores, float64, shape (decoders, recipients), of bits of shape (recipients, marks)."""
        found: Array = self._rise @ bits.astype(np.float64).T + self._base[:, None]
        return found

    def verdicts(self, bits: Array) -> list[Verdict]:
        """Return a verdict on each recipient, given their bits: bool, shape (recipients, marks)."""
        scores = self.scores(bits)
        rough = self._rough(scores)
        agree = (bits == self._reading.shown[None, :]).mean(axis=1) if self._reading.marks else np.zeros(len(bits))
        return [self._verdict(scores[:, at], rough[:, at], float(agree[at])) for at in range(len(bits))]

    def least(self, scores: Array) -> Array:
        """Return, for recipients' scores, ln of their bounds by the tabulated L only (never below the true bound)."""
        found: Array = self._rough(scores).min(axis=0)
        return found

    def _rough(self, scores: Array) -> Array:
        rows = zip(self._bounds, self._decoders, _down(scores), strict=True)
        return np.stack([bound.roughly(each) - log(decoder.part) for bound, decoder, each in rows])

    def _verdict(self, scores: Array, rough: Array, agree: float) -> Verdict:
        best, name = 0.0, ""
        for at, decoder in enumerate(self._decoders):
            found = float(rough[at])
            if found < _CLOSE:
                found = min(found, self._bounds[at].logarithm(float(_down(scores[at]))) - log(decoder.part))
            if found < best:
                best, name = found, decoder.name
        return Verdict(self._tardos(scores), agree, best, name)

    def _tardos(self, scores: Array) -> float:
        places = [at for at, each in enumerate(self._decoders) if each.theta is None]
        return float(scores[places[0]]) / max(1, self._reading.marks) ** 0.5 if places else 0.0


def _down(scores: Array) -> Array:
    """Return scores less what rounding may have added: a lower score has a larger bound."""
    return scores - 1e-9 * (1 + np.abs(scores))
