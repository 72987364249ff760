"""The four-property checks: each item can pass, and each can fail; nothing is passed that was not judged."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chengyi.archive import judgements, rules
from chengyi.archive.facts import Facts, FileFacts, Reading, ReadState
from chengyi.archive.formats import Format
from chengyi.model.package import Check, Property, Verdict
from chengyi.model.submission import Component
from chengyi.model.text import Text

FILE = FileFacts(
    Component("docs/通知.txt", 6, "a" * 64, "text/plain", "obj-1"),
    "a" * 64,
    "b" * 128,
    6,
    Format("text", "text"),
    Reading(ReadState.READ, Text("按 utf-8 解码", "decoded as utf-8")),
)
GOOD = Facts(
    title="关于低保的通知",
    fonds="Y012",
    record_class="WS",
    retention="D30",
    sharing="conditional",
    department="区民政局",
    event_time=datetime(2026, 1, 1, tzinfo=UTC),
    captured_at=datetime(2026, 1, 2, tzinfo=UTC),
    digest="c" * 64,
    computed="c" * 64,
    files=(FILE,),
    metadata={"sequence": "1", "captured_at": "2026-01-02", "source_title": "民政"},
    declared_size=6,
    declared_count=1,
    code="Y012-WS·2026·D30-0001",
)
LOST = replace(FILE, sha256="", sha512="", size=0, fault=Text("缺失", "missing"))
PASSED_BY_NOBODY = {"GD-1-1.2", "GD-3-4.2", "GD-4-1", "GD-4-2", "GD-4-5"}


def check(code: str, facts: Facts) -> Check:
    item = next(item for item in rules.ITEMS if item.code == code)
    return rules.judge(facts, [item])[0]


def with_file(**changes: object) -> Facts:
    return replace(GOOD, files=(replace(FILE, **changes),))  # type: ignore[arg-type]


def test_a_good_submission_fails_nothing_and_leaves_to_people_what_is_theirs() -> None:
    checks = rules.judge(GOOD, rules.ITEMS)
    assert rules.failures(checks) == []
    assert {each.code for each in checks if each.verdict is not Verdict.PASS} == PASSED_BY_NOBODY


def test_the_table_covers_all_four_properties_with_unique_codes_and_grades() -> None:
    codes = [item.code for item in rules.ITEMS]
    assert len(set(codes)) == len(codes)
    assert {item.property for item in rules.ITEMS} == set(Property)
    assert {item.grade for item in rules.ITEMS} <= {"A", "B", "M"}
    assert codes.index("GD-1-6") < codes.index("GD-1-7") < codes.index("GD-1-10") < codes.index("GD-2-1")


def test_checks_are_put_in_order_of_the_table() -> None:
    checks = rules.judge(GOOD, rules.CONTENT_ITEMS) + rules.judge(GOOD, rules.CODE_ITEMS)
    assert [each.code for each in rules.in_order(checks)] == [item.code for item in rules.ITEMS]


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("GD-1-1.1", with_file(sha256="d" * 64)),
        ("GD-1-1.1", replace(GOOD, files=(LOST,))),
        ("GD-1-2", replace(GOOD, title="长" * 501)),
        ("GD-1-2", replace(GOOD, metadata={"sequence": "x" * 4001})),
        ("GD-1-3", replace(GOOD, fonds="12")),
        ("GD-1-3", replace(GOOD, event_time=datetime(2026, 1, 1))),  # noqa: DTZ001 - that is the fault
        ("GD-1-3", with_file(component=replace(FILE.component, sha256="XYZ"))),
        ("GD-1-4", replace(GOOD, record_class="??")),
        ("GD-1-4", replace(GOOD, retention="D99")),
        ("GD-1-4", replace(GOOD, sharing="perhaps")),
        ("GD-1-6", replace(GOOD, title="题\x00名")),
        ("GD-1-6", replace(GOOD, metadata={"sequence": "a\u202eb"})),
        ("GD-1-7", replace(GOOD, code="nonsense")),
        ("GD-1-7", replace(GOOD, code="X999-WS·2026·D30-0001")),
        ("GD-1-7", replace(GOOD, code="Y012-WS•2026•D30-0001")),
        ("GD-1-8", replace(GOOD, holders=1)),
        ("GD-1-10", with_file(size=7)),
        ("GD-1-10", with_file(component=replace(FILE.component, path="a.xlsx"), format=Format("html", "html"))),
        ("GD-1-11", replace(GOOD, files=(LOST,))),
        ("GD-1-13", with_file(component=replace(FILE.component, path="../etc/passwd"))),
        ("GD-1-14", replace(GOOD, computed="d" * 64)),
        ("GD-2-1", replace(GOOD, files=())),
        ("GD-2-1", replace(GOOD, declared_count=2)),
        ("GD-2-2", replace(GOOD, declared_size=7)),
        ("GD-2-3", replace(GOOD, metadata={})),
        ("GD-2-4", replace(GOOD, title=" ")),
        ("GD-2-4", replace(GOOD, metadata={**GOOD.metadata, "sequence": ""})),
        ("GD-3-4.1", with_file(reading=Reading(ReadState.UNREADABLE, Text("无法解码", "cannot be decoded")))),
        ("GD-3-8", with_file(format=Format("pdf", "pdf", encrypted=True))),
        ("GD-3-8", with_file(format=Format("executable", "executable", executable=True))),
    ],
)
def test_each_fault_fails_its_item_with_a_finding(code: str, facts: Facts) -> None:
    found = check(code, facts)
    assert found.verdict is Verdict.FAIL
    assert found.finding.zh
    assert found.finding.en
    assert found in rules.failures(rules.judge(facts, rules.ITEMS))


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("GD-1-1.2", replace(GOOD, signed=True)),
        ("GD-1-5", replace(GOOD, event_time=datetime(2026, 1, 1))),  # noqa: DTZ001 - that is the doubt
        ("GD-1-5", replace(GOOD, event_time=datetime(1899, 1, 1, tzinfo=UTC))),
        ("GD-1-5", replace(GOOD, event_time=GOOD.captured_at + timedelta(days=2))),
        ("GD-2-7", with_file(size=0)),
        ("GD-3-3", with_file(format=Format("rar", "rar"))),
        ("GD-3-4.1", with_file(reading=Reading(ReadState.NO_READER, Text("须人工", "by a person")))),
        ("GD-3-4.2", GOOD),
        ("GD-4-1", GOOD),
        ("GD-4-2", GOOD),
        ("GD-4-2", replace(GOOD, scanner="ClamAV")),
    ],
)
def test_what_no_program_can_judge_is_left_to_people(code: str, facts: Facts) -> None:
    assert check(code, facts).verdict is Verdict.MANUAL


def test_what_is_absent_is_not_applicable() -> None:
    assert check("GD-1-1.2", GOOD).verdict is Verdict.NOT_APPLICABLE
    assert check("GD-4-5", GOOD).verdict is Verdict.NOT_APPLICABLE


def test_an_attached_scanner_is_named() -> None:
    found = check("GD-4-1", replace(GOOD, scanner="ClamAV"))
    assert (found.verdict, "ClamAV" in found.finding.zh) == (Verdict.PASS, True)


def test_promise_8_a_table_with_some_bad_rows_passes_with_a_finding() -> None:
    facts = with_file(reading=Reading(ReadState.PARTLY, Text("读出 2 行，1 行无法解析", "2 read, 1 not"), 2, 1))
    found = check("GD-3-4.1", facts)
    assert (found.verdict, "1 行无法解析" in found.finding.zh) == (Verdict.PASS, True)


def test_findings_name_three_files_and_count_the_rest() -> None:
    files = tuple(replace(FILE, component=replace(FILE.component, path=f"../{n}"), size=6) for n in range(5))
    found = check("GD-1-13", replace(GOOD, files=files))
    assert "../2" in found.finding.zh
    assert "../3" not in found.finding.zh
    assert "另有 2 个文件" in found.finding.zh
    assert "and 2 more" in found.finding.en


def test_the_reason_says_every_failure_in_both_languages_and_stays_short() -> None:
    facts = replace(GOOD, title="题\x00" * 300, fonds="12")
    reason = rules.reason_of(rules.judge(facts, rules.ITEMS))
    assert "特殊字符" in reason
    assert "Special characters" in reason
    assert len(reason) <= 2 * rules.REASON_LIMIT + 3


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "a/../b", "C:/x", "a\\b", "a//b", "./a", "", "a\x00b", "a\u202eb", "a/"]
)
def test_unsafe_paths(path: str) -> None:
    assert not judgements.is_safe(path)


@pytest.mark.parametrize("path", ["a.txt", "目录/文件 1.txt", "a.b/c..d"])
def test_safe_paths(path: str) -> None:
    assert judgements.is_safe(path)
