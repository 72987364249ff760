"""Decoders: how much one recovered bit speaks for or against one recipient.

A cell has a known bias p: each recipient's bit x is 1 with probability p, independently. A leak shows a bit y. A
decoder gives x a score g(x, y, p). Rules:

1. A likelihood decoder assumes an attack: c colluders who see k ones show a one with probability theta(k), and a
   share `noise` of the shown bits is replaced by coin flips. Its score is ln P(y | x, p) - ln P(y | p); the form is
   the log-likelihood decoder of Laarhoven, "Capacities and Capacity-Achieving Decoders for Various Fingerprinting
   Games" (IH&MMSec 2014); with theta(k) = k/c it needs no knowledge of the real attack.
2. The symmetric decoder is that of Skoric, Katzenbeisser and Celik, "Symmetric Tardos Fingerprinting Codes for
   Arbitrary Alphabet Sizes" (2008), binary case: mean 0 and variance 1 for the innocent, whatever y is.
3. No assumption of a decoder has to be true for the bound on the innocent (`accusation`): it may only cost power.
4. Every decoder of both banks has a fixed part of the budget; all parts together add up to one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import comb
from typing import Any

import numpy as np

from chengyi.model.text import Text

Array = np.ndarray[Any, np.dtype[Any]]
Theta = Callable[[int, int], float]


@dataclass(frozen=True, slots=True)
class Decoder:
    """One way to score: its name, its part of the budget, and the attack that it assumes (None: symmetric)."""

    name: str
    part: float
    colluders: int
    theta: Theta | None
    noise: float = 0.0

    def scores(self, odds: Array, shown: Array) -> tuple[Array, Array]:
        """Return g(0, y, p) and g(1, y, p) for each cell.

        Args:
            odds: p for each cell, float64 in (0, 1).
            shown: y for each cell, bool.
        """
        if self.theta is None:
            return _symmetric(odds, shown)
        one_if_0, one_if_1 = (_shows_one(self, odds, bit) for bit in (0, 1))
        one = odds * one_if_1 + (1 - odds) * one_if_0
        zero_scores = [np.log(1 - each) - np.log(1 - one) for each in (one_if_0, one_if_1)]
        one_scores = [np.log(each) - np.log(one) for each in (one_if_0, one_if_1)]
        return np.where(shown, one_scores[0], zero_scores[0]), np.where(shown, one_scores[1], zero_scores[1])


def interleave(ones: int, colluders: int) -> float:
    """Each cell is taken from a colluder chosen at random."""
    return ones / colluders


def majority(ones: int, colluders: int) -> float:
    """Each cell shows what most colluders have."""
    return 0.5 if 2 * ones == colluders else float(2 * ones > colluders)


def minority(ones: int, colluders: int) -> float:
    """Each cell shows what the fewest colluders have, of what they see."""
    return interleave(ones, colluders) if ones in {0, colluders} else 1 - majority(ones, colluders)


def coin(ones: int, colluders: int) -> float:
    """Each cell shows one of the two values that they see, by a coin."""
    return interleave(ones, colluders) if ones in {0, colluders} else 0.5


@cache
def bank() -> tuple[Decoder, ...]:
    """Return the decoders for the cells of a leak."""
    return (
        Decoder("one, clean", 0.15, 1, interleave, 0.02),
        Decoder("one, damaged", 0.30, 1, interleave, 0.25),
        Decoder("one, ruined", 0.05, 1, interleave, 0.6),
        Decoder("few", 0.05, 2, interleave, 0.1),
        Decoder("five", 0.10, 5, interleave, 0.02),
        Decoder("ten", 0.05, 10, interleave, 0.02),
        Decoder("five by majority", 0.03, 5, majority, 0.05),
        Decoder("five by minority", 0.03, 5, minority, 0.05),
        Decoder("five by coin", 0.09, 5, coin, 0.02),
        Decoder("symmetric", 0.05, 0, None),
    )


TITLES = {
    "one, clean": Text("单人，标记完好", "One leaker, marks whole"),
    "one, damaged": Text("单人，标记受损", "One leaker, marks damaged"),
    "one, ruined": Text("单人，标记大半毁坏", "One leaker, most marks destroyed"),
    "few": Text("两人合谋", "Two colluders"),
    "five": Text("五人合谋", "Five colluders"),
    "ten": Text("十人合谋", "Ten colluders"),
    "five by majority": Text("五人合谋，取多数", "Five colluders, majority"),
    "five by minority": Text("五人合谋，取少数", "Five colluders, minority"),
    "five by coin": Text("五人合谋，随机取值", "Five colluders, by coin"),
    "symmetric": Text("对称得分", "Symmetric score"),
    "row order": Text("行序", "Row order"),
}
"""What people call the decoders."""


@cache
def order_bank() -> tuple[Decoder, ...]:
    """Return the decoders for the order of rows."""
    return (Decoder("row order", 0.10, 1, interleave, 0.1),)


def _symmetric(odds: Array, shown: Array) -> tuple[Array, Array]:
    up, down = np.sqrt((1 - odds) / odds), np.sqrt(odds / (1 - odds))
    return np.where(shown, -down, down), np.where(shown, up, -up)


def _shows_one(decoder: Decoder, odds: Array, bit: int) -> Array:
    """Return P(y = 1) where one colluder has `bit` and the other c - 1 have theirs by chance."""
    assert decoder.theta is not None  # noqa: S101 - for the type checker
    others = decoder.colluders - 1
    total = np.zeros_like(odds)
    for ones in range(others + 1):
        chance = comb(others, ones) * odds**ones * (1 - odds) ** (others - ones)
        total += chance * decoder.theta(ones + bit, decoder.colluders)
    floor = max(decoder.noise, 1e-6)
    clean: Array = (1 - floor) * total + floor / 2
    return clean
