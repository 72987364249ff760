from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.integrate.identity import Change, assign


def named(anchor: str) -> str:
    return f"id-{anchor}"


def test_new_clusters_get_new_ids() -> None:
    found = assign([["a", "b"], ["c"]], {}, {}, named)
    assert found.ids == ["id-a", "id-c"]
    assert found.opened == ["id-a", "id-c"]
    assert found.changes == []


def test_new_rows_join_an_existing_id() -> None:
    found = assign([["z", "a", "b"]], {"a": "D1", "b": "D1"}, {"D1": 1}, named)
    assert (found.ids, found.opened, found.changes) == (["D1"], [], [])


def test_a_merge_keeps_the_older_id() -> None:
    found = assign([["a", "b", "c"]], {"a": "D2", "b": "D2", "c": "D1"}, {"D1": 1, "D2": 2}, named)
    assert found.ids == ["D1"]
    assert found.changes == [Change("merge", "D1", "D2", 2)]


def test_a_split_leaves_the_id_with_the_majority() -> None:
    found = assign([["a"], ["b", "c"]], dict.fromkeys("abc", "D1"), {"D1": 1}, named)
    assert found.ids == ["id-a", "D1"]
    assert found.changes == [Change("split", "D1", "id-a", 1)]


def test_a_tie_goes_to_the_smallest_anchor() -> None:
    for clusters in ([["b"], ["a"]], [["a"], ["b"]]):
        found = assign(clusters, {"a": "D1", "b": "D1"}, {"D1": 1}, named)
        assert found.ids[clusters.index(["a"])] == "D1"


def test_an_id_with_nothing_left_is_retired() -> None:
    found = assign([["x"]], {"a": "D1"}, {"D1": 1}, named)
    assert found.changes == [Change("retire", "D1", "", 0)]


def test_a_new_id_never_takes_a_living_one() -> None:
    found = assign([["a"], ["b", "c"]], dict.fromkeys("abc", "id-a"), {"id-a": 1}, named)
    assert found.ids == ["id-a#1", "id-a"]


def test_records_may_move_from_one_dossier_to_another() -> None:
    found = assign(
        [["a", "b"], ["c", "d", "x"]],
        {"a": "D1", "b": "D1", "x": "D1", "c": "D2", "d": "D2"},
        {"D1": 1, "D2": 2},
        named,
    )
    assert found.ids == ["D1", "D2"]
    assert found.changes == [Change("split", "D1", "D2", 1)]


PARTITIONS = st.lists(st.integers(0, 5), min_size=12, max_size=12)


@settings(deadline=None)
@given(PARTITIONS, PARTITIONS, st.randoms(use_true_random=False))
def test_ids_are_stable_complete_and_independent_of_order(old: list[int], new: list[int], random: "object") -> None:
    anchors = [f"a{n:02d}" for n in range(12)]
    before = {anchor: f"D{group}" for anchor, group in zip(anchors, old, strict=True)}
    ages = {id: int(id[1:]) for id in before.values()}
    clusters: dict[int, list[str]] = defaultdict(list)
    for anchor, group in zip(anchors, new, strict=True):
        clusters[group].append(anchor)
    listed = list(clusters.values())
    found = assign(listed, before, ages, named)
    assert len(set(found.ids)) == len(listed)
    assert set(found.opened) == set(found.ids) - set(ages)
    gone = {change.other for change in found.changes if change.event == "merge"} | {
        change.dossier for change in found.changes if change.event == "retire"
    }
    assert gone == set(ages) - set(found.ids)
    random.shuffle(listed)  # type: ignore[attr-defined]
    again = assign(listed, before, ages, named)
    assert {tuple(c): i for c, i in zip(listed, again.ids, strict=True)} == {
        tuple(c): i for c, i in zip(clusters.values(), found.ids, strict=True)
    }
    same = assign(
        listed, {a: i for c, i in zip(listed, again.ids, strict=True) for a in c}, dict.fromkeys(again.ids, 1), named
    )
    assert same.ids == again.ids
    assert same.changes == []
