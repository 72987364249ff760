import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from chengyi.brain.evidence import lines_of, pack, pack_lines, root_of, unpack
from chengyi.model.evidence import Evidence
from chengyi.trust.ledger.merkle import EMPTY_ROOT, leaf_hash, root

ROWS = st.lists(st.tuples(st.sampled_from(["pkg-a@1", "pkg-b@2"]), st.integers(1, 99)), max_size=40)


def table(rows: list[tuple[str, int]]) -> pa.Table:
    packages, numbers = [row[0] for row in rows], [row[1] for row in rows]
    leaves = [leaf_hash(f"{package}{row}".encode()) for package, row in rows]
    return pa.table(
        {
            "_package": pa.array(packages, pa.string()),
            "_row": pa.array(numbers, pa.int64()),
            "_leaf": pa.array(leaves, pa.binary()),
        }
    )


@given(ROWS)
def test_a_list_holds_each_row_once_in_order_and_reads_back(rows: list[tuple[str, int]]) -> None:
    kept = pack(table(rows))
    evidence = unpack(kept.packed)

    assert [(each.package, each.row) for each in evidence] == sorted(set(rows))
    assert kept.count == len(set(rows))
    assert kept.root == root([leaf_hash(line.encode()) for line in lines_of(kept.packed)]).hex()


def test_the_root_changes_with_any_line() -> None:
    lines = ["pkg-a@1 1 00", "pkg-a@1 2 01"]

    assert root_of(lines) != root_of([*lines[:1], "pkg-a@1 2 02"])
    assert root_of([]) == EMPTY_ROOT.hex()


def test_an_empty_list_reads_back_empty() -> None:
    assert unpack(pack_lines([]).packed) == []
    assert unpack(pack_lines(["pkg-a@1 7 ff"]).packed) == [Evidence("pkg-a@1", 7, "ff")]


def test_twenty_thousand_rows_are_kept_in_less_than_their_own_size() -> None:
    rows = [("pkg-a@1", number) for number in range(1, 20_001)]
    kept = pack(table(rows))

    assert kept.count == 20_000
    assert len(kept.packed) < 20_000 * 48
