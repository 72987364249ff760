"""The main jobs, form by form; errors stay calm; runs and receipts."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from chengyi.console.board import Board
from chengyi.model.act import ActKind
from chengyi.model.actor import Role
from chengyi.model.errors import BusyError, IntegrityError, UsageError
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text
from chengyi.trust.receipts import render
from simulators.node import NOW, PACKAGE, SimNode

Visit = Callable[..., Any]


def page(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


def test_a_request_is_made_granted_used_and_revoked(node: SimNode, visit: Visit) -> None:
    clerk, archivist = visit(Role.CLERK), visit(Role.ARCHIVIST)
    form = {"fields": ["person_name", "aid_kind"], "purpose": "核对", "basis": "《办法》", "case": "JZ-1"}
    sent = clerk.post("/catalogue/low_income/send/", form, follow=True)
    assert "申请已送达" in page(sent)
    assert "授权" not in re.findall(r"<h2>(.*?)</h2>", page(sent))
    inbox = page(archivist.get("/requests/?state=open"))
    assert "req-1" in inbox
    assert "剩 14 天" in inbox
    granted = archivist.post("/requests/req-1/approve/", {"clear": ["aid_kind"], "days": "30"}, follow=True)
    assert "grant-1" in page(granted)
    assert node.share.given["grant-1"].clear == ("aid_kind",)
    used = page(clerk.post("/grants/grant-1/use/", {"case": "JZ-1", "field": "aid_kind", "value": "低保"}))
    assert "沈**" in used
    assert "完整性说明" in used
    assert node.audit.acts[-1].kind is ActKind.READ
    archivist.post("/grants/grant-1/revoke/", {"reason": "事项已办结"})
    assert "已撤销" in page(clerk.get("/grants/grant-1/"))


def test_a_refusal_carries_its_reason(node: SimNode, visit: Visit) -> None:
    clerk, archivist = visit(Role.CLERK), visit(Role.ARCHIVIST)
    clerk.post("/catalogue/low_income/send/", {"fields": ["aid_kind"], "purpose": "核对", "basis": "无", "case": "J"})
    archivist.post("/requests/req-1/refuse/", {"reason": "未写明法律依据"})
    assert "未写明法律依据" in page(clerk.get("/requests/req-1/"))


def test_a_clerk_cannot_grant(node: SimNode, visit: Visit) -> None:
    clerk = visit(Role.CLERK)
    clerk.post("/catalogue/low_income/send/", {"fields": ["aid_kind"], "purpose": "核对", "basis": "无", "case": "J"})
    assert clerk.post("/requests/req-1/approve/").status_code == 404
    assert node.share.given == {}


def test_a_withheld_dataset_offers_no_request(visit: Visit) -> None:
    clerk = visit(Role.CLERK)
    assert "申请使用" in page(clerk.get("/catalogue/low_income/"))
    assert "申请使用" not in page(clerk.get("/catalogue/marriages/"))


def test_an_error_of_the_product_is_a_calm_page(visit: Visit) -> None:
    answer = visit(Role.CLERK).post("/catalogue/low_income/send/", {"purpose": "核对"})
    assert answer.status_code == 422
    assert "未选择字段" in page(answer)
    assert "Traceback" not in page(answer)


@pytest.mark.parametrize(
    ("error", "status"),
    [(BusyError(home="h", holder="1"), 503), (IntegrityError(object="o", why="w"), 409), (UsageError(why="w"), 422)],
)
def test_each_kind_of_error_has_its_status(node: SimNode, visit: Visit, error: Exception, status: int) -> None:
    node.fail.planted["search"] = error
    answer = visit(Role.ARCHIVIST, language="en").get("/records/")
    assert answer.status_code == status
    assert '<html lang="en">' in page(answer)


def test_a_fault_of_the_program_is_a_calm_page_and_a_line_in_the_log(
    node: SimNode, visit: Visit, console_home: Any
) -> None:
    node.fail.planted["search"] = RuntimeError("secret inside")
    answer = visit(Role.ARCHIVIST).get("/records/")
    assert answer.status_code == 500
    assert "系统内部错误" in page(answer)
    assert "secret inside" not in page(answer)
    assert "secret inside" in (console_home / "console.log").read_text()


def test_promise_7_people_order_answer_and_decide(node: SimNode, visit: Visit) -> None:
    operator, clerk = visit(Role.OPERATOR), visit(Role.CLERK)
    operator.post("/alerts/alert-1/order/", {"department": "区民政局", "task": "入户核实", "days": "5"})
    other = visit(Role.CLERK, username="other", department="区残联")
    assert other.get("/orders/order-1/").status_code == 404
    assert "入户核实" in page(clerk.get("/orders/"))
    clerk.post("/orders/order-1/answer/", {"text": "已入户，情况属实。"})
    assert "已反馈" in page(clerk.get("/orders/order-1/"))
    operator.post("/alerts/alert-1/decide/", {"outcome": "纳入低保", "ground": "核实属实"})
    alert = page(operator.get("/alerts/alert-1/"))
    for said in ("入户核实", "已入户", "纳入低保", "已办结"):
        assert said in alert
    assert 'action="/alerts/alert-1/decide/"' not in alert
    assert "sub-decision" in page(operator.get("/decisions/dec-1/"))


def test_a_quarantined_delivery_is_released(node: SimNode, visit: Visit) -> None:
    archivist = visit(Role.ARCHIVIST)
    assert "解除隔离" in page(archivist.get("/sources/civil-low-income/"))
    archivist.post("/sources/civil-low-income/release/sub-4/")
    assert node.collect.released == ["sub-4"]
    assert "解除隔离" not in page(visit(Role.ENGINEER).get("/sources/civil-low-income/"))


def test_an_auditor_does_not_see_quarantined_values(visit: Visit) -> None:
    assert "99010619900101001X" in page(visit(Role.ENGINEER).get("/sources/civil-low-income/"))
    assert "99010619900101001X" not in page(visit(Role.AUDITOR).get("/sources/civil-low-income/"))


def test_search_pages_through_what_it_found(visit: Visit) -> None:
    archivist = visit(Role.ARCHIVIST)
    first = page(archivist.get("/records/?q=低保"))
    assert "第 1–20 条，共 43 条" in first
    last = page(archivist.get("/records/?q=低保&offset=40"))
    assert "第 41–43 条" in last
    assert "offset=20" in last
    assert "没有找到档案" in page(archivist.get("/records/?q=无"))
    assert archivist.get("/records/?offset=x&class=nonsense").status_code == 200


def test_a_row_is_found_by_its_number(visit: Visit) -> None:
    answer = visit(Role.ARCHIVIST).get(f"/records/{PACKAGE}@1/rows/?row=12")
    assert answer.headers["Location"] == f"/records/{PACKAGE}@1/rows/12/"
    assert visit(Role.ARCHIVIST).get(f"/records/{PACKAGE}@1/rows/9999/").status_code == 404


def test_promise_4_a_receipt_is_handed_out_and_checked(node: SimNode, visit: Visit) -> None:
    auditor = visit(Role.AUDITOR)
    taken = auditor.get(f"/records/{PACKAGE}@1/receipt/")
    assert "attachment" in taken.headers["Content-Disposition"]
    checked = page(auditor.post("/receipts/check/", {"text": page(taken)}))
    assert checked.count('<span class="tag good">通过</span>') == 4
    assert auditor.get("/ledger/1/receipt/").status_code == 200


def test_a_receipt_file_is_checked(node: SimNode, visit: Visit) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile("entry.tlog-proof", render(node.audit.receipt(1)).encode())
    assert "tag good" in page(visit(Role.AUDITOR).post("/receipts/check/", {"file": file}))


@pytest.mark.parametrize("forge", ["", "nonsense", "body", "index", "signature"])
def test_a_forged_receipt_fails_at_its_step(node: SimNode, visit: Visit, forge: str) -> None:
    genuine = render(node.audit.receipt(1))
    other = render(node.audit.receipt(2))
    texts = {
        "": "",
        "nonsense": "nonsense",
        "body": genuine.replace(genuine.split("\n")[1], other.split("\n")[1]),
        "index": genuine.replace("index 1\n", "index 2\n"),
        "signature": genuine[:-8] + "AAAAAA=\n",
    }
    checked = page(visit(Role.AUDITOR).post("/receipts/check/", {"text": texts[forge]}))
    assert "不通过" in checked
    assert "证明的行为" not in checked


def test_a_receipt_of_another_ledger_is_not_ours(node: SimNode, visit: Visit, tmp_path: Any) -> None:
    stranger = SimNode(tmp_path)
    stranger.audit.record(node.audit.acts[0])
    form = {"text": render(stranger.audit.receipt(4)), "key": stranger.keys.verifier}
    checked = page(visit(Role.AUDITOR).post("/receipts/check/", form))
    assert "不是本节点账本中的记录" in checked


def test_the_ledger_says_who_and_what_to_auditors_only(node: SimNode, visit: Visit) -> None:
    assert "2310" in page(visit(Role.AUDITOR).get("/ledger/2/"))
    clerk = page(visit(Role.CLERK).get("/ledger/2/"))
    assert "2310" not in clerk
    assert "下载回执" not in clerk
    assert visit(Role.CLERK).get("/ledger/99/").status_code == 404


def test_the_audit_log_is_filtered_and_paged(node: SimNode, visit: Visit) -> None:
    from chengyi.model.act import Act

    node.audit.record_all(Act(ActKind.READ, "shen", f"grant:{n}", {}) for n in range(30))
    auditor = visit(Role.AUDIT_ADMIN)
    shown = page(auditor.get("/audit/?kind=share.read&actor=shen"))
    assert "grant:29" in shown
    assert "before=14" in shown
    assert "grant:2<" in page(auditor.get("/audit/?kind=share.read&actor=shen&before=14"))
    assert "没有符合条件的记录" in page(auditor.get("/audit/?actor=nobody"))
    assert "before=" in page(auditor.get("/ledger/"))


def test_filters_of_lists_hold(visit: Visit) -> None:
    archivist, operator = visit(Role.ARCHIVIST), visit(Role.OPERATOR)
    assert "police-population" not in page(archivist.get("/sources/?department=区民政局"))
    assert "没有符合条件的来源" in page(archivist.get("/sources/?q=zzz"))
    assert "population" not in page(archivist.get("/datasets/?q=低保"))
    assert "marriages" not in page(archivist.get("/catalogue/?sharing=unconditional"))
    assert "没有预警" in page(operator.get("/alerts/?state=decided"))
    assert "没有指标" in page(operator.get("/indicators/?app=traffic"))
    assert "没有找到卷宗" in page(operator.get("/dossiers/?q=无"))


@pytest.mark.parametrize("address", ["/sources/none/", "/indicators/none/", "/requests/none/", "/grants/none/"])
def test_what_is_absent_is_not_found(visit: Visit, address: str) -> None:
    role = Role.OPERATOR if "indicators" in address else Role.ARCHIVIST
    assert visit(role).get(address).status_code == 404


def test_a_run_is_started_watched_and_not_doubled(application: Any, node: SimNode, visit: Visit) -> None:
    go = threading.Event()

    def work(reporter: Reporter) -> None:
        with reporter.step(Text("归档", "Archive"), 10) as step:
            step.advance(4)
            go.wait(10)

    node.work = work
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


def test_a_run_that_fails_says_why(application: Any, node: SimNode, visit: Visit) -> None:
    def busy(reporter: Reporter) -> None:
        raise BusyError(home="h", holder="7")

    node.work = busy
    archivist = visit(Role.ARCHIVIST)
    archivist.post("/run/")
    application.desk.board.wait(10)
    assert "正由另一进程（7）处理" in page(archivist.get("/"))


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
