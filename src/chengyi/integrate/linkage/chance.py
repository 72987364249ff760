"""Fellegi-Sunter: how much likelier an agreement is between two mentions of one person than between two people.

Rules: the odds of agreement by chance (u) are counted on random pairs, so blocking does not bend them; the odds for
one person (m) and the share of matches are found by expectation-maximisation over the distinct agreement patterns;
agreement on something rare counts for more, because levels are cut by rarity in bits; a missing field says nothing.

Source: Fellegi and Sunter, "A Theory for Record Linkage", JASA 64 (1969); Winkler's EM and frequency adjustment.
"""

from dataclasses import dataclass

import numpy as np

from chengyi.integrate.linkage.columns import Doubles, Floats, Halves, Ints, People
from chengyi.integrate.linkage.compare import PLACE, compare

_ROUNDS = 60
_SAMPLE = 600_000
_UNSEEN = 0.5


@dataclass(frozen=True, slots=True)
class ChanceModel:
    """Log2 odds for each level of each comparison, and the prior log2 odds of a match."""

    weights: tuple[Floats, ...]
    prior: float

    def log_odds(self, levels: Ints) -> Floats:
        """Return the log2 odds that each pair is one person."""
        total = np.full(len(levels), self.prior, dtype=np.float32)
        for at, weight in enumerate(self.weights):
            total += weight[levels[:, at]]
        return total


def cut(features: Halves) -> Ints:
    """Cut features into levels, one column a comparison; level 0 is missing."""
    column = {name: features[:, place].astype(np.float32) for name, place in PLACE.items()}
    names = _name_levels(column)
    births = _bands(column["birth_level"], (0, 1, 2, 3, 4, 5)) + (column["birth_bits"] >= 10) * 1
    addresses = _bands(column["address_level"], (0, 1, 2, 3)) + (column["address_bits"] >= 9) * 1
    extras = _bands(column["extra_level"], (0, 1, 2)) + _extra_steps(column)
    sexes = _bands(column["sex_same"], (0, 1))
    phones = _bands(column["phone_level"], (0, 1, 2))
    households = _bands(column["household_same"], (0, 1))
    return np.column_stack([names, births, sexes, addresses, phones, households, extras]).astype(np.int64)


def _bands(values: Floats, floors: tuple[float, ...]) -> Ints:
    found = np.searchsorted(np.asarray(floors, dtype=np.float32), values, side="right")
    return np.where(np.isnan(values), 0, np.maximum(found, 1)).astype(np.int64)


def _name_levels(column: dict[str, Floats]) -> Ints:
    """Forty-eight levels: how alike, times how much information is shared, times how much of the name that is."""
    likeness = np.maximum(column["name_similarity"], column["name_sorted"])
    alike = _bands(likeness, (0, 0.75, 0.87, 0.95))
    told = _bands(column["name_shared"], (0, 3, 7, 12))
    kept = _bands(column["name_shared_part"], (0, 0.5, 0.9))
    return np.where(alike == 0, 0, 1 + (alike - 1) * 12 + (told - 1) * 3 + (kept - 1))


def _extra_steps(column: dict[str, Floats]) -> Ints:
    """Up to three steps more for rarer shared particulars."""
    shared = np.nan_to_num(column["extra_shared"])
    return np.searchsorted(np.array([4.0, 8.0, 12.0], dtype=np.float32), shared).astype(np.int64)


def learn(people: People, levels: Ints, seed: int = 20_260) -> ChanceModel:
    """Learn a model from the levels of the candidate pairs of these profiles."""
    chance = cut(_random_features(people, seed))
    size = int(max(levels.max(initial=0), chance.max(initial=0))) + 1
    patterns, counts = np.unique(levels, axis=0, return_counts=True)
    u = [_shares(chance[:, at], np.ones(len(chance)), size) for at in range(levels.shape[1])]
    pairs = max(len(people) * (len(people) - 1) / 2, 2.0)
    m = [_hopeful(shares) for shares in u]
    share = min(len(people) / pairs, 0.1)
    weights: list[Floats] = []
    for _ in range(_ROUNDS):
        weights = [_log_ratio(a, b) for a, b in zip(m, u, strict=True)]
        prior = float(np.log2(share / (1 - share)))
        odds = ChanceModel(tuple(weights), prior).log_odds(patterns)
        belief = counts / (1 + np.exp2(-odds.astype(np.float64)))
        m = [_shares(patterns[:, at], belief, size) for at in range(levels.shape[1])]
        share = float(np.clip(belief.sum() / pairs, 1 / pairs, 0.5))
    return ChanceModel(tuple(weights), float(np.log2(share / (1 - share))))


def _random_features(people: People, seed: int) -> Halves:
    draw = np.random.default_rng(seed)
    left, right = draw.integers(0, len(people), (2, _SAMPLE))
    apart = left != right
    return compare(people, left[apart], right[apart])


def _shares(levels: Ints, weights: Doubles | Floats, size: int) -> Doubles:
    """Return the share of each level among the pairs that have one."""
    sums = np.bincount(levels, weights=weights, minlength=size)
    sums[0] = 0
    return np.asarray((sums + _UNSEEN) / (sums.sum() + _UNSEEN * size), dtype=np.float64)


def _hopeful(u: Doubles) -> Doubles:
    """Start from matches that mostly agree: higher levels likelier, whatever chance says."""
    rank = np.arange(1, len(u) + 1, dtype=np.float64)
    return np.asarray(rank / rank.sum(), dtype=np.float64)


def _log_ratio(m: Doubles, u: Doubles) -> Floats:
    weights = np.clip(np.log2(m / u), -14, 24).astype(np.float32)
    weights[0] = 0
    return weights
