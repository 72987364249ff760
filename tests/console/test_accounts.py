"""Signing in, passwords, lockout, and the three separated administrators."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chengyi.model.act import ActKind
from chengyi.model.actor import Role
from chengyi.model.errors import UsageError
from chengyi.node import Node
from console.conftest import NOW, PASSWORD, open_account

Visit = Callable[..., Any]
NEW = "Another-Quiet-River-7"


def acts(node: Node, kind: ActKind) -> list[Any]:
    """Return the acts of a kind, oldest first."""
    return [entry.act for entry in reversed(node.audit.entries(kind=kind.value))]


def sign_in(client: Any, username: str, password: str = PASSWORD) -> Any:
    return client.post("/sign-in/", {"username": username, "password": password})


def test_promise_4_signing_in_is_on_record(node: Node, visit: Visit) -> None:
    open_account("shen", frozenset({Role.CLERK}))
    client = visit()
    answer = sign_in(client, "shen")
    assert answer.headers["Location"] == "/"
    assert client.get("/").status_code == 200
    [act] = acts(node, ActKind.SIGNED_IN)
    assert (act.actor, act.object, act.detail) == ("shen", "account:shen", {"address": "127.0.0.1"})


@pytest.mark.parametrize(("username", "recorded"), [("shen", "shen"), ("my-password-by-mistake", "unknown")])
def test_promise_4_a_failed_sign_in_is_on_record_without_what_was_typed(
    node: Node, visit: Visit, username: str, recorded: str
) -> None:
    open_account("shen", frozenset({Role.CLERK}))
    answer = sign_in(visit(), username, "wrong")
    assert answer.status_code == 401
    assert "用户名或口令不正确" in answer.content.decode()
    [act] = acts(node, ActKind.SIGN_IN_FAILED)
    assert act.actor == recorded


def test_an_account_locks_after_five_wrong_passwords(node: Node, visit: Visit) -> None:
    from chengyi.console.accounts import service

    open_account("shen", frozenset({Role.CLERK}))
    client = visit()
    answers = [sign_in(client, "shen", "wrong").status_code for _ in range(5)]
    assert answers == [401, 401, 401, 401, 429]
    locked = sign_in(client, "shen")
    assert locked.status_code == 429
    assert "暂时锁定" in locked.content.decode()
    service.reset_at_machine(node, "shen")
    assert sign_in(client, "shen", "wrong").status_code == 401


def test_a_closed_account_does_not_sign_in(visit: Visit) -> None:
    account = open_account("shen", frozenset({Role.CLERK}))
    client = visit(username="shen")
    assert client.get("/").status_code == 200
    account.is_active = False
    account.save()
    assert client.get("/").status_code == 302
    assert sign_in(visit(), "shen").status_code == 401


def test_one_session_an_account(visit: Visit) -> None:
    open_account("shen", frozenset({Role.CLERK}))
    first, second = visit(), visit()
    sign_in(first, "shen")
    sign_in(second, "shen")
    assert first.get("/").status_code == 302
    assert second.get("/").status_code == 200


def test_signing_out_ends_the_session(visit: Visit) -> None:
    client = visit(Role.CLERK)
    client.post("/sign-out/")
    assert client.get("/").headers["Location"] == "/sign-in/"


def test_sign_in_leads_where_the_reader_wanted_to_go(visit: Visit) -> None:
    open_account("shen", frozenset({Role.CLERK}))
    client = visit()
    asked = client.get("/catalogue/")
    assert asked.headers["Location"] == "/sign-in/?next=%2Fcatalogue%2F"
    answer = client.post("/sign-in/", {"username": "shen", "password": PASSWORD, "next": "/catalogue/"})
    assert answer.headers["Location"] == "/catalogue/"
    assert client.get("/sign-in/").headers["Location"] == "/"


def test_first_accounts_have_one_time_passwords(node: Node, application: Any, visit: Visit) -> None:
    from chengyi.console import create_first_accounts

    passwords = create_first_accounts(node)
    assert len(passwords) == len(Role)
    assert create_first_accounts(node) == {}
    client = visit()
    assert sign_in(client, "archivist", passwords["archivist"]).status_code == 302
    for address in ("/", "/records/", "/river/"):
        assert client.get(address).headers["Location"] == "/password/"
    page = client.get("/password/").content.decode()
    assert "一次性口令" in page
    assert 'class="menu"' not in page
    form = {"old": passwords["archivist"], "new": NEW, "again": NEW}
    assert client.post("/password/", form).status_code == 302
    assert client.get("/records/").status_code == 200


def test_reset_password_is_the_way_back_at_the_machine(node: Node, application: Any, visit: Visit) -> None:
    from chengyi.console import reset_password

    open_account("chief", frozenset({Role.SECURITY_ADMIN}))
    password = reset_password(node, "chief")
    client = visit()
    assert sign_in(client, "chief", password).status_code == 302
    assert acts(node, ActKind.ACCOUNT_CHANGED)[-1].actor == "machine"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"old": "wrong", "new": NEW, "again": NEW}, "原口令不正确"),
        ({"old": PASSWORD, "new": NEW, "again": NEW + "x"}, "不一致"),
        ({"old": PASSWORD, "new": "short-1", "again": "short-1"}, "12"),
        ({"old": PASSWORD, "new": "password1234", "again": "password1234"}, "常见"),
        ({"old": PASSWORD, "new": "348273948273", "again": "348273948273"}, "数字"),
        ({"old": PASSWORD, "new": "shen-yun-zhou", "again": "shen-yun-zhou"}, "用户名"),
        ({"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}, "最近用过"),
    ],
)
def test_a_weak_password_is_refused_with_its_rule(visit: Visit, form: dict[str, str], said: str) -> None:
    open_account("shen-yun-zhou", frozenset({Role.CLERK}))
    answer = visit(username="shen-yun-zhou").post("/password/", form)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page or "username" in page


def test_used_passwords_are_remembered(visit: Visit) -> None:
    open_account("shen", frozenset({Role.CLERK}))
    client = visit(username="shen")
    assert client.post("/password/", {"old": PASSWORD, "new": NEW, "again": NEW}).status_code == 302
    assert client.get("/").status_code == 200
    answer = client.post("/password/", {"old": NEW, "new": PASSWORD, "again": PASSWORD})
    assert "最近用过" in answer.content.decode()


def test_an_old_password_must_be_changed(node: Node, visit: Visit) -> None:
    open_account("shen", frozenset({Role.CLERK}), at=NOW - timedelta(days=91))
    assert visit(username="shen").get("/").headers["Location"] == "/password/"


def test_the_system_administrator_opens_closes_and_resets(node: Node, visit: Visit) -> None:
    from chengyi.console.accounts.models import Account

    client = visit(Role.SYSTEM_ADMIN)
    made = client.post("/accounts/new/", {"username": "lin", "name": "林晚", "department": "区残联"})
    assert 'class="secret"' in made.content.decode()
    assert Account.objects.get(username="lin").roles == frozenset()
    client.post("/accounts/lin/change/", {"what": "close"})
    assert not Account.objects.get(username="lin").is_active
    client.post("/accounts/lin/change/", {"what": "reopen"})
    assert Account.objects.get(username="lin").is_active
    client.post("/accounts/lin/change/", {"what": "unlock"})
    assert 'class="secret"' in client.post("/accounts/lin/change/", {"what": "reset"}).content.decode()
    changes = [act.detail["change"] for act in acts(node, ActKind.ACCOUNT_CHANGED)]
    assert changes == ["created", "closed", "reopened", "unlocked", "password reset"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"username": "lin", "name": "", "department": "区残联"}, "均须填写"),
        ({"username": "Lin!", "name": "林晚", "department": "区残联"}, "不合规则"),
        ({"username": "taken", "name": "林晚", "department": "区残联"}, "已存在"),
    ],
)
def test_a_bad_account_is_refused(visit: Visit, form: dict[str, str], said: str) -> None:
    open_account("taken", frozenset({Role.CLERK}))
    answer = visit(Role.SYSTEM_ADMIN).post("/accounts/new/", form)
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_an_administrator_is_not_reset_from_a_page(visit: Visit) -> None:
    open_account("chief", frozenset({Role.SECURITY_ADMIN}))
    answer = visit(Role.SYSTEM_ADMIN).post("/accounts/chief/change/", {"what": "reset"})
    assert answer.status_code == 422
    assert "服务器本机" in answer.content.decode()


def test_nobody_changes_the_own_account(visit: Visit) -> None:
    system = visit(Role.SYSTEM_ADMIN)
    assert system.post("/accounts/system-admin/change/", {"what": "close"}).status_code == 422
    security = visit(Role.SECURITY_ADMIN)
    assert security.post("/roles/security-admin/", {"roles": ["clerk"]}).status_code == 422


def test_the_security_administrator_gives_roles(node: Node, visit: Visit) -> None:
    from chengyi.console.accounts.models import Account

    open_account("lin", frozenset())
    client = visit(Role.SECURITY_ADMIN)
    assert client.post("/roles/lin/", {"roles": ["clerk", "operator", "no-such"]}).status_code == 302
    assert Account.objects.get(username="lin").roles == {Role.CLERK, Role.OPERATOR}
    detail = acts(node, ActKind.ACCOUNT_CHANGED)[-1].detail
    assert detail == {"change": "roles", "before": [], "after": ["clerk", "operator"]}


def test_three_administrators_stay_separate(visit: Visit) -> None:
    from chengyi.console.accounts.models import Account

    open_account("lin", frozenset({Role.CLERK}))
    answer = visit(Role.SECURITY_ADMIN).post("/roles/lin/", {"roles": ["clerk", "audit_admin"]})
    assert answer.status_code == 422
    assert "三员分立" in answer.content.decode()
    account = Account.objects.get(username="lin")
    assert account.roles == {Role.CLERK}
    account.role_list = "audit_admin,system_admin"
    with pytest.raises(UsageError):
        account.save()


def test_an_account_without_roles_sees_nothing(visit: Visit) -> None:
    open_account("lin", frozenset())
    client = visit(username="lin")
    assert client.get("/").status_code == 404
    assert "尚无角色" in client.get("/password/").content.decode()


def test_passwords_are_argon2(visit: Visit) -> None:
    assert open_account("shen", frozenset({Role.CLERK})).password.startswith("argon2$argon2id$")


def test_an_unknown_account_is_not_found(visit: Visit) -> None:
    assert visit(Role.SYSTEM_ADMIN).post("/accounts/nobody/change/", {"what": "close"}).status_code == 404
