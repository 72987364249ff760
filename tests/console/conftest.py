"""A console over a simulated node. The framework is configured once a process, so the home is made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chengyi.model.actor import Role
from chengyi.model.clock import SetClock
from simulators.node import NOW, SimNode

PASSWORD = "Quiet-River-2026"


@pytest.fixture(scope="session")
def console_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def node(console_home: Path) -> SimNode:
    return SimNode(console_home, SetClock(NOW))


@pytest.fixture
def application(node: SimNode) -> Iterator[Any]:
    """The console's application, with empty account tables."""
    from chengyi.console import build_application

    made = build_application(node)  # type: ignore[arg-type]
    _empty()
    yield made
    made.desk.board.wait(10)


@pytest.fixture
def visit(application: Any) -> Callable[..., Any]:
    """Make a browser for nobody, or for a signed-in account of the given roles."""
    from django.test import Client

    from chengyi.console.accounts.models import Account
    from chengyi.console.application import DESK

    def make(*roles: Role, language: str = "zh", username: str = "", department: str = "区民政局") -> Any:
        client = Client(**{DESK: application.desk}, SERVER_NAME="127.0.0.1", raise_request_exception=False)
        client.cookies["chengyi_language"] = language
        if roles or username:
            name = username or "-".join(sorted(roles)).replace("_", "-")
            account = Account.objects.filter(username=name).first() or open_account(name, frozenset(roles), department)
            client.force_login(account, backend="chengyi.console.accounts.backend.AccountBackend")
        return client

    return make


def open_account(username: str, roles: frozenset[Role], department: str = "区民政局", at: datetime = NOW) -> Any:
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
