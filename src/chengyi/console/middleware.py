"""What happens around every page: preferences, seat, door, calm errors.

Rules: the actor is built anew for each request from the account; a one-time password opens nothing but the page
that changes it; an idle session ends, and a page that refreshes itself does not keep it; a signed-in page is never
kept by a cache; an error is never a traceback.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.cache import add_never_cache_headers

from chengyi.console.accounts.service import actor_of, must_change_password
from chengyi.console.application import node_of
from chengyi.console.cookies import LANGUAGE_COOKIE, TYPE_COOKIE
from chengyi.console.door import Door
from chengyi.console.seats import seat_of
from chengyi.console.settings import IDLE_SECONDS, MOST_BYTES, MOST_FILE_BYTES, TAKES_FILES
from chengyi.console.views.errors import absent, calm, too_large, wrong_method
from chengyi.model.act import Act, ActKind, ActResult
from chengyi.model.canonical import Json
from chengyi.model.errors import ChengyiError
from chengyi.trust.ration import Ration

Answer = Callable[[HttpRequest], HttpResponse]
SEEN = "seen"
SEEN_EVERY_SECONDS = 60
MOST_TURNED_AWAY = 60


class PreferenceMiddleware:
    """Puts the desk, the language and the type size on the request."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in the reader's language; Chinese unless English was chosen."""
        request.actor = None
        request.language = "en" if request.COOKIES.get(LANGUAGE_COOKIE) == "en" else "zh"
        request.large = request.COOKIES.get(TYPE_COOKIE) == "large"
        with translation.override("en" if request.language == "en" else "zh-hans"):
            most = MOST_FILE_BYTES if request.path in TAKES_FILES else MOST_BYTES
            response = too_large(request) if _length(request) > most else self.get_response(request)
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        return response


class SeatMiddleware:
    """Seats the signed-in account as an actor, ends idle sessions, and lets every act carry session and address."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with `request.actor` set for a signed-in account."""
        if request.user.is_authenticated and not self._idle(request):
            request.actor = actor_of(request.user)
        with node_of(request).audit.acting(seat_of(request)):
            response = self.get_response(request)
        if request.actor is not None or "Cache-Control" not in response.headers:
            add_never_cache_headers(response)
        return response

    def _idle(self, request: HttpRequest) -> bool:
        now = int(node_of(request).clock.now().timestamp())
        seen = request.session.get(SEEN, now)
        if now - seen > IDLE_SECONDS:
            logout(request)
            return True
        polls = bool(request.headers.get("HX-Request"))
        if SEEN not in request.session or (now - seen >= SEEN_EVERY_SECONDS and not polls):
            request.session[SEEN] = now
        return False


class DoorMiddleware:
    """Opens a view only through its declared door, and puts on record who was turned away, so many a minute."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self._ration = Ration(MOST_TURNED_AWAY)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; the door is looked at once the view is known."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:  # noqa: ANN401
        """Let in, send to sign-in, or answer as if there were no such page."""
        door: Door | None = getattr(view, "door", None)
        if door is None:
            return absent(request)
        if request.actor is None and not door.public:
            return _to_sign_in(request)
        if not (door.public or door.unseated) and must_change_password(request.user, node_of(request).clock.now()):
            return redirect("change-password")
        if not door.admits(request.actor):
            self._record(request)
            return absent(request)
        return None if request.method in door.methods else wrong_method(request, door)

    def _record(self, request: HttpRequest) -> None:
        node, page = node_of(request), f"page:{request.resolver_match.view_name}"
        unwritten = self._ration.take(node.clock.now())
        if unwritten is None:
            return
        detail: dict[str, Json] = {"unwritten": unwritten} if unwritten else {}
        act = Act(ActKind.TURNED_AWAY, request.actor.id, page, detail, result=ActResult.DENIED.value)
        with suppress(ChengyiError):  # whoever is turned away is turned away, also where the disk is full
            node.audit.record(act)


class CalmMiddleware:
    """Turns the product's errors into a page with a message and advice."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer an error of the product; anything else goes to the 500 page."""
        return calm(request, error) if isinstance(error, ChengyiError) else None


def _length(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isascii() and text.isdigit() else MOST_FILE_BYTES + 1


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": "/sign-in/"})
    from urllib.parse import urlencode

    if request.path == "/" or request.method != "GET":
        return redirect("sign-in")
    return redirect("/sign-in/?" + urlencode({"next": request.get_full_path()}))
