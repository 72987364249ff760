"""Precision, recall and F1 of clusters against a known truth, over pairs.

Rules: pairs are counted from the contingency table of the two partitions, never listed, so a million mentions
cost one sort. An empty denominator scores 1: nothing was claimed, or nothing was there to find.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class PairScores:
    """Pairwise agreement of two partitions; `tp`, `fp` and `fn` count pairs of mentions."""

    precision: float
    recall: float
    f1: float
    tp: int
    fp: int
    fn: int


def score_pairs(truth: Sequence[Any], clusters: Sequence[Any]) -> PairScores:
    """Compare two partitions of the same mentions, given as one label a mention in the same order."""
    import numpy as np

    true_codes = np.unique(np.asarray(truth), return_inverse=True)[1].astype(np.int64)
    found_codes = np.unique(np.asarray(clusters), return_inverse=True)[1].astype(np.int64)
    width = int(found_codes.max(initial=0)) + 1
    tp = _pairs(true_codes * width + found_codes)
    fp = _pairs(found_codes) - tp
    fn = _pairs(true_codes) - tp
    return PairScores(_ratio(tp, fp), _ratio(tp, fn), _ratio(2 * tp, fp + fn), tp, fp, fn)


def _pairs(codes: "np.ndarray[Any, np.dtype[np.int64]]") -> int:
    import numpy as np

    sizes = np.unique(codes, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def _ratio(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else 1.0
