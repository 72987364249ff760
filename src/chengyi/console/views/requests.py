"""Requests for sharing: the inbox with its clock, and the answer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import code_of, number_of, said, show, text_of, titles_of
from chengyi.model.actor import Permission
from chengyi.model.errors import NotFoundError
from chengyi.model.grant import Request, RequestState
from chengyi.model.text import Text


@opens(Permission.REQUEST, Permission.GRANT)
def listing(request: HttpRequest) -> HttpResponse:
    """List the requests that concern the actor, those that wait first."""
    state = code_of(request, "state", RequestState)
    found = node_of(request).share.requests(request.actor, state)
    found = sorted(found, key=lambda each: (each.state is not RequestState.OPEN, each.due))
    values = {"requests": found, "state": state, "states": list(RequestState), "titles": titles_of(request)}
    return show(request, "requests.html", {**values, "now": node_of(request).clock.now()})


@opens(Permission.REQUEST, Permission.GRANT)
def page(request: HttpRequest, id: str) -> HttpResponse:
    """Show one request, and to those who may answer, the answer forms."""
    asked = _find(request, id)
    entry = node_of(request).share.entry(asked.dataset, request.actor)
    titles = {field.name: field.title for field in entry.fields}
    values = {
        "asked": asked,
        "entry": entry,
        "fields": [(name, titles.get(name, Text(name, name))) for name in asked.fields],
        "open": asked.state is RequestState.OPEN,
        "may_grant": request.actor.may(Permission.GRANT),
        "now": node_of(request).clock.now(),
    }
    return show(request, "request.html", values)


@opens(Permission.GRANT, post=True)
def approve(request: HttpRequest, id: str) -> HttpResponse:
    """Grant what was asked, for so many days; the fields named in `clear` unmasked."""
    days = number_of(request.POST.get("days"), 90, 366)
    clear = tuple(request.POST.getlist("clear"))
    grant = node_of(request).share.approve(request.actor, id, clear=clear, days=days)
    said(request, Text(f"已授权，授权编号 {grant.id}。", f"Granted as {grant.id}."))
    return redirect("request", id=id)


@opens(Permission.GRANT, post=True)
def refuse(request: HttpRequest, id: str) -> HttpResponse:
    """Refuse with a reason."""
    node_of(request).share.refuse(request.actor, id, text_of(request, "reason"))
    said(request, Text("已退回，理由已送达申请部门。", "Refused; the reason was sent to the asking department."))
    return redirect("request", id=id)


def _find(request: HttpRequest, id: str) -> Request:
    for asked in node_of(request).share.requests(request.actor):
        if asked.id == id:
            found: Request = asked
            return found
    raise NotFoundError(kind="申请", id=id)
