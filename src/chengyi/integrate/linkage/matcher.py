"""A matcher taught by free labels: pairs of which both ids are known, with the ids masked.

Rules: some known people are rehearsed as if their ids were unknown, with the gaps that open mentions have, and looked
up among all known mentions, so the lesson has the same blocks, families and namesakes as the task; probabilities are
calibrated on people the matcher has not seen; seeds are fixed.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chengyi.integrate.linkage.columns import Bools, Floats, Halves, Ints, mix

_HELD = 4
_MOST = 120_000
_CHUNK = 262_144
_CEILING = 1 - 1e-5


@dataclass(frozen=True, slots=True)
class Matcher:
    """Gradient-boosted trees and the curve that turns their scores into probabilities."""

    trees: Any
    curve: Any

    def log_odds(self, features: Halves) -> Floats:
        """Return the log2 odds that each pair is one person."""
        found = np.empty(len(features), dtype=np.float32)
        with _one_thread():
            for start in range(0, len(features), _CHUNK):
                part = slice(start, start + _CHUNK)
                found[part] = self._chunk(features[part])
        return found

    def _chunk(self, features: Halves) -> Floats:
        scores = self.trees.decision_function(_filled(features))
        if self.curve is not None:
            likely = np.clip(self.curve.predict(scores), 1 - _CEILING, _CEILING)
            return np.log2(likely / (1 - likely)).astype(np.float32)  # type: ignore[no-any-return]
        return (scores / np.log(2)).astype(np.float32)  # type: ignore[no-any-return]


def train(features: Halves, same: Bools, persons: Ints, calibrate: bool = True) -> Matcher:
    """Train on labelled pairs; one person's pairs serve either the lesson or the calibration, never both."""
    told, held = _filled(features), mix(persons) % _HELD == 0
    if not calibrate or len(np.unique(same[held])) < 2 or len(np.unique(same[~held])) < 2:
        return Matcher(_fit(told, same), None)
    trees = _fit(told[~held], same[~held])
    return Matcher(trees, _curve(trees.decision_function(told[held]), same[held]))


def sample(pairs: int) -> Ints:
    """Return which of so many pairs to learn from: all, or a fixed sample in order."""
    if pairs <= _MOST:
        return np.arange(pairs)
    return np.sort(np.random.default_rng(20_261).choice(pairs, _MOST, replace=False))


def _filled(features: Halves) -> Floats:
    return np.nan_to_num(features.astype(np.float32), nan=-1.0)


def _fit(features: Floats, same: Bools) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.15, max_leaf_nodes=31, min_samples_leaf=100, l2_regularization=1.0,
        early_stopping=False, random_state=20_262,
    )  # fmt: skip
    with _one_thread():
        return trees.fit(features, same)


def _one_thread() -> AbstractContextManager[Any]:
    """Keep to one thread: on a busy machine the threads wait for one another far longer than they work."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1)  # type: ignore[no-any-return, unused-ignore]


def _curve(scores: Floats, same: Bools) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    from sklearn.isotonic import IsotonicRegression

    return IsotonicRegression(out_of_bounds="clip").fit(scores, same)
