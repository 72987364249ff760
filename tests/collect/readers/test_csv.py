"""CSV: the fast and the exact path give the same answer, and every oddity is told by row."""

import csv as standard
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.collect.readers import RowBatch, csv_records, read_table
from chengyi.collect.readers.batch import MAX_CELL_BYTES, MAX_COLUMNS
from chengyi.collect.readers.csv import read_exact, read_fast
from chengyi.collect.sources import ReaderSettings
from chengyi.model.errors import BadInputError

UTF8 = ReaderSettings("csv")
GB = ReaderSettings("csv", encoding="gb18030")
CELL = st.text(st.sampled_from("aZ9 \"',;\n\r中龘𠮷é+\t|"), max_size=6)


def read(content: str | bytes, reader: ReaderSettings = UTF8) -> RowBatch:
    data = content.encode(reader.encoding) if isinstance(content, str) else content
    return read_table(data, reader, "1.csv", "civil")


def codes(batch: RowBatch) -> dict[int, str]:
    return {bad.row: bad.code for bad in batch.bad}


def same(one: RowBatch, other: RowBatch) -> bool:
    return one.table.equals(other.table) and list(one.rows) == list(other.rows) and one.bad == other.bad


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], str]:
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=6))
    return [[f"列{number}" for number in range(width)], *rows], draw(st.sampled_from(["\n", "\r\n"]))


@settings(deadline=None)
@given(
    tables(), st.sampled_from([UTF8, GB, ReaderSettings("csv", delimiter=";"), ReaderSettings("csv", "gb18030", "|")])
)
def test_what_a_writer_wrote_is_read_back_by_both_paths(
    written: tuple[list[list[str]], str], reader: ReaderSettings
) -> None:
    rows, end = written
    out = io.StringIO(newline="")
    standard.writer(out, delimiter=reader.delimiter, lineterminator=end, quoting=standard.QUOTE_ALL).writerows(rows)
    data = out.getvalue().encode(reader.encoding)
    exact = read_exact(data, reader, "f", "s")
    fast = read_fast(data, reader, "f", "s")
    assert exact.bad == []
    assert [list(row.values()) for row in exact.table.to_pylist()] == rows[1:]
    assert list(exact.rows) == list(range(1, len(rows)))
    assert fast is None or same(fast, exact)


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from('ab中,"\n\r\0é+E1'), max_size=40), st.sampled_from([UTF8, GB]))
def test_the_fast_path_never_disagrees_with_the_exact_one(body: str, reader: ReaderSettings) -> None:
    data = ("甲,乙\n" + body).encode(reader.encoding)
    exact = read_exact(data, reader, "f", "s")
    fast = read_fast(data, reader, "f", "s")
    assert fast is None or same(fast, exact)
    assert exact.total == len(exact.rows) + len(exact.bad)
    assert sorted([*exact.rows, *(bad.row for bad in exact.bad)]) == list(range(1, exact.total + 1))


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60), st.sampled_from([UTF8, GB]))
def test_promise_8_any_bytes_are_rows_or_a_clear_error(body: bytes, reader: ReaderSettings) -> None:
    try:
        batch = read("甲,乙\n".encode(reader.encoding) + body, reader)
    except BadInputError:
        return
    assert sorted([*batch.rows, *(bad.row for bad in batch.bad)]) == list(range(1, batch.total + 1))


def test_the_fast_path_is_taken_for_clean_files_with_and_without_quotes() -> None:
    for reader in (UTF8, GB):
        for text in ("姓名,号\n张三,1\n李四,\n", '"姓名","号"\r\n"张,三","1"\r\n"李""四","两\n行"\r\n'):
            data = text.encode(reader.encoding)
            fast = read_fast(data, reader, "f", "s")
            assert fast is not None
            assert same(fast, read_exact(data, reader, "f", "s"))


def test_an_empty_cell_is_null_and_a_quoted_one_is_empty_text() -> None:
    assert read('a,b,c\n,"",x\n').table.to_pylist() == [{"a": None, "b": "", "c": "x"}]


@pytest.mark.parametrize("reader", [UTF8, GB])
def test_promise_8_ragged_rows_are_set_aside_and_the_others_go_on(reader: ReaderSettings) -> None:
    batch = read("姓名,乙\n张,2\n李\n王,2,3\n赵,4\n", reader)
    assert batch.table.column("姓名").to_pylist() == ["张", "赵"]
    assert list(batch.rows) == [1, 4]
    assert [(bad.row, bad.raw, bad.code) for bad in batch.bad] == [
        (2, "李", "missing_cells"),
        (3, "王,2,3", "extra_cells"),
    ]
    assert all(bad.reason.zh and bad.reason.en for bad in batch.bad)


def test_rows_are_counted_by_records_not_lines() -> None:
    batch = read('a,b\n"1\n1",2\nx\n"3\r\n3","4"\n')
    assert list(batch.rows) == [1, 3]
    assert batch.table.to_pylist()[1] == {"a": "3\r\n3", "b": "4"}
    assert codes(batch) == {2: "missing_cells"}


def test_blank_lines_count_except_after_the_last_record() -> None:
    batch = read("a,b\n1,2\n\n3,4\n\n\n")
    assert (list(batch.rows), codes(batch)) == ([1, 3], {2: "blank_row"})
    assert codes(read("a\n1\n\n2\n")) == {2: "blank_row"}
    assert read("a,b\n\n\n").total == 0


@pytest.mark.parametrize("text", ["a,b\r1,2\r3,4\r", "a,b\r\n1,2\n3,4\r"])
def test_old_and_mixed_line_ends_are_line_ends(text: str) -> None:
    assert read(text).table.to_pylist() == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_nul_bytes_spoil_only_their_row() -> None:
    batch = read("a,b\n1,2\n3\0,4\n5,6\n")
    assert (list(batch.rows), codes(batch)) == ([1, 3], {2: "nul_byte"})


def test_bytes_outside_the_encoding_spoil_only_their_row() -> None:
    utf8 = read("姓名,b\n张,2\n".encode() + b"\xff\xfe,4\n" + "王,6\n".encode())
    assert (list(utf8.rows), codes(utf8), utf8.bad[0].raw) == ([1, 3], {2: "bad_encoding"}, "\\xff\\xfe,4")
    gb = read("姓名,b\n张,2\n".encode("gb18030") + b"\xff,4\n" + "王,6\n".encode("gb18030"), GB)
    assert (list(gb.rows), codes(gb), gb.bad[0].raw) == ([1, 3], {2: "bad_encoding"}, "\\xff,4")
    assert gb.table.column("姓名").to_pylist() == ["张", "王"]


def test_a_bad_quote_spoils_only_its_line() -> None:
    batch = read('a,b\n"x"y,2\n3,4\n"5,6\n7,8\n')
    assert (list(batch.rows), codes(batch)) == ([2, 4], {1: "bad_quote", 3: "unclosed_quote"})
    assert batch.bad[1].raw == '"5,6'


def test_many_unclosed_quotes_stay_cheap_and_exact() -> None:
    batch = read("a,b\n" + '"x"",1\n' * 200)
    assert batch.total == 200
    assert set(codes(batch).values()) <= {"unclosed_quote", "bad_quote"}


def test_a_quote_inside_an_unquoted_cell_is_a_character() -> None:
    assert read('a,b\n5" pipe,2\n').table.to_pylist() == [{"a": '5" pipe', "b": "2"}]


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_ten_megabyte_cell_spoils_only_its_row(quote: str) -> None:
    batch = read(f"a,b\n1,2\n{quote}{'x' * 10_000_000}{quote},4\n5,6\n")
    assert (list(batch.rows), codes(batch)) == ([1, 3], {2: "cell_too_big"})
    assert len(batch.bad[0].raw) >= 10_000_000


def test_a_cell_of_just_the_bound_is_good() -> None:
    assert read(f"a,b\n{'x' * MAX_CELL_BYTES},4\n").bad == []


def test_totals_are_no_data() -> None:
    batch = read("街道,户数,金额\n东街,1,2\n合计,,2\n,总计：,3\n")
    assert (list(batch.rows), codes(batch)) == ([1], {2: "totals_row", 3: "totals_row"})
    assert read("词,义\n合计,总数\n").bad == []


def test_a_rounded_identifier_is_flagged() -> None:
    batch = read("号,名\n3.4E+17,张\n110101199001011234,李\n1.5E+3,王\n+86,赵\n")
    assert (list(batch.rows), codes(batch)) == ([2, 3, 4], {1: "id_lost_precision"})


def test_a_truncated_file_keeps_its_whole_rows() -> None:
    batch = read("a,b,c\n1,2,3\n4,5")
    assert (list(batch.rows), codes(batch)) == ([1], {2: "truncated"})


@pytest.mark.parametrize(
    ("data", "reader", "why"),
    [
        (b"", UTF8, "empty"),
        (b" \n", UTF8, "empty"),
        (b"<html><table><tr><td>x</td></tr></table></html>", UTF8, "HTML"),
        (b"\xef\xbb\xbf<!DOCTYPE html>", UTF8, "HTML"),
        (b"PK\x03\x04....", UTF8, "XLSX"),
        (b"\xd0\xcf\x11\xe0....", UTF8, "XLS"),
        ("姓名,号\n".encode("gb18030") + b"1,2\n", UTF8, "header"),
        ("a,b\n" + "张三,李四\n" * 5, GB, "UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), UTF8, "UTF-16"),
        (b"a,b\n" + "张,李\n".encode("gb18030") * 9, UTF8, "not utf-8"),
        (b"a,b,a\n1,2,3\n", UTF8, "twice"),
        (b",,\n1,2,3\n", UTF8, "no header"),
        (b",".join(b"c%d" % number for number in range(MAX_COLUMNS + 1)) + b"\n", UTF8, "too many"),
        (b"a\n1", ReaderSettings("csv", header=9), "no header"),
        (b"a\0\0", ReaderSettings("csv", encoding="utf-16"), "utf-16"),
        (b"a\0\0\0", ReaderSettings("csv", encoding="utf-16"), "NUL"),
    ],
)
def test_what_cannot_be_read_at_all_is_refused_with_file_and_reason(
    data: bytes | str, reader: ReaderSettings, why: str
) -> None:
    with pytest.raises(BadInputError, match=why) as caught:
        read(data.encode() if isinstance(data, str) else data, reader)
    assert caught.value.facts["file"] == "1.csv"
    assert caught.value.facts["source"] == "civil"


@pytest.mark.parametrize(
    "data",
    ["姓名,号\n".encode("gb18030") + b"1,2\n", b"a,b\n" + "张,李\n".encode("gb18030") * 9],
)
def test_text_that_reads_as_gb18030_is_refused_with_what_to_declare(data: bytes) -> None:
    with pytest.raises(BadInputError, match='encoding = "gb18030"'):
        read(data, UTF8)


@pytest.mark.parametrize("data", ["姓名,號\n".encode("big5") + b"1,2\n", b"\xff\xfe\xfd,b\n1,2\n", b"\x80,b\n1,2\n"])
def test_other_text_is_refused_without_a_guess(data: bytes) -> None:
    with pytest.raises(BadInputError) as caught:
        read(data, UTF8)
    assert "18030" not in str(caught.value)


def test_a_doubled_column_is_named() -> None:
    with pytest.raises(BadInputError) as caught:
        read("身份证号,姓名,姓名\n")
    assert caught.value.facts["field"] == "姓名"


def test_marks_header_lines_and_nameless_columns() -> None:
    assert read(b"\xef\xbb\xbfa,b\n1,2\n").columns == ("a", "b")
    assert read("名册,,\n2026 年,,\n a , ,c\n1,2,3\n", ReaderSettings("csv", header=3)).columns == ("a", "_2", "c")
    assert read('"a ""x""","b\nb"\n1,2\n').columns == ('a "x"', "b\nb")


def test_other_encodings_and_delimiters() -> None:
    assert read("a\tb\n1\t\n", ReaderSettings("csv", delimiter="\t")).table.to_pylist() == [{"a": "1", "b": None}]
    utf16 = read("甲|乙\n张|1\n".encode("utf-16"), ReaderSettings("csv", "utf-16", "|"))
    assert utf16.table.to_pylist() == [{"甲": "张", "乙": "1"}]


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from('ab中,"\n\r\0'), max_size=40), st.integers(1, 9))
def test_the_exact_path_does_not_depend_on_its_stretches(body: str, stretch: int) -> None:
    data = ("甲,乙\n" + body).encode()
    whole = read_exact(data, UTF8, "f", "s")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "STRETCH", stretch)
        assert same(read_exact(data, UTF8, "f", "s"), whole)
