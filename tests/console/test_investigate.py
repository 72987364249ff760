"""Investigations and flags: who did what, with proofs; where a piece belongs; odd days, and what people say of them."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from chengyi.model.act import Act, ActKind, FlagState, Seat
from chengyi.model.actor import Actor, Role
from chengyi.model.errors import DeniedError, NotFoundError, UsageError
from chengyi.node import Node
from chengyi.node.investigation import Investigator, Question, flags_of, surroundings
from chengyi.node.report import sentences, write_report
from chengyi.trust.audit.behaviour import Watch
from chengyi.trust.audit.trace import Asked
from chengyi.trust.ledger.receipts import render
from chengyi.trust.ledger.verify import verify_receipt
from chengyi.trust.marks.check import check_bundle
from console.conftest import PASSWORD, only_turned_away, open_account
from console.scene import CLERK, Scene

pytestmark = pytest.mark.slow
Visit = Callable[..., Any]
AUDITOR = Actor("auditor", "审计员", "区审计局", frozenset({Role.AUDITOR}))
REASON = "信访件 2026-17 核查"


def page(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


def ask(node: Node, **asked: str) -> Any:
    return Investigator(node).ask(AUDITOR, Question(REASON, Asked(**asked)))  # type: ignore[arg-type]


# the node


def test_promise_4_an_actor_is_traced_and_the_investigation_is_on_record_first(node: Node) -> None:
    found = ask(node, actor=CLERK.id)
    assert {entry.act.actor for trace in found.traces for entry in trace.entries} == {CLERK.id}
    assert len(found.receipts) >= 3
    for receipt in found.receipts:
        assert receipt.checkpoint.size > found.entry
    own = node.audit.entry(found.entry).act
    assert (own.kind, own.actor, own.object) == (ActKind.INVESTIGATED, "auditor", f"actor:{CLERK.id}")
    assert own.detail["reason"] == REASON


def test_promise_4_nobody_investigates_without_right_or_reason(node: Node) -> None:
    size = node.ledger.checkpoint().size
    with pytest.raises(DeniedError):
        Investigator(node).ask(CLERK, Question(REASON, Asked(actor="x")))
    for question in (Question("", Asked(actor="x")), Question("因" * 501, Asked(actor="x")), Question(REASON)):
        with pytest.raises(UsageError):
            Investigator(node).ask(AUDITOR, question)
    assert node.ledger.checkpoint().size == size


def test_promise_5_a_fragment_leads_to_record_delivery_and_acts(node: Node, scene: Scene, tmp_path: Path) -> None:
    package = node.archive.package(scene.document, node.actor)
    [fragment, *_] = sorted(node.home.vault.rglob(f"{package.components[0].object}-*"))
    damaged = tmp_path / fragment.name
    damaged.write_bytes(fragment.read_bytes()[:-40])
    unnamed = tmp_path / "found-on-a-disk"
    unnamed.write_bytes(fragment.read_bytes())
    for file in (damaged, unnamed):
        found = Investigator(node).ask(AUDITOR, Question(REASON, fragment=file))
        said = {link.title.zh: link.value for link in found.links}
        assert said["档号"] == package.archival_code
        assert said["报送"].endswith(f"({package.submission})")
        assert said["现存分片"].startswith("3/3")
        kinds = {entry.act.kind for trace in found.traces for entry in trace.entries}
        assert {ActKind.KEPT, ActKind.RECEIVED} <= kinds
    nothing = tmp_path / "nothing"
    nothing.write_bytes(b"\xff" * 100_000)
    with pytest.raises(NotFoundError):
        Investigator(node).ask(AUDITOR, Question(REASON, fragment=nothing))


def test_an_archival_code_and_an_unknown_object_are_answered(node: Node, scene: Scene) -> None:
    found = ask(node, object=scene.code)
    assert next(link.value for link in found.links if link.title.en == "Version").startswith("pkg-")
    assert ask(node, object="no-such-thing").receipts == ()


def test_promise_4_a_report_is_checked_by_a_third_party(node: Node, tmp_path: Path) -> None:
    import subprocess
    import sys

    found = ask(node, actor=CLERK.id)
    folder = write_report(node, found, tmp_path / "report")
    key = node.keys.verifier
    files = sorted((folder / "receipts").iterdir())
    acts = json.loads((folder / "report.json").read_text("utf-8"))["acts"]
    assert sorted(act["entry"] for act in acts) == [
        verify_receipt(each.read_text("utf-8"), key).index for each in files
    ]
    alone = [sys.executable, "-m", "chengyi_verify", "receipt", str(files[0]), "--key", key]
    assert subprocess.run(alone, capture_output=True, check=False, timeout=60).returncode == 0
    assert verify_receipt((folder / "investigation.tlog-proof").read_text("utf-8"), key).act.actor == "auditor"
    assert REASON in (folder / "README.md").read_text("utf-8")
    with pytest.raises(UsageError):
        write_report(node, found, folder)


def test_a_leaked_table_that_no_export_fits_accuses_nobody(node: Node, tmp_path: Path) -> None:
    leak = tmp_path / "leak.csv"
    leak.write_text("姓名,金额\n甲,1\n乙,2\n", "utf-8")
    found = Investigator(node).ask(AUDITOR, Question(REASON, table=leak))
    assert found.leak is not None
    assert found.leak.accused == ()
    assert found.leak.answer.zh
    assert node.audit.entry(found.entry).act.object.startswith("table:")


def test_promise_5_a_leaked_export_leads_to_its_recipient_with_proofs(node: Node, scene: Scene, tmp_path: Path) -> None:
    from chengyi.share import ExportOrder

    order = ExportOrder(scene.grant, "JZ-2026-0418", tmp_path / "out.csv", mode="exact", accepted=True)
    with node.audit.acting(Seat(session="5e55", address="10.0.0.9")):
        done = node.share.export(CLERK, order)
    found = Investigator(node).ask(AUDITOR, Question(REASON, table=tmp_path / "out.csv"))
    assert found.leak is not None
    named = {each[0] for each in (*found.leak.accused, *found.leak.canaries)}
    assert named == {done.record.recipient}
    exported = next(each for each in found.receipts if each.index == done.record.entry)
    act = verify_receipt(render(exported), node.keys.verifier).act
    assert (act.kind, act.actor, act.session, act.grant) == (ActKind.EXPORTED, CLERK.id, "5e55", scene.grant)
    assert any(done.record.recipient in sentence.zh for sentence in sentences(found))
    folder = write_report(node, found, tmp_path / "report")
    bundles = sorted(folder.glob("evidence-*.zip"))
    assert len(bundles) == len(found.leak.accused)
    for bundle in bundles:
        assert check_bundle(bundle, node.keys.verifier, tmp_path / "out.csv").entry == done.record.entry


def test_promise_7_flags_are_told_settled_and_not_doubled(node: Node) -> None:
    def day(number: int, refusals: int) -> list[Act]:
        del number
        return [Act(ActKind.DENIED, "nosy", f"grant:{each}", {"error": "DeniedError"}) for each in range(refusals)]

    clock: Any = node.clock
    for number in range(20):
        node.audit.record_all(day(number, 1))
        clock.advance(timedelta(days=1))
    node.audit.record_all(day(20, 40))
    flagged = clock.now().date()
    clock.advance(timedelta(days=1))
    around = surroundings(node)
    first = flags_of(node).watch(Watch(around), around, flagged, 3)
    assert [(flag.subject, flag.day, flag.state) for flag in first] == [("nosy", flagged, FlagState.OPEN)]
    assert "denied" in {reason.rule for reason in first[0].reasons}
    reason = next(each for each in first[0].reasons if each.rule == "denied")
    assert {node.audit.entry(index).act.actor for index in reason.entries} == {"nosy"}
    assert flags_of(node).watch(Watch(around), around, flagged, 3) == []
    with pytest.raises(UsageError):
        flags_of(node).settle(first[0].number, FlagState.EXPLAINED, "批量核对", _of("nosy"))
    with pytest.raises(UsageError):
        flags_of(node).settle(first[0].number, FlagState.OPEN, "批量核对", AUDITOR)
    with pytest.raises(NotFoundError):
        flags_of(node).settle(0, FlagState.EXPLAINED, "批量核对", AUDITOR)
    done = flags_of(node).settle(first[0].number, FlagState.EXPLAINED, "批量核对，科长已确认", AUDITOR)
    assert (done.state, done.settled_reason) == (FlagState.EXPLAINED, "批量核对，科长已确认")
    assert [flag.number for flag in ask(node, actor="nosy").flags] == [first[0].number]


def _of(id: str) -> Actor:
    return Actor(id, id, "", frozenset({Role.AUDITOR}))


# the console


def test_the_form_is_answered_with_a_timeline_and_receipts(node: Node, visit: Visit) -> None:
    client = visit(Role.AUDIT_ADMIN)
    shown = page(client.post("/investigate/ask/", {"reason": REASON, "actor": CLERK.id}))
    assert "调查结果" in shown
    entry = re.search(r'href="/ledger/(\d+)/receipt/"', shown)
    assert entry is not None
    text = page(client.get(f"/ledger/{entry[1]}/receipt/"))
    assert verify_receipt(text, node.keys.verifier).act.actor == CLERK.id
    assert REASON in page(client.get("/investigate/"))


def test_the_report_is_handed_out_as_a_folder(node: Node, visit: Visit) -> None:
    answer = visit(Role.AUDITOR).post("/investigate/ask/", {"reason": REASON, "actor": CLERK.id, "as": "zip"})
    assert answer.headers["Content-Disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        names = packed.namelist()
        assert {"README.md", "report.json", "investigation.tlog-proof", "verifier.txt"} <= set(names)
        proof = next(name for name in names if name.startswith("receipts/"))
        assert verify_receipt(packed.read(proof).decode(), node.keys.verifier).act.actor == CLERK.id


@pytest.mark.parametrize(
    "form",
    [
        {"actor": "clerk"},
        {"reason": REASON},
        {"reason": REASON, "actor": "clerk", "since": "next week"},
        {"reason": REASON, "actor": "clerk", "until": "9999-12-31"},
    ],
)
def test_a_question_that_makes_no_sense_is_answered_calmly(visit: Visit, form: dict[str, str]) -> None:
    assert visit(Role.AUDITOR).post("/investigate/ask/", form).status_code == 422


def test_a_leaked_table_is_handed_in_and_not_kept(visit: Visit) -> None:
    leak = io.BytesIO("姓名,金额\n甲,1\n".encode())
    leak.name = "../../leak.csv"
    answer = visit(Role.AUDITOR).post("/investigate/ask/", {"reason": REASON, "file": leak})
    assert answer.status_code == 200
    garbage = io.BytesIO(b"PK\x03\x04 no workbook")
    garbage.name = "leak.xlsx"
    refused = visit(Role.AUDITOR).post("/investigate/ask/", {"reason": REASON, "file": garbage})
    assert refused.status_code == 422
    assert "Traceback" not in page(refused)


def test_a_file_beyond_the_bound_is_not_read(visit: Visit) -> None:
    client = visit(Role.AUDITOR)
    assert client.post("/investigate/ask/", {"reason": REASON}, CONTENT_LENGTH="17000000").status_code == 413
    assert client.post("/receipts/check/", {"text": "x"}, CONTENT_LENGTH="2000000").status_code == 413


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.AUDITOR, Role.AUDIT_ADMIN}])
def test_only_the_audit_may_investigate(node: Node, visit: Visit, role: Role) -> None:
    client, size = visit(role), node.ledger.checkpoint().size
    assert client.get("/investigate/").status_code == 404
    assert client.get("/behaviour/").status_code == 404
    assert client.post("/investigate/ask/", {"reason": REASON, "actor": "clerk"}).status_code == 404
    assert client.post("/behaviour/1/settle/", {"state": "explained", "reason": REASON}).status_code == 404
    assert only_turned_away(node, size)


def test_a_flag_is_settled_on_its_page(node: Node, visit: Visit) -> None:
    finding = {"rule": "night", "zh": "非工作时间操作：20", "en": "acts at night: 20", "figure": "20", "limit": "10"}
    finding |= {"usual": "0", "of": "own", "days": 20, "count": 1, "entries": [0]}  # type: ignore[dict-item]
    detail: Any = {"day": date(2026, 11, 20).isoformat(), "rules": 1, "findings": [finding]}
    number = node.audit.record(Act(ActKind.FLAGGED, node.actor.id, "subject:clerk", detail))
    client = visit(Role.AUDITOR)
    assert "非工作时间操作" in page(client.get("/behaviour/"))
    assert "acts at night" in page(visit(Role.AUDITOR, language="en").get("/behaviour/?subject=clerk"))
    done = client.post(f"/behaviour/{number}/settle/", {"state": "confirmed", "reason": "查实为借用账号"}, follow=True)
    assert "已认定" in page(done)
    assert "查实为借用账号" in page(done)
    assert client.post(f"/behaviour/{number}/settle/", {"state": "", "reason": "查实"}).status_code == 422


def test_promise_4_acts_of_the_console_carry_session_and_address(node: Node, visit: Visit, application: Any) -> None:
    open_account("sun", frozenset({Role.CLERK}))
    client = visit()
    client.post("/sign-in/", {"username": "sun", "password": PASSWORD})
    signed_in = node.audit.entries(actor="sun", kind=ActKind.SIGNED_IN.value, limit=1)[0].act
    key = client.cookies["sessionid" if "sessionid" in client.cookies else _session_cookie()].value
    assert signed_in.session == node.keys.code(key, "console.session")
    assert key not in str(signed_in)
    assert signed_in.address == "127.0.0.1"
    client.get("/catalogue/low_income/")
    client.post("/catalogue/low_income/send/", {"fields": ["aid_kind"], "purpose": "核对", "basis": "法", "case": "1"})
    asked = node.audit.entries(actor="sun", kind=ActKind.REQUESTED.value, limit=1)[0].act
    assert (asked.session, asked.fields, asked.purpose) == (signed_in.session, ("aid_kind",), "核对")
    assert [each.act.kind for each in node.audit.trace(session=asked.session).entries] == [
        ActKind.SIGNED_IN,
        ActKind.REQUESTED,
    ]
    node.audit.record(Act(ActKind.READ, "sun", "dataset:x"))
    assert node.audit.entries(actor="sun", limit=1)[0].act.session == ""


def _session_cookie() -> str:
    from django.conf import settings

    return str(settings.SESSION_COOKIE_NAME)


def test_an_erased_entry_says_so_on_its_page(node: Node, visit: Visit) -> None:
    number = node.audit.record(Act(ActKind.READ, "wang", "dossier:dos-1"))
    admin = Actor("auditadmin", "审计管理员", "", frozenset({Role.AUDIT_ADMIN}))
    node.audit.erase(number, by=admin, approver=AUDITOR, reason="保存期限已满", basis="个人信息保护法第四十七条")
    client = visit(Role.AUDITOR)
    shown = page(client.get(f"/ledger/{number}/"))
    assert "内容已依法清除" in shown
    assert "保存期限已满" in shown
    assert "dos-1" not in shown
    assert client.get("/audit/").status_code == client.get("/ledger/").status_code == 200
    assert client.get(f"/ledger/{number}/receipt/").status_code == 422
