import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chengyi.integrate.datasets as module
from chengyi.integrate import deliveries, quarantine
from chengyi.integrate.datasets import DatasetMaker
from chengyi.model.act import ActKind
from chengyi.model.actor import Actor, Role
from chengyi.model.codes import SharingClass
from chengyi.model.errors import ConfigError, DeniedError, IntegrityError, NotFoundError
from chengyi.model.evidence import Evidence
from simulators.archive import EVENT

from .conftest import Room

NAME: dict[str, Any] = {"name": "姓名", "element": "person_name", "required": True}
AMOUNT: dict[str, Any] = {"name": "金额", "element": "amount"}
BOTH: list[Any] = [NAME, AMOUNT]


def names(room: Room, dataset: str = "people") -> list[str]:
    return [row["person_name"] for row in room.held(dataset)]


def test_a_package_becomes_a_dataset_with_evidence(room: Room) -> None:
    room.declare("roll", BOTH, sharing="unconditional")
    package = room.archive.keep("roll", {"姓名": ["张伟", "李娜"], "金额": ["1", "2.5"]})
    report = room.update()
    assert (report.rows, report.quarantined, report.changed, report.errors) == (2, 0, ("people",), ())
    sealed = room.archive.table_of(package.ref)
    assert room.held() == [
        {
            "_package": package.ref,
            "_row": row,
            "_leaf": sealed.tree[row - 1],
            "_source": "roll",
            "person_name": name,
            "amount": amount,
        }
        for row, name, amount in ((1, "张伟", 1), (2, "李娜", 2.5))
    ]
    (dataset,) = room.integrate.datasets(room.actor)
    assert dataset == room.integrate.dataset("people")
    assert dataset.sharing is SharingClass.UNCONDITIONAL
    assert dataset.fields[1].unit == "元"
    assert (dataset.rows, dataset.quarantined, dataset.packages, dataset.sources) == (2, 0, (package.ref,), ("roll",))
    assert dataset.updated_at == room.clock.now()


def test_a_run_with_nothing_new_changes_nothing(room: Room) -> None:
    room.declare("roll", BOTH)
    room.archive.keep("roll", {"姓名": ["张伟"], "金额": ["1"]})
    room.update()
    before, acts = room.integrate.dataset("people"), len(room.audit.acts)
    room.clock.advance(timedelta(days=1))
    assert room.update().sources == ()
    assert room.integrate.dataset("people") == before
    assert len(room.audit.acts) == acts


def test_promise_8_bad_rows_wait_with_their_reasons_and_the_good_go_on(room: Room) -> None:
    room.declare("roll", [*BOTH, {"name": "证号", "element": "citizen_id"}])
    cells = {"姓名": ["张伟", "", "王芳"], "金额": ["1", "x", "3"], "证号": [None, None, "990106199001011234"]}
    package = room.archive.keep("roll", cells, bad={2: "李,娜,,,"})
    report = room.update()
    assert (report.rows, report.quarantined) == (1, 3)
    assert names(room) == ["张伟"]
    faults = room.integrate.faults("people")
    assert [(f.row, f.column, f.code) for f in faults] == [
        (2, "", "unreadable.missing_cells"),
        (3, "姓名", "required"),
        (3, "金额", "decimal"),
        (4, "证号", "citizen_id.check_digit"),
    ]
    assert faults[3].value == "990************234"
    assert "校验位" in faults[3].reason.zh
    waiting = {row["_row"]: row for row in room.waiting()}
    assert sorted(waiting) == [2, 3, 4]
    assert json.loads(waiting[2]["cells"]) == {"raw": "李,娜,,,"}
    assert json.loads(waiting[3]["cells"]) == {"姓名": "", "金额": "x", "证号": None}
    assert json.loads(waiting[3]["codes"]) == ["required", "decimal"]
    sealed = room.archive.table_of(package.ref)
    assert all(row["_leaf"] == sealed.tree[number - 1] for number, row in waiting.items())
    dataset = room.integrate.dataset("people")
    assert dataset.rows + dataset.quarantined == len(sealed.tree)


def test_a_soft_fault_sets_aside_only_its_value(room: Room) -> None:
    room.declare(
        "roll", [NAME, {**AMOUNT, "on_fault": "value"}, {"name": "证", "element": "citizen_id", "on_fault": "value"}]
    )
    room.archive.keep("roll", {"姓名": ["张伟"], "金额": ["many"], "证": ["990106199001011234"]})
    report = room.update()
    assert (report.rows, report.quarantined, report.sources[0].noted) == (1, 0, 1)
    assert (room.held()[0]["amount"], room.held()[0]["citizen_id"]) == (None, None)
    assert [fault.code for fault in room.integrate.faults()] == ["decimal", "citizen_id.check_digit"]
    assert room.waiting() == []
    counts = room.integrate.counts()
    assert (counts["datasets"], counts["rows"], counts["noted"], counts["faults"]) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("table", "code", "word"),
    [
        (pa.table({"金额": ["1"]}), "missing_column", "姓名"),
        (
            pa.Table.from_arrays([pa.array(["张"]), pa.array(["李"])], names=["姓名", "姓名"]),
            "duplicate_header",
            "姓名",
        ),
    ],
)
def test_promise_8_a_delivery_with_a_bad_header_waits_whole_and_what_was_there_stays(
    room: Room, table: pa.Table, code: str, word: str
) -> None:
    room.declare("roll", BOTH)
    room.archive.keep("roll", {"姓名": ["张伟"], "金额": ["1"]})
    room.update()
    room.archive.keep("roll", table, event_time=EVENT + timedelta(days=30))
    report = room.update()
    assert (report.sources[0].refused, report.quarantined, report.changed) == (1, 1, ())
    assert names(room) == ["张伟"]
    (fault,) = room.integrate.faults()
    assert (fault.code, fault.row) == (code, 0)
    assert word in fault.reason.zh
    assert room.integrate.dataset("people").quarantined == 1


def test_a_package_without_a_table_is_refused(room: Room) -> None:
    room.declare("roll", BOTH)
    room.archive.keep("roll", {"姓名": []}, sealed=False)
    assert room.update().sources[0].refused == 1
    assert [fault.code for fault in room.integrate.faults()] == ["unsealed"]
    assert room.integrate.datasets() == []


def test_drift_is_reported_and_the_rows_go_on(room: Room) -> None:
    room.declare("roll", BOTH)
    package = room.archive.keep("roll", {"备注": ["x"], "姓名": ["张伟"]})
    report = room.update()
    assert [each.zh for each in report.sources[0].drift] == ["缺少列“金额”，按空值处理", "契约之外的列“备注”未采用"]
    assert room.held()[0]["amount"] is None
    assert room.integrate.drift("people") == {package.ref: report.sources[0].drift}


def test_a_full_snapshot_replaces_the_last(room: Room) -> None:
    room.declare("roll", BOTH)
    first = room.archive.keep("roll", {"姓名": ["张伟", ""], "金额": ["1", "2"]})
    room.update()
    second = room.archive.keep("roll", {"姓名": ["李娜"], "金额": ["3"]}, event_time=EVENT + timedelta(days=1))
    room.update()
    assert names(room) == ["李娜"]
    assert room.waiting() == []
    assert room.integrate.faults() == []
    dataset = room.integrate.dataset("people")
    assert (dataset.rows, dataset.quarantined, dataset.packages) == (1, 0, (second.ref,))
    older = room.tables.arrow(room.integrate.table("people", dataset.version - 1))
    assert older.column("_package").to_pylist() == [first.ref]


def test_a_late_older_snapshot_changes_nothing_but_a_correction_does(room: Room) -> None:
    room.declare("roll", BOTH)
    new = room.archive.keep("roll", {"姓名": ["新"], "金额": ["1"]}, event_time=EVENT)
    room.update()
    room.archive.keep("roll", {"姓名": ["旧"], "金额": ["1"]}, event_time=EVENT - timedelta(days=9))
    report = room.update()
    assert (report.sources[0].superseded, names(room)) == (1, ["新"])
    room.archive.keep("roll", {"姓名": ["改"], "金额": ["1"]}, id=new.id, event_time=EVENT - timedelta(days=20))
    room.update()
    assert names(room) == ["改"]


def test_of_many_waiting_snapshots_the_last_readable_one_is_taken(room: Room) -> None:
    room.declare("roll", BOTH)
    for day, header in enumerate(["姓名", "姓名", "名"]):
        room.archive.keep("roll", {header: [f"第{day}天"], "金额": ["1"]}, event_time=EVENT + timedelta(days=day))
    report = room.update()
    assert names(room) == ["第1天"]
    assert (report.sources[0].packages, report.sources[0].refused, report.sources[0].superseded) == (3, 1, 1)
    assert len(room.archive.opened) == 2


def test_a_delta_adds_and_a_correction_takes_the_place_of_what_it_corrects(room: Room) -> None:
    room.declare("visits", BOTH, snapshot="delta")
    first = room.archive.keep("visits", {"姓名": ["甲", ""], "金额": ["1", "1"]})
    room.archive.keep("visits", {"姓名": ["乙"], "金额": ["2"]})
    room.update()
    assert room.integrate.dataset("people").version == 0
    room.archive.keep("visits", {"姓名": ["丙"], "金额": ["3"]})
    room.archive.keep("visits", {"姓名": ["甲改"], "金额": ["4"]}, id=first.id)
    room.update()
    assert sorted(names(room)) == ["丙", "乙", "甲改"]
    assert room.waiting() == []
    assert len(room.integrate.dataset("people").packages) == 3


def test_versions_that_wait_together_leave_only_the_last(room: Room) -> None:
    room.declare("visits", BOTH, snapshot="delta")
    first = room.archive.keep("visits", {"姓名": ["甲"], "金额": ["1"]})
    room.archive.keep("visits", {"姓名": ["甲改"], "金额": ["1"]}, id=first.id)
    assert room.update().sources[0].superseded == 1
    assert names(room) == ["甲改"]


def test_a_refused_correction_leaves_what_it_would_correct(room: Room) -> None:
    room.declare("visits", BOTH, snapshot="delta")
    first = room.archive.keep("visits", {"姓名": ["甲"], "金额": ["1"]})
    room.update()
    room.archive.keep("visits", {"金额": ["1"]}, id=first.id)
    room.update()
    assert names(room) == ["甲"]
    assert room.integrate.dataset("people").packages == (first.ref,)


def test_two_sources_feed_one_dataset_without_touching_each_other(room: Room) -> None:
    room.declare("east", BOTH, sharing="conditional", department="甲局")
    room.declare("west", [NAME, {"name": "电话", "element": "phone"}], sharing="withheld", department="乙局")
    room.archive.keep("east", {"姓名": ["东"], "金额": ["1"]})
    room.archive.keep("west", {"姓名": ["西"], "电话": ["13800001234"]})
    room.update()
    room.archive.keep("east", {"姓名": ["东新"], "金额": ["1"]}, event_time=EVENT + timedelta(days=1))
    room.update()
    assert sorted(names(room)) == ["东新", "西"]
    dataset = room.integrate.dataset("people")
    assert (dataset.department, dataset.sharing, dataset.sources) == (
        "甲局、乙局",
        SharingClass.WITHHELD,
        ("west", "east"),
    )
    assert [field.name for field in dataset.fields] == ["person_name", "amount", "phone"]


def test_a_changed_contract_takes_everything_anew(room: Room) -> None:
    room.declare("visits", [NAME], snapshot="delta")
    room.archive.keep("visits", {"姓名": ["甲"], "金额": ["1"]})
    room.archive.keep("visits", {"姓名": ["乙"], "金额": ["2"]})
    room.update()
    room.declare("visits", BOTH, snapshot="delta")
    assert room.update().rows == 2
    assert sorted((row["person_name"], row["amount"]) for row in room.held()) == [("乙", 2), ("甲", 1)]
    assert room.update().sources == ()


def test_small_deliveries_of_one_shape_are_scanned_together_and_keep_their_own_keys(room: Room) -> None:
    room.declare(
        "visits", [{"name": "号", "element": "visit_no"}], dataset="visits", snapshot="delta", key=["visit_no"]
    )
    packages = [room.archive.keep("visits", {"号": ["1", "2", "1"]}, bad={1: "x"}) for _ in range(3)]
    packages.append(room.archive.keep("visits", {"另": ["1"], "号": ["9"]}))
    report = room.update()
    assert (report.rows, report.quarantined) == (7, 6)
    held = [(row["_package"], row["_row"], row["visit_no"]) for row in room.held("visits")]
    wanted = [(package.ref, row, no) for package in packages[:3] for row, no in ((2, "1"), (3, "2"))]
    assert sorted(held) == sorted([*wanted, (packages[3].ref, 1, "9")])
    assert [(f.row, f.code) for f in room.integrate.faults(package=packages[0].ref)] == [
        (1, "unreadable.missing_cells"),
        (4, "unique"),
    ]


def test_a_long_backlog_is_taken_in_portions(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PORTION_ROWS", 3)
    monkeypatch.setattr(module, "LOAD_ROWS", 2)
    room.declare("visits", [NAME], snapshot="delta")
    for number in range(4):
        room.archive.keep("visits", {"姓名": [f"甲{number}", f"乙{number}"]})
    report = room.update()
    assert [each.packages for each in report.sources] == [1, 1, 1, 1]
    assert len(room.held()) == 8


def test_the_list_of_faults_is_capped_but_the_count_is_not(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "FAULT_CAP", 5)
    monkeypatch.setattr(quarantine, "_SPILL", 4)
    room.declare("roll", BOTH)
    room.archive.keep("roll", {"姓名": [""] * 11, "金额": ["1"] * 11})
    room.update()
    assert len(room.integrate.faults()) == 5
    assert room.integrate.fault_counts() == {"people": 11}
    assert len(room.waiting()) == 11
    assert len(room.integrate.faults(limit=2, offset=4)) == 1


class Crash(BaseException):
    pass


@pytest.mark.parametrize("snapshot", ["full", "delta"])
@pytest.mark.parametrize("step", ["_set_aside", "_settle"])
def test_promise_8_a_crash_in_the_middle_doubles_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch, step: str, snapshot: str
) -> None:
    room.declare("visits", BOTH, snapshot=snapshot)
    room.archive.keep("visits", {"姓名": ["先"], "金额": ["0"]})
    room.update()
    room.archive.keep("visits", {"姓名": ["甲", ""], "金额": ["1", "2"]}, event_time=EVENT + timedelta(days=1))
    room.archive.keep("visits", {"姓名": ["乙", "丙"], "金额": ["1", "x"]}, event_time=EVENT + timedelta(days=2))

    def crash(*_: Any, **__: Any) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(DatasetMaker, step, crash)
        with pytest.raises(Crash):
            room.update()
    room.update()
    assert sorted(names(room)) == (["乙", "先", "甲"] if snapshot == "delta" else ["乙"])
    assert len(room.waiting()) == (2 if snapshot == "delta" else 1)
    dataset = room.integrate.dataset("people")
    assert (dataset.rows, dataset.quarantined) == (len(room.held()), len(room.waiting()))


def test_one_bad_source_does_not_stop_the_others(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.declare("east", BOTH, dataset="east")
    room.declare("west", BOTH, dataset="west")
    bad = room.archive.keep("east", {"姓名": ["东"], "金额": ["1"]})
    room.archive.keep("west", {"姓名": ["西"], "金额": ["1"]})
    whole = room.archive.table_of

    def altered(ref: str) -> Any:
        if ref == bad.ref:
            raise IntegrityError(object=ref, why="altered")
        return whole(ref)

    monkeypatch.setattr(room.archive, "table_of", altered)
    report = room.update()
    assert [each.error is None for each in report.sources] == [False, True]
    assert isinstance(report.errors[0], IntegrityError)
    assert names(room, "west") == ["西"]
    monkeypatch.undo()
    assert room.update().changed == ("east",)


def test_each_write_is_witnessed(room: Room) -> None:
    room.declare("roll", BOTH)
    package = room.archive.keep("roll", {"姓名": ["张伟"], "金额": ["1"]})
    room.update()
    (act,) = room.audit.acts
    assert (act.kind, act.object) == (ActKind.STANDARDISED, "dataset:people")
    assert (act.detail["packages"], act.detail["rows"], act.detail["version"]) == ([package.ref], 1, 0)


def test_who_may_not_integrate_is_refused(room: Room) -> None:
    clerk = Actor("c", "c", "d", frozenset({Role.CLERK}))
    room.actor = clerk
    with pytest.raises(DeniedError):
        room.update()
    with pytest.raises(DeniedError):
        room.link()
    with pytest.raises(DeniedError):
        room.integrate.datasets(clerk)


def test_what_is_not_there_is_not_found(room: Room) -> None:
    for ask in (room.integrate.dataset, room.integrate.table, room.integrate.quarantine):
        with pytest.raises(NotFoundError):
            ask("nothing")
    assert room.integrate.dossier_of("people", Evidence("pkg-0@1", 1, "00")) == []
    assert room.integrate.faults() == []
    assert room.integrate.counts()["datasets"] == 0


def test_a_faulty_contract_is_told_before_anything_is_read(room: Room) -> None:
    room.declare("roll", ["colour"])
    with pytest.raises(ConfigError):
        room.update()
    assert room.archive.opened == []


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["甲", "", None]), st.sampled_from(["1", "x", None])), max_size=6),
        min_size=1,
        max_size=4,
    )
)
def test_promise_6_rows_and_quarantined_are_always_all_rows_read(
    room: Room, deliveries: list[list[tuple[str | None, str | None]]]
) -> None:
    id = f"visits-{len(room.archive.packages)}"
    dataset = f"visits_{len(room.archive.packages)}"
    room.sources.clear()
    room.declare(id, BOTH, dataset=dataset, snapshot="delta")
    for rows in deliveries:
        room.archive.keep(
            id, {"姓名": [row[0] for row in rows], "金额": [row[1] for row in rows]}, bad={len(rows) + 1: "?"}
        )
    room.update()
    found = room.integrate.dataset(dataset)
    good = sum(bool(name) and amount != "x" for rows in deliveries for name, amount in rows)
    assert found.rows == good == len(room.held(dataset))
    assert found.quarantined == sum(len(rows) + 1 for rows in deliveries) - good == len(room.waiting(dataset))


def test_times_are_kept_with_the_dataset(room: Room) -> None:
    room.declare("roll", [NAME])
    room.archive.keep("roll", {"姓名": ["张"]})
    room.clock.at = datetime(2027, 1, 1, tzinfo=UTC)
    room.update()
    assert room.integrate.dataset("people").updated_at == datetime(2027, 1, 1, tzinfo=UTC)
