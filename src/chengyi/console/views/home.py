"""The river at a glance: six stages with live counts, gaps, and the last run.

Rule: this page reads `node.status()` and nothing else, so that its cost does not grow with the records.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.application import desk_of, node_of
from chengyi.console.door import opens
from chengyi.console.river import stages_of
from chengyi.console.views.page import said, show
from chengyi.model.actor import Permission
from chengyi.model.text import Text


@opens(Permission.SEE_STATUS)
def home(request: HttpRequest) -> HttpResponse:
    """Show the river."""
    return show(request, "home.html", _values(request))


@opens(Permission.SEE_STATUS)
def river(request: HttpRequest) -> HttpResponse:
    """Answer the live part of the home page alone."""
    return show(request, "_river.html", _values(request))


@opens(Permission.COLLECT, post=True)
def run(request: HttpRequest) -> HttpResponse:
    """Bring the river up to date in the background; one run at a time."""
    actor, node = request.actor, node_of(request)
    if desk_of(request).board.start(node.run, by=actor.name, at=node.clock.now()):
        said(request, Text("已开始运行，进度见下。", "The run has started; its progress is below."))
    else:
        said(request, Text("已有一次运行在进行中。", "A run is under way already."))
    return redirect("home")


def _values(request: HttpRequest) -> dict[str, Any]:
    status = node_of(request).status()
    return {
        "status": status,
        "stages": stages_of(status, request.actor),
        "run": desk_of(request).board.run,
        "may_run": request.actor.may(Permission.COLLECT),
        "now": node_of(request).clock.now(),
    }
