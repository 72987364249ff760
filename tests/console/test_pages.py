"""Every page opens for whom it should, in both languages, and for nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from chengyi.model.actor import PERMISSIONS, Permission, Role
from chengyi.model.grant import Purpose
from simulators.node import PACKAGE, SimNode

HAN = re.compile(r"[\u3400-\u9fff]")
P = Permission
PAGES: dict[str, set[Permission]] = {
    "/": {P.SEE_STATUS},
    "/river/": {P.SEE_STATUS},
    "/sources/": {P.SEE_RECORDS},
    "/sources/civil-low-income/": {P.SEE_RECORDS},
    "/records/": {P.SEE_RECORDS},
    f"/records/{PACKAGE}@1/": {P.SEE_RECORDS},
    f"/records/{PACKAGE}@1/?verify": {P.SEE_RECORDS},
    f"/records/{PACKAGE}@1/rows/7/": {P.SEE_RECORDS},
    "/datasets/": {P.SEE_DATASETS},
    "/datasets/low_income/": {P.SEE_DATASETS},
    "/dossiers/?q=沈": {P.SEE_DOSSIERS},
    "/dossiers/dos-7f3a21/": {P.SEE_DOSSIERS},
    "/catalogue/": {P.SEE_CATALOGUE},
    "/catalogue/low_income/": {P.SEE_CATALOGUE},
    "/catalogue/low_income/request/": {P.REQUEST},
    "/requests/": {P.REQUEST, P.GRANT},
    "/requests/req-1/": {P.REQUEST, P.GRANT},
    "/grants/": {P.USE_GRANT, P.GRANT},
    "/grants/grant-1/": {P.USE_GRANT, P.GRANT},
    "/indicators/": {P.SEE_INDICATORS},
    "/indicators/livelihood.unreached/": {P.SEE_INDICATORS},
    "/figures/fig-0/": {P.SEE_INDICATORS},
    "/alerts/": {P.SEE_INDICATORS},
    "/alerts/alert-1/": {P.SEE_INDICATORS},
    "/orders/": {P.ANSWER, P.ORDER},
    "/orders/order-1/": {P.ANSWER, P.ORDER},
    "/decisions/dec-1/": {P.SEE_INDICATORS},
    "/ledger/": {P.SEE_LEDGER},
    "/ledger/2/": {P.SEE_LEDGER},
    "/receipts/": {P.SEE_LEDGER},
    "/audit/": {P.SEE_AUDIT},
    "/accounts/": {P.MANAGE_ACCOUNTS},
    "/roles/": {P.MANAGE_ROLES},
}
Visit = Callable[..., Any]


@pytest.fixture
def busy(node: SimNode) -> SimNode:
    """A node with a request open and granted, an order, an answer and a decision."""
    purpose = Purpose("核对申请", "《社会救助暂行办法》", "JZ-1")
    for _ in range(2):
        node.share.request(node.actor, "low_income", ("person_name", "aid_kind"), purpose)
    node.share.approve(node.actor, "req-2")
    node.brain.order(node.actor, "alert-1", "区民政局", "入户核实", 7)
    node.brain.answer(node.actor, "order-1", "已入户。")
    node.brain.decide(node.actor, "alert-1", "纳入低保", "核实无误")
    return node


def role_for(permissions: set[Permission]) -> Role:
    return next(role for role in Role if PERMISSIONS[role] & permissions)


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_page_opens_in_both_languages(busy: SimNode, visit: Visit, address: str, language: str) -> None:
    page = visit(role_for(PAGES[address]), language=language).get(address)
    assert page.status_code == 200
    text = page.content.decode()
    if address != "/river/":
        assert f'<html lang="{"en" if language == "en" else "zh-Hans"}"' in text
    wrong = list(chrome(text, language))
    assert wrong == []


@pytest.mark.parametrize("address", PAGES)
def test_a_page_that_may_not_be_seen_is_the_page_that_is_not_there(busy: SimNode, visit: Visit, address: str) -> None:
    outsider = (
        next(role for role in reversed(Role) if not PERMISSIONS[role] & PAGES[address])
        if address
        not in {
            "/",
            "/river/",
        }
        else None
    )
    if outsider is None:
        return
    client = visit(outsider)
    forbidden, missing = client.get(address), client.get("/no-such-page/")
    assert forbidden.status_code == missing.status_code == 404
    assert body(forbidden) == body(missing)


@pytest.mark.parametrize("address", PAGES)
def test_nobody_is_sent_to_sign_in(visit: Visit, address: str) -> None:
    answer = visit().get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in/")


def test_the_home_page_asks_the_status_once_and_nothing_else(node: SimNode, visit: Visit) -> None:
    status = node.status()
    asked: list[object] = []
    node.status = lambda: asked.append(1) or status  # type: ignore[method-assign,func-returns-value]
    node.collect = node.archive = node.integrate = node.share = node.brain = None  # type: ignore[assignment]
    assert visit(Role.OPERATOR).get("/").status_code == 200
    assert len(asked) == 1


def test_a_dossier_is_masked_by_role(node: SimNode, visit: Visit) -> None:
    clerk = visit(Role.CLERK).get("/dossiers/dos-7f3a21/").content.decode()
    operator = visit(Role.OPERATOR).get("/dossiers/dos-7f3a21/").content.decode()
    for secret in ("990106199001010018", "13900000000"):
        assert secret not in clerk
        assert secret not in operator
    assert "清波路8号" not in clerk
    assert "清波路8号" in operator
    assert "沈**" in clerk


def test_promise_6_a_view_says_what_it_does_not_reach(busy: SimNode, visit: Visit) -> None:
    page = visit(Role.OPERATOR).get("/figures/fig-0/").content.decode()
    assert "未取到" in page
    assert "4 行因质量问题在隔离区" in page


def test_every_text_of_a_template_stands_in_both_languages() -> None:
    from chengyi.console.settings import ROOM

    call = re.compile(r"{%\s*(?:t|mark \"\w+\")\s+(['\"])(.*?)\1\s+(['\"])(.*?)\3")
    for path in sorted((ROOM / "templates").rglob("*.html")):
        text = path.read_text()
        for found in call.finditer(text):
            assert not HAN.search(found[4]), (path.name, found[0])
            assert found[2], (path.name, found[0])
        left = call.sub("", text).replace(">中文<", "><")
        left = re.sub(r"}：{", "}{", left)
        assert not HAN.search(left), (path.name, HAN.findall(left))


class _Chrome(HTMLParser):
    """Collects the text of the frame: menu, headings of tables, labels, buttons, terms, hints."""

    PARTS = frozenset({"button", "label", "dt", "legend", "caption", "h2", "h3", "nav", "th"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in {"input", "img", "meta", "link", "br"}:
            return
        values = dict(attributes)
        quiet = (
            "data" in (values.get("class") or "").split()
            or values.get("lang") == "zh-Hans"
            or values.get("aria-current") == "page"
            or (tag == "th" and values.get("scope") == "row")
            or tag in {"script", "style", "option"}
            or values.get("class") == "crumbs"
        )
        self.open.append((tag, quiet))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if any(quiet for tag, quiet in self.open if tag != "html"):
            return
        if data.strip() and any(tag in self.PARTS for tag, _ in self.open):
            self.said.append(data.strip())


def chrome(text: str, language: str) -> Iterator[str]:
    """Return what the frame says in the wrong language."""
    parser = _Chrome()
    parser.feed(text)
    for said in parser.said:
        if language == "en" and HAN.search(said):
            yield said
        if language == "zh" and re.search(r"[A-Za-z]{4,}", said) and not HAN.search(said) and said not in LATIN:
            yield said


LATIN = {"SHA-256", "English"}


def body(answer: Any) -> str:
    text: str = answer.content.decode()
    text = re.sub(r'name="(csrfmiddlewaretoken|next)" value="[^"]*"', "", text)
    return re.sub(r'aria-current="page"', "", text)
