"""Stable dossier ids: which new cluster goes on under which old id. Pure.

Rules: a cluster keeps an id when it holds most of the anchors that lived under it; where a cluster could keep several,
it keeps the oldest and the others are merged into it; where the anchors of one id fall apart, the largest part keeps
the id and the others are split off under new ids; an id none of whose anchors is left is retired. Ties go to the
smallest anchor, so that the outcome does not depend on order. An anchor is a keyed code that names one record of one
sender through all its deliveries.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Change:
    """One event in the life of a dossier; `anchors` counts the records that tell so.

    ``merge``: other went into dossier; ``split``: other came off it; ``retire``: nothing of it is left.
    """

    event: str
    dossier: str
    other: str
    anchors: int


@dataclass(slots=True)
class Assignment:
    """The id of each cluster, in order, and what changed."""

    ids: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


def assign(
    clusters: Sequence[Sequence[str]],
    before: Mapping[str, str],
    ages: Mapping[str, int],
    name: Callable[[str], str],
) -> Assignment:
    """Give each cluster of anchors an id.

    `before` maps anchors to the ids they lived under, `ages` ids to the run that opened them (every living id), and
    `name` makes an id from an anchor.
    """
    overlaps = [Counter(before[anchor] for anchor in cluster if anchor in before) for cluster in clusters]
    firsts = [min(cluster) for cluster in clusters]
    heirs = _heirs(overlaps, firsts)
    kept: dict[int, list[str]] = defaultdict(list)
    for id, place in heirs.items():
        kept[place].append(id)
    result = Assignment()
    taken = set(ages)
    for place, overlap in enumerate(overlaps):
        ids = sorted(kept[place], key=lambda each: (ages.get(each, 0), each))
        if ids:
            result.ids.append(ids[0])
            result.changes += [Change("merge", ids[0], id, overlap[id]) for id in ids[1:]]
            continue
        new = _new(firsts[place], taken, name)
        result.ids.append(new)
        result.opened.append(new)
    _log_splits(result, overlaps, heirs)
    result.changes += [Change("retire", id, "", 0) for id in sorted(set(ages) - set(heirs))]
    return result


def _heirs(overlaps: Sequence[Counter[str]], firsts: Sequence[str]) -> dict[str, int]:
    """Return, for each old id, the place of the cluster that holds most of it."""
    best: dict[str, tuple[int, str, int]] = {}
    for place, overlap in enumerate(overlaps):
        for id, count in overlap.items():
            rank = (-count, firsts[place], place)
            if id not in best or rank < best[id]:
                best[id] = rank
    return {id: place for id, (_, _, place) in best.items()}


def _log_splits(result: Assignment, overlaps: Sequence[Counter[str]], heirs: Mapping[str, int]) -> None:
    for place, overlap in enumerate(overlaps):
        for id, count in sorted(overlap.items()):
            if heirs[id] != place and result.ids[heirs[id]] != result.ids[place]:
                result.changes.append(Change("split", id, result.ids[place], count))


def _new(anchor: str, taken: set[str], name: Callable[[str], str]) -> str:
    attempt = 0
    while (id := name(f"{anchor}#{attempt}" if attempt else anchor)) in taken:
        attempt += 1
    taken.add(id)
    return id
