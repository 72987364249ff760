"""From probabilities of pairs to people: average linkage inside components, never components themselves.

Rules: two groups become one while the mean probability over all their pairs is above the threshold, so a single
strong pair cannot chain two families together; a forbidden pair keeps its two groups apart whatever the rest says; a
component above the cap is cut by a higher floor until it fits, so none is swallowed whole; ties break by position.
"""

from collections.abc import Iterator

import numpy as np

from chengyi.integrate.linkage.columns import Bools, Floats, Ints
from chengyi.integrate.linkage.pairs import Pairs

TIED = 99.0
_APART = 1e6
_STEP = 1.0
_HIGHEST = 40.0


def probability(log_odds: Floats) -> Floats:
    """Turn log2 odds into probabilities."""
    return (1 / (1 + np.exp2(-np.clip(log_odds, -60, 60)))).astype(np.float32)


def components(size: int, pairs: Pairs, floor: float, cap: int) -> tuple[Ints, int, int]:
    """Return the component of each profile, the number with company, and how many had to be cut."""
    left, right, odds = pairs.left, pairs.right, pairs.odds
    labels = _connect(size, left, right, odds >= floor)
    split = int((np.bincount(labels, minlength=1) > cap).sum())
    while floor < _HIGHEST:
        big = np.bincount(labels)[labels] > cap
        if not big.any():
            break
        floor += _STEP
        inside = labels[left] == labels[right]
        labels = _connect(size, left, right, inside & (~big[left] | (odds >= floor)))
    labels = _chop(labels, cap)
    return labels, int((np.bincount(labels) > 1).sum()), split


def _connect(size: int, left: Ints, right: Ints, kept: Bools) -> Ints:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(int(kept.sum()), dtype=np.int8), (left[kept], right[kept])), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _chop(labels: Ints, cap: int) -> Ints:
    """Cut what no floor could split (many identical profiles) into runs of the cap, by position."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    place = np.empty(len(labels), dtype=np.int64)
    place[order] = np.arange(len(labels)) - np.repeat(starts, np.diff(np.append(starts, len(labels))))
    chopped = np.unique(labels * (len(labels) + 1) + place // cap, return_inverse=True)[1]
    return np.asarray(chopped, dtype=np.int64)


def missing_pairs(labels: Ints, left: Ints, right: Ints, budget: int) -> tuple[Ints, Ints]:
    """Return the pairs inside components that blocking did not propose, smallest components first within budget."""
    size = len(labels)
    known = np.sort(left * size + right)
    found: list[Ints] = []
    spent = 0
    for rows in sorted(_members(labels), key=len):
        spent += len(rows) * (len(rows) - 1) // 2
        if spent > budget:
            break
        a, b = np.triu_indices(len(rows), 1)
        found.append(rows[a] * size + rows[b])
    keys = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    places = np.minimum(np.searchsorted(known, keys), max(len(known) - 1, 0))
    fresh = np.sort(keys[known[places] != keys]) if len(known) else np.sort(keys)
    return fresh // size, fresh % size


def _members(labels: Ints) -> Iterator[Ints]:
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        if len(rows) > 1:
            yield rows


def cluster(labels: Ints, pairs: Pairs, threshold: float) -> Ints:
    """Return for each profile the first profile of its cluster, by average linkage inside each component."""
    left, right = pairs.left, pairs.right
    distances = np.where(pairs.free, 1.0 - probability(pairs.odds), _APART)
    found = np.arange(len(labels))
    inside = np.flatnonzero(labels[left] == labels[right])
    inside = inside[np.argsort(labels[left[inside]], kind="stable")]
    starts = np.flatnonzero(np.diff(labels[left[inside]], prepend=-1))
    position = np.zeros(len(labels), dtype=np.int64)
    rows_of = {int(labels[rows[0]]): rows for rows in _members(labels)}
    for chosen in np.split(inside, starts[1:]) if len(inside) else []:
        rows = rows_of[int(labels[left[chosen[0]]])]
        position[rows] = np.arange(len(rows))
        ends = position[left[chosen]], position[right[chosen]]
        found[rows] = rows[_average(len(rows), *ends, distances[chosen], 1.0 - threshold)]
    return found


def _average(size: int, a: Ints, b: Ints, distance: Floats, height: float) -> Ints:
    """Return the first member of each member's group."""
    from scipy.cluster.hierarchy import linkage

    condensed = np.ones(size * (size - 1) // 2)
    low, high = np.minimum(a, b), np.maximum(a, b)
    condensed[size * low - low * (low + 1) // 2 + high - low - 1] = distance
    if size == 2:
        return np.array([0, 0 if condensed[0] <= height else 1])
    return _cut(linkage(condensed, "average"), size, height)


def _cut(tree: Floats, size: int, height: float) -> Ints:
    """Undo the joins above a height; scipy's own cut spends most of its time on checking small trees."""
    groups = [[at] for at in range(size)]
    for one, other, at, _ in tree.tolist():
        low = at <= height
        groups.append(groups[int(one)] + groups[int(other)] if low else [])
        if low:
            groups[int(one)], groups[int(other)] = [], []
    first = np.empty(size, dtype=np.int64)
    for group in groups:
        first[group] = min(group, default=0)
    return first
