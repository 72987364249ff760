"""Archival codes: examples from the standards' notes, round trips, gaps and duplicates."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.archival_code import (
    ArchivalCode,
    ArchivalCodeError,
    CodeStyle,
    Duplicate,
    Gap,
    compose,
    examine,
    is_fonds,
    parse,
)
from chengyi.model.codes import RecordClass, Retention

EXAMPLES = [
    "Z109-WS·2011·Y·办公室-0001",
    "A439-WS·2015·D30·003-005",
    "C015-WY·TZGG·2019·D10-00001",
    "J019-ZY·JC·CC·2019·D30-001-001",
    "K021-ZP·2019·D30-025-005",
    "X032-KJ·KY·01-003",
    "C038-001-002-003",
    "Z109-WS·2011-Y-BGS-0001",
    "Z109-WS·2011-D30-0001",
]

units = st.sampled_from(["", "BGS", "办公室", "民政局"])
codes = st.builds(
    compose,
    fonds=st.from_regex(r"\A[A-Z][0-9]{3}\Z"),
    record_class=st.sampled_from(RecordClass),
    year=st.integers(1900, 2100),
    retention=st.sampled_from(Retention),
    number=st.integers(1, 99_999_999),
    unit=units,
    style=st.sampled_from(CodeStyle),
)


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_of_the_standards_round_trip(text: str) -> None:
    assert str(parse(text)) == text


def test_parts_of_the_new_style() -> None:
    code = parse("Z109-WS·2011·Y·办公室-0001")
    assert code == ArchivalCode("Z109", ("WS", "2011", "Y", "办公室"), ("0001",))
    assert (code.record_class, code.year, code.retention) == (RecordClass.DOCUMENT, 2011, Retention.PERMANENT)
    assert (code.series, code.number) == ("Z109-WS·2011·Y·办公室", 1)


def test_parts_of_the_field_style() -> None:
    code = parse("Z109-WS·2011-Y-BGS-0001")
    assert code == ArchivalCode("Z109", ("WS", "2011", "Y", "BGS"), ("0001",), CodeStyle.DAT22)
    assert (code.series, code.year) == ("Z109-WS·2011-Y-BGS", 2011)


def test_parts_of_a_catalogue_number() -> None:
    code = parse("C038-001-002-003")
    assert (code.category, code.numbers) == (("001",), ("002", "003"))
    assert (code.record_class, code.year, code.retention) == (None, None, None)


def test_variants_of_dot_and_hyphen_are_understood() -> None:
    assert str(parse(" Z109－WS•2011・Y—0001 ")) == "Z109-WS·2011·Y-0001"


@settings(deadline=None)
@given(codes)
def test_what_is_composed_can_be_parsed(code: ArchivalCode) -> None:
    assert parse(str(code)) == code


@settings(deadline=None)
@given(st.text(alphabet="ZA019-·YD3WS办公室 ", max_size=24))
def test_what_can_be_parsed_is_stable(text: str) -> None:
    with suppress(ArchivalCodeError):
        code = parse(text)
        assert parse(str(code)) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z109",
        "Z109-0001",
        "Z10-WS·2011·Y-0001",
        "z109-WS·2011·Y-0001",
        "Z109-ws·2011·Y-0001",
        "Z109-WS··Y-0001",
        "Z109-WS·2011·Y-",
        "Z109-WS·2011·Y-00A1",
        "Z109-WS·2011·Y-1-2-3-4",
        "Z109-WS·2011·Y-123456789",
        "Z109-WS·2011-Y-BGS-XX-0001",
        "Z109-WS·2011·Y·../etc-0001",
    ],
)
def test_malformed_codes_are_refused(text: str) -> None:
    with pytest.raises(ArchivalCodeError) as caught:
        parse(text)
    assert "不合规范" in caught.value.message("zh")


def test_the_field_style_needs_a_retention() -> None:
    with pytest.raises(ArchivalCodeError, match="retention"):
        ArchivalCode("Z109", ("WS", "2011"), ("0001",), CodeStyle.DAT22)


@pytest.mark.parametrize(("text", "good"), [("X013", True), ("X13", False), ("013X", False), ("X0133", False)])
def test_fonds_numbers(text: str, good: bool) -> None:
    assert is_fonds(text) is good


def test_gaps_duplicates_and_faults_are_reported_by_series() -> None:
    report = examine(
        [
            "Z109-WS·2011·Y-0002",
            "Z109-WS·2011·Y-0005",
            "Z109-WS·2011·Y-005",
            "Z109-WS·2012·Y-0001",
            "nonsense",
        ]
    )
    assert report.gaps == (Gap("Z109-WS·2011·Y", 1, 1), Gap("Z109-WS·2011·Y", 3, 4))
    assert report.duplicates == (Duplicate("Z109-WS·2011·Y", 5, 2),)
    assert [text for text, _ in report.faults] == ["nonsense"]
    assert report.conforming == 4


@settings(deadline=None)
@given(st.sets(st.integers(1, 60)), st.lists(st.integers(1, 60), max_size=5))
def test_gaps_are_exactly_what_is_missing(numbers: set[int], again: list[int]) -> None:
    given_numbers = [*numbers, *again]
    report = examine(f"A001-SJ·2026·D30-{number:04d}" for number in given_numbers)
    missing = {number for gap in report.gaps for number in range(gap.first, gap.last + 1)}
    assert missing == set(range(1, max(given_numbers, default=0))) - set(given_numbers)
    assert {each.number for each in report.duplicates} == {n for n in given_numbers if given_numbers.count(n) > 1}
