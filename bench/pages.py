"""The console's pages, served by `chengyi serve` and fetched over loopback by a signed-in person."""

import http.client
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from bench.figures import Figure, Result
from bench.ground import CHENGYI, CommandError, Ground
from chengyi.node import Node

_PASSWORD = "Quiet-River-2026-measured"
_PATIENCE = 60
_HOME_BAR = 100

_OPERATOR = (
    ("home page", "/", ""),
    ("catalogue", "/catalogue/", ""),
    ("indicators", "/indicators/", ""),
    ("an indicator", "/indicators/", r'href="(/indicators/[^"/]+/)"'),
    ("a figure", "/indicators/", r'href="(/figures/[^"/]+/)"'),
    ("alerts", "/alerts/", ""),
    ("an alert", "/alerts/", r'href="(/alerts/[^"/?]+/)"'),
    ("dossiers", "/dossiers/", ""),
    ("a dossier", "/dossiers/?q=%E5%BC%A0", r'href="(/dossiers/[^"/?]+/)"'),
    ("ledger", "/ledger/", ""),
    ("a ledger entry", "/ledger/", r'href="(/ledger/\d+/)"'),
)
_ARCHIVIST = (
    ("sources", "/sources/", ""),
    ("a source", "/sources/", r'href="(/sources/[^"/?]+/)"'),
    ("records", "/records/", ""),
    ("search for records", "/records/?q=%E4%BA%91%E6%B1%80", ""),
    ("a record", "/records/", r'href="(/records/[^"/?]+/)"'),
    ("datasets", "/datasets/", ""),
    ("a dataset", "/datasets/", r'href="(/datasets/[^"/?]+/)"'),
)


class Browser:
    """One person's connection: keeps cookies, signs in, fetches pages."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        self._cookies: dict[str, str] = {}

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        return self._ask("GET", path, None)

    def post(self, path: str, **form: str) -> int:
        """Send a form with the token that its page holds, and return the status."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path)[1])
        if token is None:
            raise CommandError(f"{path} shows no form")
        return self._ask("POST", path, urlencode({**form, "csrfmiddlewaretoken": token[1]}))[0]

    def sign_in(self, username: str, password: str) -> None:
        """Sign in with a one-time password, and change it as the console demands."""
        self.post("/sign-in/", username=username, password=password)
        self.post("/password/", old=password, new=_PASSWORD, again=_PASSWORD)
        if self.get("/")[0] != http.client.OK:
            raise CommandError(f"{username} could not sign in")

    def _ask(self, method: str, path: str, body: str | None) -> tuple[int, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, text


def measure(ground: Ground) -> Result:
    """Milliseconds from the request to the last byte of each main page, one request at a time."""
    from chengyi.console import create_first_accounts

    node = Node(ground.demo)
    passwords = create_first_accounts(node)
    node.close()
    figures: list[Figure] = []
    with _served(ground, ground.demo) as port:
        for username, pages in (("operator", _OPERATOR), ("archivist", _ARCHIVIST)):
            browser = Browser(port)
            browser.sign_in(username, passwords[username])
            figures += [_page(browser, *page, ground.size(30, 3)) for page in pages]
    about = (
        f"The demonstration's home ({ground.people:,} people) under `chengyi serve`; each page is fetched over "
        "loopback, one request after another, after three that do not count: server time, transfer included, without "
        "styles and scripts. `first, not warmed up` is the home page's time in a server that was just started."
    )
    return Result("pages", "The console's pages", about, (_first(ground), *figures))


def _page(browser: Browser, name: str, path: str, link: str, count: int) -> Figure:
    if link:
        found = [each for each in re.findall(link, browser.get(path)[1]) if "/new/" not in each]
        if not found:
            raise CommandError(f"{path} shows no link to {name}")
        path = found[0]
    milliseconds = [_fetch(browser, path) for _ in range(count + 3)][3:]
    return Figure(f"{name}", "ms", tuple(milliseconds), at_most=_HOME_BAR if name == "home page" else None)


def _first(ground: Ground) -> Figure:
    """Return the home page's time in a server that has just started."""
    with _served(ground, ground.demo) as port:
        browser = Browser(port)
        browser.post("/sign-in/", username="operator", password=_PASSWORD)
        return Figure("home page, first, not warmed up", "ms", (_fetch(browser, "/"),))


def _fetch(browser: Browser, path: str) -> float:
    start = time.perf_counter()
    status, _ = browser.get(path)
    took = (time.perf_counter() - start) * 1000
    if status != http.client.OK:
        raise CommandError(f"{path}: status {status}")
    return took


@contextmanager
def _served(ground: Ground, home: Path) -> Iterator[int]:
    """Serve a home on a free port until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    words = [str(CHENGYI), "serve", "--home", str(home), "--port", str(port)]
    with (ground.folder / "served.txt").open("wb") as log:
        server = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=ground.environment)
        try:
            _wait(port, server)
            yield port
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait(port: int, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if server.poll() is not None:
            raise CommandError(f"chengyi serve ended with exit code {server.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise CommandError("chengyi serve did not answer")
