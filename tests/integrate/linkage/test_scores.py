from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from chengyi.integrate.linkage import PairScores, score_pairs

partition = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=30)


@given(partition)
def test_counts_equal_those_of_listed_pairs(labels: list[tuple[int, int]]) -> None:
    pairs = list(combinations(labels, 2))
    together = [(a[0] == b[0], a[1] == b[1]) for a, b in pairs]
    scores = score_pairs([label[0] for label in labels], [label[1] for label in labels])
    assert scores.tp == together.count((True, True))
    assert scores.fp == together.count((False, True))
    assert scores.fn == together.count((True, False))


def test_scores_of_a_known_example() -> None:
    scores = score_pairs(["a", "a", "a", "b"], [1, 1, 2, 2])
    assert scores == PairScores(0.5, 1 / 3, 0.4, 1, 1, 2)


def test_nothing_to_find_and_nothing_claimed_is_perfect() -> None:
    assert score_pairs([1, 2], [1, 2]).f1 == 1.0
    assert score_pairs([], []).precision == 1.0
