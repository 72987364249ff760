"""The main jobs, form by form, over a real node; errors stay calm; runs and receipts."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chengyi.console.board import Board
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Role
from chengyi.model.reporter import Reporter, SilentReporter
from chengyi.model.text import Text
from chengyi.node import Node
from chengyi.trust.ledger.receipts import render
from console.conftest import NOW, only_turned_away
from console.scene import DATASET, DEPARTMENT, Scene

pytestmark = pytest.mark.slow
Visit = Callable[..., Any]
FORM = {"fields": ["person_name", "aid_kind"], "purpose": "核对", "basis": "《办法》", "case": "JZ-1"}


def page(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


def asked_by(client: Any, **other: Any) -> str:
    """Send a request and return its id."""
    sent = client.post(f"/catalogue/{DATASET}/send/", {**FORM, **other}, follow=True)
    assert "申请已送达" in page(sent)
    return str(re.findall(r"/requests/([^/]+)/", sent.redirect_chain[-1][0])[0])


def test_a_request_is_made_granted_used_and_revoked(node: Node, visit: Visit) -> None:
    clerk, archivist = visit(Role.CLERK), visit(Role.ARCHIVIST)
    id = asked_by(clerk)
    assert id in page(archivist.get("/requests/?state=open"))
    granted = archivist.post(f"/requests/{id}/approve/", {"clear": ["aid_kind"], "days": "30"}, follow=True)
    grant = re.findall(r'href="/grants/([^"/]+)/"', page(granted))[-1]
    assert node.share.grant(grant).clear == ("aid_kind",)
    used = page(clerk.post(f"/grants/{grant}/use/", {"case": "JZ-1"}))
    assert "完整性说明" in used
    assert re.search(r'class="masked">.\*+<', used)
    assert re.search(r"低保|特困|边缘", used)
    assert node.audit.entries(limit=1)[0].act.kind is ActKind.READ
    outside = clerk.post(f"/grants/{grant}/use/", {"case": "another"})
    assert outside.status_code == 422
    assert "超出授权" in page(outside)
    archivist.post(f"/grants/{grant}/revoke/", {"reason": "事项已办结"})
    assert "已撤销" in page(clerk.get(f"/grants/{grant}/"))


def test_a_refusal_carries_its_reason(visit: Visit) -> None:
    clerk, archivist = visit(Role.CLERK), visit(Role.ARCHIVIST)
    id = asked_by(clerk)
    archivist.post(f"/requests/{id}/refuse/", {"reason": "未写明法律依据"})
    assert "未写明法律依据" in page(clerk.get(f"/requests/{id}/"))


def test_a_clerk_cannot_grant(node: Node, scene: Scene, visit: Visit) -> None:
    clerk, before = visit(Role.CLERK), len(node.share.grants(node.actor))
    assert 'name="days"' not in page(clerk.get(f"/requests/{scene.open}/"))
    assert clerk.post(f"/requests/{scene.open}/approve/").status_code == 404
    assert len(node.share.grants(node.actor)) == before


def test_promise_7_nobody_answers_the_own_request(node: Node, visit: Visit) -> None:
    both = visit(Role.CLERK, Role.ARCHIVIST, username="both")
    id = asked_by(both)
    assert both.post(f"/requests/{id}/approve/", {"days": "30"}).status_code >= 400
    assert not [each for each in node.share.grants(node.actor) if each.grantee == "both"]


def test_another_departments_grant_is_not_there(scene: Scene, visit: Visit) -> None:
    other = visit(Role.CLERK, department="区残联")
    assert other.get(f"/grants/{scene.grant}/").status_code == 404
    assert other.post(f"/grants/{scene.grant}/use/", {"case": "JZ-2026-0418"}).status_code == 404


def test_an_error_of_the_product_is_a_calm_page(visit: Visit) -> None:
    answer = visit(Role.CLERK).post(f"/catalogue/{DATASET}/send/", {"purpose": "核对"})
    assert answer.status_code == 422
    assert "Traceback" not in page(answer)


def test_a_question_that_is_too_long_is_answered_calmly_in_english(visit: Visit) -> None:
    answer = visit(Role.ARCHIVIST, language="en").get("/records/?q=" + "x" * 300)
    assert answer.status_code == 422
    assert '<html lang="en">' in page(answer)


def test_a_fault_of_the_program_is_a_calm_page_and_a_line_in_the_log(
    node: Node, visit: Visit, console_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object, **named: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(node.archive, "search", broken)
    answer = visit(Role.ARCHIVIST).get("/records/")
    assert answer.status_code == 500
    assert "系统内部错误" in page(answer)
    assert "secret inside" not in page(answer)
    assert "secret inside" in (console_home / "console.log").read_text()


def test_promise_7_people_order_answer_and_decide(node: Node, scene: Scene, visit: Visit) -> None:
    operator, clerk = visit(Role.OPERATOR), visit(Role.CLERK)
    alert = f"/alerts/{scene.alert}/"
    operator.post(f"{alert}order/", {"department": DEPARTMENT, "task": "入户核实住房状况", "days": "5"})
    [given] = node.brain.orders(alert=scene.alert)
    other = visit(Role.CLERK, username="other", department="区残联")
    assert other.get(f"/orders/{given.id}/").status_code == 404
    assert "入户核实住房状况" in page(clerk.get("/orders/"))
    clerk.post(f"/orders/{given.id}/answer/", {"text": "已入户，情况属实。"})
    assert "已反馈" in page(clerk.get(f"/orders/{given.id}/"))
    operator.post(f"{alert}decide/", {"outcome": "纳入低保", "ground": "核实属实"})
    shown = page(operator.get(alert))
    for said in ("入户核实住房状况", "已入户", "纳入低保", "已办结"):
        assert said in shown
    assert f'action="{alert}decide/"' not in shown
    assert operator.post(f"{alert}decide/", {"outcome": "再决定", "ground": "无"}).status_code == 422


def test_promise_1_a_decision_is_found_in_the_archive(node: Node, scene: Scene, visit: Visit) -> None:
    decided = page(visit(Role.OPERATOR).get(f"/decisions/{scene.decision}/"))
    code = node.archive.package(scene.decision_record, node.actor).archival_code
    assert code in decided
    assert "全部核验通过" in decided
    assert code in page(visit(Role.ARCHIVIST).get(f"/records/?q={scene.decision}"))


def test_areas_are_shown_by_their_names(node: Node, visit: Visit) -> None:
    alert = next(each for each in node.brain.alerts() if each.subject.startswith("990106"))
    code, _, month = alert.subject.partition("@")
    name = node.home.areas()[code]
    assert f"{name.zh} · {month}" in page(visit(Role.OPERATOR).get(f"/alerts/{alert.id}/"))
    english = page(visit(Role.OPERATOR, language="en").get(f"/figures/{alert.figure}/"))
    assert name.en in english


def test_alerts_that_wait_come_first(node: Node, visit: Visit) -> None:
    operator = visit(Role.OPERATOR)
    states = re.findall(r'class="tag \w+">(待处置|已反馈|已交办|已办结)<', page(operator.get("/alerts/")))
    assert states[0] == "待处置"
    total = len(node.brain.alerts())
    last = page(operator.get(f"/alerts/?offset={(total - 1) // 20 * 20}"))
    assert "已办结" in last
    assert f"共 {total} 条" in last


@pytest.fixture
def spoiled(node: Node, scene: Scene, console_home: Path) -> Iterator[str]:
    """A source that delivered a workbook which is none, so that the archive set it aside; taken away afterwards."""
    name = node.collect.submissions(scene.source, limit=1)[0].sequence
    beside = next(path for path in (console_home / "deliveries").rglob("*") if path.name == name)
    bad = beside.with_name(f"{beside.stem}-2{beside.suffix}")
    bad.write_bytes(b"<html><table></table></html>")
    node.collect.collect(node.actor, SilentReporter())
    node.archive.keep_pending(node.actor, SilentReporter())
    yield scene.source
    bad.unlink()


def test_a_quarantined_delivery_is_released_by_the_archivist_only(spoiled: str, visit: Visit) -> None:
    archivist = visit(Role.ARCHIVIST)
    action = re.findall(r'action="(/sources/[^"]+/release/[^"]+)"', page(archivist.get(f"/sources/{spoiled}/")))[0]
    assert "解除隔离" not in page(visit(Role.ENGINEER).get(f"/sources/{spoiled}/"))
    assert visit(Role.ENGINEER).post(action).status_code == 404
    assert archivist.post(action).status_code == 302
    assert "尚未结清" in page(archivist.get(f"/sources/{spoiled}/"))


def test_an_auditor_does_not_see_values_at_fault(node: Node, visit: Visit) -> None:
    fault = node.integrate.faults(limit=1)[0]
    sources = {each.contract.get("dataset"): each.id for each in node.collect.sources}
    address = f"/sources/{sources[fault.dataset]}/"
    assert fault.reason.zh in page(visit(Role.ENGINEER).get(address))
    assert fault.reason.zh not in page(visit(Role.AUDITOR).get(address))


def test_search_pages_through_what_it_found(node: Node, visit: Visit) -> None:
    archivist = visit(Role.ARCHIVIST)
    total = node.archive.search("关于", node.actor).total
    assert total > 20
    assert f"第 1–20 条，共 {total} 条" in page(archivist.get("/records/?q=关于"))
    last = (total - 1) // 20 * 20
    shown = page(archivist.get(f"/records/?q=关于&offset={last}"))
    assert f"第 {last + 1}–{total} 条" in shown
    assert f"offset={last - 20}" in shown
    assert "没有找到档案" in page(archivist.get("/records/?q=无此档案"))
    assert archivist.get("/records/?offset=x&class=nonsense").status_code == 200


def test_a_row_is_found_by_its_number(scene: Scene, visit: Visit) -> None:
    answer = visit(Role.ARCHIVIST).get(f"/records/{scene.record}/rows/?row=12")
    assert answer.headers["Location"] == f"/records/{scene.record}/rows/12/"
    assert visit(Role.ARCHIVIST).get(f"/records/{scene.record}/rows/999999/").status_code == 404


def test_a_record_is_proven_step_by_step(scene: Scene, visit: Visit) -> None:
    record = page(visit(Role.ARCHIVIST).get(f"/records/{scene.record}/?verify"))
    steps = re.findall(r'<ol class="steps">.*?</ol>', record, re.DOTALL)[0]
    assert steps.count('<span class="tag good">通过</span>') >= 6
    assert "不通过" not in steps


def test_a_dataset_shows_its_versions_with_their_ledger_entries(node: Node, scene: Scene, visit: Visit) -> None:
    [made] = node.audit.entries(object=f"dataset:{scene.dataset}", kind=ActKind.STANDARDISED.value)
    shown = page(visit(Role.ENGINEER).get(f"/datasets/{scene.dataset}/"))
    assert "版本沿革" in shown
    assert f"/ledger/{made.index}/" in shown


def test_promise_4_an_original_is_handed_out_whole_and_on_record(node: Node, scene: Scene, visit: Visit) -> None:
    package = node.archive.package(scene.record, node.actor)
    [component] = package.components
    answer = visit(Role.ARCHIVIST).get(f"/records/{scene.record}/files/{component.path}")
    content = b"".join(answer.streaming_content)
    assert content == node.archive.open(package, component.path, node.actor).read()
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]
    act = node.audit.entries(limit=1)[0].act
    assert (act.kind, act.actor, act.object) == (ActKind.READ, "archivist", scene.record)
    assert act.detail["sha256"] == component.sha256


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ARCHIVIST])
def test_an_original_is_for_those_who_keep_records(node: Node, scene: Scene, visit: Visit, role: Role) -> None:
    path = node.archive.package(scene.record, node.actor).components[0].path
    client, size = visit(role), node.ledger.checkpoint().size
    assert client.get(f"/records/{scene.record}/files/{path}").status_code == 404
    assert "下载原件" not in page(client.get(f"/records/{scene.record}/"))
    assert only_turned_away(node, size)


@pytest.mark.parametrize("path", ["none.csv", "../../../keys/console.secret", "%2e%2e/node.toml"])
def test_no_other_file_is_handed_out(scene: Scene, visit: Visit, path: str) -> None:
    assert visit(Role.ARCHIVIST).get(f"/records/{scene.record}/files/{path}").status_code == 404


def test_promise_2_a_spoiled_original_is_not_handed_out(
    node: Node, scene: Scene, visit: Visit, console_home: Path
) -> None:
    [component] = node.archive.package(scene.document, node.actor).components
    kept = {path: path.read_bytes() for path in (console_home / "vault").rglob(f"{component.object}-*")}
    for path, raw in list(kept.items())[:2]:  # of three fragments two are needed
        path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    try:
        answer = visit(Role.ARCHIVIST).get(f"/records/{scene.document}/files/{component.path}")
    finally:
        for path, raw in kept.items():
            path.write_bytes(raw)
    assert answer.status_code == 409
    assert not [each for each in node.audit.entries(object=scene.document) if each.act.kind is ActKind.READ]


def test_promise_4_a_receipt_is_handed_out_and_checked(scene: Scene, visit: Visit) -> None:
    auditor = visit(Role.AUDITOR)
    taken = auditor.get(f"/records/{scene.record}/receipt/")
    assert "attachment" in taken.headers["Content-Disposition"]
    checked = page(auditor.post("/receipts/check/", {"text": page(taken)}))
    assert checked.count('<span class="tag good">通过</span>') == 4
    assert auditor.get("/ledger/1/receipt/").status_code == 200


def test_a_receipt_file_is_checked(node: Node, visit: Visit) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile("entry.tlog-proof", render(node.audit.receipt(1)).encode())
    assert "tag good" in page(visit(Role.AUDITOR).post("/receipts/check/", {"file": file}))


@pytest.mark.parametrize("forge", ["", "nonsense", "body", "index", "signature"])
def test_a_forged_receipt_fails_at_its_step(node: Node, visit: Visit, forge: str) -> None:
    genuine = render(node.audit.receipt(1))
    other = render(node.audit.receipt(2))
    texts = {
        "": "",
        "nonsense": "nonsense",
        "body": genuine.replace(genuine.split("\n")[1], other.split("\n")[1]),
        "index": genuine.replace("index 1\n", "index 2\n"),
        "signature": re.sub(r"(— \S+ \S{8})\S{8}", r"\1AAAAAAAA", genuine),
    }
    checked = page(visit(Role.AUDITOR).post("/receipts/check/", {"text": texts[forge]}))
    assert "不通过" in checked
    assert "证明的行为" not in checked


def test_a_receipt_of_another_ledger_is_not_ours(visit: Visit, tmp_path: Path) -> None:
    stranger = Node.create(tmp_path / "stranger", "stranger", zh="他处", en="Elsewhere", department="他处档案馆")
    form = {"text": render(stranger.audit.receipt(0)), "key": stranger.keys.verifier}
    stranger.close()
    checked = page(visit(Role.AUDITOR).post("/receipts/check/", form))
    assert "不是本节点账本中的记录" in checked


def test_the_ledger_says_who_and_what_to_auditors_only(node: Node, visit: Visit) -> None:
    made = node.audit.entries(kind=ActKind.STANDARDISED.value, limit=1)[0]
    secret = str(made.act.detail["contract"])
    assert secret in page(visit(Role.AUDITOR).get(f"/ledger/{made.index}/"))
    clerk = page(visit(Role.CLERK).get(f"/ledger/{made.index}/"))
    assert secret not in clerk
    assert "下载回执" not in clerk
    assert visit(Role.CLERK).get("/ledger/999999/").status_code == 404


def test_the_audit_log_is_filtered_and_paged(node: Node, visit: Visit) -> None:
    first = node.audit.record_all([Act(ActKind.READ, "shen", f"grant:{n}", {}) for n in range(30)])[0]
    auditor = visit(Role.AUDIT_ADMIN)
    shown = page(auditor.get("/audit/?kind=share.read&actor=shen"))
    assert "grant:29" in shown
    assert f"before={first + 10}" in shown
    assert "grant:2<" in page(auditor.get(f"/audit/?kind=share.read&actor=shen&before={first + 10}"))
    assert "没有符合条件的记录" in page(auditor.get("/audit/?actor=nobody"))
    assert "before=" in page(auditor.get("/ledger/"))


def test_filters_of_lists_hold(visit: Visit) -> None:
    archivist, operator = visit(Role.ARCHIVIST), visit(Role.OPERATOR)
    assert "police-population" not in page(archivist.get(f"/sources/?department={DEPARTMENT}"))
    assert "没有符合条件的来源" in page(archivist.get("/sources/?q=zzz"))
    assert "population" not in page(archivist.get("/datasets/?q=低保"))
    assert "/catalogue/low_income/" not in page(archivist.get("/catalogue/?sharing=unconditional"))
    assert "没有预警" in page(operator.get("/alerts/?state=answered"))
    assert "民生" not in re.sub("<select.*?</select>", "", page(operator.get("/indicators/?app=traffic")))
    assert "没有找到卷宗" in page(operator.get("/dossiers/?q=无此人"))
    assert "请输入查询条件" in page(operator.get("/dossiers/"))


@pytest.mark.parametrize("address", ["/sources/none/", "/indicators/none/", "/requests/none/", "/grants/none/"])
def test_what_is_absent_is_not_found(visit: Visit, address: str) -> None:
    role = Role.OPERATOR if "indicators" in address else Role.ARCHIVIST
    assert visit(role).get(address).status_code == 404


def test_a_run_is_started_watched_and_not_doubled(
    application: Any, node: Node, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def work(reporter: Reporter) -> None:
        with reporter.step(Text("归档", "Archive"), 10) as step:
            step.advance(4)
            go.wait(10)

    monkeypatch.setattr(node, "run", work)
    archivist = visit(Role.ARCHIVIST)
    assert "已开始运行" in page(archivist.post("/run/", follow=True))
    assert "已有一次运行在进行中" in page(archivist.post("/run/", follow=True))
    live = page(archivist.get("/river/"))
    assert "运行中" in live
    assert "every 2s" in live
    assert "立即运行" not in live
    go.set()
    application.desk.board.wait(10)
    assert "已完成" in page(archivist.get("/river/"))
    assert visit(Role.CLERK).post("/run/").status_code == 404


def test_a_run_that_fails_says_why(application: Any, node: Node, visit: Visit) -> None:
    archivist = visit(Role.ARCHIVIST)
    with node.home.lock():
        archivist.post("/run/")
        application.desk.board.wait(10)
    assert "正由另一进程" in page(archivist.get("/"))


def test_a_fault_in_a_run_ends_on_the_board() -> None:
    def broken(reporter: Reporter) -> None:
        with reporter.step(Text("归集", "Collect")) as step:
            for number in range(30):
                step.note(Text(str(number), str(number)))
            raise RuntimeError("broken")

    board = Board()
    assert board.start(broken, "me", NOW)
    board.wait(10)
    assert board.run is not None
    assert not board.run.running
    assert board.run.failure is not None
    assert len(board.run.lines[0].notes) == 20
