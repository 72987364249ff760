"""The page of witnesses and anchors, before real witnesses on a loopback port."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Role
from chengyi.trust.ledger.log import COSIGNED
from chengyi.trust.ledger.notes import Verifier
from chengyi.trust.ledger.receipts import render
from chengyi.trust.ledger.request import Answer, Request
from console.conftest import Counter
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger
from simulators.witness import Switchboard, key_of, make_witness

pytestmark = pytest.mark.slow
NAMES = ("qinghe", "liuan", "east")
OTHER = MemoryKeys("other.invalid")


@pytest.fixture
def watched(counter: Callable[[str], Counter], board: Switchboard, tmp_path: Path) -> Counter:
    """A node with three witnesses, of which the last refuses everything, that is a witness of another log itself."""
    lines = []
    for name in NAMES:
        url = board.address(name).url
        lines.append(f'\n[[ledger.witnesses]]\nname = "{name}"\nurl = "{url}"\nkey = "{key_of(name)}"\n')
    lines.append(f'\n[[witness.logs]]\norigin = "other.invalid"\nkey = "{OTHER.verifier}"\n')
    made = counter("".join(lines))
    log = {"small": Verifier.parse(made.node.keys.verifier)}
    for name in NAMES[:2]:
        board.witnesses[name] = make_witness(tmp_path / name, name, log).add_checkpoint
    board.witnesses["east"] = lambda _: Answer(403, "not one of ours\n")
    return made


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def published(watched: Counter) -> str:
    """Publish as the archivist does, and return what the page says then."""
    client = watched.visit(Role.ARCHIVIST)
    assert client.post("/witnesses/publish/").status_code == 302
    watched.done()
    return text_of(client.get("/witnesses/"))


def split(watched: Counter) -> str:
    """Let the other log show two views; return the name of the evidence."""
    for entry in (b"x", b"y"):
        log = MemoryLedger(OTHER, "other.invalid")
        log.append([entry] * 3)
        watched.node.witness.add_checkpoint(Request(0 if entry == b"x" else 3, (), log.checkpoint()).render())
    (path,) = watched.node.witness.evidence()
    return str(path.stem)


def test_promise_4_a_round_is_shown_witness_by_witness(watched: Counter) -> None:
    before = text_of(watched.visit(Role.CLERK).get("/witnesses/"))
    assert "3 个见证方中须有 2 个会签" in before
    assert before.count("尚未会签") == 4
    page, size = published(watched), watched.node.ledger.checkpoint().size
    assert "已达会签要求" in page
    assert page.count(f"已会签 {size} 0 ") == 2
    assert f"至第 {size} 条，2 方会签，达到会签要求" in page
    assert re.search(rf"尚未会签 — {size} — 见证方 east 未能会签", page)


def test_a_witness_that_falls_behind_is_said_with_its_lag_until_it_cosigns(
    watched: Counter, board: Switchboard, tmp_path: Path
) -> None:
    published(watched)
    watched.node.audit.record_all([Act(ActKind.READ, "shen", f"grant:{n}", {}) for n in range(5)])
    answer, board.witnesses["liuan"] = board.witnesses["liuan"], lambda _: Answer(500, "out of order\n")
    page = published(watched)
    assert "未达到会签要求" in page
    assert re.search(r"liuan \S+ 落后 \d+ 5 .{19} 见证方 liuan 未能会签", page)
    assert "尚余 5 条" in page
    board.witnesses["liuan"] = answer
    page = published(watched)
    assert "已达会签要求" in page
    assert "liuan 未能会签" not in page


def test_failures_outlive_the_process(watched: Counter) -> None:
    from chengyi.node import Node

    published(watched)
    again = Node(watched.node.home.path, watched.node.clock)
    assert list(again.publisher.failures()) == ["east"]
    assert (again.home.witness / "own" / "failures").write_text("nonsense")
    assert again.publisher.failures() == {}
    again.close()


@pytest.mark.parametrize("role", [Role.CLERK, Role.AUDITOR, Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN])
def test_only_who_may_run_may_publish(watched: Counter, role: Role) -> None:
    client = watched.visit(role)
    assert client.post("/witnesses/publish/").status_code == 404
    assert "立即请求会签" not in text_of(client.get("/witnesses/"))
    assert watched.desk.board.run is None


def test_a_cosigned_checkpoint_that_was_forged_is_said_and_the_page_stays(watched: Counter) -> None:
    published(watched)
    forged = MemoryLedger(MemoryKeys("small", b"forger"), "small")
    forged.append([b"z"])
    (watched.node.home.ledger / COSIGNED).write_text(forged.checkpoint().note)
    answer = watched.visit(Role.AUDITOR).get("/witnesses/")
    assert answer.status_code == 200
    assert "会签记录不可信" in text_of(answer)


def test_a_forged_cosignature_is_said_on_the_entry_and_fails_the_receipt(watched: Counter) -> None:
    published(watched)
    kept = watched.node.home.ledger / COSIGNED
    text = kept.read_text()
    kept.write_text(re.sub(r"(— qinghe \S{8})\S{8}", r"\1AAAAAAAA", text))
    assert kept.read_text() != text
    auditor = watched.visit(Role.AUDITOR)
    assert "会签不实" in text_of(auditor.get("/ledger/0/"))
    checked = text_of(auditor.post("/receipts/check/", {"text": render(watched.node.audit.receipt(0))}))
    assert "不通过 核验见证方会签" in checked
    assert "会签记录不可信" in text_of(auditor.get("/witnesses/"))


def test_promise_2_evidence_of_a_split_view_is_shown_and_handed_out_as_it_is(watched: Counter) -> None:
    name, auditor = split(watched), watched.visit(Role.AUDITOR)
    page = text_of(auditor.get("/witnesses/"))
    assert "确凿" in page
    assert "同样的 3 条签署了两个不同的树根" in page
    taken = auditor.get(f"/witnesses/evidence/{name}/")
    assert taken.content == watched.node.witness.evidence()[0].read_bytes()
    assert taken.headers["Content-Disposition"].startswith("attachment;")
    assert auditor.get("/witnesses/evidence/none/").status_code == 404
    assert auditor.get("/witnesses/evidence/..%2f..%2fnode.toml/").status_code == 404


def test_evidence_that_was_changed_proves_nothing_any_more(watched: Counter) -> None:
    split(watched)
    path = watched.node.witness.evidence()[0]
    value = json.loads(path.read_text())
    path.write_text(json.dumps(value | {"second": value["first"]}))
    page = text_of(watched.visit(Role.AUDITOR).get("/witnesses/"))
    assert "确凿" not in page
    assert "不足为凭" in page
    path.write_text("nonsense")
    assert "不足为凭" in text_of(watched.visit(Role.AUDITOR).get("/witnesses/"))


def test_a_witness_that_remembers_another_view_is_a_conflict_on_the_page(watched: Counter, board: Switchboard) -> None:
    board.witnesses["qinghe"] = lambda _: Answer(409, "99\n", "text/x.tlog.size")
    page = published(watched)
    assert "qinghe 记得的本账本与现存账本不一致" in page
    assert "待查明" in page


def test_promise_4_a_receipt_names_its_quorum(watched: Counter) -> None:
    published(watched)
    auditor = watched.visit(Role.AUDITOR)
    assert "达到会签要求 qinghe、liuan" in text_of(auditor.get("/ledger/0/"))
    checked = text_of(auditor.post("/receipts/check/", {"text": render(watched.node.audit.receipt(0))}))
    assert "由 qinghe、liuan 会签，达到要求" in checked
    newer = watched.node.audit.record(Act(ActKind.READ, "shen", "grant:1", {}))
    checked = text_of(auditor.post("/receipts/check/", {"text": render(watched.node.audit.receipt(newer))}))
    assert "已会签：无，尚未达到要求" in checked


def test_what_waits_for_an_unreachable_chain_is_said(counter: Callable[[str], Counter]) -> None:
    from chengyi.console import vouching
    from chengyi.trust.anchors.wiring import make_queue

    made = counter(f'\n[anchor]\nurl = "http://127.0.0.1:9/"\ncontract = "0x{"0" * 40}"\n')
    auditor = made.visit(Role.AUDITOR)
    assert "尚未锚定" in text_of(auditor.get("/witnesses/"))
    queue = make_queue(made.node.settings.anchor, vouching.parts_of(made.node))
    assert queue is not None
    queue.add(made.node.ledger.checkpoint())
    page = text_of(auditor.get("/witnesses/"))
    assert f"排队中 {made.node.ledger.checkpoint().size} 条" in page
    detail = {"size": 1, "chain": 20200, "block": 81}
    made.node.audit.record(Act(ActKind.ANCHORED, "node:small", "small 1", detail))
    made.node.audit.record(Act(ActKind.STAMPED, "node:small", "small 1", {"authority": "small TSA"}))
    page = text_of(auditor.get("/witnesses/"))
    assert "1 条，链 20200 第 81 块" in page
    assert "由 small TSA 加盖" in page


def test_without_witnesses_the_page_says_how_to_come_by_them(counter: Callable[..., Counter]) -> None:
    made = counter()
    page = text_of(made.visit(Role.ARCHIVIST).get("/witnesses/"))
    for said in ("未配置见证方", "[[ledger.witnesses]]", "[[witness.logs]]", "没有发现分叉", "未配置"):
        assert said in page
    assert "立即请求会签" not in page
    assert str(made.node.witness.cosigners[0]) in page


def test_looking_asks_nobody_and_leaves_nothing(watched: Counter, board: Switchboard) -> None:
    size = watched.node.ledger.checkpoint().size
    watched.visit(Role.AUDITOR).get("/witnesses/")
    assert board.asked == []
    assert watched.node.ledger.checkpoint().size == size
    assert not (watched.node.home.path / "stamps").exists()
