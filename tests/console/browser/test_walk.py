"""The main job, by keyboard alone, from sign-in to a decision; and the live parts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from console.browser.conftest import violations
from console.browser.serve import PASSWORD
from console.browser.test_pages import findings
from simulators.node import PACKAGE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FOCUS = "[document.activeElement.tagName, document.activeElement.textContent.trim(), document.activeElement.id]"


def focus_on(page: Any, wanted: str, most: int = 90) -> None:
    """Press Tab until the element with this text or id has the focus, and see that the focus is shown."""
    for _ in range(most):
        page.keyboard.press("Tab")
        _, text, id = page.evaluate(FOCUS)
        if wanted in {text, id}:
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none"
            return
    pytest.fail(f"{wanted} cannot be reached by keyboard")


def press(page: Any) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_sign_in_by_keyboard(browse: Callable[..., Any]) -> None:
    page = browse("/sign-in/")
    assert page.evaluate(FOCUS)[2] == "username"
    page.keyboard.type("engineer")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    press(page)
    assert page.get_by_role("heading", name="运行总览", level=1).is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)[1] == "跳到正文"
    page.keyboard.press("Enter")
    focus_on(page, "来源")
    press(page)
    focus_on(page, "低保名册")
    press(page)
    assert page.get_by_role("heading", name="低保名册").is_visible()


def test_a_record_is_found_and_proven_by_keyboard(browse: Callable[..., Any]) -> None:
    page = browse("/", "archivist")
    focus_on(page, "档案检索")
    press(page)
    focus_on(page, "q")
    page.keyboard.type("低保")
    press(page)
    focus_on(page, "Y012-SJ·2026-D30-000123")
    press(page)
    focus_on(page, "逐步核验")
    press(page)
    assert page.locator(".steps .tag.good").count() == 3
    assert violations(page) == []


def test_a_request_is_sent_by_keyboard(browse: Callable[..., Any]) -> None:
    page = browse("/catalogue/low_income/", "clerk")
    focus_on(page, "申请使用")
    press(page)
    boxes = page.locator("input[name=fields]")
    boxes.nth(2).focus()
    page.keyboard.press("Space")
    for field, words in (("purpose", "核对临时救助申请"), ("basis", "《社会救助暂行办法》"), ("case", "JZ-2026-0500")):
        focus_on(page, field)
        page.keyboard.type(words)
    press(page)
    assert page.get_by_text("申请已送达数据提供部门。").is_visible()


def test_an_alert_is_decided_by_keyboard(browse: Callable[..., Any], axe: str) -> None:
    page = browse("/alerts/", "operator")
    focus_on(page, "一户低收入家庭可能未获救助")
    press(page)
    for field, words in (("outcome", "暂不处置"), ("ground", "等待部门反馈")):
        focus_on(page, field)
        page.keyboard.type(words)
    focus_on(page, "作出决定")
    press(page)
    assert page.get_by_text("决定已作出，并已回档。").is_visible()
    page.get_by_role("link", name="查看决定").click()
    assert findings(page, axe) == []


def test_a_grant_is_used(browse: Callable[..., Any], axe: str) -> None:
    page = browse("/grants/grant-1/", "clerk")
    page.get_by_role("button", name="调阅").click()
    assert page.get_by_text("沈**").first.is_visible()
    assert findings(page, axe) == []
    assert violations(page) == []


def test_a_receipt_is_checked(browse: Callable[..., Any], axe: str, address: str) -> None:
    page = browse("/receipts/", "auditor")
    text = page.request.get(f"{address}/records/{PACKAGE}@1/receipt/").text()
    page.get_by_label("粘贴回执全文").fill(text)
    page.get_by_role("button", name="核验").click()
    assert page.locator(".steps .tag.good").count() == 4
    assert findings(page, axe) == []


def test_language_and_type_size_are_chosen(browse: Callable[..., Any]) -> None:
    page = browse("/sources/", "archivist")
    page.get_by_role("button", name="English").click()
    assert page.get_by_role("heading", name="Sources").is_visible()
    page.get_by_role("button", name="Large type").click()
    assert page.evaluate("document.documentElement.className") == "large"
    assert page.url.endswith("/sources/")


def test_a_run_is_watched_without_reloading(browse: Callable[..., Any]) -> None:
    page = browse("/", "archivist")
    page.get_by_role("button", name="立即运行").click()
    page.evaluate("window.kept = true")
    for _ in range(60):
        if page.get_by_text("已完成").is_visible():
            break
        time.sleep(0.5)
    assert page.get_by_text("已完成").is_visible()
    assert violations(page) == []


def test_a_wide_table_is_reached_by_keyboard_and_a_narrow_screen_does_not_scroll_sideways(
    browse: Callable[..., Any],
) -> None:
    page = browse("/audit/", "audit-admin", width=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= 800


def test_axe_would_find_something(browse: Callable[..., Any], axe: str) -> None:
    page = browse("/sign-in/")
    page.evaluate("document.querySelector('label').remove()")
    assert any(finding.startswith("label") for finding in findings(page, axe))


def test_the_policy_would_stop_something(browse: Callable[..., Any]) -> None:
    page = browse("/sign-in/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')")
    assert violations(page) != []
