"""Certificates: the authority of this node, its own certificate, what was issued, and revoking.

Keeps promise 4 for certificates. Rules: only the security administrator invites, renews and revokes, in the own name on
record; revoking is confirmed, with a reason; no private key is ever on a page, and an enrolment token once, when it is
made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console import certifying
from chengyi.console.application import desk_of, node_of
from chengyi.console.door import opens
from chengyi.console.errors import said_of
from chengyi.console.views.page import code_of, number_of, said, show, text_of
from chengyi.model.actor import Permission
from chengyi.model.errors import NotFoundError, UsageError
from chengyi.model.text import Text
from chengyi.trust.authority.names import Kind

if TYPE_CHECKING:
    from chengyi.trust.authority.authority import Authority
    from chengyi.trust.authority.register import Issued

SHOWN = 100
MOST = 1_000
ENROLLING = (Kind.NODE, Kind.PERSON)


@opens(Permission.SEE_CERTIFICATES)
def listing(request: HttpRequest) -> HttpResponse:
    """Show the authority, the node's own certificate, and what was issued."""
    authority, now = certifying.authority_of(node_of(request)), node_of(request).clock.now()
    values: dict[str, Any] = {"now": now, "may_manage": request.actor.may(Permission.MANAGE_CERTIFICATES)}
    fault = desk_of(request).upkeep.fault
    if authority is not None:
        kind, name = code_of(request, "kind", Kind), text_of(request, "name", 80)
        most = number_of(request.GET.get("most"), SHOWN, MOST)
        issued = authority.issued(kind, name, most + 1)
        view = certifying.view_of(node_of(request), authority)
        values |= {
            "authority": view,
            "life": view.own.life(now) if view.own else None,
            "lines": [(each, *certifying.state_of(each, now)) for each in issued[:most]],
            "more": len(issued) > most,
            "most": MOST,
            "kinds": list(Kind),
            "kind": kind,
            "name": name,
            "enrolling": ENROLLING,
            "fault": said_of(fault) if fault else None,
            "region": node_of(request).settings.authority.region,
            "stale": [each for each in view.lists if each.is_stale(now)],
        }
    return show(request, "certificates.html", values)


@opens(Permission.SEE_CERTIFICATES)
def page(request: HttpRequest, serial: str) -> HttpResponse:
    """Show one certificate, and how it is revoked."""
    issued, now = _find(request, serial), node_of(request).clock.now()
    tone, state = certifying.state_of(issued, now)
    values = {
        "issued": issued,
        "tone": tone,
        "state": state,
        "reason": certifying.reason_text(issued.reason),
        "reasons": [(flag.value, text) for flag, text in certifying.REASONS.items()],
        "own": issued.kind is Kind.NODE and issued.name == node_of(request).settings.node.id,
        "may_see_ledger": request.actor.may(Permission.SEE_LEDGER),
        "may_revoke": request.actor.may(Permission.MANAGE_CERTIFICATES)
        and issued.revoked_at is None
        and issued.expires_at >= now,
    }
    return show(request, "certificate.html", values)


@opens(Permission.MANAGE_CERTIFICATES, post=True)
def revoke(request: HttpRequest, serial: str) -> HttpResponse:
    """Revoke a certificate for a reason, and publish the list that says so; confirmed."""
    authority = _authority(request)
    issued = _find(request, serial)
    reason = next((each for each in certifying.REASONS if each.value == text_of(request, "reason", 40)), None)
    if reason is None or text_of(request, "confirmed", 5) != "yes":
        raise UsageError(why="未选原因或未确认，未作更改 (no reason or no confirmation; nothing was changed)")
    authority.revoke(issued.serial, reason)
    said(request, Text("证书已吊销，吊销列表已更新。", "The certificate is revoked, and the list says so."))
    return redirect("certificate", serial=issued.serial)


@opens(Permission.MANAGE_CERTIFICATES, post=True)
def renew(request: HttpRequest) -> HttpResponse:
    """See that the node's own certificate is fresh; found an authority where there is none."""
    node = node_of(request)
    authority = certifying.authority_of(node, request.actor.id, found=True)
    if authority is None or not authority.issuing:
        why = "区域机构在他处，请用 chengyi ca renew 申请续期 (the region is elsewhere: use `chengyi ca renew`)"
        raise UsageError(why=why)
    before = authority.credentials.current()
    authority.own(node.settings.node.id)
    after = authority.credentials.current()
    if before is not None and after is not None and before.chain == after.chain:
        said(request, Text("有效期未满三分之二，尚不需续期。", "Less than two thirds of its life have passed."))
    else:
        said(request, Text("本节点证书已签发。", "The node has a new certificate."))
    return redirect("certificates")


@opens(Permission.MANAGE_CERTIFICATES, post=True)
def publish(request: HttpRequest) -> HttpResponse:
    """See that the lists of revoked certificates that this node answers for are fresh."""
    _authority(request).keep_current()
    said(request, Text("本节点负责的吊销列表均已有效。", "The lists that this node answers for are in force."))
    return redirect("certificates")


@opens(Permission.MANAGE_CERTIFICATES, post=True)
def invite(request: HttpRequest) -> HttpResponse:
    """Make a one-time token with which a node or person enrols, and show it once."""
    kind, name = code_of(request, "kind", Kind), text_of(request, "name", 80)
    authority = _authority(request)
    if kind not in ENROLLING or not authority.issuing:
        raise UsageError(why="须选节点或人员，且本节点须为签发机构 (a node or a person, and this node has to issue)")
    values = {"name": name, "kind": kind, "token": authority.invite(kind, name)}
    return show(request, "token.html", {**values, "fingerprint": certifying.fingerprint_of(authority)})


def _authority(request: HttpRequest) -> Authority:
    authority = certifying.authority_of(node_of(request), request.actor.id)
    if authority is None:
        raise NotFoundError(kind="证书机构 authority", id="—")
    return authority


def _find(request: HttpRequest, serial: str) -> Issued:
    found = certifying.issued_as(node_of(request), serial[:80].lower())
    if found is None:
        raise NotFoundError(kind="证书 certificate", id=serial[:80])
    return found
