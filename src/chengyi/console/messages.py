"""Signed requests between nodes at the web edge (RFC 9421): the framework's request in, its signer out.

Keeps promise 4 (a refusal is on record). Rules:

1. A view for nodes is opened by a valid signature only: no session, no cookie, and so no form token.
2. The body is read here, within the policy's bound, whether its length was announced or it came in chunks; where
   both are said, the request is ambiguous and refused.
3. Whoever is refused gets one and the same answer in both languages; the reason is in the node's own records.
4. The path is encoded again from what the server decoded, so that one spelling is signed and routed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, JsonResponse

from chengyi.console.application import node_of
from chengyi.console.door import Door
from chengyi.model.errors import MessageRefusedError
from chengyi.trust.messages.components import Message
from chengyi.trust.messages.refusals import NOTICE, Refusal
from chengyi.trust.messages.verification import MessageVerifier

Answer = Callable[..., HttpResponse]
VerifierOf = Callable[[HttpRequest], MessageVerifier]

_PATH = "/:@!$&'()*+,;=-._~"
_REFUSED = 401


def verifier_of_node(request: HttpRequest) -> MessageVerifier:
    """Return the verifier of the node that the request came to."""
    node: Any = node_of(request)
    return cast("MessageVerifier", node.messages)


def opens_to_nodes(*methods: str, verifier_of: VerifierOf = verifier_of_node) -> Callable[[Answer], Answer]:
    """Declare that a validly signed request of a known node opens the view; it finds its `request.signer` there."""

    def hang(view: Answer) -> Answer:
        @wraps(view)
        def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            try:
                request.signer = _verified(request, verifier_of(request))
            except MessageRefusedError:
                return refusal()
            return view(request, *args, **kwargs)

        checked.door = Door(frozenset(), frozenset(methods or {"POST"}), public=True)  # type: ignore[attr-defined]
        checked.csrf_exempt = True  # type: ignore[attr-defined]
        return checked

    return hang


def refusal() -> HttpResponse:
    """Return the one answer to requests that are refused."""
    said = {"error": "refused", "message": {"zh": NOTICE.zh, "en": NOTICE.en}}
    return JsonResponse(
        said, status=_REFUSED, json_dumps_params={"ensure_ascii": False}, headers={"Cache-Control": "no-store"}
    )


def message_of(request: HttpRequest, body: bytes = b"") -> Message:
    """Return the framework's request as a message."""
    found = request.META
    fields = [(name[5:].replace("_", "-").lower(), str(value)) for name, value in found.items() if name[:5] == "HTTP_"]
    plain = (("content-type", "CONTENT_TYPE"), ("content-length", "CONTENT_LENGTH"))
    fields += [(name, str(found[key])) for name, key in plain if found.get(key)]
    path = quote(request.path, safe=_PATH)
    authority = str(found.get("HTTP_HOST", ""))
    return Message(
        str(request.method), request.scheme, authority, path, str(found.get("QUERY_STRING", "")), fields, body
    )


def _verified(request: HttpRequest, verifier: MessageVerifier) -> object:
    message = message_of(request)
    if message.count("transfer-encoding") and message.count("content-length"):
        raise verifier.refuse(message, Refusal.AMBIGUOUS)
    body = body_of(request, verifier.policy.most_body)
    if len(body) > verifier.policy.most_body:
        raise verifier.refuse(message, Refusal.OVERSIZE)
    request._body = body  # noqa: SLF001 - what the framework would have read itself
    return verifier.verify(message_of(request, body))


def body_of(request: HttpRequest, most: int) -> bytes:
    """Return the body, one byte over the bound at most; chunked ones only from servers that mark their end."""
    found = request.META
    chunked = not found.get("CONTENT_LENGTH") and found.get("wsgi.input_terminated")
    source = found["wsgi.input"] if chunked else request
    whole = bytearray()
    while len(whole) <= most:
        piece = source.read(most + 1 - len(whole))
        if not piece:
            break
        whole += piece
    return bytes(whole)
