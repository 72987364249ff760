import csv
import io
import json
import sqlite3
from datetime import date
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from chengyi.district import carriers
from chengyi.district.table import cells

HEADER = ["姓名", "amount", "日期"]
COLUMNS = [cells(["王伟", None]), cells([12.5, 3]), cells(["2026年3月1日", 'a,b\n"c"'])]
texts = st.text(st.characters(codec="gb18030", exclude_categories=["Cs", "Cc"]), max_size=12)


@pytest.mark.parametrize(("encoding", "delimiter"), [("gb18030", ","), ("utf-8-sig", ","), ("utf-8", "\t")])
def test_delimited_text_reads_back(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    carriers.write_csv(path, HEADER, COLUMNS, encoding=encoding, delimiter=delimiter, end="\r\n")
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode(encoding), newline=""), delimiter=delimiter))
    assert rows == [HEADER, ["王伟", "12.5", "2026年3月1日"], ["", "3", 'a,b\n"c"']]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@example([(" ", "　甲 ")])
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=8))
def test_any_text_survives_a_workbook(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    path = tmp_path / "a.xlsx"
    filled = [(one or "x", other or "y") for one, other in rows]
    carriers.write_xlsx(path, "名册", ["甲", "乙"], [cells(row[0] for row in filled), cells(row[1] for row in filled)])
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("名册").to_python()
    assert sheet == [["甲", "乙"], *map(list, filled)]


def test_a_workbook_keeps_numbers_dates_and_gaps(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    columns = [cells(["<甲&乙>", None]), cells([12.5, 3]), cells([date(2026, 3, 1), None])]
    carriers.write_xlsx(path, "台账", HEADER, columns)
    sheet = openpyxl.load_workbook(path)["台账"]
    rows = [tuple(row) for row in sheet.iter_rows(values_only=True)]
    assert rows[0] == tuple(HEADER)
    assert rows[1][:2] == ("<甲&乙>", 12.5)
    assert rows[1][2].date() == date(2026, 3, 1)
    assert rows[2] == (None, 3, None)


def test_columns_beyond_z_have_two_letters(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    carriers.write_xlsx(path, "s", [f"c{n}" for n in range(30)], [cells([str(n)]) for n in range(30)])
    assert openpyxl.load_workbook(path).worksheets[0]["AD2"].value == "29"


def test_json_lines_keep_the_order_and_null(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    carriers.write_jsonl(path, HEADER, COLUMNS)
    lines = path.read_text("utf-8").splitlines()
    assert list(json.loads(lines[0])) == HEADER
    assert json.loads(lines[1])["姓名"] is None


def test_sqlite_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for _ in range(2):
        carriers.write_sqlite(path, "t", HEADER, COLUMNS)
    database = sqlite3.connect(path)
    assert database.execute("SELECT * FROM t").fetchall()[0] == ("王伟", 12.5, "2026年3月1日")
    assert database.execute("SELECT count(*) FROM t").fetchone() == (2,)
    database.close()


def test_parquet_is_typed(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    carriers.write_parquet(path, ["n", "d"], [cells([1, None]), cells([date(2026, 3, 1), None])])
    assert [str(kind) for kind in pq.read_schema(path).types] == ["int64", "date32[day]"]
