"""Signed requests by httpx: ``httpx.Client(auth=MessageAuth(signer))``.

Rules: the body is read whole, for its digest is signed; each sending is signed anew, also after a redirect or a
retry, so that no nonce is sent twice.
"""

from collections.abc import Generator

import httpx

from chengyi.trust.messages.components import Message
from chengyi.trust.messages.signing import MessageSigner


class MessageAuth(httpx.Auth):
    """Signs each request that a client sends."""

    requires_request_body = True

    def __init__(self, signer: MessageSigner) -> None:
        self._signer = signer

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the signature's fields and send."""
        for name, value in self._signer.headers(message_of(request)).items():
            request.headers[name] = value
        yield request


def message_of(request: httpx.Request) -> Message:
    """Return an httpx request as a message; its body must have been read."""
    raw = request.url.raw_path.decode("ascii")
    path, _, query = raw.partition("?")
    fields = [(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw]
    authority = request.headers.get("host", request.url.netloc.decode("ascii"))
    return Message(request.method, request.url.scheme, authority, path, query, fields, request.content)
