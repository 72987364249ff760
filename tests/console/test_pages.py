"""Every page opens for whom it should, in both languages, and for nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from chengyi.model.actor import PERMISSIONS, Permission, Role
from chengyi.node import Node
from chengyi.share import missing_text
from console.scene import Scene

HAN = re.compile(r"[\u3400-\u9fff]")
P = Permission
PAGES: dict[str, set[Permission]] = {
    "/": {P.SEE_STATUS},
    "/river/": {P.SEE_STATUS},
    "/sources/": {P.SEE_RECORDS},
    "/sources/{source}/": {P.SEE_RECORDS},
    "/sources/{gap}/": {P.SEE_RECORDS},
    "/records/": {P.SEE_RECORDS},
    "/records/{record}/": {P.SEE_RECORDS},
    "/records/{document}/?verify": {P.SEE_RECORDS},
    "/records/{record}/rows/{row}/": {P.SEE_RECORDS},
    "/datasets/": {P.SEE_DATASETS},
    "/datasets/{dataset}/": {P.SEE_DATASETS},
    "/dossiers/?q={name}": {P.SEE_DOSSIERS},
    "/dossiers/{dossier}/": {P.SEE_DOSSIERS},
    "/catalogue/": {P.SEE_CATALOGUE},
    "/catalogue/{dataset}/": {P.SEE_CATALOGUE},
    "/catalogue/{dataset}/request/": {P.REQUEST},
    "/requests/": {P.REQUEST, P.GRANT},
    "/requests/{open}/": {P.REQUEST, P.GRANT},
    "/requests/{refused}/": {P.REQUEST, P.GRANT},
    "/grants/": {P.USE_GRANT, P.GRANT},
    "/grants/{grant}/": {P.USE_GRANT, P.GRANT},
    "/exports/": {P.USE_GRANT, P.GRANT, P.SEE_AUDIT},
    "/grants/{grant}/export/": {P.USE_GRANT},
    "/indicators/": {P.SEE_INDICATORS},
    "/indicators/{indicator}/": {P.SEE_INDICATORS},
    "/figures/{figure}/": {P.SEE_INDICATORS},
    "/alerts/": {P.SEE_INDICATORS},
    "/alerts/{alert}/": {P.SEE_INDICATORS},
    "/alerts/{decided}/": {P.SEE_INDICATORS},
    "/orders/": {P.ANSWER, P.ORDER},
    "/orders/{order}/": {P.ANSWER, P.ORDER},
    "/decisions/{decision}/": {P.SEE_INDICATORS},
    "/ledger/": {P.SEE_LEDGER},
    "/ledger/{entry}/": {P.SEE_LEDGER},
    "/receipts/": {P.SEE_LEDGER},
    "/audit/": {P.SEE_AUDIT},
    "/investigate/": {P.SEE_AUDIT},
    "/behaviour/": {P.SEE_AUDIT},
    "/accounts/": {P.MANAGE_ACCOUNTS},
    "/roles/": {P.MANAGE_ROLES},
    "/witnesses/": {P.SEE_LEDGER},
    "/stores/": {P.SEE_STORES},
    "/stores/{store}/": {P.SEE_STORES},
    "/store-care/rekey/": {P.TEND_STORES},
    "/certificates/": {P.SEE_CERTIFICATES},
    "/certificates/{certificate}/": {P.SEE_CERTIFICATES},
}
EVERYBODY = {"/", "/river/"}
Visit = Callable[..., Any]


def role_for(permissions: set[Permission]) -> Role:
    return next(role for role in Role if PERMISSIONS[role] & permissions)


@pytest.mark.slow
@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_page_opens_in_both_languages(scene: Scene, visit: Visit, address: str, language: str) -> None:
    page = visit(role_for(PAGES[address]), language=language).get(address.format(**scene.written()))
    assert page.status_code == 200
    text = page.content.decode()
    if address != "/river/":
        assert f'<html lang="{"en" if language == "en" else "zh-Hans"}"' in text
    wrong = list(chrome(text, language))
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("address", sorted(set(PAGES) - EVERYBODY))
def test_a_page_that_may_not_be_seen_is_the_page_that_is_not_there(scene: Scene, visit: Visit, address: str) -> None:
    outsider = next(role for role in reversed(Role) if not PERMISSIONS[role] & PAGES[address])
    client = visit(outsider)
    forbidden, missing = client.get(address.format(**scene.written())), client.get("/no-such-page/")
    assert forbidden.status_code == missing.status_code == 404
    assert body(forbidden) == body(missing)


@pytest.mark.slow
@pytest.mark.parametrize("address", PAGES)
def test_nobody_is_sent_to_sign_in(scene: Scene, visit: Visit, address: str) -> None:
    answer = visit().get(address.format(**scene.written()))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in/")


@pytest.mark.slow
def test_the_home_page_asks_the_status_once_and_nothing_else(
    node: Node, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, status = visit(Role.OPERATOR), node.status()
    asked: list[object] = []

    def answer() -> object:
        asked.append(status)
        return status

    monkeypatch.setattr(node, "status", answer)
    for room in ("collect", "archive", "integrate", "share", "brain"):
        monkeypatch.setattr(node, room, None)
    assert operator.get("/").status_code == 200
    assert len(asked) == 1


@pytest.mark.slow
def test_a_dossier_is_masked_by_role(scene: Scene, visit: Visit) -> None:
    clerk = visit(Role.CLERK).get(f"/dossiers/{scene.dossier}/").content.decode()
    operator = visit(Role.OPERATOR).get(f"/dossiers/{scene.dossier}/").content.decode()
    assert scene.fact not in clerk
    assert scene.fact not in operator
    assert scene.name not in clerk
    assert f"{scene.name[0]}*" in clerk
    assert scene.name in operator


@pytest.mark.slow
def test_promise_6_a_figure_says_what_it_does_not_reach(node: Node, visit: Visit) -> None:
    figure = next(each for each in node.brain.figures() if each.completeness.missing)
    page = visit(Role.OPERATOR).get(f"/figures/{figure.id}/").content.decode()
    assert "未取到" in page
    for code in figure.completeness.missing:
        assert missing_text(code).zh in page


@pytest.mark.slow
def test_promise_6_what_is_missing_is_said_on_the_home_page_and_on_the_source_page(
    node: Node, scene: Scene, visit: Visit
) -> None:
    missing = node.collect.completeness(scene.gap).missing
    archivist = visit(Role.ARCHIVIST)
    for address in ("/", f"/sources/{scene.gap}/"):
        assert missing[0] in archivist.get(address).content.decode()


@pytest.mark.slow
def test_the_counts_of_the_home_page_are_those_of_the_accounts(node: Node) -> None:
    for line in node.status().sources:
        account = node.collect.account(line.id)
        counts = (account.received.count, account.archived.count, account.quarantined.count)
        assert (line.received, line.archived, line.quarantined) == counts
        latest = node.collect.submissions(line.id, limit=1)
        assert line.last == (latest[0].captured_at if latest else None)


@pytest.mark.slow
def test_an_id_is_not_shown_where_there_is_a_name(scene: Scene, visit: Visit) -> None:
    clerk, archivist = visit(Role.CLERK), visit(Role.ARCHIVIST)
    shown = {
        f"/dossiers/{scene.dossier}/": clerk,
        f"/datasets/{scene.dataset}/": archivist,
        f"/sources/{scene.source}/": archivist,
        "/requests/": archivist,
        "/grants/": archivist,
    }
    for address, client in shown.items():
        text = re.sub(r"<[^>]*>", " ", client.get(address).content.decode())
        assert not re.search(r"\b(pkg|req|grt|sub)-[0-9a-f]{8,}", text), address


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
