"""The pages over real rooms: collection and archive, sharing and brain. Only data centre and vault are in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brain.conftest import FIELDS as KNOWN
from chengyi.archive import Archive
from chengyi.brain import Brain
from chengyi.model.actor import Role
from chengyi.model.clock import SetClock
from chengyi.model.codes import SharingClass
from chengyi.model.reporter import SilentReporter
from chengyi.share import Share
from chengyi.store.rows import Rows
from simulators.collect_room import Room
from simulators.integrate import SimIntegrate
from simulators.node import SimNode
from simulators.share import SimFiling

Visit = Callable[..., Any]
CSV = '[reader]\nformat = "csv"\n[expected]\nsequences = ["2026-01.csv", "2026-02.csv", "2026-03.csv"]'


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Rows]:
    import chengyi.archive.rows
    import chengyi.brain.rows
    import chengyi.share.rows  # noqa: F401 - declare their tables

    made = Rows(f"sqlite:///{tmp_path}/node.db")
    made.create_all()
    yield made
    made.close()


@pytest.fixture
def kept(node: SimNode, tmp_path: Path, rows: Rows) -> SimNode:
    """A node whose collection and archive are real, with two deliveries kept and one changed under its name."""
    (tmp_path / "sources").mkdir()
    room = Room(tmp_path, SetClock(node.clock.now()), rows, audit=node.audit)
    room.add("roll", 'kind = "folder"\npath = "in"\npattern = "*.csv"', CSV)
    room.put("in/2026-01.csv", "身份证号,姓名\n1,沈云舟\n2,林晚\n")
    room.put("in/2026-02.csv", "身份证号,姓名\n3,沈云舟\n")
    node.collect = room.collect  # type: ignore[assignment]
    node.archive = Archive(rows, room.vault, node.audit, node.clock, room.collect)  # type: ignore[assignment]
    room.run()
    node.archive.keep_pending(node.actor, SilentReporter())  # type: ignore[attr-defined]
    room.put("in/2026-02.csv", "身份证号,姓名\n3,改了\n")
    room.run()
    return node


@pytest.fixture
def shared(node: SimNode, rows: Rows) -> SimNode:
    """A node whose sharing and brain are real, with one figure and one alert."""
    data = SimIntegrate(node.audit)
    data.put("households", KNOWN["households"], [["H1", 1, 1, 4]])
    data.put("low_income", KNOWN["low_income"], [["A", "H1", "低保", None]], sharing=SharingClass.CONDITIONAL)
    share = Share(rows, node.keys, node.audit, node.clock, data, data.archive)
    share.publish(node.actor)
    brain = Brain(rows, node.audit, node.clock, share, SimFiling(), node.actor)
    report = brain.compute(SilentReporter())
    assert not report.failed
    node.share, node.brain = share, brain  # type: ignore[assignment]
    return node


def page(answer: Any) -> str:
    assert answer.status_code == 200
    text: str = answer.content.decode()
    return text


def test_a_kept_record_is_found_and_proven(kept: SimNode, visit: Visit) -> None:
    archivist = visit(Role.ARCHIVIST)
    found = page(archivist.get("/records/?q=2026-01&source=roll&class=SJ"))
    assert "共 1 件" in found
    address = re.findall(r'href="(/records/[^"?]+/)"', found)[0]
    record = page(archivist.get(f"{address}?verify"))
    assert "不通过" not in re.sub(r"<table.*?</table>", "", record, flags=re.DOTALL)
    assert record.count('<span class="tag good">通过</span>') >= 6
    assert "林晚" not in record
    assert "身份证号" not in page(archivist.get(f"{address}rows/2/"))


def test_promise_4_the_receipt_of_a_kept_record_verifies(kept: SimNode, visit: Visit) -> None:
    auditor = visit(Role.AUDITOR)
    address = re.findall(r'href="(/records/[^"?]+/)"', page(auditor.get("/records/")))[0]
    checked = page(auditor.post("/receipts/check/", {"text": page(auditor.get(f"{address}receipt/"))}))
    assert checked.count('<span class="tag good">通过</span>') == 4


def test_promise_6_a_source_page_accounts_for_every_byte(kept: SimNode, visit: Visit) -> None:
    source = page(visit(Role.ARCHIVIST).get("/sources/roll/"))
    assert "账平" in source
    assert "2026-03.csv" in source
    assert "66.7%" in source
    assert "解除隔离" in source


def test_a_changed_delivery_is_released_by_the_archivist(kept: SimNode, visit: Visit) -> None:
    archivist = visit(Role.ARCHIVIST)
    action = re.findall(r'action="(/sources/roll/release/[^"]+)"', page(archivist.get("/sources/roll/")))[0]
    assert archivist.post(action).status_code == 302
    assert "尚未结清" in page(archivist.get("/sources/roll/"))


def test_a_record_that_is_not_there_is_not_found(kept: SimNode, visit: Visit) -> None:
    assert visit(Role.ARCHIVIST).get("/records/pkg-none/").status_code == 404
    assert visit(Role.ARCHIVIST).get("/sources/none/").status_code == 404


def test_a_real_request_is_granted_and_used(shared: SimNode, visit: Visit) -> None:
    clerk, archivist = visit(Role.CLERK, department="区医保局"), visit(Role.ARCHIVIST, department="区民政局")
    assert "low_income" in page(clerk.get("/catalogue/"))
    form = {"fields": ["household_no", "aid_kind"], "purpose": "核对医疗救助资格", "basis": "《办法》", "case": "YB-1"}
    sent = clerk.post("/catalogue/low_income/send/", form, follow=True)
    id = re.findall(r"/requests/([^/]+)/", sent.redirect_chain[-1][0])[0]
    granted = page(archivist.post(f"/requests/{id}/approve/", {"clear": ["aid_kind"], "days": "30"}, follow=True))
    grant = re.findall(r'href="(/grants/[^"]+)"', granted)[-1]
    used = page(clerk.post(f"{grant}use/", {"case": "YB-1"}))
    assert "低保" in used
    assert ">H1<" not in used
    outside = clerk.post(f"{grant}use/", {"case": "another"})
    assert outside.status_code == 422
    assert "超出授权" in outside.content.decode()


def test_promise_5_a_figure_leads_home_on_its_page(shared: SimNode, visit: Visit) -> None:
    operator = visit(Role.OPERATOR)
    figure = re.findall(r'href="(/figures/[^"]+)"', page(operator.get("/indicators/")))[0]
    traced = page(operator.get(figure))
    assert "全部核验通过" in traced
    assert "证据行" in traced


def test_promise_7_a_real_alert_is_ordered_answered_and_decided(shared: SimNode, visit: Visit) -> None:
    operator, clerk = visit(Role.OPERATOR), visit(Role.CLERK)
    alert = re.findall(r'href="(/alerts/[^"?]+)"', page(operator.get("/alerts/?state=raised")))[-1]
    operator.post(f"{alert}order/", {"department": "区民政局", "task": "入户核实住房状况", "days": "7"})
    order = re.findall(r'href="(/orders/[^"]+)"', page(clerk.get("/orders/")))[-1]
    assert "已反馈" in page(clerk.post(f"{order}answer/", {"text": "情况属实"}, follow=True))
    form = {"outcome": "纳入危房改造", "ground": "住房过挤属实"}
    decided = page(operator.post(f"{alert}decide/", form, follow=True))
    decision = re.findall(r'href="(/decisions/[^"]+)"', decided)[0]
    assert "全部核验通过" in page(operator.get(decision))
    assert operator.post(f"{alert}decide/", form).status_code == 422
