"""Keeping: numbers, versions, quarantine, and a crash between any two steps."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from chengyi.archive import Archive, keeping
from chengyi.archive.rows import item_numbers, packages
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor
from chengyi.model.archival_code import CodeStyle
from chengyi.model.errors import DeniedError, NotFoundError, StorageFullError
from chengyi.model.package import Verdict
from chengyi.model.reporter import SilentReporter
from chengyi.model.submission import SubmissionState
from simulators.collect import EVENT
from simulators.house import House

ROLL = "姓名,号码\n张三,1\n李四,\n".encode()


def state(house: House, id: str) -> tuple[SubmissionState, str]:
    found = house.collect.all[id]
    return found.state, found.reason


def test_promise_1_nothing_is_there_before_it_is_kept_and_ledgered(house: House) -> None:
    submission = house.collect.hand_in("table", {"低保.csv": ROLL})
    assert house.archive.search("", house.me).total == 0
    report = house.keep()
    package = house.only()
    assert (report.kept, report.rows, report.bytes, report.files) == (1, 2, len(ROLL), 1)
    assert state(house, submission.id) == (SubmissionState.ARCHIVED, "")
    act = house.audit.entry(package.entry).act
    assert (act.kind, act.object, act.actor) == (ActKind.KEPT, package.ref, house.me.id)
    assert package.seal is not None
    with house.rows.read() as connection:
        stored = connection.execute(select(packages.c.inventory_object)).scalar_one()
    assert act.detail == {
        "archival_code": "Y012-SJ·2026·D30-0001",
        "inventory": package.inventory,
        "manifest": house.vault.manifest(stored),
        "prior": None,
        "root": package.seal.root,
        "rows": 2,
        "source": "table",
        "submission": submission.id,
    }


def test_a_repeat_changes_nothing(house: House) -> None:
    house.collect.hand_in("table", {"低保.csv": ROLL})
    house.keep()
    before = (house.audit.acts, list(house.vault.objects()), house.archive.counts())
    again = house.keep()
    assert (again.changed, again.kept) == (False, 0)
    assert (house.audit.acts, list(house.vault.objects()), house.archive.counts()) == before


def test_promise_2_a_correction_is_a_new_version_that_names_the_old_one(house: House) -> None:
    first = house.collect.hand_in("table", {"低保.csv": ROLL}, sequence="2026-01")
    house.keep()
    old = house.only()
    old_inventory = house.archive.inventory(old.ref, house.me)
    house.collect.hand_in("table", {"低保.csv": ROLL + "王五,3\n".encode()}, sequence="2026-01", prior=first.id)
    assert house.keep().versions == 1
    new = house.only()
    assert (new.id, new.version, new.archival_code) == (old.id, 2, old.archival_code)
    assert house.audit.entry(new.entry).act.detail["prior"] == old.inventory
    assert f'"prior":"{old.inventory}"'.encode() in house.archive.inventory(new.ref, house.me)
    assert house.archive.versions(old.id, house.me) == [old, new]
    assert house.archive.package(old.ref, house.me) == old
    assert house.archive.inventory(old.ref, house.me) == old_inventory
    assert house.archive.verify(old.ref).ok
    assert house.archive.verify(new.ref).ok


def test_two_versions_in_one_batch_follow_each_other(house: House) -> None:
    first = house.collect.hand_in("table", {"a.csv": ROLL}, sequence="1")
    house.collect.hand_in("table", {"a.csv": ROLL + b"x,1\n"}, sequence="1", prior=first.id)
    report = house.keep()
    assert (report.kept, report.versions) == (2, 1)
    package = house.only()
    assert package.version == 2
    assert house.archive.verify(package.ref).ok


def test_a_correction_of_what_was_set_aside_is_the_first_version(house: House) -> None:
    first = house.collect.hand_in("sheet", {"a.xlsx": b"<html><table>"}, sequence="1")
    house.keep()
    house.collect.hand_in("documents", {"a.txt": b"good"}, sequence="1", prior=first.id)
    house.keep()
    assert house.only().version == 1


def test_the_order_of_numbers_is_that_of_arrival_and_has_no_gap(house: House) -> None:
    for name in ("c", "a", "b"):
        house.collect.hand_in("documents", {f"{name}.txt": name.encode()})
    house.collect.hand_in("documents", {"bad.pdf": b"not a pdf"})
    late = EVENT + timedelta(days=400)
    house.collect.hand_in("documents", {"late.txt": b"late"}, event_time=late)
    house.keep()
    found = {each.title: each.archival_code for each in house.archive.search("", house.me).packages}
    assert found == {
        "c": "Y012-SJ·2026·D30-0001",
        "a": "Y012-SJ·2026·D30-0002",
        "b": "Y012-SJ·2026·D30-0003",
        "late": "Y012-SJ·2027·D30-0001",
    }
    report = house.archive.code_report("Y012")
    assert (report.conforming, report.gaps, report.duplicates, report.faults) == (4, (), (), ())


def test_batches_larger_than_one_transaction(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "BATCH", 2)
    for number in range(5):
        house.collect.hand_in("documents", {f"{number}.txt": b"x"})
    assert house.keep().kept == 5
    assert house.archive.code_report().conforming == 5


def test_the_other_style_of_codes(house: House) -> None:
    archive = Archive(house.rows, house.vault, house.audit, house.clock, house.collect, style=CodeStyle.DAT22)
    house.collect.hand_in("documents", {"a.txt": b"x"})
    archive.keep_pending(house.me, SilentReporter())
    assert house.only().archival_code == "Y012-SJ·2026-D30-0001"


def test_only_those_who_may_keep_can_keep(house: House, clerk: Actor) -> None:
    with pytest.raises(DeniedError):
        house.archive.keep_pending(clerk, SilentReporter())


def test_a_submission_whose_source_is_gone_waits_and_is_named(house: House) -> None:
    submission = house.collect.hand_in("documents", {"a.txt": b"x"})
    house.collect.hand_in("filed", {"b.json": b"{}"})
    del house.collect.sources["documents"]
    report = house.keep()
    assert (report.kept, report.waiting) == (1, (submission.id,))
    assert state(house, submission.id)[0] is SubmissionState.RECEIVED


# --- bad input


def locked_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", b"x")
    data = bytearray(file.getvalue())
    data[6] |= 1
    return bytes(data)


BAD: list[tuple[str, str, bytes, str]] = [
    ("sheet", "名册.xlsx", b"<html><body><table><tr><td>1</td></tr></table>", "html"),
    ("sheet", "名册.xlsx", b"PK\x03\x04 truncated", "名册.xlsx"),
    ("table", "a.csv", b"PK\x03\x04zip", "zip"),
    ("table", "a.csv", "姓名,姓名\n1,2\n".encode(), "姓名"),
    ("documents", "a.pdf", b"hello", "text"),
    ("documents", "a.txt", b"\xff\xfe\xff\xff\x81", "utf-16"),
    ("documents", "b.txt", b"\xb0\xff\xff", "gb18030"),
    ("documents", "a.txt", b"text\x00with NUL", "NUL"),
    ("documents", "run.txt", b"\x7fELF\x02\x01\x01", "executable"),
    ("documents", "a.zip", locked_zip(), "encrypted"),
]


@pytest.mark.parametrize(("source", "name", "data", "told"), BAD)
def test_promise_8_what_cannot_be_kept_waits_with_its_reason(
    house: House, source: str, name: str, data: bytes, told: str
) -> None:
    bad = house.collect.hand_in(source, {name: data})
    house.collect.hand_in("documents", {"good.txt": "好".encode()})
    report = house.keep()
    assert (report.kept, report.set_aside) == (1, 1)
    found, reason = state(house, bad.id)
    assert found is SubmissionState.QUARANTINED
    assert told in reason
    assert name in reason
    assert house.vault.read(bad.components[0].object) == data
    act = house.audit.entries(object=bad.id)[0].act
    assert (act.kind, act.detail["reason"]) == (ActKind.SET_ASIDE, reason)
    assert any(check.verdict is Verdict.FAIL for check in house.archive.checks_of(bad.id))
    assert house.keep().changed is False


def test_promise_8_a_table_with_bad_rows_goes_on_and_says_so(house: House) -> None:
    house.collect.hand_in("table", {"a.csv": ROLL + b"too,many,cells\n"})
    report = house.keep()
    package = house.only()
    assert (report.kept, report.rows, report.rejected) == (1, 3, 1)
    finding = next(each for each in package.checks if each.code == "GD-3-4.1")
    assert finding.verdict is Verdict.PASS
    assert "1 行无法解析" in finding.finding.zh


def test_promise_8_a_cell_of_10_mb_is_one_bad_row_with_its_proof(house: House) -> None:
    house.collect.hand_in("table", {"a.csv": b"a,b\n1,2\n3," + b"x" * 10_000_000 + b"\n5,6\n"})
    report = house.keep()
    assert (report.rows, report.rejected) == (3, 1)
    table = house.archive.table_of(house.only().ref)
    assert table.rows.to_pylist() == [1, 3]
    assert len(house.archive.row_proof(house.only().ref, 2).canonical) > 10_000_000


def test_a_table_of_bad_rows_only_is_set_aside(house: House) -> None:
    bad = house.collect.hand_in("table", {"a.csv": b"a,b\n1\n2\n"})
    house.keep()
    assert state(house, bad.id)[0] is SubmissionState.QUARANTINED


def test_a_table_without_rows_is_kept(house: House) -> None:
    house.collect.hand_in("table", {"a.csv": b"a,b\n"})
    house.keep()
    seal = house.only().seal
    assert seal is not None
    assert (seal.rows, seal.columns) == (0, ("a", "b"))
    assert house.archive.verify(house.only().ref).ok


def test_bytes_that_were_changed_after_capture_are_set_aside(house: House) -> None:
    submission = house.collect.hand_in("table", {"a.csv": ROLL})
    house.vault.flip(submission.components[0].object)
    house.keep()
    assert state(house, submission.id)[0] is SubmissionState.QUARANTINED
    assert "内容已被改动" in state(house, submission.id)[1]


def test_a_digest_that_is_not_the_captured_one_is_set_aside(house: House) -> None:
    submission = house.collect.hand_in("documents", {"a.txt": b"x"})
    house.collect.change(replace(submission, digest="0" * 64))
    house.keep()
    assert "信息包一致性" in state(house, submission.id)[1]


def test_what_was_released_is_checked_again(house: House) -> None:
    bad = house.collect.hand_in("documents", {"a.pdf": b"hello"})
    house.keep()
    house.collect.change(replace(house.collect.all[bad.id], state=SubmissionState.RECEIVED))
    assert house.keep().set_aside == 1
    assert [act.kind for act in house.audit.acts] == [ActKind.SET_ASIDE]


def test_what_was_released_and_fails_again_is_told_again(house: House) -> None:
    bad = house.collect.hand_in("documents", {"a.pdf": b"hello"})
    house.keep()
    house.audit.record(Act(ActKind.RELEASED, "archivist", bad.id))
    house.collect.change(replace(house.collect.all[bad.id], state=SubmissionState.RECEIVED))
    house.keep()
    assert [act.kind for act in house.audit.acts] == [ActKind.SET_ASIDE, ActKind.RELEASED, ActKind.SET_ASIDE]


def test_a_code_that_is_borne_already_is_never_given_twice(house: House) -> None:
    house.collect.hand_in("documents", {"a.txt": b"x"})
    house.keep()
    with house.rows.begin() as connection:
        connection.execute(update(item_numbers).values(last=0))
    other = house.collect.hand_in("documents", {"b.txt": b"y"})
    house.keep()
    assert "档号重复性" in state(house, other.id)[1]
    assert house.archive.code_report().duplicates == ()


def test_a_full_store_is_told_and_a_later_run_finishes(house: House) -> None:
    house.collect.hand_in("documents", {"a.txt": b"x"})
    house.vault.capacity = 10
    with pytest.raises(StorageFullError):
        house.keep()
    assert house.archive.counts()["packages"] == 0
    house.vault.capacity = None
    assert house.keep().kept == 1
    assert house.only().archival_code.endswith("-0001")


# --- crashes


class Crash(BaseException):
    """What SIGKILL would be."""


def after(work: Callable[..., Any]) -> Callable[..., Any]:
    def crash(*args: Any, **kwargs: Any) -> None:
        work(*args, **kwargs)
        raise Crash

    return crash


def crash(*args: Any, **kwargs: Any) -> None:
    raise Crash


@pytest.mark.parametrize("name", ["_examine", "_write", "_witness", "_settle"])
@pytest.mark.parametrize("done", [False, True])
def test_promise_8_a_crash_between_any_two_steps_doubles_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, name: str, done: bool
) -> None:
    first = house.collect.hand_in("table", {"a.csv": ROLL}, sequence="1")
    house.keep()
    house.collect.hand_in("table", {"a.csv": ROLL + b"x,1\n"}, sequence="1", prior=first.id)
    house.collect.hand_in("documents", {"b.txt": b"b"})
    bad = house.collect.hand_in("documents", {"c.pdf": b"c"})
    with monkeypatch.context() as patch:
        work = getattr(keeping.Keeper, name)
        patch.setattr(keeping.Keeper, name, after(work) if done else crash)
        with pytest.raises(Crash):
            house.keep()
    for submission in house.collect.all.values():  # the simulator's settling is no transaction: undo it
        if submission.id != first.id:
            house.collect.change(replace(submission, state=SubmissionState.RECEIVED, reason=""))
    assert house.archive.counts()["versions"] == 1
    report = house.keep()
    assert (report.kept, report.set_aside) == (2, 1)
    assert state(house, bad.id)[0] is SubmissionState.QUARANTINED
    assert sorted(act.kind for act in house.audit.acts) == [ActKind.KEPT] * 3 + [ActKind.SET_ASIDE]
    found = house.archive.search("", house.me).packages
    assert sorted(each.version for each in found) == [1, 2]
    assert all(house.archive.verify(each.ref).ok for each in found)
    codes = house.archive.code_report()
    assert (codes.conforming, codes.gaps, codes.duplicates) == (2, (), ())
    with house.rows.read() as connection:
        assert connection.execute(select(packages.c.ref).where(packages.c.entry.is_(None))).all() == []
    assert house.keep().changed is False


def test_a_second_run_at_the_same_time_doubles_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.collect.hand_in("documents", {"a.txt": b"x"})
    # the other run comes between the checks and the transaction; SQLite would let it wait, so it runs first here
    examine = keeping.Keeper._examine

    def slow(self: keeping.Keeper, *args: Any) -> Any:
        monkeypatch.setattr(keeping.Keeper, "_examine", examine)
        found = list(examine(self, *args))
        house.keep()
        return found

    monkeypatch.setattr(keeping.Keeper, "_examine", slow)
    house.keep()
    assert [act.kind for act in house.audit.acts] == [ActKind.KEPT]
    assert house.archive.counts()["versions"] == 1


def test_what_another_run_finished_meanwhile_is_only_settled(house: House) -> None:
    submission = house.collect.hand_in("documents", {"a.txt": b"x"})
    house.keep()
    house.collect.change(submission)
    house.keep()
    assert state(house, submission.id)[0] is SubmissionState.ARCHIVED
    assert [act.kind for act in house.audit.acts] == [ActKind.KEPT]


def test_an_unknown_table_is_not_found(house: House) -> None:
    house.collect.hand_in("documents", {"a.txt": b"x"})
    house.keep()
    with pytest.raises(NotFoundError):
        house.archive.table_of(house.only().ref)
