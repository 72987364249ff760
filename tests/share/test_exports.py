"""A copy leaves under a grant: refused by default, on record first, recognisable afterwards."""

import csv
import errno
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor, Role
from chengyi.model.clock import SetClock
from chengyi.model.codes import SharingClass
from chengyi.model.errors import ChengyiError, ConfigError, DeniedError, IntegrityError, NotFoundError, UsageError
from chengyi.model.grant import Grant
from chengyi.share import Exported, ExportOrder, Share, load_policies
from chengyi.share.errors import GrantEndedError, OutsideGrantError
from chengyi.share.exports import NOTICE, check_manifest
from chengyi.store.rows import Rows
from chengyi.trust.ledger.receipts import parse
from chengyi.trust.ledger.receipts import verify as verify_receipt
from chengyi.trust.marks.policy import ColumnPolicy, MarkPolicy
from share.conftest import ARCHIVIST, CLERK, NODE, PURPOSE, STRANGER, Room, gaps
from simulators.audit import MemoryAudit
from simulators.integrate import INTERNAL, PERSONAL, PUBLIC, SimIntegrate
from simulators.keys import MemoryKeys

RELIEF = {
    "relief_no": ("text", INTERNAL),
    "note": ("text", PUBLIC),
    "paid_at": ("datetime", PUBLIC),
    "gross": ("decimal", PUBLIC),
    "tax": ("decimal", PUBLIC),
    "net": ("decimal", PUBLIC),
    "person_name": ("text", PERSONAL),
}
POLICY = MarkPolicy(
    (
        ColumnPolicy(
            "tax", Decimal("0.1"), tolerance=Decimal(1), least=Decimal(0), follows=(("net", -1),), below="gross"
        ),
    ),
    ("relief_no",),
)
ROWS = 4_000
CASE = PURPOSE.case


def relief(number: int) -> list[Any]:
    gross = Decimal(900 + number % 700)
    tax = (gross / 10).quantize(Decimal("0.1"))
    note = ["=HYPERLINK(1)", "+86 21", "普通", '引"号, 逗号\n换行'][number % 4]
    when = datetime(2026, 1, 1) + timedelta(minutes=7 * number)  # noqa: DTZ001 - a table's own wall time
    return [f"JZ-2026-{number:06d}", note, when, gross, tax, gross - tax, "张三"]


@pytest.fixture(scope="module")
def data() -> list[list[Any]]:
    return [relief(number) for number in range(ROWS)]


@pytest.fixture
def town(clock: SetClock, data: list[list[Any]]) -> Iterator[Room]:
    audit, keys, rows = MemoryAudit(clock), MemoryKeys(), Rows("sqlite://")
    integrate = SimIntegrate(audit)
    integrate.put("relief", RELIEF, data, quarantined=3)
    integrate.put("secrets", {"matter": ("text", INTERNAL)}, [["x"]], sharing=SharingClass.WITHHELD)
    rows.create_all()
    share = Share(rows, keys, audit, clock, integrate, integrate.archive, gaps=gaps)
    share.publish(NODE)
    yield Room(share, integrate, audit, clock, rows, keys)
    rows.close()


def granted(town: Room, actor: Actor = CLERK, *fields: str) -> Grant:
    names = fields or tuple(name for name in RELIEF if name != "person_name")
    request = town.share.request(actor, "relief", names, PURPOSE)
    assert request.grant is not None
    return town.share.grant(request.grant)


def order(town: Room, path: Path, actor: Actor = CLERK, **changes: Any) -> ExportOrder:
    plain = ExportOrder(granted(town, actor).id, CASE, path, policy=POLICY, accepted=True)
    return replace(plain, **changes)


def read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    return head, rows


def everything(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_copy_leaves_with_its_manifest_and_receipt(town: Room, tmp_path: Path) -> None:
    done = town.share.export(CLERK, order(town, tmp_path / "copy.csv"))
    assert everything(tmp_path) == ["copy.csv", "copy.csv.manifest.json", "copy.csv.tlog-proof"]
    head, rows = read_csv(done.path)
    assert head == [name for name in RELIEF if name != "person_name"]
    assert len(rows) == done.record.rows == ROWS + len(done.record.canaries)
    manifest = check_manifest(done.manifest.read_bytes(), town.keys.verifier)
    assert manifest["completeness"] == {
        "expected": ROWS,
        "received": ROWS,
        "missing": ["quarantined:3", "undeclared:relief"],
    }
    assert manifest["control_rows"] == len(done.record.canaries) == 2
    file: Any = manifest["file"]
    assert file["sha256"] == sha256(done.path.read_bytes()).hexdigest() == done.record.file
    entry = verify_receipt(parse(done.receipt.read_text()), town.keys.verifier)
    assert entry.index == done.record.entry
    assert entry.act.detail["file"] == done.record.file


def test_promise_4_the_act_is_on_record_with_its_commitment_before_the_file_has_its_name(
    town: Room, tmp_path: Path
) -> None:
    path = tmp_path / "copy.csv"
    wanted = order(town, path)
    seen: list[bool] = []
    record = town.audit.record

    def watched(act: Act) -> int:
        if act.kind is ActKind.EXPORTED:
            seen.append(path.exists())
        return record(act)

    town.audit.record = watched  # type: ignore[method-assign]
    done = town.share.export(CLERK, wanted)
    assert seen == [False]
    act = town.acts("share.exported")[0]
    assert act.grant == wanted.grant
    assert act.purpose == PURPOSE.text
    assert act.fields == tuple(name for name in RELIEF if name != "person_name")
    detail = act.detail
    assert detail["commitment"] == done.record.commitment
    assert detail["rows"] == done.record.rows
    assert (detail["mode"], detail["marked"], detail["case"]) == ("marked", ["tax"], CASE)
    assert detail["roster"] == {"count": 1, "root": detail["roster"]["root"]}  # type: ignore[index, call-overload]


def test_promise_4_where_nothing_can_be_recorded_nothing_leaves(town: Room, tmp_path: Path) -> None:
    wanted = order(town, tmp_path / "copy.csv")

    def refuse(act: Act) -> int:
        raise IntegrityError(object="ledger", why="broken")

    town.audit.record = refuse  # type: ignore[method-assign]
    with pytest.raises(IntegrityError):
        town.share.export(CLERK, wanted)
    assert everything(tmp_path) == []
    assert town.share.exports(CLERK) == []


def test_a_copy_that_cannot_be_finished_leaves_nothing(
    town: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def write(self, table: Any) -> None:
            raise OSError(errno.ENOSPC, "no space")

        def close(self) -> None:
            pass

    monkeypatch.setattr("chengyi.share.copies.open_writer", lambda *_, **__: Full())
    with pytest.raises(OSError, match="no space"):
        town.share.export(CLERK, order(town, tmp_path / "copy.csv"))
    assert everything(tmp_path) == []
    assert town.acts("share.exported") == []
    assert town.share.exports(CLERK) == []


@pytest.mark.parametrize(
    ("actor", "changes", "fault"),
    [
        (STRANGER, {}, NotFoundError),
        (CLERK, {"grant": "grt-none"}, NotFoundError),
        (CLERK, {"case": ""}, OutsideGrantError),
        (CLERK, {"case": "another"}, OutsideGrantError),
        (CLERK, {"filters": (("person_name", "张三"),)}, OutsideGrantError),
        (ARCHIVIST, {}, NotFoundError),
    ],
)
def test_an_export_is_refused_like_a_reading_and_on_record(
    town: Room, tmp_path: Path, actor: Actor, changes: dict[str, Any], fault: type[ChengyiError]
) -> None:
    with pytest.raises(fault):
        town.share.export(actor, order(town, tmp_path / "copy.csv", **changes))
    assert everything(tmp_path) == []
    assert town.acts("share.denied")[-1].actor == actor.id
    assert town.acts("share.exported") == []


def test_an_ended_grant_gives_no_copy(town: Room, tmp_path: Path) -> None:
    wanted = order(town, tmp_path / "copy.csv")
    town.clock.advance(timedelta(days=400))
    with pytest.raises(GrantEndedError):
        town.share.export(CLERK, wanted)
    assert everything(tmp_path) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"accepted": False},
        {"mode": "bare"},
        {"canaries": -1},
        {"canaries": 10_000},
        {"policy": None},
        {"policy": MarkPolicy((ColumnPolicy("note", Decimal(1), tolerance=Decimal(1)),), ("relief_no",))},
        {"policy": MarkPolicy((ColumnPolicy("person_name", Decimal(1), tolerance=Decimal(1)),), ("relief_no",))},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(town: Room, tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        town.share.export(CLERK, order(town, tmp_path / "copy.csv", **changes))
    with pytest.raises(UsageError):
        town.share.export(CLERK, order(town, tmp_path / "copy.doc"))
    assert everything(tmp_path) == []


def test_an_existing_file_is_never_overwritten(town: Room, tmp_path: Path) -> None:
    path = tmp_path / "copy.csv"
    path.write_text("mine")
    with pytest.raises(UsageError):
        town.share.export(CLERK, order(town, path))
    assert path.read_text() == "mine"


def test_a_marked_copy_keeps_tolerances_sums_equalities_and_everything_else(
    town: Room, tmp_path: Path, data: list[list[Any]]
) -> None:
    done = town.share.export(CLERK, order(town, tmp_path / "copy.parquet", canaries=0))
    rows = sorted(pq.read_table(done.path).to_pylist(), key=lambda row: row["relief_no"])
    assert done.record.marks > 0.9 * ROWS
    moved = 0
    for row, original in zip(rows, data, strict=True):
        number, note, paid_at, gross, tax, *_ = original
        assert (row["relief_no"], row["note"], row["paid_at"], row["gross"]) == (number, note, paid_at, gross)
        assert abs(row["tax"] - tax) <= 1
        assert row["gross"] - row["tax"] == row["net"]
        moved += row["tax"] != tax
    assert moved > 0.5 * ROWS
    for at, name in ((4, "tax"), (5, "net")):
        before, after = sum(each[at] for each in data), sum(row[name] for row in rows)
        assert abs(after / before - 1) <= Decimal("0.001")
    assert sum(done.shift.values()) == pytest.approx(
        float(sum(row["tax"] for row in rows) - sum(each[4] for each in data))
    )


@pytest.mark.parametrize("form", ["csv", pytest.param("xlsx", marks=pytest.mark.slow), "parquet"])
def test_an_exact_copy_changes_no_value(town: Room, tmp_path: Path, data: list[list[Any]], form: str) -> None:
    done = town.share.export(CLERK, order(town, tmp_path / f"copy.{form}", mode="exact"))
    assert (done.record.marks, done.record.canaries) == (0, ())
    if form == "parquet":
        rows = [list(each.values()) for each in pq.read_table(done.path).to_pylist()]
        assert sorted(rows) == sorted(each[:6] for each in data)
        return
    if form == "xlsx":
        sheet = openpyxl.load_workbook(done.path).worksheets[0]
        cells = [[str(each) for each in row] for row in sheet.iter_rows(min_row=2, values_only=True)]
    else:
        cells = [[each.removeprefix("'") for each in row] for row in read_csv(done.path)[1]]
    original = [[each[0], each[1], str(each[2]), *(f"{value.normalize():f}" for value in each[3:6])] for each in data]
    assert sorted(cells) == sorted(original)


@pytest.mark.slow
def test_a_spreadsheet_runs_nothing_that_a_record_says(town: Room, tmp_path: Path) -> None:
    _, rows = read_csv(town.share.export(CLERK, order(town, tmp_path / "copy.csv")).path)
    assert not any(cell[:1] in set("=+@\t\r") for row in rows for cell in row)
    assert any(row[1] == "'=HYPERLINK(1)" for row in rows)
    book = openpyxl.load_workbook(town.share.export(CLERK, order(town, tmp_path / "copy.xlsx")).path)
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)
    assert any(cell.value == "=HYPERLINK(1)" for cell in cells)


def test_a_byte_order_mark_is_for_those_who_want_it(town: Room, tmp_path: Path) -> None:
    with_mark = town.share.export(CLERK, order(town, tmp_path / "a.csv")).path.read_bytes()
    without = town.share.export(CLERK, order(town, tmp_path / "b.csv", bom=False)).path.read_bytes()
    assert with_mark.startswith(b"\xef\xbb\xbf")
    assert not without.startswith(b"\xef\xbb\xbf")


@pytest.mark.slow
def test_a_leaked_copy_leads_to_its_recipient(town: Room, tmp_path: Path) -> None:
    people = [Actor(f"clerk-{number}", "经办", f"部门{number}", frozenset({Role.CLERK})) for number in range(5)]
    copies = [town.share.export(each, order(town, tmp_path / f"{each.id}.csv", each)) for each in people]
    head, rows = read_csv(copies[3].path)
    leak = tmp_path / "leak.csv"
    with leak.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *sorted(rows, key=lambda row: row[4])[:300]])
    found = town.share.marks.identify(leak)
    assert [each.recipient for each in found.accused] == ["部门3/clerk-3"]
    assert found.accused[0].exports[0].id == copies[3].record.id
    assert found.tested == 5


def control_rows(done: Exported, data: list[list[Any]]) -> tuple[list[str], list[list[str]]]:
    head, rows = read_csv(done.path)
    known = {each[0] for each in data}
    return head, [row for row in rows if row[0] not in known]


def test_a_control_row_names_the_export_at_once(town: Room, tmp_path: Path, data: list[list[Any]]) -> None:
    first = town.share.export(CLERK, order(town, tmp_path / "a.csv", canaries=20))
    second = town.share.export(CLERK, order(town, tmp_path / "b.csv", canaries=20))
    head, planted = control_rows(second, data)
    assert len(planted) == 20
    assert not {row[0] for row in planted} & {row[0] for row in control_rows(first, data)[1]}
    assert all(row[0].startswith("JZ-2026-") and len(row[0]) == len("JZ-2026-000000") for row in planted)
    leak = {name: [planted[0][at]] for at, name in enumerate(head)}
    found = town.share.marks.identify(leak)
    assert [each.export.id for each in found.canaries] == [second.record.id]
    assert found.canaries[0].chance <= 20 / 10**6
    assert found.accused == ()
    assert "对照记录" in found.answer.zh


def test_no_control_row_can_be_taken_for_a_person(room: Room, tmp_path: Path) -> None:
    """Where citizen numbers are shown in the clear, an invented row would be somebody: there is none."""
    grant = room.approved("citizen_id", "birth_date", "monthly_amount", clear=("citizen_id", "monthly_amount"))
    policy = MarkPolicy((ColumnPolicy("monthly_amount", Decimal(1), tolerance=Decimal(5)),), ("citizen_id",))
    wanted = ExportOrder(grant.id, CASE, tmp_path / "a.csv", policy=policy, accepted=True)
    assert room.share.export(CLERK, wanted).record.canaries == ()
    with pytest.raises(UsageError):
        room.share.export(CLERK, replace(wanted, path=tmp_path / "b.csv", canaries=5))


def test_a_masked_column_leaves_masked_and_is_never_marked(room: Room, tmp_path: Path) -> None:
    grant = room.approved("citizen_id", "person_name", "monthly_amount", "area_code")
    policy = MarkPolicy((ColumnPolicy("monthly_amount", Decimal(1), tolerance=Decimal(5)),))
    wanted = ExportOrder(grant.id, CASE, tmp_path / "a.csv", policy=policy, accepted=True)
    with pytest.raises(UsageError):
        room.share.export(CLERK, wanted)
    done = room.share.export(CLERK, replace(wanted, mode="exact"))
    _, rows = read_csv(done.path)
    assert {tuple(row[:3]) for row in rows} == {
        ("", "*", ""),
        ("990106********2345", "欧***", ""),
        ("990106********123X", "张*", ""),
    }
    assert check_manifest(done.manifest.read_bytes(), room.keys.verifier)["masked"] == [
        "citizen_id",
        "person_name",
        "monthly_amount",
    ]


def test_a_masked_date_is_not_moved(room: Room, tmp_path: Path) -> None:
    grant = room.approved("birth_date", "monthly_amount", clear=("monthly_amount",))
    columns = tuple(ColumnPolicy(name, Decimal(1), tolerance=Decimal(5)) for name in ("monthly_amount", "birth_date"))
    wanted = ExportOrder(grant.id, CASE, tmp_path / "a.csv", policy=MarkPolicy(columns), accepted=True)
    _, rows = read_csv(room.share.export(CLERK, wanted).path)
    assert {row[0] for row in rows} == {"1980-01-01", "1975-01-01", ""}


def test_a_grants_rows_and_filters_hold_for_a_copy(town: Room, tmp_path: Path) -> None:
    done = town.share.export(CLERK, order(town, tmp_path / "a.csv", filters=(("note", "普通"),), canaries=0))
    _, rows = read_csv(done.path)
    assert {row[1] for row in rows} == {"普通"}
    assert done.record.rows == ROWS // 4
    filters: Any = town.acts("share.exported")[0].detail["filters"]
    assert filters[0][0] == "note"
    assert "普通" not in json.dumps(filters, ensure_ascii=False)


def test_exports_are_listed_to_whom_they_concern(town: Room, tmp_path: Path) -> None:
    done = town.share.export(CLERK, order(town, tmp_path / "a.csv"))
    assert [each.id for each in town.share.exports(CLERK)] == [done.record.id]
    assert town.share.exports(STRANGER) == []
    assert [each.id for each in town.share.exports(ARCHIVIST)] == [done.record.id]
    with pytest.raises(DeniedError):
        town.share.exports(Actor("s", "s", "d", frozenset({Role.SYSTEM_ADMIN})))
    auditor = Actor("a", "审计", "区审计局", frozenset({Role.AUDITOR}))
    assert [each["entry"] for each in town.share.accesses(auditor, done.record.grant)] == [done.record.entry]


def test_a_copy_is_readable_by_its_owner_only(town: Room, tmp_path: Path) -> None:
    done = town.share.export(CLERK, order(town, tmp_path / "a.csv"))
    assert done.path.stat().st_mode & 0o077 == 0
    assert os.getuid() == done.path.stat().st_uid


def test_a_forged_manifest_is_refused(town: Room, tmp_path: Path) -> None:
    done = town.share.export(CLERK, order(town, tmp_path / "a.csv"))
    raw = done.manifest.read_bytes()
    for forged in (raw.replace(b'"rows":4002', b'"rows":4001'), raw[:-1], b"{}", b"[" * 10_000):
        assert forged != raw
        with pytest.raises(IntegrityError):
            check_manifest(forged, town.keys.verifier)
    with pytest.raises(IntegrityError):
        check_manifest(raw, MemoryKeys("test.invalid/node", b"other").verifier)


def test_an_empty_copy_is_a_copy(town: Room, tmp_path: Path) -> None:
    done = town.share.export(CLERK, order(town, tmp_path / "a.csv", filters=(("note", "没有"),)))
    assert (done.record.rows, done.record.marks) == (0, 0)
    assert read_csv(done.path)[0][0] == "relief_no"


def test_policies_are_read_from_the_home(tmp_path: Path) -> None:
    path = tmp_path / "exports.toml"
    assert load_policies(path) == {}
    path.write_text("[export.relief.mark.tax]\ntolerance = 1\n")
    assert load_policies(path)["relief"].columns[0].column == "tax"
    for wrong in ("[export", "[export.relief.mark.tax]\n"):
        path.write_text(wrong)
        with pytest.raises(ConfigError):
            load_policies(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError):
        load_policies(path)


def test_the_notice_says_what_is_done_in_both_languages() -> None:
    for word in ("容差", "行序", "对照记录", "不得转交"):
        assert word in NOTICE.zh
    for word in ("tolerances", "re-ordered", "control rows", "not to be passed on"):
        assert word in NOTICE.en
