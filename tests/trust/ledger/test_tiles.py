import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.errors import IntegrityError, UsageError
from chengyi.trust.ledger.merkle import EMPTY_ROOT, leaf_hash, root
from chengyi.trust.ledger.paths import Paths
from chengyi.trust.ledger.tiles import (
    ENTRIES,
    MAX_ENTRY,
    WIDTH,
    Edge,
    Tile,
    join_bundle,
    levels,
    partial_prefix,
    split_bundle,
    split_hashes,
    tile_path,
)


def entries(count: int) -> list[bytes]:
    return [each.to_bytes(3, "big") for each in range(count)]


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [
        (0, 0, WIDTH, "tile/0/000"),
        (0, 7, 3, "tile/0/007.p/3"),
        (2, 1234067, WIDTH, "tile/2/x001/x234/067"),
        (1, 1000, 255, "tile/1/x001/000.p/255"),
        (ENTRIES, 999, WIDTH, "tile/entries/999"),
    ],
)
def test_paths_follow_the_specification(level: int | str, number: int, width: int, path: str) -> None:
    assert tile_path(level, number, width) == path
    assert path.startswith(partial_prefix(level, number)) is (width != WIDTH)


@pytest.mark.parametrize(("size", "expected"), [(0, 0), (1, 1), (255, 1), (256, 2), (65_535, 2), (65_536, 3)])
def test_levels_grow_with_the_log(size: int, expected: int) -> None:
    assert levels(size) == expected


def test_a_tree_of_70000_has_the_tiles_the_specification_lists() -> None:
    files = dict(Edge().extend(entries(70_000)))
    full = [path for path in files if path.startswith("tile/0/") and ".p" not in path]
    assert len(full) == 273
    assert len(files["tile/0/273.p/112"]) == 112 * 32
    assert len(files["tile/1/000"]) == 8192
    assert len(files["tile/1/001.p/17"]) == 17 * 32
    assert len(files["tile/2/000.p/1"]) == 32


@pytest.mark.parametrize("cuts", [[300], [1, 254, 1, 1], [255, 2, 600], [0, 256, 0, 512]])
def test_an_edge_grows_the_same_in_any_steps_and_loads_again(cuts: list[int]) -> None:
    files: dict[str, bytes] = {}
    whole, edge, done = entries(sum(cuts)), Edge(), 0
    for cut in cuts:
        files.update(edge.extend(whole[done : done + cut]))
        done += cut
    assert edge.root() == root(list(map(leaf_hash, whole)))
    loaded = Edge.load(done, files.__getitem__)
    assert (loaded.root(), list(loaded.entries)) == (edge.root(), list(edge.entries))
    assert dict(loaded.extend([b"x"])) == dict(edge.copy().extend([b"x"]))


def test_an_empty_edge_has_the_empty_root() -> None:
    assert Edge().root() == EMPTY_ROOT
    assert list(Edge().tile(3)) == []


def test_an_edge_whose_entries_do_not_match_is_refused() -> None:
    files = dict(Edge().extend(entries(3)))
    files["tile/entries/000.p/3"] = join_bundle([*entries(2), b"forged"])
    with pytest.raises(IntegrityError):
        Edge.load(3, files.__getitem__)


def test_an_entry_may_fill_its_length_field_and_no_more() -> None:
    assert Edge().extend([b"x" * MAX_ENTRY])
    with pytest.raises(UsageError):
        list(Edge().extend([b"x" * (MAX_ENTRY + 1)]))


@given(st.integers(0, 900).flatmap(lambda end: st.tuples(st.just(end), st.integers(0, 20))))
@settings(deadline=None)
def test_roots_of_spans_come_from_tiles(at: tuple[int, int]) -> None:
    leaves = list(map(leaf_hash, entries(900)))
    end, start = at[0], 0
    start = min(at[1] * 32, end)
    if start == end or start % (1 << (end - start - 1).bit_length()):
        return
    upper = [root(leaves[n * WIDTH : (n + 1) * WIDTH]) for n in range(900 // WIDTH)]

    def tile(level: int, number: int) -> Tile:
        return [leaves, upper][level][number * WIDTH : (number + 1) * WIDTH]

    assert Paths(tile).span(start, end) == root(leaves[start:end])


@given(st.lists(st.binary(max_size=300), max_size=20))
@settings(deadline=None)
def test_bundles_split_as_they_were_joined(parts: list[bytes]) -> None:
    assert split_bundle(join_bundle(parts), "bundle") == parts


@given(st.binary(max_size=40))
@settings(deadline=None)
def test_any_bundle_is_split_whole_or_refused(raw: bytes) -> None:
    try:
        assert join_bundle(split_bundle(raw, "bundle")) == raw
    except IntegrityError:
        assert raw


def test_hashes_are_split_by_32_bytes() -> None:
    assert split_hashes(b"a" * 32 + b"b" * 32 + b"c") == [b"a" * 32, b"b" * 32, b"c"]
