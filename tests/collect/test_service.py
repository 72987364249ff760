"""Collection as a whole: what enters, what waits, what is said about it."""

import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chengyi.collect.intake import PORTION, Intake
from chengyi.model.act import ActKind
from chengyi.model.actor import Actor, Role
from chengyi.model.errors import DeniedError, NotFoundError, StorageFullError, UsageError
from chengyi.model.submission import Submission, SubmissionState
from chengyi.trust.ports import Stored
from simulators.collect_room import Room
from simulators.vault import MemoryVault

Make = Callable[..., Room]
CSV = '[reader]\nformat = "csv"'


def test_a_delivery_is_captured_byte_for_byte(folder_room: Make) -> None:
    room = folder_room()
    room.put("in/2026-01.csv", "a,b\r\n1,2\r\n")
    assert room.one().new == 1
    (submission,) = room.collect.pending()
    (component,) = submission.components
    assert room.vault.read(component.object) == b"a,b\r\n1,2\r\n"
    assert (submission.sequence, component.path, component.media_type) == ("2026-01.csv", "2026-01.csv", "text/csv")
    assert submission.size == 10


def test_promise_8_the_same_delivery_twice_changes_nothing(folder_room: Make) -> None:
    room = folder_room()
    file = room.put("in/1.csv", "a\n1\n")
    first = room.one()
    before = (room.collect.submissions(), list(room.vault.objects()), len(room.audit.acts))
    os.utime(file, (1_000_000_000, 1_000_000_000))
    second, third = room.one(), room.one()
    assert (first.new, second.unchanged, third.unchanged) == (1, 1, 1)
    assert before == (room.collect.submissions(), list(room.vault.objects()), len(room.audit.acts))


def test_an_unchanged_file_is_not_opened_again(folder_room: Make) -> None:
    room = folder_room()
    file = room.put("in/1.csv", "a\n1\n")
    old = file.stat().st_mtime - 100
    os.utime(file, (old, old))
    while room.rows and not _mark_lasts(file):
        pass
    room.run()
    file.chmod(0)
    assert room.one().unchanged == 1


def _mark_lasts(file: Path) -> bool:
    from chengyi.collect.delivery import lasting_mark

    return bool(lasting_mark(file.stat()))


def test_promise_8_other_content_under_the_same_sequence_waits_in_quarantine(folder_room: Make) -> None:
    room = folder_room()
    room.put("in/1.csv", "a\n1\n")
    room.run()
    room.put("in/1.csv", "a\n22\n")
    assert (room.one().quarantined, room.one().unchanged) == (1, 1)
    aside, first = room.collect.submissions()
    assert aside.state is SubmissionState.QUARANTINED
    assert aside.prior == first.id
    assert "同一序号" in aside.reason
    assert [each.id for each in room.collect.pending()] == [first.id]


def test_other_content_becomes_a_version_where_the_source_says_so(folder_room: Make) -> None:
    room = folder_room(changed="version")
    for content in ("a\n1\n", "a\n22\n", "a\n1\n"):
        room.put("in/1.csv", content)
        room.run()
    third, second, first = room.collect.submissions()
    assert (second.prior, third.prior) == (first.id, second.id)
    assert third.digest == first.digest
    assert third.id != first.id
    assert room.one().unchanged == 1


def test_an_archivist_releases_a_conflict_as_a_new_version(folder_room: Make) -> None:
    room = folder_room()
    for content in ("a\n1\n", "a\n22\n", "a\n333\n"):
        room.put("in/1.csv", content)
        room.run()
    third, second, first = room.collect.submissions()
    assert room.collect.release(second.id, room.actor).prior == first.id
    assert room.collect.release(third.id, room.actor).prior == second.id
    assert {each.state for each in room.collect.submissions()} == {SubmissionState.RECEIVED}
    assert [act.kind for act in room.audit.acts].count(ActKind.RELEASED) == 2
    with pytest.raises(UsageError):
        room.collect.release(first.id, room.actor)


def test_a_corrected_delivery_is_taken_after_the_archive_set_the_first_aside(folder_room: Make) -> None:
    room = folder_room()
    room.put("in/1.csv", "wrong")
    room.run()
    with room.rows.begin() as connection:
        ids = [each.id for each in room.collect.pending()]
        room.collect.settle(connection, ids, SubmissionState.QUARANTINED, "坏")
    assert room.one().unchanged == 1
    room.put("in/1.csv", "a\n1\n")
    assert room.one().new == 1


def test_promise_6_one_bad_source_never_stops_the_others(folder_room: Make) -> None:
    room = folder_room()
    room.put("in/1.csv", "a\n1\n")
    room.add("absent", 'kind = "folder"\npath = "nowhere"')
    room.add("zz-last", 'kind = "file"\npath = "in/1.csv"')
    absent, civil, last = room.run().sources
    assert absent.error is not None
    assert "nowhere" in absent.error.message()
    assert (civil.new, last.new) == (1, 1)


def test_promise_6_what_was_expected_and_is_missing_is_named(folder_room: Make) -> None:
    room = folder_room(rest='[expected]\nsequences = ["1.csv", "2.csv", "3.csv"]')
    room.put("in/1.csv", "a\n1\n")
    room.run()
    found = room.collect.completeness("civil")
    assert (found.expected, found.received, found.missing) == (3, 1, ("2.csv", "3.csv"))


def test_promise_6_what_waits_in_quarantine_still_counts_as_missing(folder_room: Make) -> None:
    room = folder_room(rest="[expected]\ndeliveries = 2")
    room.put("in/1.csv", "a\n1\n")
    room.run()
    with room.rows.begin() as connection:
        room.collect.settle(connection, [room.collect.pending()[0].id], SubmissionState.QUARANTINED, "坏")
    assert room.collect.completeness("civil").received == 0
    assert len(room.collect.completeness("civil").missing) == 2


def test_promise_6_every_byte_is_accounted_for(folder_room: Make) -> None:
    room = folder_room()
    room.put("in/1.csv", "a\n1\n")
    room.run()
    room.put("in/1.csv", "a\n22\n")
    room.put("in/2.csv", "a\n3\n")
    room.run()
    assert not room.collect.account("civil").balanced
    room.archive_all()
    account = room.collect.account("civil")
    assert account.balanced
    assert account.received.count == account.archived.count + account.quarantined.count == 3
    assert account.received.bytes == account.archived.bytes + account.quarantined.bytes == 13
    assert len({account.received.digest, account.archived.digest, account.quarantined.digest}) == 3


def test_promise_4_every_delivery_is_witnessed_and_only_then_pending(folder_room: Make) -> None:
    room = folder_room()
    room.put("in/1.csv", "a\n1\n")
    room.run()
    (act,) = room.audit.acts
    (submission,) = room.collect.pending()
    assert (act.kind, act.object, act.actor) == (ActKind.RECEIVED, submission.id, room.actor.id)
    assert act.detail["digest"] == submission.digest


class _Crash(BaseException):
    pass


@pytest.mark.parametrize("late", [False, True])
def test_promise_8_a_crash_around_the_ledger_is_healed_without_doubling(
    folder_room: Make, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    room = folder_room()
    room.put("in/1.csv", "a\n1\n")
    record_all = room.audit.record_all

    def crash(acts: object) -> list[int]:
        if late:
            record_all(acts)  # type: ignore[arg-type]
        raise _Crash

    with monkeypatch.context() as patch:
        patch.setattr(room.audit, "record_all", crash)
        with pytest.raises(_Crash):
            room.run()
    assert room.collect.pending() == []
    assert room.one().unchanged == 1
    assert len(room.collect.pending()) == len(room.audit.acts) == 1


def test_promise_8_a_crash_before_the_rows_takes_the_delivery_again(
    folder_room: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = folder_room()
    room.put("in/1.csv", "a\n1\n")

    def crash(intake: Intake) -> None:
        raise _Crash

    with monkeypatch.context() as patch:
        patch.setattr(Intake, "flush", crash)
        with pytest.raises(_Crash):
            room.run()
    assert room.collect.submissions() == []
    assert room.one().new == 1


class _StoppingVault(MemoryVault):
    """Behaves like a vault, until the third object."""

    stop: BaseException | None = None

    def put_bytes(self, plain: bytes, *, durable: bool = True) -> Stored:
        if self.stop is not None and len(list(self.objects())) == 2:
            raise self.stop
        return super().put_bytes(plain)


def test_promise_8_a_full_disk_keeps_what_was_taken_and_the_next_run_finishes(folder_room: Make) -> None:
    room = folder_room()
    for number in range(5):
        room.put(f"in/{number}.csv", f"a\n{number}\n")
    room.vault = _StoppingVault()
    room.vault.stop = StorageFullError(path="vault")
    outcome = room.one()
    assert outcome.new == 2
    assert isinstance(outcome.error, StorageFullError)
    assert len(room.collect.pending()) == 2
    room.vault.stop = None
    assert (room.one().new, len(room.collect.pending()), len(room.audit.acts)) == (3, 5, 5)


def test_promise_8_an_interrupted_run_is_finished_by_the_next(folder_room: Make) -> None:
    room = folder_room()
    for number in range(5):
        room.put(f"in/{number}.csv", f"a\n{number}\n")
    room.vault = _StoppingVault()
    room.vault.stop = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        room.run()
    room.vault.stop = None
    room.run()
    assert sorted(each.sequence for each in room.collect.pending()) == [f"{number}.csv" for number in range(5)]
    assert len(room.audit.acts) == 5


class _SlowVault(MemoryVault):
    """Lets the sender write on while the file is read."""

    file: Path | None = None

    def put(self, source: object, *, durable: bool = True) -> Stored:
        head = source.read(1)  # type: ignore[attr-defined]
        if self.file is not None:
            with self.file.open("ab") as more:
                more.write(b"5,6\n")
        return self.put_bytes(head + source.read())  # type: ignore[attr-defined]


def test_promise_8_a_file_that_changes_while_it_is_read_is_left_for_the_next_run(folder_room: Make) -> None:
    room = folder_room()
    file = room.put("in/1.csv", "a,b\n1,2\n")
    room.put("in/2.csv", "a\n1\n")
    vault = _SlowVault()
    room.vault, vault.file = vault, file
    outcome = room.one()
    vault.file = None
    assert (outcome.new, outcome.skipped, len(list(vault.objects()))) == (1, 1, 1)
    assert "1.csv" in outcome.notes[0].zh
    assert "仍在变化" in outcome.notes[0].zh
    assert room.one().new == 1


def test_portions_are_committed_on_the_way(folder_room: Make) -> None:
    room = folder_room()
    for number in range(PORTION + 5):
        room.put(f"in/{number:04}.csv", f"a\n{number}\n")
    assert room.one().new == PORTION + 5
    assert len(room.collect.pending()) == PORTION + 5


def test_links_and_special_files_are_refused_once_and_on_record(folder_room: Make) -> None:
    room = folder_room()
    room.put("secret", "x")
    (room.home / "in" / "link.csv").symlink_to(room.home / "secret")
    os.mkfifo(room.home / "in" / "pipe.csv")
    assert (room.one().skipped, room.one().skipped) == (2, 2)
    assert [act.kind for act in room.audit.acts] == [ActKind.REFUSED_INPUT] * 2
    assert room.collect.account("civil").refused == 2
    assert room.collect.submissions() == []


@pytest.mark.parametrize("name", ["a\x07b.csv", "a\u202ecod.csv"])
def test_promise_8_a_file_with_an_unseen_character_in_its_name_is_set_aside(folder_room: Make, name: str) -> None:
    room = folder_room()
    room.put(f"in/{name}", "a\n1\n")
    assert room.one().quarantined == 1
    (aside,) = room.collect.submissions()
    assert aside.sequence.isprintable()
    assert "控制字符" in aside.reason


def test_a_name_that_is_no_utf8_is_set_aside(folder_room: Make) -> None:
    room = folder_room()
    Path(os.fsdecode(os.fsencode(room.home) + b"/in/\xb5\xcd.csv")).write_bytes(b"a\n")
    assert room.one().quarantined == 1


def test_unfinished_names_are_left(folder_room: Make) -> None:
    room = folder_room()
    room.add("all", 'kind = "folder"\npath = "in"')
    for name in (".hidden.csv", "~$open.csv", "a.csv.part", "b.csv.tmp"):
        room.put(f"in/{name}", "x")
    assert all(outcome.new == 0 for outcome in room.run().sources)


def test_an_unreadable_file_is_named_and_the_others_go_on(folder_room: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    room = folder_room()
    room.put("in/1.csv", "a\n")
    room.put("in/2.csv", "a\n")
    real = os.open

    def refuse(path: Path, flags: int, *rest: object) -> int:
        if str(path).endswith("1.csv"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("chengyi.collect.settled.os.open", refuse)
    outcome = room.one()
    assert (outcome.new, outcome.skipped) == (1, 1)
    assert "1.csv" in outcome.notes[0].zh


def test_records_of_the_node_itself_are_submitted(room: Room) -> None:
    room.add("decisions", 'kind = "filed"', changed="version")
    at = datetime(2026, 1, 1, tzinfo=UTC)

    def give(data: bytes) -> Submission:
        return room.collect.submit("decisions", "d-1", data, "d-1.json", "application/json", at, room.actor)

    first = give(b"{}")
    assert give(b"{}").id == first.id
    assert give(b'{"a":1}').prior == first.id
    assert room.one().new == 0
    assert len(room.collect.pending()) == 2


def test_only_filed_sources_take_records_and_only_under_good_names(folder_room: Make) -> None:
    room = folder_room()
    room.add("decisions", 'kind = "filed"')
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(UsageError):
        room.collect.submit("civil", "1", b"", "a.json", "application/json", at, room.actor)
    with pytest.raises(UsageError):
        room.collect.submit("decisions", "1", b"", "../a.json", "application/json", at, room.actor)


def test_collecting_needs_the_permission(folder_room: Make) -> None:
    room = folder_room()
    room.actor = Actor("u", "u", "d", frozenset({Role.CLERK}))
    with pytest.raises(DeniedError):
        room.run()


def test_only_chosen_sources_are_collected(folder_room: Make) -> None:
    from chengyi.model.reporter import SilentReporter

    room = folder_room()
    room.add("other", 'kind = "folder"\npath = "in"')
    report = room.collect.collect(room.actor, SilentReporter(), only=["other"])
    assert [each.source for each in report.sources] == ["other"]
    with pytest.raises(NotFoundError):
        room.collect.collect(room.actor, SilentReporter(), only=["unknown"])


def test_a_trial_shows_what_is_there_and_takes_nothing(folder_room: Make) -> None:
    room = folder_room(rest=CSV)
    room.put("in/1.csv", "a,b\n1,2\n3\n")
    seen = room.collect.check("civil")
    assert (seen.reachable, seen.deliveries, seen.columns, seen.rows) == (True, 1, ("a", "b"), (("1", "2"),))
    assert (seen.good, seen.bad) == (1, 1)
    assert "第 2 行" in seen.notes[0].zh
    assert list(room.vault.objects()) == []


def test_a_trial_reports_what_is_wrong(folder_room: Make) -> None:
    room = folder_room(rest=CSV)
    room.put("in/1.csv", "a,a\n1,2\n")
    assert room.collect.check("civil").error is not None
    room.add("absent", 'kind = "file"\npath = "nowhere"')
    seen = room.collect.check("absent")
    assert not seen.reachable
    assert seen.error is not None


def test_a_database_table_is_collected_and_read_again(room: Room) -> None:
    database = sqlite3.connect(room.home / "cases.db")
    database.execute("create table cases(id integer, 名称 text, at float)")
    database.executemany("insert into cases values(?, ?, ?)", [(2, "乙", 1.0), (1, None, 2.5)])
    database.commit()
    room.add("cases", 'kind = "sql"\nurl = "sqlite:///cases.db"\ntable = "cases"\norder_by = "id"', changed="version")
    assert (room.one().new, room.one().unchanged) == (1, 1)
    (submission,) = room.collect.pending()
    content = room.vault.read(submission.components[0].object).decode()
    assert content == '["id","名称","at"]\n["1",null,"2.5"]\n["2","乙","1"]\n'
    from chengyi.collect import read_rows

    source = room.collect.source("cases")
    assert source.reader is not None
    batch = read_rows(room.vault, submission.components[0], source.reader)
    assert batch.table.to_pylist()[0] == {"id": "1", "名称": None, "at": "2.5"}
    database.execute("insert into cases values(3, '丙', 1)")
    database.commit()
    database.close()
    assert room.one().changed == 1
    assert room.collect.check("cases").columns == ("id", "名称", "at")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.tuples(st.sampled_from("12"), st.sampled_from(["x", "yy", "zzz"])), max_size=8))
def test_promise_8_any_history_balances_and_a_repeat_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, contents: list[tuple[str, str]]
) -> None:
    from chengyi.model.clock import SetClock
    from chengyi.store.rows import Rows

    home = tmp_path_factory.mktemp("home")
    (home / "sources").mkdir()
    (home / "in").mkdir()
    rows = Rows(f"sqlite:///{home / 'node.db'}")
    rows.create_all()
    room = Room(home, SetClock(datetime(2026, 1, 1, tzinfo=UTC)), rows)
    room.add("civil", 'kind = "folder"\npath = "in"', changed="version")
    for name, content in contents:
        room.put(f"in/{name}", content)
        room.run()
        room.archive_all()
    before = len(room.audit.acts)
    assert room.one().new == 0
    assert len(room.audit.acts) == before
    assert room.collect.account("civil").balanced
    heads = {each.sequence: each for each in reversed(room.collect.submissions())}
    last = dict(contents)
    assert {name: room.vault.read(each.components[0].object).decode() for name, each in heads.items()} == last
    rows.close()
