"""What a browser finds on each page: no violation of the content policy, no accessibility finding, nothing cut off."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.browser.conftest import SHOTS, violations
from simulators.node import PACKAGE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = {
    "sign-in": ("", "/sign-in/"),
    "home": ("archivist", "/"),
    "password": ("archivist", "/password/"),
    "sources": ("archivist", "/sources/"),
    "source": ("archivist", "/sources/civil-low-income/"),
    "records": ("archivist", "/records/"),
    "records-none": ("archivist", "/records/?q=无"),
    "record": ("archivist", f"/records/{PACKAGE}@1/?verify"),
    "row": ("archivist", f"/records/{PACKAGE}@1/rows/7/"),
    "datasets": ("archivist", "/datasets/"),
    "dataset": ("archivist", "/datasets/low_income/"),
    "dossiers": ("clerk", "/dossiers/?q=沈"),
    "dossiers-empty": ("clerk", "/dossiers/"),
    "dossier": ("clerk", "/dossiers/dos-7f3a21/"),
    "catalogue": ("clerk", "/catalogue/"),
    "entry": ("clerk", "/catalogue/low_income/"),
    "request-form": ("clerk", "/catalogue/low_income/request/"),
    "requests": ("archivist", "/requests/"),
    "request": ("archivist", "/requests/req-1/"),
    "grants": ("clerk", "/grants/"),
    "grant": ("clerk", "/grants/grant-1/"),
    "indicators": ("operator", "/indicators/"),
    "indicator": ("operator", "/indicators/livelihood.unreached/"),
    "figure": ("operator", "/figures/fig-1/"),
    "alerts": ("operator", "/alerts/"),
    "alert": ("operator", "/alerts/alert-1/"),
    "orders": ("clerk", "/orders/"),
    "order": ("clerk", "/orders/order-1/"),
    "ledger": ("auditor", "/ledger/"),
    "entry-page": ("auditor", "/ledger/2/"),
    "receipts": ("auditor", "/receipts/"),
    "audit": ("audit-admin", "/audit/"),
    "accounts": ("system-admin", "/accounts/"),
    "roles": ("security-admin", "/roles/"),
    "missing": ("archivist", "/no-such-page/"),
}
AXE = "{runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']}, resultTypes: ['violations']}"


@pytest.mark.parametrize("width", [1366, 1920])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound(browse: Callable[..., Any], axe: str, name: str, language: str, width: int) -> None:
    username, path = PAGES[name]
    page = browse(path, username, language=language, width=width)
    keep(page, f"{name}-{language}-{width}")
    assert violations(page) == []
    assert findings(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["home", "record", "dossier", "alert", "request-form", "sign-in"])
def test_the_large_type_mode_is_sound(browse: Callable[..., Any], axe: str, name: str) -> None:
    username, path = PAGES[name]
    page = browse(path, username, large=True)
    keep(page, f"{name}-large")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "20px"
    assert violations(page) == []
    assert findings(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366


@pytest.mark.parametrize("name", ["home", "record", "dossier", "figure", "ledger"])
def test_a_page_is_read_without_script(browse: Callable[..., Any], name: str) -> None:
    username, path = PAGES[name]
    page = browse(path, username, script=False)
    assert page.get_by_role("heading", level=1).is_visible()
    assert page.get_by_role("navigation").first.is_visible()


def findings(page: Any, axe: str) -> list[str]:
    """Return what axe finds against WCAG 2.1 A and AA, by rule and place."""
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {AXE}).then(result => result.violations)")
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def keep(page: Any, name: str) -> None:
    """Keep a picture where CHENGYI_SHOTS names a folder."""
    if SHOTS:
        page.screenshot(path=os.fspath(Path(SHOTS) / f"{name}.png"), full_page=True)
