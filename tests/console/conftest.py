"""A console over a real node at work.

The demonstration district is run through once a test run, for all workers; each worker has a copy of the home, for
the web framework is configured once a process, for one home. Every change of a node is in its ledger, so the copy is
put back only after a test that added to it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from chengyi.model.actor import Role
from chengyi.model.clock import SetClock
from console.scene import DEPARTMENT, Scene, stage

PASSWORD = "Quiet-River-2026"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PEOPLE = 1_000


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ``home`` of a district at work and its ``scene.json``: to be copied, not changed."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "district-at-work"
    with (shared / "district-at-work.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "scene.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _put_to_work(folder)
    return folder


def _put_to_work(folder: Path) -> None:
    from chengyi.district import generate
    from chengyi.model.reporter import SilentReporter
    from chengyi.node import Node

    names = {"zh": "云汀区", "en": "Yunting", "department": "云汀区档案馆"}
    node = Node.create(folder / "home", "yunting", **names, demonstration=True, clock=SetClock(NOW))
    generate(folder / "home", PEOPLE)
    report = node.run(SilentReporter())
    assert not report.errors
    scene = stage(node)
    node.close()
    (folder / "scene.json").write_text(json.dumps(scene.written()))


@pytest.fixture(scope="session")
def scene(district: Path) -> Scene:
    return Scene(**json.loads((district / "scene.json").read_text()))


class Bench:
    """One worker's copy of the home, and the node that is open on it."""

    def __init__(self, original: Path, home: Path) -> None:
        self._original = original
        self.home = home
        shutil.copytree(original, home)
        self._open()

    def fresh(self) -> Any:
        """Return the node as the district left it."""
        if self.node.ledger.checkpoint().size != self._size:
            self.node.close()
            self._put_back()
            self._open()
        self.clock.at = NOW
        return self.node

    def _open(self) -> None:
        from chengyi.node import Node

        self.clock = SetClock(NOW)
        self.node = Node(self.home, self.clock)
        self._size = self.node.ledger.checkpoint().size

    def _put_back(self) -> None:
        for old in self.home.glob("node.db*"):
            old.unlink()
        for new in self._original.glob("node.db*"):
            shutil.copy(new, self.home)
        shutil.rmtree(self.home / "ledger")
        shutil.copytree(self._original / "ledger", self.home / "ledger")


@pytest.fixture(scope="session")
def bench(district: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(district / "home", tmp_path_factory.mktemp("worker") / "home")
    yield made
    made.node.close()


@pytest.fixture
def node(bench: Bench) -> Any:
    """The node of the district, as it was when the scene was set, at a clock that stands still."""
    return bench.fresh()


@pytest.fixture(scope="session")
def console_home(bench: Bench) -> Path:
    return bench.home


@pytest.fixture
def application(node: Any) -> Iterator[Any]:
    """The console's application, with empty account tables."""
    from chengyi.console import build_application

    made = build_application(node)
    _empty()
    yield made
    made.desk.board.wait(60)


@pytest.fixture
def visit(application: Any) -> Callable[..., Any]:
    """Make a browser for nobody, or for a signed-in account of the given roles."""
    from django.test import Client

    from chengyi.console.accounts.models import Account
    from chengyi.console.application import DESK

    def make(*roles: Role, language: str = "zh", username: str = "", department: str = DEPARTMENT) -> Any:
        client = Client(**{DESK: application.desk}, SERVER_NAME="127.0.0.1", raise_request_exception=False)
        client.cookies["chengyi_language"] = language
        if roles or username:
            name = username or "-".join(sorted(roles)).replace("_", "-")
            account = Account.objects.filter(username=name).first() or open_account(name, frozenset(roles), department)
            client.force_login(account, backend="chengyi.console.accounts.backend.AccountBackend")
        return client

    return make


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@contextmanager
def on_port(answer: Callable[..., Any]) -> Iterator[str]:
    """Serve a WSGI callable on a loopback port, and yield its address."""
    server = make_server("127.0.0.1", 0, answer, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def only_turned_away(node: Any, since: int) -> bool:
    """Tell whether all that the ledger got since is who was turned away from pages, if anything."""
    from chengyi.model.act import ActKind

    size = node.ledger.checkpoint().size
    return all(node.audit.entry(index).act.kind is ActKind.TURNED_AWAY for index in range(since, size))


def open_account(username: str, roles: frozenset[Role], department: str = DEPARTMENT, at: datetime = NOW) -> Any:
    """An account that has its own password already."""
    from django.contrib.auth.hashers import make_password

    from chengyi.console.accounts.models import Account

    account = Account(
        username=username,
        name="沈云舟",
        department=department,
        password=make_password(PASSWORD),
        must_change=False,
        password_set_at=at,
        created_at=at,
    )
    account.roles = roles
    account.save()
    return account


def _empty() -> None:
    from axes.models import AccessAttempt, AccessLog
    from django.contrib.sessions.models import Session

    from chengyi.console.accounts.models import Account

    for table in (Account, Session, AccessAttempt, AccessLog):
        table.objects.all().delete()


class Counter:
    """A console over another node than the district: its node, its desk, and browsers for people with roles."""

    def __init__(self, node: Any, visit: Callable[..., Any]) -> None:
        from chengyi.console.application import Desk
        from chengyi.console.board import Board
        from chengyi.console.stocktaking import stocktaking_of
        from chengyi.node.upkeep import Upkeep

        self.node = node
        self.desk = Desk(node, Board(), stocktaking_of(node), Upkeep(node))
        self._visit = visit

    def visit(self, *roles: Role, language: str = "zh") -> Any:
        from chengyi.console.application import DESK

        client = self._visit(*roles, language=language)
        client.defaults[DESK] = self.desk
        return client

    def done(self) -> None:
        """Wait for the work under way, and let the next look take stock anew."""
        self.desk.board.wait(60)
        self.desk.stock.spoil()


@pytest.fixture
def counter(tmp_path: Path, visit: Callable[..., Any]) -> Iterator[Callable[..., Counter]]:
    """Open a small node of its own, with more in its node.toml where a test says so."""
    from chengyi.node import Node

    opened: list[Counter] = []

    def make(more: str = "") -> Counter:
        home, clock = tmp_path / "small", SetClock(NOW)
        Node.create(home, "small", zh="清河", en="Qinghe", department="清河档案馆", clock=clock).close()
        with (home / "node.toml").open("a") as file:
            file.write(more)
        opened.append(Counter(Node(home, clock), visit))
        return opened[-1]

    yield make
    for each in opened:
        each.desk.board.wait(60)
        each.node.close()
