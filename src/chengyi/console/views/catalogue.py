"""The catalogue: what is shared on which terms, and the form that asks for it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import code_of, said, show, text_of
from chengyi.model.actor import Permission
from chengyi.model.codes import Sensitivity, SharingClass
from chengyi.model.grant import Purpose, RequestState
from chengyi.model.text import Text


@opens(Permission.SEE_CATALOGUE)
def listing(request: HttpRequest) -> HttpResponse:
    """List the entries."""
    query, chosen = text_of(request, "q", 100), code_of(request, "sharing", SharingClass)
    entries = node_of(request).share.catalogue(request.actor, query)
    found = [entry for entry in entries if chosen is None or entry.sharing is chosen]
    values = {"entries": found, "query": query, "chosen": chosen, "classes": list(SharingClass)}
    return show(request, "catalogue.html", values)


@opens(Permission.SEE_CATALOGUE)
def entry(request: HttpRequest, dataset: str) -> HttpResponse:
    """Show one entry: its fields and terms."""
    found = node_of(request).share.entry(dataset, request.actor)
    may_ask = request.actor.may(Permission.REQUEST) and found.sharing is not SharingClass.WITHHELD
    return show(request, "entry.html", {"entry": found, "may_ask": may_ask})


@opens(Permission.REQUEST)
def request_form(request: HttpRequest, dataset: str) -> HttpResponse:
    """Show the form: fewest fields, a purpose, its basis, the case."""
    found = node_of(request).share.entry(dataset, request.actor)
    private = {Sensitivity.PERSONAL, Sensitivity.SENSITIVE}
    return show(request, "request_form.html", {"entry": found, "private": private})


@opens(Permission.REQUEST, post=True)
def send(request: HttpRequest, dataset: str) -> HttpResponse:
    """Ask for fields of the dataset."""
    purpose = Purpose(text_of(request, "purpose"), text_of(request, "basis", 400), text_of(request, "case", 80))
    fields = tuple(request.POST.getlist("fields"))
    asked = node_of(request).share.request(request.actor, dataset, fields, purpose)
    if asked.state is RequestState.GRANTED:
        said(request, Text("无条件共享，已即时授权。", "Shared without conditions: granted at once."))
    else:
        said(request, Text("申请已送达数据提供部门。", "The request has reached the providing department."))
    return redirect("request", id=asked.id)
