"""The main job, by keyboard alone, over the served district: from sign-in to a decision in the archive."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.browser.conftest import COMMAND, ONE_TIME, Served, first_sign_in, violations
from console.browser.test_pages import findings
from console.conftest import PASSWORD
from console.scene import DEPARTMENT, Scene

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FOCUS = (
    "(element => [element.textContent.trim(), element.id, element.getAttribute('href') || '',"
    " getComputedStyle(element).outlineStyle])(document.activeElement)"
)
GOOD = ".steps .tag.good"


def focus_on(page: Any, wanted: str, most: int = 150) -> None:
    """Press Tab until the element with this text, id or address has the focus, and see that the focus is shown."""
    for _ in range(most):
        page.keyboard.press("Tab")
        text, id, href, outline = page.evaluate(FOCUS)
        if wanted in {text, id, href} or (
            wanted.endswith("*") and href.startswith(wanted[:-1]) and href != wanted[:-1]
        ):
            assert outline != "none"
            return
    pytest.fail(f"{wanted} cannot be reached by keyboard")


def press(page: Any) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


def go(page: Any, *wanted: str) -> None:
    """Follow links one after the other, by keyboard."""
    for each in wanted:
        focus_on(page, each)
        press(page)


def fill(page: Any, **values: str) -> None:
    """Type into fields, in their order on the page."""
    for field, value in values.items():
        focus_on(page, field)
        page.keyboard.press("Control+a")
        page.keyboard.type(value)


def path_of(page: Any) -> str:
    return "/" + str(page.url).split("/", 3)[3]


def test_sign_in_by_keyboard(served: Served, browse: Callable[..., Any]) -> None:
    if served.passwords["engineer"] != PASSWORD:
        first_sign_in(browse("/sign-in/"), served, "engineer")
    page = browse("/sign-in/")
    assert page.evaluate(FOCUS)[1] == "username"
    page.keyboard.type("engineer")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    press(page)
    assert page.get_by_role("heading", name="运行总览", level=1).is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)[0] == "跳到正文"


def test_an_administrator_who_forgot_is_let_in_again_at_the_machine(served: Served, browse: Callable[..., Any]) -> None:
    words = [str(COMMAND), "password", "secadmin", "--home", str(served.home)]
    told = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "CHENGYI_LANG": "zh"})
    assert told.returncode == 0, told.stderr
    served.passwords.update(ONE_TIME.findall(told.stdout))
    served.seats.pop("secadmin", None)
    page = browse("/roles/", "secadmin")
    assert page.get_by_role("heading", name="角色授权", level=1).is_visible()


def test_a_source_with_a_gap_and_a_record_with_its_proof(browse: Callable[..., Any], scene: Scene) -> None:
    page = browse("/", "archivist")
    go(page, "数据来源", f"/sources/{scene.gap}/")
    assert page.get_by_text("缺报", exact=True).is_visible()
    go(page, "档案检索")
    fill(page, q=scene.code)
    press(page)
    go(page, scene.code, "逐步核验")
    assert page.locator(GOOD).count() >= 6
    assert page.locator(".steps .tag.bad").count() == 0
    fill(page, row="12")
    press(page)
    assert page.get_by_role("heading", name="第12行的证明").is_visible()
    assert violations(page) == []


def test_an_original_is_downloaded(browse: Callable[..., Any], tmp_path: Path) -> None:
    page = browse("/records/{document}/", "archivist")
    focus_on(page, "下载原件")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    taken = tmp_path / "original"
    waiting.value.save_as(taken)
    assert taken.stat().st_size > 0
    assert waiting.value.suggested_filename in page.content()


def test_what_was_asked_for_is_granted_by_another_read_masked_and_proven(
    browse: Callable[..., Any], scene: Scene
) -> None:
    clerk = browse("/", "clerk")
    go(clerk, "卷宗")
    fill(clerk, q=scene.name)
    press(clerk)
    go(clerk, f"/dossiers/{scene.dossier}/")
    assert clerk.get_by_text("事实并列").first.is_visible()
    assert scene.name not in clerk.locator("main").inner_text()
    go(clerk, "共享目录", f"/catalogue/{scene.dataset}/", "申请使用")
    for box in clerk.locator("input[name=fields]").all()[:3]:
        box.focus()
        clerk.keyboard.press("Space")
    case = f"JZ-{time.time_ns()}"
    fill(clerk, purpose="核对临时救助申请人家庭情况", basis="《社会救助暂行办法》", case=case)
    press(clerk)
    assert clerk.get_by_text("申请已送达数据提供部门。").is_visible()
    assert clerk.get_by_role("button", name="同意授权").count() == 0
    asked = path_of(clerk)

    archivist = browse("/", "archivist")
    go(archivist, "共享申请", asked, "同意授权")
    assert archivist.get_by_text("已授权", exact=False).first.is_visible()

    clerk.reload()
    go(clerk, "查看授权")
    focus_on(clerk, "调阅")
    press(clerk)
    masked = clerk.locator("td.masked").all_inner_texts()
    assert masked
    assert all("*" in cell for cell in masked if cell)
    reading = re.findall(r"第 (\d+) 条", clerk.get_by_text("记录了本次调阅").inner_text())[0]
    assert violations(clerk) == []

    auditor = browse(f"/ledger/{reading}/", "auditor")
    assert auditor.get_by_text("调阅", exact=True).first.is_visible()
    with auditor.expect_download() as waiting:
        focus_on(auditor, "下载回执")
        auditor.keyboard.press("Enter")
    go(auditor, "回执核验")
    focus_on(auditor, "text")
    auditor.keyboard.insert_text(Path(waiting.value.path()).read_text("utf-8"))
    focus_on(auditor, "核验")
    press(auditor)
    assert auditor.locator(GOOD).count() == 4


def test_a_number_leads_home(browse: Callable[..., Any], scene: Scene) -> None:
    page = browse("/", "auditor")
    go(page, "指标", f"/indicators/{scene.indicator}/", f"/figures/{scene.figure}/")
    assert page.get_by_text("全部核验通过").is_visible()
    go(page, "/records/*")
    assert page.get_by_role("heading", name="证明链").is_visible()


def test_an_alert_becomes_a_decision_that_is_found_in_the_archive(browse: Callable[..., Any], axe: str) -> None:
    operator = browse("/", "operator")
    go(operator, "预警", "/alerts/*")
    alert = path_of(operator)
    fill(operator, department=DEPARTMENT, task="核实情况并反馈", days="5")
    focus_on(operator, "交办")
    press(operator)
    assert operator.get_by_text(f"已交办{DEPARTMENT}。").is_visible()

    clerk = browse("/", "clerk")
    assert DEPARTMENT in clerk.locator(".top").inner_text()
    go(clerk, "交办任务", "核实情况并反馈")
    fill(clerk, text="已核实，情况属实。")
    focus_on(clerk, "提交反馈")
    press(clerk)
    assert clerk.get_by_text("反馈已送达。").is_visible()

    operator = browse(alert, "operator")
    fill(operator, outcome="责成整改", ground="反馈属实")
    focus_on(operator, "作出决定")
    press(operator)
    assert operator.get_by_text("决定已作出，并已回档。").is_visible()
    go(operator, "查看决定")
    assert operator.get_by_text("全部核验通过").is_visible()
    assert findings(operator, axe) == []
    code = operator.locator("main .facts .hash").inner_text()

    archivist = browse("/", "archivist")
    go(archivist, "档案检索")
    fill(archivist, q=code)
    press(archivist)
    go(archivist, code)
    assert archivist.get_by_text("决定与处置记录").first.is_visible()

    auditor = browse("/", "auditor")
    go(auditor, "存证账本")
    assert auditor.get_by_text("决定", exact=True).count() >= 1


def test_language_and_type_size_are_chosen(browse: Callable[..., Any]) -> None:
    page = browse("/sources/", "archivist")
    page.get_by_role("button", name="English").click()
    assert page.get_by_role("heading", name="Sources", exact=True).is_visible()
    page.get_by_role("button", name="Large type").click()
    assert page.evaluate("document.documentElement.className") == "large"
    assert page.url.endswith("/sources/")


def test_a_real_run_is_watched_without_reloading(browse: Callable[..., Any]) -> None:
    page = browse("/", "archivist")
    page.get_by_role("button", name="立即运行").click()
    page.evaluate("window.kept = true")
    for _ in range(240):
        if page.get_by_text("已完成").is_visible():
            break
        time.sleep(0.5)
    assert page.get_by_text("已完成").is_visible()
    assert page.evaluate("window.kept") is True
    assert violations(page) == []


def test_a_scrub_is_started_by_keyboard_and_watched_without_reloading(browse: Callable[..., Any]) -> None:
    page = browse("/", "sysadmin")
    go(page, "存储点")
    focus_on(page, "巡检")
    press(page)
    page.evaluate("window.kept = true")
    for _ in range(240):
        if page.get_by_text("本轮已完成").is_visible():
            break
        time.sleep(0.5)
    assert page.get_by_text("本轮已完成").is_visible()
    assert page.get_by_role("button", name="修复").is_visible()
    assert page.evaluate("window.kept") is True
    assert violations(page) == []


def test_a_certificate_is_revoked_by_keyboard(browse: Callable[..., Any], scene: Scene) -> None:
    page = browse("/", "secadmin")
    go(page, "证书", f"/certificates/{scene.certificate}/")
    focus_on(page, "reason")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    focus_on(page, "吊销")
    press(page)
    assert page.get_by_text("证书已吊销").is_visible()
    assert page.get_by_role("button", name="吊销").count() == 0
    assert violations(page) == []


def test_a_narrow_screen_does_not_scroll_sideways(browse: Callable[..., Any]) -> None:
    page = browse("/audit/", "auditadmin", width=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= 800


def test_axe_would_find_something(browse: Callable[..., Any], axe: str) -> None:
    page = browse("/sign-in/")
    page.evaluate("document.querySelector('label').remove()")
    assert any(finding.startswith("label") for finding in findings(page, axe))


def test_the_policy_would_stop_something(browse: Callable[..., Any]) -> None:
    page = browse("/sign-in/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')")
    assert violations(page) != []
