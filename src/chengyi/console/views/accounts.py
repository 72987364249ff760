"""Accounts for the system administrator, roles for the security administrator."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.accounts import service
from chengyi.console.accounts.models import Account
from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import said, show, text_of
from chengyi.model.actor import ADMINISTRATORS, PERMISSIONS, Permission, Role
from chengyi.model.text import Text


@opens(Permission.MANAGE_ACCOUNTS)
def listing(request: HttpRequest) -> HttpResponse:
    """List the accounts."""
    return show(request, "accounts.html", {"accounts": Account.objects.all(), "administrators": ADMINISTRATORS})


@opens(Permission.MANAGE_ACCOUNTS, post=True)
def create(request: HttpRequest) -> HttpResponse:
    """Open an account and show its one-time password once."""
    username = text_of(request, "username", 64)
    name, department = text_of(request, "name", 80), text_of(request, "department", 80)
    password = service.create(node_of(request), request.actor, username, name, department)
    return _once(request, username, password)


@opens(Permission.MANAGE_ACCOUNTS, post=True)
def change(request: HttpRequest, username: str) -> HttpResponse:
    """Close, reopen, unlock, or give a new one-time password."""
    what, node, actor = text_of(request, "what", 20), node_of(request), request.actor
    if what == "reset":
        return _once(request, username, service.reset(node, actor, username))
    if what == "unlock":
        service.unlock(node, actor, username)
    elif what in {"close", "reopen"}:
        service.set_active(node, actor, username, active=what == "reopen")
    said(request, Text(f"账号 {username} 已更新。", f"Account {username} was updated."))
    return redirect("accounts")


@opens(Permission.MANAGE_ROLES)
def roles(request: HttpRequest) -> HttpResponse:
    """Show who holds which role, and what each role may do."""
    values = {
        "accounts": Account.objects.all(),
        "roles": list(Role),
        "administrators": ADMINISTRATORS,
        "permissions": [(role, sorted(PERMISSIONS[role])) for role in Role],
        "own": request.actor.id,
    }
    return show(request, "roles.html", values)


@opens(Permission.MANAGE_ROLES, post=True)
def give(request: HttpRequest, username: str) -> HttpResponse:
    """Set the roles of an account."""
    chosen = frozenset(Role(value) for value in request.POST.getlist("roles") if value in set(Role))
    service.give_roles(node_of(request), request.actor, username, chosen)
    said(request, Text(f"账号 {username} 的角色已核定。", f"The roles of {username} were set."))
    return redirect("roles")


def _once(request: HttpRequest, username: str, password: str) -> HttpResponse:
    return show(request, "one_time.html", {"username": username, "password": password})
