"""XLSX, JSON lines, SQLite, Parquet and captured rows: exact text, bad rows by number, clear refusals."""

import io
import json
import sqlite3
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from chengyi.collect.readers import RowBatch, read_table, xlsx
from chengyi.collect.readers import parquet as parquet_reader
from chengyi.collect.readers.batch import MAX_CELL_BYTES
from chengyi.collect.readers.cells import cell_text, float_text
from chengyi.collect.sources import ReaderSettings
from chengyi.model.errors import BadInputError


def read(data: bytes, format: str, **more: str | int) -> RowBatch:
    return read_table(data, ReaderSettings(format, **more), "file", "civil")  # type: ignore[arg-type]


def codes(batch: RowBatch) -> dict[int, str]:
    return {bad.row: bad.code for bad in batch.bad}


def workbook(*rows: Sequence[object], title: str = "Sheet") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def database(path: Path, *statements: str) -> bytes:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path.read_bytes()


def parquet_file(**columns: object) -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out)
    return out.getvalue()


# --- XLSX


def test_typed_cells_of_a_workbook_become_text() -> None:
    row = (12, 12.5, date(2023, 2, 1), datetime(2023, 2, 1, 8, 30), time(8, 30), True, "文", None, 123456789012345)  # noqa: DTZ001
    batch = read(workbook([f"c{number}" for number in range(9)], row), "xlsx")
    assert list(batch.table.to_pylist()[0].values()) == [
        "12", "12.5", "2023-02-01", "2023-02-01T08:30:00", "08:30:00", "TRUE", "文", None, "123456789012345",
    ]  # fmt: skip


def test_a_long_number_in_a_workbook_has_lost_its_digits() -> None:
    batch = read(workbook(["号", "名"], [110101199001011234, "张"], ["110101199001011234", "李"]), "xlsx")
    assert (list(batch.rows), codes(batch)) == ([2], {1: "id_lost_precision"})


def test_blank_totals_and_extra_cells_of_a_workbook() -> None:
    rows: list[list[object]] = [["名", "数"], ["张", 1], [None, None], ["合计", None], ["李", 2, "多"], ["王", None]]
    batch = read(workbook(*rows), "xlsx")
    assert batch.table.column("名").to_pylist() == ["张", "王"]
    assert (list(batch.rows), codes(batch)) == ([1, 5], {2: "blank_row", 3: "totals_row", 4: "extra_cells"})


def test_a_formula_error_spoils_its_row() -> None:
    book = openpyxl.Workbook()
    book.active.append(["名", "数"])
    book.active.append(["张", 1])
    book.active.append(["李", "#DIV/0!"])
    book.active["B3"].data_type = "e"
    out = io.BytesIO()
    book.save(out)
    batch = read(out.getvalue(), "xlsx")
    assert (list(batch.rows), codes(batch)) == ([1], {2: "error_cell"})


def test_sheet_and_header_line_are_found() -> None:
    data = workbook(["二○二六年名册"], ["名", None, "数"], ["张", "x", 1], title="名册")
    batch = read(data, "xlsx", sheet="名册", header=2)
    assert batch.columns == ("名", "_2", "数")
    with pytest.raises(BadInputError, match="sheet of that name"):
        read(data, "xlsx", sheet="无")
    with pytest.raises(BadInputError, match="no header"):
        read(data, "xlsx", header=99)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"<html><body><table>", "HTML"),
        (b"a,b\n1,2\n", "not XLSX"),
        (workbook(["a"], [1])[:-100], "damaged"),
        (workbook(["a", "a"], [1, 2]), "twice"),
        (workbook([None, None], [None, 1]), "no header"),
        (b"\xd0\xcf\x11\xe0 rubbish", "damaged"),
    ],
)
def test_what_is_no_workbook_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(BadInputError, match=why):
        read(data, "xlsx")


def test_a_zip_without_a_workbook_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(BadInputError, match="damaged"):
        read(out.getvalue(), "xlsx")


def test_a_workbook_that_unfolds_beyond_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = workbook(["a"], [1])
    monkeypatch.setattr(xlsx, "MAX_UNFOLDED", 100)
    with pytest.raises(BadInputError, match="unfolds"):
        read(data, "xlsx")
    monkeypatch.setattr(xlsx, "MAX_UNFOLDED", 1 << 20)
    assert read(data, "xlsx").total == 1


def test_a_large_cell_and_a_wrong_character_in_a_workbook() -> None:
    assert xlsx._fault(["x" * (MAX_CELL_BYTES + 1)], 1) == "cell_too_big"
    assert xlsx._fault(["a\0"], 1) == "nul_byte"


# --- JSON lines


def test_json_lines_keep_digits_and_unite_keys() -> None:
    lines = b'{"a":1.50,"b":true}\n{"b":null,"c":[1,{"z":"x"}]}\r\n{"a":123456789012345678901234}\n\n'
    batch = read(lines, "jsonl")
    assert batch.table.to_pylist() == [
        {"a": "1.50", "b": "true", "c": None},
        {"a": None, "b": None, "c": '["1",{"z":"x"}]'},
        {"a": "123456789012345678901234", "b": None, "c": None},
    ]


def test_promise_8_bad_json_lines_are_set_aside() -> None:
    long = json.dumps({"a": "x" * (MAX_CELL_BYTES + 1)}).encode()
    lines = [
        b'{"a":1}', b"{}", b'{"a":1,"a":2}', b"[1]", b'{"a":NaN}', b'{"a":"\\ud800"}', b'{"a":"\\u0000"}',
        b'{"a":"\xff"}',
        b'{"a":\0}', long, b'{"a":"3.4E+17"}', b'{"a":2}', b'{"a":',
    ]  # fmt: skip
    batch = read(b"\n".join(lines), "jsonl")
    assert list(batch.rows) == [1, 12]
    assert codes(batch) == {
        2: "blank_row", 3: "duplicate_key", 4: "bad_json", 5: "bad_json", 6: "bad_encoding", 7: "nul_byte",
        8: "bad_encoding", 9: "nul_byte", 10: "cell_too_big", 11: "id_lost_precision", 13: "truncated",
    }  # fmt: skip
    assert batch.bad[-1].raw == '{"a":'


def test_too_many_keys_spoil_their_line() -> None:
    wide = json.dumps({f"k{number}": 1 for number in range(5000)}).encode()
    assert codes(read(b'{"a":1}\n' + wide, "jsonl")) == {2: "too_many_columns"}


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"", "empty"), (b"<html>", "HTML"), (b"a,b\n1,2\n", "no line"), (b'[{"a":1}]', "no line"),
     ('{"姓名":"张"}\n'.encode("gb18030") * 3, "not utf-8")],
)  # fmt: skip
def test_what_is_no_json_lines_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(BadInputError, match=why):
        read(data, "jsonl")


def test_json_lines_in_another_encoding() -> None:
    assert read('{"姓名":"张"}\n'.encode("gb18030"), "jsonl", encoding="gb18030").columns == ("姓名",)


@settings(deadline=None)
@given(
    st.lists(
        st.dictionaries(st.text("ab中", min_size=1, max_size=2), st.text("xé字 ", max_size=3), min_size=1), max_size=5
    )
)
def test_any_json_lines_are_read_back(rows: list[dict[str, str]]) -> None:
    data = b"\n".join(json.dumps(row, ensure_ascii=False).encode() for row in rows)
    if not data:
        return
    found = [
        {name: cell for name, cell in row.items() if cell is not None} for row in read(data, "jsonl").table.to_pylist()
    ]
    assert found == rows


# --- SQLite


def test_a_table_of_a_database_file_is_read_in_its_order(tmp_path: Path) -> None:
    data = database(
        tmp_path / "a.db",
        "pragma journal_mode=wal",
        "create table 住房(id, 面积 real, note)",
        "insert into 住房 values (2, 1.0, 'b'), (1, 2.5, null), (9007199254740993, 3.4e17, 'c'), (3, 1, x'ff'), "
        "(4, 1, 'a' || char(0) || 'b')",
        f"insert into 住房 values (5, 1, zeroblob({MAX_CELL_BYTES + 1}))",
    )
    batch = read(data, "sqlite")
    assert batch.table.to_pylist() == [
        {"id": "2", "面积": "1", "note": "b"},
        {"id": "1", "面积": "2.5", "note": None},
    ]
    assert codes(batch) == {3: "id_lost_precision", 4: "bad_encoding", 5: "nul_byte", 6: "cell_too_big"}


def test_only_a_real_table_is_read(tmp_path: Path) -> None:
    data = database(
        tmp_path / "a.db",
        "create table a(x)", "create view v as select * from a", "create virtual table f using fts5(x)",
        "create table w(k primary key, x) without rowid", "insert into w values (1, 'y')",
    )  # fmt: skip
    assert read(data, "sqlite", table="w").table.to_pylist() == [{"k": "1", "x": "y"}]
    for name in ("v", "f", "absent", ""):
        with pytest.raises(BadInputError, match="no such table"):
            read(data, "sqlite", table=name)


def test_promise_8_a_damaged_database_gives_the_rows_before_the_damage(tmp_path: Path) -> None:
    rows = ", ".join(f"('{number:0200d}')" for number in range(2000))
    data = database(tmp_path / "a.db", "create table a(x)", f"insert into a values {rows}")
    try:
        batch = read(data[: len(data) // 2], "sqlite")
    except BadInputError:
        return
    assert codes(batch) == {len(batch.rows) + 1: "truncated"}


def test_what_is_no_database_is_refused() -> None:
    for data, why in ((b"hello", "not SQLite"), (b"SQLite format 3\0" + b"x" * 4000, "damaged")):
        with pytest.raises(BadInputError, match=why):
            read(data, "sqlite")


# --- Parquet


def test_typed_columns_of_parquet_become_text() -> None:
    batch = read(
        parquet_file(
            i=pa.array([1, None]),
            d=pa.array([date(2023, 2, 1)] * 2),
            t=pa.array([datetime(2023, 2, 1, 8, 30)] * 2),  # noqa: DTZ001
            f=pa.array([1.0, 0.1]),
            n=pa.array([Decimal("1.50"), None]),
            b=pa.array([True, False]),
            s=pa.array(["文", None]).dictionary_encode(),
            w=pa.array(["x", "y"], pa.large_string()),
            l=pa.array([[1], None]),
            y=pa.array([b"x", b"y"]),
        ),
        "parquet",
    )
    first, second = batch.table.to_pylist()
    assert list(first.values()) == [
        "1",
        "2023-02-01",
        "2023-02-01T08:30:00",
        "1",
        "1.50",
        "true",
        "文",
        "x",
        "[1]",
        "x",
    ]
    assert second["f"] == "0.1"
    assert second["i"] is None
    assert {field.type for field in batch.table.schema} == {pa.string()}


def test_bad_rows_of_parquet_are_set_aside() -> None:
    data = parquet_file(
        a=pa.array([b"ok", b"\xff", b"x", b"y"]),
        b=["1", "2", "x\0", "z" * (MAX_CELL_BYTES + 1)],
        c=[1.0, 2.0, 3.0, 4.0],
    )
    batch = read(data, "parquet")
    assert (list(batch.rows), codes(batch)) == ([1], {2: "binary_cell", 3: "nul_byte", 4: "cell_too_big"})
    assert codes(read(parquet_file(c=[1.0, 3.4e17]), "parquet")) == {2: "id_lost_precision"}


def test_what_is_no_parquet_or_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = parquet_file(a=["x"] * 100)
    for wrong, why in ((b"hello", "not Parquet"), (data[:-10], "damaged")):
        with pytest.raises(BadInputError, match=why):
            read(wrong, "parquet")
    monkeypatch.setattr(parquet_reader, "MAX_CELLS", 10)
    with pytest.raises(BadInputError, match="unfolds"):
        read(data, "parquet")


# --- captured rows


def test_captured_rows_are_read_and_any_damage_refused() -> None:
    batch = read(b'["a","b"]\n["1",null]\n["2",""]\n["\\u0000","x"]\n["3.4E+17","y"]\n', "rows")
    assert batch.table.to_pylist() == [{"a": "1", "b": None}, {"a": "2", "b": ""}]
    assert codes(batch) == {3: "nul_byte", 4: "id_lost_precision"}
    big = json.dumps(["x" * (MAX_CELL_BYTES + 1), None]).encode()
    assert codes(read(b'["a","b"]\n' + big + b"\n", "rows")) == {1: "cell_too_big"}
    for wrong in (b"", b'["a"]', b'["a"]\n["1","2"]\n', b'["a"]\n["1"', b'{"a":1}\n', b"5\n"):
        with pytest.raises(BadInputError):
            read(wrong, "rows")


# --- cells


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None), ("x", "x"), (True, "true"), (5, "5"), (Decimal("1E+2"), "100"), (timedelta(hours=30), "30:00:00"),
        (date(2023, 1, 2), "2023-01-02"), (datetime(2023, 1, 2), "2023-01-02"), ([1.5, None], '["1.5",null]'),  # noqa: DTZ001
        ({"b": 1, "a": True}, '{"a":true,"b":1}'),
    ],
)  # fmt: skip
def test_the_text_of_a_cell(value: object, text: str | None) -> None:
    assert cell_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-(2.0**52), max_value=2.0**52))
def test_a_float_keeps_its_value_without_exponent(value: float) -> None:
    assert float(float_text(value)) == value
    assert "e" not in float_text(value).lower()


@pytest.mark.parametrize(("value", "text"), [(3.4e17, "3.4E+17"), (1e16, "1E+16"), (2.0**53, "9.007199254740992E+15")])
def test_a_float_beyond_exactness_shows_it(value: float, text: str) -> None:
    assert float_text(value) == text
