import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chengyi.model.errors import BadInputError, NotFoundError
from chengyi.trust.marks import leakfiles
from chengyi.trust.marks.leakfiles import read_leak


def write(path: Path, raw: bytes) -> Path:
    path.write_bytes(raw)
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=200).map(lambda raw: b"PK\x03\x04" + raw),
        st.binary(max_size=200).map(lambda raw: b"PAR1" + raw),
    )
)
def test_no_bytes_break_the_reader(tmp_path: Path, raw: bytes) -> None:
    try:
        found = read_leak(write(tmp_path / "leak", raw))
    except BadInputError:
        return
    assert len({len(each) for each in found.values()}) <= 1


def test_ragged_rows_and_repeated_or_empty_headers_are_kept_apart(tmp_path: Path) -> None:
    found = read_leak(write(tmp_path / "leak.csv", b"a,a,\r\n1,2,3,4\r\n5\r\n"))
    assert found == {"a": ["1", "5"], "a#2": ["2", None], "#3": ["3", None]}


def test_a_file_beyond_its_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "leak.csv", b"a,b\r\n" + b"1,2\r\n" * 50)
    for name, bound in (("MOST_BYTES", 20), ("MOST_ROWS", 10), ("MOST_COLUMNS", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(leakfiles, name, bound)
            with pytest.raises(BadInputError):
                read_leak(path)
    with pytest.raises(NotFoundError):
        read_leak(tmp_path / "none.csv")


def test_a_workbook_that_unpacks_beyond_its_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(1 << 20))
    monkeypatch.setattr(leakfiles, "MOST_UNPACKED", 1 << 16)
    with pytest.raises(BadInputError):
        read_leak(path)


def test_a_formula_is_never_computed(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.active.append(["=1+1"])
    book.save(tmp_path / "leak.xlsx")
    assert list(read_leak(tmp_path / "leak.xlsx")["a"]) == [None]
