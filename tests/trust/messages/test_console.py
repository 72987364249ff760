"""The door for nodes: it declares itself, and reads bodies within its bound."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import UserSettingsHolder, global_settings, settings
from django.http import HttpRequest, HttpResponse

from chengyi.console.door import Door
from chengyi.console.messages import opens_to_nodes, refusal
from chengyi.trust.messages.policy import Policy
from trust.messages.forge import HERE, World, plain, signed


class Request:
    """Stands for the framework's request, as a server filled it."""

    def __init__(self, message: Any, **meta: Any) -> None:
        self.method, self.scheme, self.path = message.method, "http", message.path
        self._stream = io.BytesIO(message.body)
        self.META = {"HTTP_HOST": HERE, "QUERY_STRING": message.query, "CONTENT_LENGTH": str(len(message.body))}
        for name, value in message.fields:
            plain_name = name.upper().replace("-", "_")
            self.META[plain_name if plain_name == "CONTENT_TYPE" else f"HTTP_{plain_name}"] = value
        self.META |= meta

    def read(self, size: int) -> bytes:
        return self._stream.read(size)


@pytest.fixture(autouse=True)
def framework() -> Iterator[None]:
    """Give the framework its defaults for a moment; a console's tests in this process configure it for good."""
    before = settings._wrapped
    if not settings.configured:
        settings._wrapped = UserSettingsHolder(global_settings)
    yield
    settings._wrapped = before


def asked(world: World, request: Request, most: int = 1000) -> HttpResponse:
    verifier = world.verifier(policy=Policy(most_body=most))

    @opens_to_nodes(verifier_of=lambda _: verifier)
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.signer.id)

    return view(request)


def test_the_door_needs_no_session_and_no_form_token() -> None:
    view = opens_to_nodes("GET")(lambda _: HttpResponse())
    assert view.door == Door(frozenset(), frozenset({"GET"}), public=True)  # type: ignore[attr-defined]
    assert view.csrf_exempt is True  # type: ignore[attr-defined]


def test_a_signed_request_comes_in() -> None:
    world = World()
    assert asked(world, Request(signed(world.signer()))).content == b"node-a"


def test_promise_4_a_length_beside_chunks_is_ambiguous() -> None:
    world = World()
    request = Request(signed(world.signer()), HTTP_TRANSFER_ENCODING="chunked")
    assert asked(world, request).status_code == 401
    assert [act.detail["reason"] for act in world.audit.acts] == ["ambiguous"]


def test_a_chunked_body_is_read_to_its_end_and_no_further_than_the_bound() -> None:
    world = World()
    message = signed(world.signer(), plain(b"x" * 900))
    meta = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    assert asked(world, Request(message, **meta, **{"wsgi.input": io.BytesIO(message.body)})).status_code == 200
    endless = io.BytesIO(b"x" * 5000)
    assert asked(world, Request(message, **meta, **{"wsgi.input": endless})).status_code == 401
    assert endless.tell() == 1001
    assert [act.detail["reason"] for act in world.audit.acts] == ["oversize"]


def test_the_refusal_is_kept_by_no_cache() -> None:
    assert refusal().headers["Cache-Control"] == "no-store"
