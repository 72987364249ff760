"""Pairs of profiles under judgement: one row a pair, one array a fact."""

from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np

from chengyi.integrate.linkage.columns import Bools, Floats, Halves, Ints
from chengyi.integrate.linkage.compare import FEATURES

Marks: TypeAlias = np.ndarray[Any, np.dtype[np.int8]]

FREE, APART, FAMILY = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of profiles, left < right.

    Attributes:
        left: the one profile.
        right: the other.
        features: what they have in common (`compare.FEATURES`).
        barred: `FREE`, `APART` (two people for certain), or `FAMILY` (two people of one home).
        near_id: whether their ids are within two slips of the pen.
        id_bits: log2 odds from ids of which one cannot be trusted.
        odds: log2 odds that they are one person.
    """

    left: Ints
    right: Ints
    features: Halves
    barred: Marks
    near_id: Bools
    id_bits: Floats
    odds: Floats

    def __len__(self) -> int:
        return len(self.left)

    @property
    def free(self) -> Bools:
        """Which pairs may link."""
        return np.asarray(self.barred == FREE, dtype=np.bool_)

    def take(self, rows: Bools | Ints) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(*(getattr(self, column.name)[rows] for column in fields(self)))

    def plus(self, other: "Pairs") -> "Pairs":
        """Return these pairs and others."""
        return Pairs(*(np.concatenate([getattr(p, column.name) for p in (self, other)]) for column in fields(self)))

    def judged(self, odds: Floats) -> "Pairs":
        """Return the pairs under other odds."""
        return replace(self, odds=odds)


def plain(left: Ints, right: Ints, odds: float = 0.0) -> Pairs:
    """Return pairs that nothing is known about yet, at given odds."""
    size = len(left)
    return Pairs(
        left,
        right,
        np.full((size, len(FEATURES)), np.nan, dtype=np.float16),
        np.zeros(size, dtype=np.int8),
        np.zeros(size, dtype=np.bool_),
        np.zeros(size, dtype=np.float32),
        np.full(size, odds, dtype=np.float32),
    )
