"""Tables of the lake."""

from pathlib import Path

import pyarrow as pa
import pytest

from chengyi.model.errors import NotFoundError, UsageError
from chengyi.store.tables import DuckTables, engine_version


@pytest.fixture
def tables(tmp_path: Path) -> DuckTables:
    return DuckTables(tmp_path / "lake")


def sorted_rows(tables: DuckTables, name: str, version: int | None = None) -> list[tuple[object, ...]]:
    rows = tables.arrow(tables.read(name, version)).to_pylist()
    return sorted(tuple(row.values()) for row in rows)


def test_each_write_is_a_version_and_old_ones_stay_readable(tables: DuckTables) -> None:
    first = tables.write("datasets/people", pa.table({"name": ["甲"], "_source": ["a"]}))
    second = tables.write("datasets/people", pa.table({"name": ["乙"], "_source": ["b"]}))
    assert tables.version("datasets/people") == second > first
    assert sorted_rows(tables, "datasets/people") == [("乙", "b"), ("甲", "a")]
    assert sorted_rows(tables, "datasets/people", first) == [("甲", "a")]


def test_replacing_one_source_leaves_the_others(tables: DuckTables) -> None:
    tables.write("t", pa.table({"_source": ["a", "b", "o'brien"], "x": [1, 2, 3]}))
    tables.write("t", pa.table({"_source": ["a"], "x": [9]}), replace=("_source", "a"))
    tables.write("t", pa.table({"_source": ["o'brien"], "x": [7]}), replace=("_source", "o'brien"))
    assert sorted_rows(tables, "t") == [("a", 9), ("b", 2), ("o'brien", 7)]


def test_replacing_in_an_absent_table_creates_it(tables: DuckTables) -> None:
    tables.write("t", pa.table({"_source": ["a"]}), replace=("_source", "a"))
    assert sorted_rows(tables, "t") == [("a",)]


def test_a_new_column_is_added_and_old_rows_have_null(tables: DuckTables) -> None:
    tables.write("t", pa.table({"x": [1]}))
    tables.write("t", pa.table({"x": [2], "新": ["y"]}))
    assert tables.arrow(tables.read("t").order_by("x")).to_pylist() == [{"x": 1, "新": None}, {"x": 2, "新": "y"}]


def test_overwrite_replaces_rows_and_columns(tables: DuckTables) -> None:
    tables.write("t", pa.table({"x": [1]}))
    tables.write("t", pa.table({"y": ["b"]}), "overwrite")
    assert tables.arrow(tables.read("t")).to_pylist() == [{"y": "b"}]


def test_a_stream_is_written_and_read_in_batches(tables: DuckTables) -> None:
    tables.write("t", pa.table({"x": pa.array(range(200_000))}))
    tables.write("copy", tables.batches(tables.read("t"), rows=10_000))
    reader = tables.batches(tables.read("copy"), rows=10_000)
    assert sum(batch.num_rows for batch in reader) == 200_000


def test_an_empty_table_keeps_its_columns(tables: DuckTables) -> None:
    tables.write("t", pa.table({"x": pa.array([], pa.int64()), "y": pa.array([], pa.string())}))
    empty = tables.arrow(tables.read("t"))
    assert empty.num_rows == 0
    assert empty.column_names == ["x", "y"]


def test_arrow_data_joins_with_the_lake(tables: DuckTables) -> None:
    tables.write("t", pa.table({"x": [1, 2], "name": ["甲", "乙"]}))
    keys = tables.view(pa.table({"x": [2]}))
    assert tables.arrow(keys.join(tables.read("t"), "x").select("name")).to_pylist() == [{"name": "乙"}]


def test_a_view_takes_a_stream_as_well(tables: DuckTables) -> None:
    reader = pa.table({"x": [1]}).to_reader()
    assert tables.arrow(tables.view(reader)).to_pylist() == [{"x": 1}]


def test_what_is_absent_is_not_found(tables: DuckTables) -> None:
    assert tables.version("nothing") is None
    with pytest.raises(NotFoundError):
        tables.read("nothing")
    tables.write("t", pa.table({"x": [1]}))
    with pytest.raises(NotFoundError):
        tables.read("t", 99)


def test_names_are_listed_and_dropping_twice_is_no_error(tables: DuckTables) -> None:
    tables.write("b/two", pa.table({"x": [1]}))
    tables.write("a", pa.table({"x": [1]}))
    assert tables.names() == ["a", "b/two"]
    tables.drop("a")
    tables.drop("a")
    assert tables.names() == ["b/two"]


@pytest.mark.parametrize("name", ["../x", "/x", "A", "a b", "", "数据"])
def test_a_table_never_leaves_the_lake(tables: DuckTables, name: str) -> None:
    with pytest.raises(UsageError):
        tables.write(name, pa.table({"x": [1]}))


def test_the_engine_names_its_version() -> None:
    assert engine_version().startswith("DuckDB ")
