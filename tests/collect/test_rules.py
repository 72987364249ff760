"""What collection decides, without any storage."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.collect.rules import (
    MAX_DEPTH,
    MAX_NAME_BYTES,
    Judgement,
    Known,
    completeness,
    is_unfinished,
    judge,
    media_type,
    name_fault,
    safe_path,
)
from chengyi.model.submission import SubmissionState

KEPT, ASIDE = SubmissionState.ARCHIVED, SubmissionState.QUARANTINED


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../../b", "/etc/passwd", "\\\\host\\a", "C:\\a", "c:a", "a\x00b", "a\nb", "a\u202eb", "a\u2066b", "",
     ".", "./", "a\u200bb", "/".join("a" * (MAX_DEPTH + 1)), "字" * MAX_NAME_BYTES, "..\\a", "\udc80"],
)  # fmt: skip
def test_names_that_are_not_acceptable(name: str) -> None:
    assert name_fault(name) is not None


@pytest.mark.parametrize("name", ["a.txt", "2026/01/报告 (终).pdf", "a..b", "...", "./a", "a//b", "é"])
def test_names_that_are(name: str) -> None:
    assert name_fault(name) is None


@given(st.text())
def test_any_name_becomes_a_harmless_path(name: str) -> None:
    path = safe_path(name)
    assert name_fault(path) is None
    assert safe_path(path) == path


@given(st.from_regex(r"[\w ()-]{1,20}(/[\w ()-]{1,20}){0,3}", fullmatch=True))
def test_an_acceptable_name_only_becomes_nfc(name: str) -> None:
    assert safe_path(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("history", "digest", "changed", "expected"),
    [
        ([], "a", "quarantine", Judgement.NEW),
        ([("a", KEPT)], "a", "quarantine", Judgement.UNCHANGED),
        ([("a", KEPT)], "b", "quarantine", Judgement.CONFLICT),
        ([("a", KEPT)], "b", "version", Judgement.VERSION),
        ([("a", KEPT), ("b", ASIDE)], "b", "version", Judgement.UNCHANGED),
        ([("a", KEPT), ("b", ASIDE)], "a", "quarantine", Judgement.UNCHANGED),
        ([("a", KEPT), ("b", ASIDE)], "c", "quarantine", Judgement.CONFLICT),
        ([("a", KEPT), ("b", KEPT)], "a", "version", Judgement.VERSION),
        ([("a", ASIDE)], "b", "quarantine", Judgement.NEW),
    ],
)
def test_a_delivery_is_judged_by_its_history(
    history: list[tuple[str, SubmissionState]], digest: str, changed: str, expected: Judgement
) -> None:
    known = [Known(f"sub-{number}", each, state) for number, (each, state) in enumerate(history)]
    assert judge(known, digest, changed)[0] is expected


def test_a_version_names_the_last_accepted_one() -> None:
    known = [Known("1", "a", KEPT), Known("2", "b", KEPT), Known("3", "c", ASIDE)]
    prior = judge(known, "d", "version")[1]
    assert prior is not None
    assert prior.id == "2"


def test_promise_6_completeness_by_number_sequence_and_name() -> None:
    assert completeness(["a"]).ratio is None
    assert completeness(["a"], deliveries=3).missing == ("第 2 份 (delivery 2)", "第 3 份 (delivery 3)")
    assert completeness(["a", "b"], deliveries=1).missing == ()
    found = completeness(["2026/a.pdf", "x"], sequences=["x", "y"], names=["a.pdf", "b.pdf"])
    assert (found.expected, found.received, found.missing) == (4, 2, ("y", "b.pdf"))
    assert found.ratio == 0.5


def test_media_types_and_unfinished_names() -> None:
    assert media_type("A.CSV") == "text/csv"
    assert media_type("README") == media_type("a.unknown") == "application/octet-stream"
    assert is_unfinished(".a")
    assert is_unfinished("~$a.xlsx")
    assert is_unfinished("a.PART")
    assert not is_unfinished("a.csv")
