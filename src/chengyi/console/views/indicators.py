"""Indicators and figures: every number leads home (promise 5)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import code_of, show
from chengyi.model.actor import Permission
from chengyi.model.decision import App
from chengyi.model.errors import NotFoundError

FIGURES = 100


@opens(Permission.SEE_INDICATORS)
def listing(request: HttpRequest) -> HttpResponse:
    """List the indicators with their latest values."""
    brain, app = node_of(request).brain, code_of(request, "app", App)
    lines = [
        (each, brain.figures(indicator=each.id, limit=5))
        for each in brain.indicators()
        if app is None or each.app is app
    ]
    return show(request, "indicators.html", {"lines": lines, "app": app, "apps": list(App)})


@opens(Permission.SEE_INDICATORS)
def page(request: HttpRequest, id: str) -> HttpResponse:
    """Show one indicator: its rule in words, what it needs, and its values."""
    brain = node_of(request).brain
    indicator = next((each for each in brain.indicators() if each.id == id), None)
    if indicator is None:
        raise NotFoundError(kind="指标", id=id)
    figures = brain.figures(indicator=id, limit=FIGURES)
    return show(request, "indicator.html", {"indicator": indicator, "figures": figures})


@opens(Permission.SEE_INDICATORS)
def figure(request: HttpRequest, id: str) -> HttpResponse:
    """Show one figure with its way home: rule, inputs, rows, packages, receipts."""
    found = node_of(request).brain.figure(id)
    indicator = next((each for each in node_of(request).brain.indicators() if each.id == found.indicator), None)
    trace = node_of(request).brain.trace(id)
    return show(request, "figure.html", {"figure": found, "indicator": indicator, "trace": trace})
