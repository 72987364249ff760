from datetime import UTC, datetime

import pytest

from chengyi.integrate.rules import FAULTS, FAULTS_OF, event_text, preferred, reason, strictest, veiled
from chengyi.model.codes import Sensitivity, SharingClass

EARLY, LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "ranks", "wanted"),
    [
        ([EARLY, LATE], [0, 1], 1),
        ([LATE, LATE], [1, 0], 1),
        ([LATE, LATE], [0, 0], 0),
        ([None, EARLY], [0, 9], 1),
        ([None, None], [2, 1], 1),
    ],
)
def test_the_latest_event_then_the_first_source_is_preferred(
    times: list[datetime | None], ranks: list[int], wanted: int
) -> None:
    assert preferred(times, ranks) == wanted


def test_every_fault_of_every_type_has_a_reason_in_both_languages() -> None:
    for code in (code for codes in FAULTS_OF.values() for code in codes):
        said = reason(code, "列")
        assert said.zh.startswith("“列”")
        assert said.en.startswith("“列” ")
    assert all(text.zh and text.en for text in FAULTS.values())


def test_a_soft_fault_says_that_the_row_went_on() -> None:
    assert reason("date", "列", set_aside="value").zh == "“列”不是有效日期；该值未采用，其余字段已入库"
    assert reason("missing_column", "", other="姓名").zh == "缺少必需的列“姓名”，整批暂存"


@pytest.mark.parametrize(
    ("value", "sensitivity", "wanted"),
    [
        ("990106196207206357", Sensitivity.SENSITIVE, "990************357"),
        ("13800001234", Sensitivity.SENSITIVE, "138*****234"),
        ("张伟明", Sensitivity.PERSONAL, "张*明"),
        ("张伟", Sensitivity.PERSONAL, "**"),
        ("2023-02-30", Sensitivity.INTERNAL, "2023-02-30"),
        ("", Sensitivity.SENSITIVE, ""),
    ],
)
def test_no_whole_number_goes_into_the_row_store(value: str, sensitivity: Sensitivity, wanted: str) -> None:
    assert veiled(value, sensitivity) == wanted


def test_long_values_are_cut() -> None:
    assert len(veiled("x" * 1000, Sensitivity.PUBLIC)) == 200
    assert len(veiled("x" * 1000, Sensitivity.SENSITIVE)) == 46


def test_the_strictest_class_wins() -> None:
    assert (
        strictest([SharingClass.UNCONDITIONAL, SharingClass.WITHHELD, SharingClass.CONDITIONAL])
        is SharingClass.WITHHELD
    )


def test_events_are_told_in_both_languages() -> None:
    for event in ("merge", "split", "retire"):
        said = event_text(event, "dos-1", "dos-2", 3)
        assert "dos-1" in said.zh
        assert "dos-1" in said.en
