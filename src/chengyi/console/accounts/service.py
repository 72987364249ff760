"""What may be done with accounts.

Rules: three separated administrators: the system administrator opens and closes accounts, the security
administrator gives roles, the audit administrator only reads; nobody changes the own account's roles; an
administrator's password can be reset at the machine only; every change is put on record (promise 4).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError as TakenError
from django.db import transaction

from chengyi.console.accounts.models import Account, UsedPassword
from chengyi.console.errors import AccountError, PasswordError
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import ADMINISTRATORS, Actor, Permission, Role
from chengyi.model.canonical import Json
from chengyi.model.errors import NotFoundError

if TYPE_CHECKING:
    from chengyi.node import Node

PASSWORD_DAYS = 90
REMEMBERED = 5
LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
FIRST = (
    ("archivist", "档案员", Role.ARCHIVIST),
    ("engineer", "数据工程师", Role.ENGINEER),
    ("clerk", "部门经办", Role.CLERK),
    ("operator", "城运值班员", Role.OPERATOR),
    ("auditor", "审计员", Role.AUDITOR),
    ("sysadmin", "系统管理员", Role.SYSTEM_ADMIN),
    ("secadmin", "安全管理员", Role.SECURITY_ADMIN),
    ("auditadmin", "审计管理员", Role.AUDIT_ADMIN),
)


def actor_of(account: Account) -> Actor:
    """Return the account as an actor of the domain."""
    return Actor(id=account.username, name=account.name, department=account.department, roles=account.roles)


def must_change_password(account: Account, now: datetime) -> bool:
    """Tell whether the password is a one-time password or too old."""
    return bool(account.must_change) or now - account.password_set_at > timedelta(days=PASSWORD_DAYS)


def one_time_password() -> str:
    """Return a fresh password that is easy to read aloud: four groups of four, about 92 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


def create_first(node: Node) -> dict[str, str]:
    """Create one account a role; return the one-time passwords, or nothing where accounts exist.

    They belong to the node's own department; the clerk to the first department that delivers to it.
    """
    if Account.objects.exists():
        return {}
    own, passwords = node.settings.node.department, {}
    with transaction.atomic():
        for username, name, role in FIRST:
            department = _delivering(node) if role is Role.CLERK else own
            passwords[username] = _new(node, username, name, department, frozenset({role}))
    for username in passwords:
        _record(node, "setup", username, {"change": "created"})
    return passwords


def create(node: Node, actor: Actor, username: str, name: str, department: str) -> str:
    """Open an account without roles and return its one-time password; AccountError where it cannot be."""
    actor.require(Permission.MANAGE_ACCOUNTS)
    if not (name.strip() and department.strip()):
        raise AccountError.incomplete()
    password = _new(node, username.strip(), name.strip(), department.strip(), frozenset())
    _record(node, actor.id, username.strip(), {"change": "created"})
    return password


def set_active(node: Node, actor: Actor, username: str, *, active: bool) -> None:
    """Close or reopen an account; nobody closes the own one."""
    actor.require(Permission.MANAGE_ACCOUNTS)
    account = find(username)
    _require_other(actor, account)
    account.is_active = active
    account.save(update_fields=["is_active"])
    _record(node, actor.id, username, {"change": "reopened" if active else "closed"})


def reset(node: Node, actor: Actor, username: str) -> str:
    """Give a working account a new one-time password; an administrator's is reset at the machine only."""
    actor.require(Permission.MANAGE_ACCOUNTS)
    account = find(username)
    if account.roles & ADMINISTRATORS:
        raise AccountError.administrator()
    return _reset(node, actor.id, account)


def reset_at_machine(node: Node, username: str) -> str:
    """Give any account a new one-time password and unlock it: for whoever keeps the machine."""
    from axes.utils import reset as unlock

    unlock(username=username)
    return _reset(node, "machine", find(username))


def unlock(node: Node, actor: Actor, username: str) -> None:
    """Forget the failed sign-ins of an account."""
    from axes.utils import reset as forget

    actor.require(Permission.MANAGE_ACCOUNTS)
    forget(username=find(username).username)
    _record(node, actor.id, username, {"change": "unlocked"})


def give_roles(node: Node, actor: Actor, username: str, roles: frozenset[Role]) -> None:
    """Set the roles of an account; UsageError where they exclude each other, AccountError for the own account."""
    actor.require(Permission.MANAGE_ROLES)
    account = find(username)
    _require_other(actor, account)
    before = sorted(role.value for role in account.roles)
    account.roles = roles
    account.save(update_fields=["role_list"])
    _record(
        node, actor.id, username, {"change": "roles", "before": before, "after": sorted(role.value for role in roles)}
    )


def change_password(node: Node, account: Account, old: str, new: str) -> None:
    """Change the own password; PasswordError says which rule it breaks."""
    if not account.check_password(old):
        raise PasswordError.wrong()
    _require_new(account, new)
    try:
        validate_password(new, account)
    except ValidationError as error:
        raise PasswordError.weak(error.messages) from error
    now = node.clock.now()
    UsedPassword.objects.create(account=account, password=account.password, at=now)
    account.password = make_password(new)
    account.must_change, account.password_set_at = False, now
    account.save(update_fields=["password", "must_change", "password_set_at"])
    _record(node, account.username, account.username, {"change": "password"})


def find(username: str) -> Account:
    """Return an account; NotFoundError where there is none."""
    account: Account | None = Account.objects.filter(username=username).first()
    if account is None:
        raise NotFoundError(kind="账号 account", id=username)
    return account


def _new(node: Node, username: str, name: str, department: str, roles: frozenset[Role]) -> str:
    password, now = one_time_password(), node.clock.now()
    account = Account(
        username=username,
        name=name,
        department=department,
        password=make_password(password),
        password_set_at=now,
        created_at=now,
    )
    account.roles = roles
    try:
        account.clean_fields()
        with transaction.atomic():
            account.save(force_insert=True)
    except ValidationError as error:
        raise AccountError.bad_name(username) from error
    except TakenError as error:
        raise AccountError.taken(username) from error
    return password


def _reset(node: Node, by: str, account: Account) -> str:
    password = one_time_password()
    account.password = make_password(password)
    account.must_change, account.password_set_at = True, node.clock.now()
    account.save(update_fields=["password", "must_change", "password_set_at"])
    _record(node, by, account.username, {"change": "password reset"})
    return password


def _require_new(account: Account, new: str) -> None:
    used = [account.password, *account.used_passwords.values_list("password", flat=True)[:REMEMBERED]]
    if any(check_password(new, each) for each in used):
        raise PasswordError.used()


def _require_other(actor: Actor, account: Account) -> None:
    if actor.id == account.username:
        raise AccountError.own()


def _delivering(node: Node) -> str:
    own = node.settings.node.department
    return next((each.department for each in node.collect.sources if each.department != own), own)


def _record(node: Node, by: str, username: str, detail: Mapping[str, Json]) -> None:
    node.audit.record(Act(ActKind.ACCOUNT_CHANGED, by, f"account:{username}", detail))
