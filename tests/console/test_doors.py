"""Deny by default: a view without a door does not open, and every form has one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chengyi.console.door import Door, opens, opens_to_all, opens_to_signed_in
from chengyi.model.act import ActKind
from chengyi.model.actor import Actor, Permission, Role, node_actor
from chengyi.model.errors import StorageFullError
from chengyi.node import Node
from console.conftest import NOW, Bench

Visit = Callable[..., Any]


def test_every_view_declares_its_door(application: Any) -> None:
    from chengyi.console.urls import urlpatterns

    for pattern in urlpatterns:
        door = getattr(pattern.callback, "door", None)
        assert isinstance(door, Door), pattern
        assert door.public or door.unseated or door.permissions, pattern


def test_only_these_views_need_no_permission(application: Any) -> None:
    from chengyi.console.urls import urlpatterns

    bare = {pattern.name for pattern in urlpatterns if not pattern.callback.door.permissions}
    nodes = {"add-checkpoint", "authority-lists", "authority-enrol", "authority-renew"}
    assert bare == {"sign-in", "sign-out", "change-password", "preferences"} | nodes


def test_a_view_without_a_door_is_not_there(application: Any, monkeypatch: pytest.MonkeyPatch, visit: Visit) -> None:
    from chengyi.console.views import ledger

    monkeypatch.delattr(ledger.listing, "door")
    assert visit(Role.AUDITOR).get("/ledger/").status_code == 404


def test_a_door_opens_to_a_permission_only() -> None:
    def view(request: object) -> None:
        """A page."""

    door: Door = opens(Permission.MANAGE_ROLES)(view).door  # type: ignore[attr-defined]
    assert not door.admits(None)
    assert not door.admits(node_actor("x"))
    assert door.admits(Actor("s", "s", "d", frozenset({Role.SECURITY_ADMIN})))
    assert opens_to_all()(view).door.admits(None)  # type: ignore[attr-defined]
    assert not opens_to_signed_in()(view).door.admits(None)  # type: ignore[attr-defined]


@pytest.mark.parametrize("address", ["/run/", "/preferences/", "/sign-out/", "/roles/clerk/", "/requests/r/approve/"])
def test_a_form_address_answers_post_only(visit: Visit, address: str) -> None:
    role = Role.SECURITY_ADMIN if "roles" in address else Role.ARCHIVIST
    assert visit(role).get(address).status_code == 405


def test_promise_4_whoever_is_turned_away_is_on_record_and_a_flood_does_not_fill_the_ledger(
    visit: Visit, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chengyi.console.middleware import MOST_TURNED_AWAY

    client, size = visit(Role.CLERK), node.ledger.checkpoint().size
    assert client.get("/roles/").status_code == 404
    (told,) = node.audit.entries(kind=ActKind.TURNED_AWAY.value)
    assert (told.act.object, told.act.result, bool(told.act.session)) == ("page:roles", "denied", True)
    for _ in range(MOST_TURNED_AWAY + 5):
        assert client.get("/roles/").status_code == 404
    assert client.get("/no-such-page/").status_code == 404
    assert node.ledger.checkpoint().size == size + MOST_TURNED_AWAY

    def no_room(_: object) -> int:
        raise StorageFullError(path="ledger")

    node.clock.advance(timedelta(minutes=2))  # type: ignore[attr-defined]
    monkeypatch.setattr(node.audit, "record", no_room)
    assert client.get("/roles/").status_code == 404


def test_a_page_answers_get_only(visit: Visit) -> None:
    answer = visit(Role.ARCHIVIST).post("/records/")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_a_forged_form_changes_nothing(application: Any, node: Node, visit: Visit) -> None:
    from django.test import Client

    from chengyi.console.application import DESK

    signed_in = visit(Role.ARCHIVIST)
    client = Client(**{DESK: application.desk}, SERVER_NAME="127.0.0.1", enforce_csrf_checks=True)
    client.cookies = signed_in.cookies
    answer = client.post("/run/")
    assert answer.status_code == 403
    assert "表单已失效" in answer.content.decode()
    assert application.desk.board.run is None


def test_headers_defend_each_page(visit: Visit) -> None:
    headers = visit(Role.ARCHIVIST).get("/").headers
    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert "no-store" in headers["Cache-Control"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_static_file_may_be_kept_and_the_vendored_one_is_what_it_says(application: Any, visit: Visit) -> None:
    import hashlib

    from django.templatetags.static import static

    from chengyi.console.settings import STATIC

    answer = visit().get(static("console/vendor/htmx.min.js"))
    data = b"".join(answer.streaming_content)
    listed = (STATIC / "console/vendor/SHA256SUMS").read_text()
    assert f"{hashlib.sha256(data).hexdigest()}  htmx.min.js" in listed
    assert "max-age=31536000" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_another_host_is_not_answered(visit: Visit, host: str) -> None:
    answer = visit(Role.ARCHIVIST).get("/", SERVER_NAME=host)
    assert answer.status_code == 400
    assert "运行总览" not in answer.content.decode()


@pytest.mark.parametrize(
    "next_address", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil"]
)
def test_a_form_leads_to_our_own_pages_only(visit: Visit, next_address: str) -> None:
    answer = visit().post("/preferences/", {"language": "en", "next": next_address})
    assert answer.headers["Location"] == "/"
    assert answer.cookies["chengyi_language"].value == "en"


def test_preferences_are_kept_in_careful_cookies(visit: Visit) -> None:
    answer = visit().post("/preferences/", {"type": "large", "language": "xx", "next": "/sign-in/"})
    cookie = answer.cookies["chengyi_type"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("large", True, "Lax")
    assert "chengyi_language" not in answer.cookies
    assert answer.headers["Location"] == "/sign-in/"


def test_no_superuser_and_no_admin_site(application: Any) -> None:
    from django.conf import settings

    from chengyi.console.accounts.models import Account

    assert not hasattr(Account, "is_superuser")
    assert not hasattr(Account, "is_staff")
    assert "django.contrib.admin" not in settings.INSTALLED_APPS


def test_the_secret_key_is_kept_from_others(console_home: Any, application: Any) -> None:
    assert (console_home / "keys" / "console.secret").stat().st_mode & 0o077 == 0
    assert (console_home / "console.db").stat().st_mode & 0o077 == 0


def test_one_process_serves_one_home(application: Any, tmp_path: Any) -> None:
    from chengyi.console import build_application
    from chengyi.model.errors import UsageError

    with pytest.raises(UsageError):
        build_application(Node.create(tmp_path / "other", "other", zh="他处", en="Elsewhere", department="他处档案馆"))


def test_a_session_ends_when_idle(bench: Bench, visit: Visit) -> None:
    from datetime import timedelta

    client = visit(Role.ARCHIVIST)
    assert client.get("/").status_code == 200
    bench.clock.at = NOW + timedelta(minutes=29)
    assert client.get("/").status_code == 200
    bench.clock.at = NOW + timedelta(minutes=60)
    assert client.get("/").status_code == 302


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(bench: Bench, visit: Visit) -> None:
    from datetime import timedelta

    client = visit(Role.ARCHIVIST)
    client.get("/")
    for minutes in (20, 40):
        bench.clock.at = NOW + timedelta(minutes=minutes)
        answer = client.get("/river/", HTTP_HX_REQUEST="true")
    assert answer.status_code == 204


@pytest.mark.parametrize("length", ["2000000", "-1", "many"])
def test_too_large_a_request_is_not_read(visit: Visit, length: str) -> None:
    answer = visit(Role.AUDITOR).post("/receipts/check/", {"text": "x"}, CONTENT_LENGTH=length)
    assert answer.status_code == 413
    assert "内容过大" in answer.content.decode()


def test_a_port_in_use_is_refused() -> None:
    import socket

    from chengyi.console.server import require_free
    from chengyi.model.errors import UsageError

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError):
            require_free("127.0.0.1", taken.getsockname()[1])
    require_free("127.0.0.1", 0)


def test_a_fragment_sends_an_idle_reader_to_sign_in(visit: Visit) -> None:
    answer = visit().get("/river/", HTTP_HX_REQUEST="true")
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/sign-in/"


def test_acts_of_the_console_are_its_own() -> None:
    assert {kind for kind in ActKind if kind.value.startswith("console.")} == {
        ActKind.SIGNED_IN,
        ActKind.SIGN_IN_FAILED,
        ActKind.ACCOUNT_CHANGED,
        ActKind.TURNED_AWAY,
    }
