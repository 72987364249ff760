"""The page of stores: what it says of them, who may tend them, and that tending does what it says and is on record."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chengyi.console.stocktaking import Stocktaking, StoreLine
from chengyi.model.act import ActKind
from chengyi.model.actor import Role
from chengyi.model.errors import UnreachableError
from chengyi.model.text import Text
from chengyi.store.settings import StoreSettings
from chengyi.trust.vault.care import VaultStatus
from console.conftest import NOW, Counter, only_turned_away

pytestmark = pytest.mark.slow
SPARE = '\n[[vault.stores]]\nid = "spare"\n'
ACTIONS = ("scrub", "repair", "rekey/start")
CONFIRMED = {"confirmed": "yes"}
EMPTY = VaultStatus(2, 3, 2, "aes-sha256", 7, 0, (), (), ())


@pytest.fixture
def tended(counter: Callable[[str], Counter]) -> Counter:
    """A node with three stores and a spare, which keeps three objects."""
    made = counter(SPARE)
    for each in (b"first", b"second", b"third" * 9_000):
        made.node.vault.put_bytes(each)
    return made


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def fragments(tended: Counter, store: str) -> list[Path]:
    return sorted(path for path in (tended.node.home.vault / store).rglob("obj-*") if path.is_file())


def done(tended: Counter, client: Any, action: str, **form: str) -> str:
    """Start a piece of care, wait for it, and return what the page says then."""
    assert client.post(f"/store-care/{action}/", form).status_code == 302
    tended.done()
    return text_of(client.get("/stores/"))


def _size(path: Path) -> int:
    return path.stat().st_size


def last(tended: Counter, kind: ActKind) -> Any:
    return tended.node.audit.entries(kind=kind.value, limit=1)[0].act


def test_promise_3_the_layout_is_said_in_words_with_the_real_numbers(tended: Counter) -> None:
    page = text_of(tended.visit(Role.AUDITOR).get("/stores/"))
    assert "任意 2 处可恢复，任意 1 处看不到内容" in page
    assert "还可失去 1 处" in page
    assert "可读对象 3" in page
    english = text_of(tended.visit(Role.AUDITOR, language="en").get("/stores/"))
    assert "any 2 restore it, any 1 reveal nothing" in english
    assert "1 more may be lost" in english


def test_promise_6_what_is_missing_is_at_risk_until_it_is_repaired(tended: Counter) -> None:
    admin, gone = tended.visit(Role.SYSTEM_ADMIN), fragments(tended, "s2")[0]
    gone.unlink()
    page = text_of(admin.get("/stores/"))
    assert "不能再失去一处" in page
    assert "待修复" in page
    page = done(tended, admin, "repair")
    assert "重建 1 份，未成 0 份。" in page
    assert "还可失去 1 处" in page
    assert gone.is_file()


def test_promise_4_care_is_on_record_in_the_name_and_from_the_seat_of_who_started_it(tended: Counter) -> None:
    fragments(tended, "s1")[0].unlink()
    done(tended, tended.visit(Role.SYSTEM_ADMIN), "repair")
    act = last(tended, ActKind.REPAIRED)
    assert act.actor == "system-admin"
    assert act.session
    assert act.detail["fragments"] == 1


def test_promise_2_a_scrub_finds_damage_and_the_stores_page_names_it(tended: Counter) -> None:
    admin, hurt = tended.visit(Role.SYSTEM_ADMIN), max(fragments(tended, "s3"), key=_size)
    raw = bytearray(hurt.read_bytes())
    raw[1_000] ^= 1
    hurt.write_bytes(raw)
    page = done(tended, admin, "scrub")
    assert "发现损坏或不可读 1 份" in page
    assert "本轮已完成" in page
    found = text_of(tended.visit(Role.ARCHIVIST).get("/stores/s3/"))
    assert hurt.name.rpartition("-")[0] in found
    assert "内容被改动" in found
    done(tended, admin, "repair")
    assert "没有已知损坏" in text_of(admin.get("/stores/s3/"))


def test_a_store_out_of_reach_is_said_and_loses_nothing(tended: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> Iterator[str]:
        raise UnreachableError(source="s2", why="超时")

    for name in ("keys", "sizes", "open", "tail"):
        monkeypatch.setattr(tended.node.vault.sites[1].objects, name, silent, raising=False)
    page = text_of(tended.visit(Role.ARCHIVIST).get("/stores/"))
    assert "不可达" in page
    assert "还可失去 1 处" not in page
    assert "可读对象 3" in page


def test_promise_3_a_rekeyed_object_reads_the_same_under_a_new_manifest(tended: Counter) -> None:
    stored = tended.node.vault.put_bytes(b"to be re-keyed")
    admin = tended.visit(Role.SYSTEM_ADMIN)
    page = done(tended, admin, "rekey/start", which="one", object=stored.object, **CONFIRMED)
    assert "已更换 1 个。" in page
    assert tended.node.vault.manifest(stored.object) != stored.manifest
    assert tended.node.vault.read(stored.object) == b"to be re-keyed"
    assert last(tended, ActKind.REKEYED).actor == "system-admin"
    assert "已更换 4 个。" in done(tended, admin, "rekey/start", which="all", **CONFIRMED)


@pytest.mark.parametrize("form", [{}, {"which": "all"}, {"which": "one", "object": "nonsense", **CONFIRMED}])
def test_what_was_not_confirmed_or_makes_no_sense_is_not_rekeyed(tended: Counter, form: dict[str, str]) -> None:
    answer = tended.visit(Role.SYSTEM_ADMIN).post("/store-care/rekey/start/", form)
    assert answer.status_code == 422
    assert tended.desk.board.run is None
    assert not tended.node.audit.entries(kind=ActKind.REKEYED.value)


def test_a_store_is_retired_and_its_replacement_is_written_to_at_once(tended: Counter) -> None:
    admin, held = tended.visit(Role.SYSTEM_ADMIN), len(fragments(tended, "s2"))
    assert "停用不可撤回" in text_of(admin.get("/stores/s2/"))
    form = {"name": "s2", "replacement": "spare", **CONFIRMED}
    assert admin.post("/stores/s2/retire/", form).status_code == 302
    tended.done()
    page = text_of(admin.get("/stores/"))
    assert "s2 由 spare 接替：3 份，未成 0 份；s2 已停用。" in page
    assert "还可失去 1 处" in page
    assert (last(tended, ActKind.RETIRED).actor, last(tended, ActKind.RETIRED).object) == ("system-admin", "store:s2")
    tended.node.collect._vault.put_bytes(b"after")
    assert len(fragments(tended, "spare")) == held + 1
    assert len(fragments(tended, "s2")) == held
    assert "停用此存储点" not in text_of(admin.get("/stores/s2/"))


@pytest.mark.parametrize(
    "form",
    [{"name": "s2"}, {"name": "s1", **CONFIRMED}, {"confirmed": "yes"}],
    ids=["unconfirmed", "other", "nameless"],
)
def test_a_retirement_that_was_not_confirmed_by_name_changes_nothing(tended: Counter, form: dict[str, str]) -> None:
    assert tended.visit(Role.SYSTEM_ADMIN).post("/stores/s2/retire/", form).status_code == 422
    assert tended.desk.board.run is None
    assert "退役" not in text_of(tended.visit(Role.ARCHIVIST).get("/stores/"))


def test_without_a_spare_a_store_is_not_retired_and_the_page_says_why(counter: Callable[..., Counter]) -> None:
    bare = counter()
    admin = bare.visit(Role.SYSTEM_ADMIN)
    assert "没有备用存储点" in text_of(admin.get("/stores/s1/"))
    admin.post("/stores/s1/retire/", {"name": "s1", **CONFIRMED})
    bare.done()
    assert "须有备用存储点作替代" in text_of(admin.get("/stores/"))


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SYSTEM_ADMIN])
def test_only_the_system_administrator_tends_stores(tended: Counter, role: Role) -> None:
    client, size = tended.visit(role), tended.node.ledger.checkpoint().size
    for action in ACTIONS:
        assert client.post(f"/store-care/{action}/", CONFIRMED).status_code == 404
    assert client.get("/store-care/rekey/").status_code == 404
    assert client.post("/stores/s1/retire/", {"name": "s1", **CONFIRMED}).status_code == 404
    if role in {Role.ARCHIVIST, Role.AUDITOR}:
        for address in ("/stores/", "/stores/s1/"):
            assert "/store-care/scrub/" not in client.get(address).content.decode()
            assert "store-retire" not in client.get(address).content.decode()
    else:
        assert client.get("/stores/").status_code == client.get("/stores/s1/").status_code == 404
    assert tended.desk.board.run is None
    assert only_turned_away(tended.node, size)


def test_one_piece_of_work_at_a_time_is_watched_with_the_time_left(tended: Counter) -> None:
    go = threading.Event()

    def work(reporter: Any) -> None:
        with reporter.step(Text("修复", "Repair"), 10) as step:
            step.advance(5)
            go.wait(20)

    admin = tended.visit(Role.SYSTEM_ADMIN)
    assert tended.desk.board.start(work, "沈云舟", NOW, Text("修复", "Repair"))
    assert "已有一项工作在进行中" in text_of(admin.post("/store-care/scrub/", follow=True))
    live = admin.get("/store-care/live/").content.decode()
    assert "every 2s" in live
    assert "约剩 " in live
    assert "5 / 10" in live
    assert "/store-care/scrub/" not in live
    go.set()
    tended.done()
    assert "every 2s" not in admin.get("/store-care/live/").content.decode()


def test_care_that_fails_says_why_with_advice(tended: Counter) -> None:
    admin = tended.visit(Role.SYSTEM_ADMIN)
    with tended.node.home.lock():
        page = done(tended, admin, "repair")
    assert "正由另一进程" in page


def test_an_absent_store_is_not_found(tended: Counter) -> None:
    assert tended.visit(Role.ARCHIVIST).get("/stores/none/").status_code == 404
    assert tended.visit(Role.SYSTEM_ADMIN).post("/stores/none/retire/", CONFIRMED).status_code == 404


def test_a_store_that_hangs_holds_no_page_up() -> None:
    go = threading.Event()

    def take() -> VaultStatus:
        go.wait(20)
        return EMPTY

    stock = Stocktaking(take, lambda: NOW)
    assert stock.look(patience=0).under_way
    assert stock.look(patience=0).status is None
    go.set()
    found = stock.look(patience=20)
    assert (found.status, found.at, found.under_way) == (EMPTY, NOW, False)


def test_stock_that_cannot_be_taken_is_said_and_what_was_known_stands() -> None:
    fails = False

    def take() -> VaultStatus:
        if fails:
            raise UnreachableError(source="s1", why="超时")
        return EMPTY

    stock = Stocktaking(take, lambda: NOW)
    assert stock.look(patience=20).status is EMPTY
    fails = True
    assert stock.look(patience=20).failure is None  # fresh enough: not taken again
    stock.spoil()
    found = stock.look(patience=20)
    assert found.status is EMPTY
    assert found.failure is not None
    assert "s1" in found.failure.zh


def test_the_time_left_is_told_by_the_pace_so_far() -> None:
    from chengyi.console.board import Line
    from chengyi.console.templatetags.words import left

    def line(total: int | None, done: int, *, closed: bool = False) -> Line:
        return Line(Text("巡检", "Scrub"), total, done, closed=closed, begun=time.monotonic() - 30)

    known = line(40, 10).left
    assert known is not None
    assert 90 <= known < 900
    assert [each.left for each in (line(None, 5), line(40, 0), line(40, 10, closed=True))] == [None] * 3
    assert line(10, 20).left == 0
    said = [left({"language": "zh"}, each) for each in (None, 0, 45, 600, 7_200)]
    assert said == ["", "约剩 1 秒", "约剩 45 秒", "约剩 10 分钟", "约剩 2 小时"]
    assert left({"language": "en"}, 600) == "about 10 min left"


def test_no_secret_of_a_store_is_shown() -> None:
    settings = StoreSettings(
        id="far",
        kind="s3",
        endpoint="https://me:hush@s3.invalid:9000/x",
        bucket="b",
        access_key="me",
        secret_key="hush",
    )
    assert StoreLine(settings, "used", None, None).place == "s3.invalid:9000/b"


def test_looking_changes_nothing(tended: Counter) -> None:
    size = tended.node.ledger.checkpoint().size
    before = {path: path.read_bytes() for path in tended.node.home.vault.rglob("*") if path.is_file()}
    tended.visit(Role.AUDITOR).get("/stores/")
    tended.visit(Role.SYSTEM_ADMIN).get("/stores/s1/")
    assert tended.node.ledger.checkpoint().size == size
    assert {path: path.read_bytes() for path in tended.node.home.vault.rglob("*") if path.is_file()} == before
