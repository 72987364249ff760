"""What a browser finds on each page: no violation of the content policy, no accessibility finding, nothing cut off."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.browser.conftest import SHOTS, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = {
    "sign-in": ("", "/sign-in/"),
    "home": ("archivist", "/"),
    "password": ("archivist", "/password/"),
    "sources": ("archivist", "/sources/"),
    "source": ("archivist", "/sources/{source}/"),
    "source-gap": ("archivist", "/sources/{gap}/"),
    "records": ("archivist", "/records/"),
    "records-none": ("archivist", "/records/?q=无此档案"),
    "record": ("archivist", "/records/{record}/?verify"),
    "document": ("archivist", "/records/{document}/?verify"),
    "row": ("archivist", "/records/{record}/rows/{row}/"),
    "datasets": ("archivist", "/datasets/"),
    "dataset": ("archivist", "/datasets/{dataset}/"),
    "dossiers": ("clerk", "/dossiers/?q={name}"),
    "dossiers-empty": ("clerk", "/dossiers/"),
    "dossier": ("clerk", "/dossiers/{dossier}/"),
    "dossier-operator": ("operator", "/dossiers/{dossier}/"),
    "catalogue": ("clerk", "/catalogue/"),
    "entry": ("clerk", "/catalogue/{dataset}/"),
    "request-form": ("clerk", "/catalogue/{dataset}/request/"),
    "requests": ("archivist", "/requests/"),
    "request": ("archivist", "/requests/{open}/"),
    "request-refused": ("archivist", "/requests/{refused}/"),
    "grants": ("archivist", "/grants/"),
    "grant-of-others": ("archivist", "/grants/{grant}/"),
    "grant": ("clerk", "/grants/{grant}/"),
    "exports": ("clerk", "/exports/"),
    "exports-audit": ("auditor", "/exports/"),
    "export-form": ("clerk", "/grants/{grant}/export/"),
    "indicators": ("operator", "/indicators/"),
    "indicator": ("operator", "/indicators/{indicator}/"),
    "figure": ("operator", "/figures/{figure}/"),
    "alerts": ("operator", "/alerts/"),
    "alert": ("operator", "/alerts/{alert}/"),
    "alert-decided": ("operator", "/alerts/{decided}/"),
    "orders": ("clerk", "/orders/"),
    "order": ("operator", "/orders/{order}/"),
    "decision": ("operator", "/decisions/{decision}/"),
    "ledger": ("auditor", "/ledger/"),
    "entry-page": ("auditor", "/ledger/{entry}/"),
    "receipts": ("auditor", "/receipts/"),
    "audit": ("auditadmin", "/audit/"),
    "investigate": ("auditadmin", "/investigate/"),
    "behaviour": ("auditor", "/behaviour/"),
    "accounts": ("sysadmin", "/accounts/"),
    "roles": ("secadmin", "/roles/"),
    "witnesses": ("archivist", "/witnesses/"),
    "stores": ("sysadmin", "/stores/"),
    "stores-seen": ("auditor", "/stores/"),
    "store": ("sysadmin", "/stores/{store}/"),
    "rekey": ("sysadmin", "/store-care/rekey/"),
    "certificates": ("secadmin", "/certificates/"),
    "certificate": ("secadmin", "/certificates/{certificate}/"),
    "missing": ("archivist", "/no-such-page/"),
}
AXE = "{runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']}, resultTypes: ['violations']}"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound(browse: Callable[..., Any], axe: str, name: str, language: str) -> None:
    username, path = PAGES[name]
    page = browse(path, username, language=language)
    keep(page, f"{name}-{language}-1366")
    assert findings(page, axe) == []
    assert width_of(page) <= 1366
    page.set_viewport_size({"width": 1920, "height": 1080})
    keep(page, f"{name}-{language}-1920")
    assert width_of(page) <= 1920
    assert violations(page) == []


@pytest.mark.parametrize(
    "name", ["home", "record", "dossier", "alert", "request-form", "sign-in", "stores", "witnesses", "certificates"]
)
def test_the_large_type_mode_is_sound(browse: Callable[..., Any], axe: str, name: str) -> None:
    username, path = PAGES[name]
    page = browse(path, username, large=True)
    keep(page, f"{name}-large")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "20px"
    assert violations(page) == []
    assert findings(page, axe) == []
    assert width_of(page) <= 1366


@pytest.mark.parametrize("name", ["home", "record", "dossier", "figure", "ledger", "stores", "certificates"])
def test_a_page_is_read_without_script(browse: Callable[..., Any], name: str) -> None:
    username, path = PAGES[name]
    page = browse(path, username, script=False)
    assert page.get_by_role("heading", level=1).is_visible()
    assert page.get_by_role("navigation").first.is_visible()


def width_of(page: Any) -> int:
    """Return how wide the page is: wider than the window, and it scrolls sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth"))


def findings(page: Any, axe: str) -> list[str]:
    """Return what axe finds against WCAG 2.1 A and AA, by rule and place."""
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {AXE}).then(result => result.violations)")
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def keep(page: Any, name: str) -> None:
    """Keep a picture where CHENGYI_SHOTS names a folder."""
    if SHOTS:
        page.screenshot(path=os.fspath(Path(SHOTS) / f"{name}.png"), full_page=True)
