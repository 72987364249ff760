"""Signing in and out, the own password, language and type size."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.accounts import service
from chengyi.console.accounts.backend import address_of
from chengyi.console.accounts.models import Account
from chengyi.console.application import node_of
from chengyi.console.cookies import LANGUAGE_COOKIE, TYPE_COOKIE
from chengyi.console.door import opens_to_all, opens_to_signed_in
from chengyi.console.errors import PasswordError
from chengyi.console.seats import seat_of
from chengyi.console.views.page import back, said, show
from chengyi.model.act import Act, ActKind
from chengyi.model.text import Text

WRONG = Text("用户名或口令不正确。", "The user name or the password is not correct.")
LOCKED = Text(
    "连续输错，账号已暂时锁定，请15分钟后再试，或联系系统管理员解锁。",
    "Too many wrong attempts: the account is locked for 15 minutes, or until the system administrator unlocks it.",
)


@opens_to_all(both=True)
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form, or sign in."""
    if request.method != "POST":
        return redirect("home") if request.actor else _form(request)
    username, password = request.POST.get("username", "").strip()[:64], request.POST.get("password", "")[:256]
    account = authenticate(request, username=username, password=password)
    if account is None:
        _record(request, ActKind.SIGN_IN_FAILED, username)
        return _form(request, WRONG, status=401)
    _seat(request, account)
    _record(request, ActKind.SIGNED_IN, account.username)
    return back(request, "home")


@opens_to_signed_in(post=True)
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("sign-in")


@opens_to_signed_in(both=True)
def change_password(request: HttpRequest) -> HttpResponse:
    """Show the form, or change the own password."""
    if request.method != "POST":
        return show(request, "password.html")
    form = request.POST
    try:
        if form.get("new", "") != form.get("again", ""):
            raise PasswordError.different()
        service.change_password(node_of(request), request.user, form.get("old", "")[:256], form.get("new", "")[:256])
    except PasswordError as error:
        return show(request, "password.html", {"failure": Text(error.message("zh"), error.message("en"))}, status=422)
    update_session_auth_hash(request, request.user)
    said(request, Text("口令已更改。", "The password was changed."))
    return redirect("home")


@opens_to_all(post=True)
def preferences(request: HttpRequest) -> HttpResponse:
    """Keep the chosen language or type size in a cookie."""
    response = back(request, "home")
    for cookie, field, values in (
        (LANGUAGE_COOKIE, "language", {"zh", "en"}),
        (TYPE_COOKIE, "type", {"normal", "large"}),
    ):
        if request.POST.get(field) in values:
            response.set_cookie(
                cookie,
                request.POST[field],
                max_age=365 * 24 * 3600,
                samesite="Lax",
                httponly=True,
                secure=settings.SESSION_COOKIE_SECURE,
            )
    return response


def locked(request: HttpRequest, *args: Any) -> HttpResponse:  # noqa: ANN401, ARG001  what the lockout passes
    """Answer for an account that is locked after too many wrong attempts."""
    return _form(request, LOCKED, status=429)


def _form(request: HttpRequest, failure: Text | None = None, *, status: int = 200) -> HttpResponse:
    values = {
        "failure": failure,
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "username": request.POST.get("username", "")[:64],
    }
    return show(request, "sign_in.html", values, status=status)


def _seat(request: HttpRequest, account: Account) -> None:
    """Start the account's one session; an older one ends."""
    if account.session_key:
        SessionStore(account.session_key).delete()
    login(request, account, backend="chengyi.console.accounts.backend.AccountBackend")
    account.session_key = request.session.session_key or ""
    account.save(update_fields=["session_key"])


def _record(request: HttpRequest, kind: ActKind, username: str) -> None:
    known = Account.objects.filter(username=username).exists()
    name = username if known else "unknown"
    act = Act(kind, name, f"account:{name}", {"address": address_of(request)}, session=seat_of(request).session)
    node_of(request).audit.record(act)
