import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.integrate.linkage.clustering import cluster, components, missing_pairs
from chengyi.integrate.linkage.pairs import APART, Pairs, plain


def graph(edges: list[tuple[int, int, float]], apart: set[tuple[int, int]] = frozenset()) -> Pairs:  # type: ignore[assignment]
    pairs = plain(
        np.array([a for a, _, _ in edges], dtype=np.int64), np.array([b for _, b, _ in edges], dtype=np.int64)
    )
    pairs.odds[:] = [odds for _, _, odds in edges]
    pairs.barred[:] = [APART if (a, b) in apart else 0 for a, b, _ in edges]
    return pairs


def test_a_single_strong_pair_does_not_chain_two_groups() -> None:
    within = [(a, b, 9.0) for group in ((0, 1, 2), (3, 4, 5)) for a in group for b in group if a < b]
    pairs = graph([*within, (2, 3, 9.0)])
    assert cluster(np.zeros(6, dtype=np.int64), pairs, 0.5).tolist() == [0, 0, 0, 3, 3, 3]


def test_a_forbidden_pair_keeps_its_groups_apart_whatever_the_rest_says() -> None:
    pairs = graph([(0, 1, 9.0), (0, 2, 8.0), (1, 2, 9.0)], {(0, 2)})
    assert len(set(cluster(np.zeros(3, dtype=np.int64), pairs, 0.5)[[0, 2]].tolist())) == 2


def test_two_profiles_join_above_the_threshold_only() -> None:
    labels = np.zeros(2, dtype=np.int64)
    assert cluster(labels, graph([(0, 1, 1.0)]), 0.5).tolist() == [0, 0]
    assert cluster(labels, graph([(0, 1, -1.0)]), 0.5).tolist() == [0, 1]


def test_a_component_above_the_cap_is_cut_where_it_is_weakest() -> None:
    pairs = graph([(0, 1, 9.0), (1, 2, 2.0), (2, 3, 9.0)])
    labels, several, split = components(4, pairs, 0.0, 2)
    assert labels[0] == labels[1] != labels[2] == labels[3]
    assert (several, split) == (2, 1)


def test_a_component_that_no_floor_can_split_is_cut_all_the_same() -> None:
    pairs = graph([(0, at, 60.0) for at in range(1, 5)])
    labels, _, split = components(5, pairs, 0.0, 2)
    assert np.bincount(labels).max() == 2
    assert split == 1


def test_missing_pairs_complete_small_components_first() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 1])
    known = np.array([0]), np.array([1])
    left, right = missing_pairs(labels, *known, budget=100)
    assert len(left) == 2 + 6
    left, right = missing_pairs(labels, *known, budget=4)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 2), (1, 2)]


edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.floats(-9, 9)), max_size=20)


@settings(deadline=None)
@given(edges, st.integers(0, 100))
def test_a_pair_apart_is_never_together(drawn: list[tuple[int, int, float]], at: int) -> None:
    listed = {(min(a, b), max(a, b)): odds for a, b, odds in drawn if a != b}
    barred = set(list(listed)[at % max(len(listed), 1) :][:1])
    pairs = graph([(a, b, odds) for (a, b), odds in listed.items()], barred)
    labels, *_ = components(8, pairs, 0.0, 8)
    found = cluster(labels, pairs, 0.3)
    assert all(found[a] != found[b] for a, b in barred)
