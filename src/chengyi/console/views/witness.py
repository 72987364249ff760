"""The door for other nodes' ledgers: a checkpoint comes in, a cosignature goes out (c2sp.org/tlog-witness).

Keeps promise 4: always witnessed. Rules: no session and no form stand behind it, so there is nothing to forge; the
checkpoint's own signature is what counts, and the request's where the log is bound to a node. The body is bounded; the
answer is plain text, never a page.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from chengyi.console.accounts.backend import address_of
from chengyi.console.application import node_of
from chengyi.console.door import opens_to_all
from chengyi.console.messages import body_of, message_of, refusal
from chengyi.model.errors import ChengyiError, MessageRefusedError, TransientError
from chengyi.node.witnessing import cosign
from chengyi.trust.ledger.request import MAX_REQUEST, TEXT_TYPE


@csrf_exempt
@opens_to_all(post=True)
def add_checkpoint(request: HttpRequest) -> HttpResponse:
    """Cosign a checkpoint of a log that this node follows, or say why not."""
    message = message_of(request, body_of(request, MAX_REQUEST))
    try:
        answer = cosign(node_of(request), message, address_of(request))
    except MessageRefusedError:
        return refusal()
    except ChengyiError as fault:
        lines = "".join(f"{fault.message(each)} {fault.advice(each)}\n" for each in ("zh", "en"))
        return HttpResponse(lines, status=503 if isinstance(fault, TransientError) else 500, content_type=TEXT_TYPE)
    return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)
