"""An investigation as an auditor makes it: the form is filled in, and the answer is readable at both widths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chengyi.model.act import Act, ActKind
from chengyi.node import Node
from console.browser.conftest import Served, violations
from console.browser.test_pages import findings, keep, width_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ASK = {"zh": "调查", "en": "Investigate"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_answer_is_readable(browse: Callable[..., Any], axe: str, language: str) -> None:
    page = browse("/investigate/?actor=clerk", "auditadmin", language=language)
    page.locator("#reason").fill("信访件 2026-17 核查")
    page.get_by_role("button", name=ASK[language], exact=True).click()
    page.wait_for_url("**/investigate/ask/")
    assert page.locator("tbody tr").count() >= 3
    keep(page, f"investigation-{language}-1366")
    assert findings(page, axe) == []
    assert width_of(page) <= 1366
    page.set_viewport_size({"width": 1920, "height": 1080})
    keep(page, f"investigation-{language}-1920")
    assert width_of(page) <= 1920
    assert violations(page) == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_flags_are_readable(browse: Callable[..., Any], axe: str, served: Served, language: str) -> None:
    said = {"zh": "非工作时间操作：24，本人近21日常态为 0，限值 10", "en": "acts outside of working hours: 24"}
    finding = {"rule": "night", **said, "figure": "24", "limit": "10", "usual": "0", "of": "own", "days": 21}
    detail: Any = {"day": "2026-11-20", "rules": 1, "findings": [finding | {"count": 24, "entries": list(range(24))}]}
    node = Node(served.home)
    node.audit.record(Act(ActKind.FLAGGED, node.actor.id, "subject:clerk", detail))
    node.close()
    page = browse("/behaviour/", "auditadmin", language=language)
    assert page.get_by_text(said[language]).first.is_visible()
    keep(page, f"flags-{language}-1366")
    assert findings(page, axe) == []
    assert width_of(page) <= 1366
    assert violations(page) == []
