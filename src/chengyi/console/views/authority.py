"""The door for members of this node's region: enrolling, renewing, lists of revoked certificates.

Keeps promise 4 for certificates. Rules: there is no session and no form; a one-time token, or the proof by the key of a
certificate, is what counts. Bodies are bounded; refusals are on record, so many a minute. A node that issues nothing
answers as if there were no such door, and founds nothing for being asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from chengyi.console import certifying
from chengyi.console.application import node_of
from chengyi.console.door import opens_to_all
from chengyi.console.errors import said_of
from chengyi.console.messages import body_of
from chengyi.model.errors import CertificateError, NotFoundError
from chengyi.node.membership import REFUSED
from chengyi.trust.authority.refusals import Reason, refusal
from chengyi.trust.authority.wire import CERTIFICATE, LIST, Enrolment, Renewal, pem

if TYPE_CHECKING:
    from collections.abc import Callable

    from chengyi.trust.authority.authority import Authority

MOST = 64 << 10
_PEM = "application/x-pem-file"


@opens_to_all()
def lists(request: HttpRequest) -> HttpResponse:
    """Hand out the lists of region and root."""
    return _text(pem(LIST, *_authority(request).lists()))


@csrf_exempt
@opens_to_all(post=True)
def enrol(request: HttpRequest) -> HttpResponse:
    """Certify whoever holds a token."""

    def issue(authority: Authority, body: bytes) -> bytes:
        asked = Enrolment.parse(body)
        return authority.enrol(asked.request, asked.token)

    return _issued(request, issue)


@csrf_exempt
@opens_to_all(post=True)
def renew(request: HttpRequest) -> HttpResponse:
    """Certify the next key of whoever holds a certificate."""

    def issue(authority: Authority, body: bytes) -> bytes:
        asked = Renewal.parse(body)
        return authority.renew(asked.chain, asked.request, asked.proof)

    return _issued(request, issue)


def _issued(request: HttpRequest, issue: Callable[[Authority, bytes], bytes]) -> HttpResponse:
    authority, body = _authority(request), body_of(request, MOST)
    try:
        if len(body) > MOST:
            raise refusal(Reason.TOO_LARGE, "")
        return _text(pem(CERTIFICATE, _asked(authority, body, issue), *authority.chain))
    except CertificateError as error:
        words = said_of(error)
        said = {"reason": error.facts["reason"], "name": error.facts["name"]}
        said |= {"message": {"zh": words.zh, "en": words.en}}
        return JsonResponse(said, status=REFUSED, json_dumps_params={"ensure_ascii": False})


def _asked(authority: Authority, body: bytes, issue: Callable[[Authority, bytes], bytes]) -> bytes:
    try:
        return issue(authority, body)
    except ValueError as error:
        raise refusal(Reason.MALFORMED, "") from error


def _text(text: str) -> HttpResponse:
    return HttpResponse(text, content_type=_PEM, headers={"Cache-Control": "no-store"})


def _authority(request: HttpRequest) -> Authority:
    node = node_of(request)
    if not certifying.is_founded(node) or not node.authority.issuing:
        raise NotFoundError(kind="证书机构 authority", id="—")
    authority: Authority = node.authority
    return authority
