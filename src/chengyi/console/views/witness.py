"""The door for other nodes' ledgers: a checkpoint comes in, a cosignature goes out (c2sp.org/tlog-witness).

Keeps promise 4: always witnessed. Rules: no session and no form stand behind it, so there is nothing to forge; the
checkpoint's own signature is what counts. The body is bounded; the answer is plain text, never a page.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from chengyi.console.application import node_of
from chengyi.console.door import opens_to_all
from chengyi.model.errors import ChengyiError, TransientError
from chengyi.trust.ledger.request import MAX_REQUEST, TEXT_TYPE


@csrf_exempt
@opens_to_all(post=True)
def add_checkpoint(request: HttpRequest) -> HttpResponse:
    """Cosign a checkpoint of a log that this node follows, or say why not."""
    try:
        answer = node_of(request).witness.add_checkpoint(_body(request))
    except ChengyiError as fault:
        lines = "".join(f"{fault.message(each)} {fault.advice(each)}\n" for each in ("zh", "en"))
        return HttpResponse(lines, status=503 if isinstance(fault, TransientError) else 500, content_type=TEXT_TYPE)
    return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)


def _body(request: Any) -> bytes:  # noqa: ANN401 - the framework's request
    """Return the body, cut one byte above the bound so that it is refused for its length."""
    return bytes(request.read(MAX_REQUEST + 1))
