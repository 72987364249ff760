"""Item numbers: no gap, no repetition, whatever is rolled back."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chengyi.archive.rows  # noqa: F401 - declares the tables
from chengyi.archive.numbering import category_of, number, take, year_of
from chengyi.model.archival_code import CodeStyle, examine
from chengyi.model.codes import RecordClass, Retention
from chengyi.store.rows import Rows

WANTED = ("Y012", RecordClass.DATA, 2026, Retention.YEARS_30)


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    rows = Rows(f"sqlite:///{tmp_path}/node.db")
    rows.create_all()
    return rows


def test_the_year_is_that_of_china() -> None:
    assert year_of(datetime(2025, 12, 31, 15, 59, tzinfo=UTC)) == 2025
    assert year_of(datetime(2025, 12, 31, 16, 0, tzinfo=UTC)) == 2026


def test_a_category_is_class_year_retention_and_organisation() -> None:
    assert category_of(RecordClass.DOCUMENT, 2011, Retention.PERMANENT) == "WS·2011·Y"
    assert category_of(RecordClass.DOCUMENT, 2011, Retention.PERMANENT, "办公室") == "WS·2011·Y·办公室"


def test_numbers_follow_each_other_over_transactions(rows: Rows) -> None:
    with rows.begin() as connection:
        assert list(take(connection, "Y012", "SJ·2026·D30", 3)) == [1, 2, 3]
    with rows.begin() as connection:
        assert list(take(connection, "Y012", "SJ·2026·D30", 2)) == [4, 5]
        assert list(take(connection, "Y013", "SJ·2026·D30", 1)) == [1]


def test_a_transaction_that_fails_takes_no_number(rows: Rows) -> None:
    def fail() -> None:
        with rows.begin() as connection:
            take(connection, "Y012", "SJ·2026·D30", 5)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with rows.begin() as connection:
        assert list(take(connection, "Y012", "SJ·2026·D30", 1)) == [1]


def test_codes_come_in_the_order_wanted_and_in_either_style(rows: Rows) -> None:
    other = ("Y012", RecordClass.DATA, 2025, Retention.YEARS_30)
    with rows.begin() as connection:
        new = number(connection, [WANTED, other, WANTED], CodeStyle.DAT13)
        old = number(connection, [WANTED], CodeStyle.DAT22)
        none = number(connection, [], CodeStyle.DAT13)
    assert [str(code) for code in new] == [
        "Y012-SJ·2026·D30-0001",
        "Y012-SJ·2025·D30-0001",
        "Y012-SJ·2026·D30-0002",
    ]
    assert ([str(code) for code in old], none) == (["Y012-SJ·2026-D30-0003"], [])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=6))
def test_no_gap_and_no_repetition_whatever_is_rolled_back(steps: list[tuple[int, bool]]) -> None:
    rows = Rows("sqlite://")
    rows.create_all()
    given_codes: list[str] = []
    for count, fails in steps:
        try:
            with rows.begin() as connection:
                codes = number(connection, [WANTED] * count, CodeStyle.DAT13)
                if fails:
                    raise RuntimeError
        except RuntimeError:
            continue
        given_codes += map(str, codes)
    report = examine(given_codes)
    assert (report.gaps, report.duplicates, report.faults) == ((), (), ())
    rows.close()
