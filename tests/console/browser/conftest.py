"""A real browser before a real server: both start once, and end with the session."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import system

PROJECT = Path(__file__).parents[3]
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SHOTS = os.environ.get("CHENGYI_SHOTS", "")


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a console that is served by its own process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("served")
    paths = os.pathsep.join(str(PROJECT / part) for part in ("src", "tests"))
    with (home / "output").open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "serve.py"), str(home), str(port)],
            env={**os.environ, "PYTHONPATH": paths},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    found = f"http://127.0.0.1:{port}"
    try:
        _wait(found, server, home)
        yield found
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The system's Chromium, driven by Playwright.

    Playwright keeps an event loop running in this thread while it is open, and Django refuses to work beside one:
    so it closes with the module, before the worker takes up the console's other tests.
    """
    executable = system.chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def seats(address: str, chromium: Any) -> Callable[[str], Any]:
    """Sign in once a role and hand out the session's cookies."""
    from console.browser.serve import PASSWORD

    kept: dict[str, Any] = {}

    def seat(username: str) -> Any:
        if username not in kept:
            context = chromium.new_context()
            page = context.new_page()
            page.goto(f"{address}/sign-in/")
            page.get_by_label("用户名").fill(username)
            page.get_by_label("口令", exact=True).fill(PASSWORD)
            page.get_by_role("button", name="登录").click()
            page.wait_for_url(f"{address}/")
            kept[username] = context.storage_state()
            context.close()
        return kept[username]

    return seat


@pytest.fixture(scope="session")
def axe() -> str:
    import axe_playwright_python

    found = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js"))
    return found.read_text(encoding="utf-8")


@pytest.fixture
def browse(address: str, chromium: Any, seats: Callable[[str], Any]) -> Iterator[Callable[..., Any]]:
    """Open a page as somebody, in a language, at a width; violations of the content policy are gathered."""
    with ExitStack() as stack:

        def open_page(
            path: str,
            username: str = "",
            *,
            language: str = "zh",
            width: int = 1366,
            script: bool = True,
            large: bool = False,
        ) -> Any:
            context = chromium.new_context(
                viewport={"width": width, "height": 768 if width < 1900 else 1080},
                storage_state=seats(username) if username else None,
                java_script_enabled=script,
                locale="zh-CN",
                timezone_id="Asia/Shanghai",
            )
            stack.callback(context.close)
            cookies = {"chengyi_language": language, "chengyi_type": "large" if large else "normal"}
            context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items()])
            context.add_init_script(
                "window.violations = [];"
                "addEventListener('securitypolicyviolation',"
                " event => violations.push(event.violatedDirective + ' ' + event.blockedURI))"
            )
            page = context.new_page()
            page.spoken = []
            page.on("console", lambda message: page.spoken.append(message.text))
            page.on("pageerror", lambda error: page.spoken.append(f"error: {error}"))
            page.goto(address + path)
            return page

        yield open_page


def violations(page: Any) -> list[str]:
    """Return what the content policy stopped, and errors of scripts."""
    said = [text for text in page.spoken if "Content Security Policy" in text or text.startswith("error:")]
    return [*said, *page.evaluate("window.violations")]


def _wait(address: str, server: subprocess.Popen[bytes], home: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            pytest.fail((home / "output").read_text())
        try:
            urllib.request.urlopen(f"{address}/sign-in/", timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail("the console did not start")
