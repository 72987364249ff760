"""A real browser before the real command: `chengyi serve` on a copy of the district, signed in to as people do.

The command starts once a worker and ends with the session; the browser closes with each module, for Playwright keeps
an event loop running while it is open, and the web framework refuses to work beside one.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
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
from console.conftest import PASSWORD
from console.scene import Scene

COMMAND = Path(sys.executable).with_name("chengyi")
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
ONE_TIME = re.compile(r"一次性口令 +(\S+) +(\S+)")


class Served:
    """The console as the command serves it: its address, the passwords by user name, and who signed in already."""

    def __init__(self, address: str, home: Path, passwords: dict[str, str]) -> None:
        self.address = address
        self.home = home
        self.passwords = passwords
        self.seats: dict[str, Any] = {}


@pytest.fixture(scope="session")
def served(district: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Start ``chengyi serve`` on a copy of the district, and read the one-time passwords that it prints."""
    folder, port = tmp_path_factory.mktemp("served"), system.free_port()
    shutil.copytree(district / "home", folder / "home")
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen(
            [str(COMMAND), "serve", "--home", str(folder / "home"), "--port", str(port)],
            env={**os.environ, "CHENGYI_LANG": "zh", "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, server, folder / "output")
        yield Served(address, folder / "home", dict(ONE_TIME.findall((folder / "output").read_text("utf-8"))))
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
            raise


@pytest.fixture(scope="session")
def address(served: Served) -> str:
    return served.address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The system's Chromium, driven by Playwright."""
    executable = system.chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def seats(served: Served, chromium: Any) -> Callable[[str], Any]:
    """Sign in once a user, change the one-time password as the console demands, and hand out the cookies."""

    def seat(username: str) -> Any:
        if username not in served.seats:
            context = chromium.new_context()
            first_sign_in(context.new_page(), served, username)
            served.seats[username] = context.storage_state()
            context.close()
        return served.seats[username]

    return seat


def first_sign_in(page: Any, served: Served, username: str) -> None:
    """Sign in with the one-time password, and choose an own one."""
    one_time = served.passwords[username]
    page.goto(f"{served.address}/sign-in/")
    page.get_by_label("用户名").fill(username)
    page.get_by_label("口令", exact=True).fill(one_time)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"{served.address}/password/")
    page.get_by_label("原口令").fill(one_time)
    page.get_by_label("新口令", exact=True).fill(PASSWORD)
    page.get_by_label("再输一次新口令").fill(PASSWORD)
    page.get_by_role("button", name="更改").click()
    page.wait_for_url(f"{served.address}/")
    served.passwords[username] = PASSWORD


@pytest.fixture(scope="session")
def axe() -> str:
    import axe_playwright_python

    found = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js"))
    return found.read_text(encoding="utf-8")


@pytest.fixture
def browse(address: str, scene: Scene, chromium: Any, seats: Callable[[str], Any]) -> Iterator[Callable[..., Any]]:
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
            page.goto(address + path.format(**scene.written()))
            return page

        yield open_page


def violations(page: Any) -> list[str]:
    """Return what the content policy stopped, and errors of scripts."""
    said = [text for text in page.spoken if "Content Security Policy" in text or text.startswith("error:")]
    return [*said, *page.evaluate("window.violations")]


def _wait(address: str, server: subprocess.Popen[bytes], output: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            pytest.fail(output.read_text("utf-8"))
        try:
            urllib.request.urlopen(f"{address}/sign-in/", timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail("the console did not start")
