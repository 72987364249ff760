"""Bad input, end to end: each bad delivery comes beside a good source, and through the real command line.

All of them come in one run, so that each case also shows that the others do not stop it. Then every sender corrects its
delivery, the river runs again, and once more with nothing new.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from .cases import CASES, GOOD_NAMES, GOOD_ROLL, NAMES, Case
from .house import House, assert_sound, held_bytes, names_in

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bad-input")]
each_case = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])


@dataclass(frozen=True)
class Story:
    """What happened: the home after the bad run and after the corrected one, and what each run said."""

    spoiled: House
    english: CompletedProcess[str]
    chinese: CompletedProcess[str]
    corrected: House
    second: CompletedProcess[str]
    third: CompletedProcess[str]
    waiting: list[dict[str, Any]]
    left: list[dict[str, Any]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    house = House.build(tmp_path_factory.mktemp("bad") / "home")
    (house.add("good") / "2026-01.csv").write_bytes(GOOD_ROLL)
    for case in CASES:
        (house.add(case.id, reader=case.reader, kind=case.kind) / case.file).write_bytes(case.data)
    other = house.copy(house.path.parent / "chinese")
    chinese = other.run("zh")
    english = house.run()
    spoiled = house.copy(house.path.parent / "spoiled")
    for case in CASES:
        (house.path / "in" / case.id / case.file).write_bytes(case.good)
    second, third = house.run(), house.run()
    return Story(spoiled, english, chinese, house, second, third, spoiled.waiting(), house.waiting())


def spoken(done: CompletedProcess[str], case: Case) -> Iterator[str]:
    """Yield what a run said of one source: its lines, each with the advice that follows."""
    lines = done.stderr.splitlines()
    for at, line in enumerate(lines):
        if line.startswith((f"Source {case.id},", f"来源 {case.id}，")):
            yield line + "\n" + "\n".join(each for each in lines[at + 1 :] if each.startswith("  →"))


@each_case
def test_promise_8_the_user_is_told_where_why_and_what_to_do(story: Story, case: Case) -> None:
    english = [told for told in spoken(story.english, case) if all(part in told for part in (case.file, *case.said))]
    assert english, story.english.stderr
    assert case.advice in english[0]
    chinese = [told for told in spoken(story.chinese, case) if all(part in told for part in (case.file, *case.zh))]
    assert chinese, story.chinese.stderr
    assert "  → " in chinese[0]


@each_case
def test_promise_6_what_waits_is_listed_until_it_is_put_right(story: Story, case: Case) -> None:
    waiting = [each for each in story.waiting if each["source"] == case.id]
    assert waiting
    for each in waiting:
        assert each["file"].startswith(case.file)
        assert (each["row"] == 5) is (case.where == "row")
        assert each["why"]["zh"]
        assert each["why"]["en"]
        assert each["advice"]["zh"] != each["advice"]["en"]
        assert (case.where == "whole") is each["record"].startswith("sub-")
    assert [each for each in story.left if each["source"] == case.id] == []


@each_case
def test_promise_8_the_good_part_goes_on(story: Story, case: Case) -> None:
    with story.spoiled.node() as node:
        assert names_in(node, "good") == GOOD_NAMES
        if case.reader:
            assert names_in(node, case.id) == case.names
        account = node.collect.account(case.id)
        aside = int(case.where == "whole")
        assert (account.quarantined.count, account.archived.count) == (aside, case.taken if aside else 1)
        assert account.balanced


@each_case
def test_promise_1_the_original_is_kept_byte_for_byte(story: Story, case: Case) -> None:
    with story.corrected.node() as node:
        held = held_bytes(node, case.id)
    assert case.data in held
    assert case.good in held or case.kind == "documents"


@each_case
def test_promise_8_the_corrected_delivery_is_finished_by_the_next_run(story: Story, case: Case) -> None:
    with story.corrected.node() as node:
        if case.reader:
            assert names_in(node, case.id) == NAMES
        else:
            kept = {package.metadata["sequence"] for package in node.archive.since(case.id, -1)}
            assert kept >= {f"{case.file}!/{name}" for name in _entries(case)}
        assert names_in(node, "good") == GOOD_NAMES


def test_a_run_that_sets_a_delivery_aside_says_so_by_its_exit_code(story: Story) -> None:
    assert (story.english.returncode, story.chinese.returncode) == (65, 65)
    assert story.second.returncode == 0, story.second.stderr
    assert story.third.returncode == 0
    assert "Nothing new; nothing was changed." in story.third.stdout
    assert story.third.stderr == ""


def test_promise_6_received_is_archived_plus_quarantined_and_the_home_verifies(story: Story) -> None:
    for house in (story.spoiled, story.corrected):
        with house.node() as node:
            assert_sound(node)
        verified = house.command("verify")
        assert verified.returncode == 0, verified.stdout


def test_status_counts_what_waits(story: Story) -> None:
    told = json.loads(story.spoiled.command("status", "--json").stdout)
    whole = sum(case.where == "whole" for case in CASES)
    assert told["counts"]["collect"]["quarantined"] == whole
    assert len(story.waiting) >= len(CASES)
    assert f"Waiting: {whole} deliveries" in story.spoiled.command("status").stderr


def test_only_rows_at_fault_leave_the_exit_code_at_zero(tmp_path: Path) -> None:
    house = House.build(tmp_path / "home")
    case = next(each for each in CASES if each.id == "date-that-does-not-exist")
    (house.add(case.id) / case.file).write_bytes(case.data)
    done = house.command("run", "--json")
    assert done.returncode == case.exit_code == 0
    assert "row 5, field 批准日期" in done.stderr
    (told,) = json.loads(done.stdout)["waiting"]
    assert told == house.waiting(case.id)[0]
    assert (told["row"], told["field"], told["value"], told["code"]) == (5, "批准日期", "2023-02-30", "date")


def _entries(case: Case) -> list[str]:
    import io
    import tarfile
    import zipfile

    if case.file.endswith(".zip"):
        return zipfile.ZipFile(io.BytesIO(case.good)).namelist()
    with tarfile.open(fileobj=io.BytesIO(case.good)) as archive:
        return archive.getnames()
