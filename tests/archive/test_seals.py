"""Row seals: the fast way equals the definition, byte for byte; every row's proof verifies."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.archive import seals
from chengyi.model.errors import IntegrityError
from chengyi.trust.ledger import merkle

AWKWARD = '"\\/\x00\x01\x08\t\n\x0b\x0c\r\x1f\x7f\x80\u2028\u2029é汉𠮷😀\ufeff '
cells = st.none() | st.text(alphabet=st.sampled_from(AWKWARD + "a1"), max_size=8) | st.text(max_size=6)


@dataclass(frozen=True)
class Bad:
    row: int
    raw: str


@st.composite
def tables(draw: st.DrawFn, kind: Any = None) -> pa.Table:
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.tuples(*[cells] * width), max_size=12))
    columns = [[row[at] for row in rows] for at in range(width)]
    kind = kind or draw(st.sampled_from([pa.string(), pa.large_string()]))
    return pa.table([pa.array(column, kind) for column in columns], names=["同名"] * width)


def definition(table: pa.Table) -> list[bytes]:
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    forms = [json.dumps(list(row), ensure_ascii=False, separators=(",", ":")).encode() for row in rows]
    return [merkle.leaf_hash(form) for form in forms]


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make even tiny tables and trees take the way of large ones."""
    monkeypatch.setattr(seals, "SMALL", 0)


def by_engine(table: pa.Table, chunk: int) -> bytes:
    with seals._engine() as engine:
        parts = (table.slice(start, chunk) for start in range(0, table.num_rows, chunk))
        return b"".join(seals._chunk_leaves(engine, part) for part in parts)


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(1, 5))
def test_promise_2_the_engine_hashes_rows_as_the_definition_does(table: pa.Table, chunk: int) -> None:
    assert by_engine(table, chunk) == b"".join(definition(table))


def test_every_single_character_that_json_escapes_is_hashed_alike() -> None:
    column = [chr(code) for code in range(256)] + ["\\u0041", '\\"', "\\\\", "\\n"]
    table = pa.table({"a": column, "b": pa.array([None, *column[1:]], pa.string())})
    assert by_engine(table, 1000) == b"".join(definition(table))
    assert seals.leaves_of(table) == b"".join(definition(table))


def test_a_sliced_table_is_hashed_alike(fast: None) -> None:
    table = pa.table({"a": ["x", 'q"', "z", None, "ü"], "b": ["1", "2", "\t", "4", "5"]}).slice(1, 3)
    assert seals.leaves_of(table) == b"".join(definition(table))


@pytest.mark.usefixtures("fast")
def test_large_tables_take_the_engine_in_aligned_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "CHUNK_ROWS", 64)
    table = pa.table({"n": [str(n) for n in range(1000)], "t": ["值" if n % 3 else None for n in range(1000)]})
    assert seals.leaves_of(table) == b"".join(definition(table))


def test_a_huge_cell_makes_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "SMALL", 0)
    monkeypatch.setattr(seals, "CHUNK_BYTES", 100)
    table = pa.table({"a": ["x" * 1000, "y", "z"]})
    assert seals.leaves_of(table) == b"".join(definition(table))


def test_other_types_are_taken_as_text() -> None:
    table = pa.table({"n": [1, None, 3]})
    assert seals.leaves_of(table) == b"".join(definition(pa.table({"n": ["1", None, "3"]})))


def test_a_table_without_columns_has_empty_rows() -> None:
    table = pa.table({"a": ["x", "y"]}).select([])
    assert seals.leaves_of(table) == merkle.leaf_hash(b"[]") * 2


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 70), st.booleans())
def test_levels_and_proofs_are_those_of_rfc_9162(count: int, engine: bool) -> None:
    leaves = [merkle.leaf_hash(bytes([n])) for n in range(count)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seals, "SMALL", 1 if engine else 4096)
        found = seals.levels(seals.Leaves(b"".join(leaves)))
        assert seals.root(seals.Leaves(b"".join(leaves))) == merkle.root(leaves)
    for index in range(count):
        path = seals.inclusion(found, index)
        assert path == merkle.inclusion(leaves, index)
        merkle.verify_inclusion(index, count, leaves[index], path, found[-1].hashes)


def test_bad_rows_stand_at_their_place() -> None:
    good = seals.leaves_of(pa.table({"a": ["1", "3"]}))
    leaves = seals.place(good, pa.array([1, 3]), [Bad(2, '坏"行'), Bad(4, "\udcff")])
    assert len(leaves) == 4
    assert leaves[0] == merkle.leaf_hash(b'["1"]')
    assert leaves[1] == merkle.leaf_hash('{"raw":"坏\\"行"}'.encode())
    assert leaves[2] == merkle.leaf_hash(b'["3"]')
    assert leaves[3] == merkle.leaf_hash(b'{"raw":"\\udcff"}')


def test_rows_out_of_order_are_put_in_order() -> None:
    good = seals.leaves_of(pa.table({"a": ["2", "1"]}))
    leaves = seals.place(good, pa.array([2, 1]), [])
    assert leaves[0] == merkle.leaf_hash(b'["1"]')


@pytest.mark.parametrize("rows", [[1, 1], [1, 3], [0, 1]])
def test_ordinals_that_are_not_one_to_n_are_refused(rows: list[int]) -> None:
    with pytest.raises(IntegrityError):
        seals.place(bytes(64), pa.array(rows), [])


def test_an_empty_table_has_the_empty_root() -> None:
    leaves = seals.place(b"", pa.array(np.empty(0, np.int64)), [])
    assert seals.root(leaves) == merkle.EMPTY_ROOT


@settings(deadline=None)
@given(st.lists(cells, max_size=5))
def test_the_row_form_is_what_json_writes(row: list[str | None]) -> None:
    form = seals.canonical_row(row)
    assert json.loads(form) == row
    assert form == json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
