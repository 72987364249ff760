"""Indicators and figures: every number leads home (promise 5)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import code_of, show, titles_of
from chengyi.model.actor import Permission
from chengyi.model.decision import App
from chengyi.model.errors import NotFoundError

FIGURES = 200
FIRST = 5
HISTORY = 20


@opens(Permission.SEE_INDICATORS)
def listing(request: HttpRequest) -> HttpResponse:
    """List the indicators with their latest values."""
    brain, app = node_of(request).brain, code_of(request, "app", App)
    wanted = [each for each in brain.indicators() if app is None or each.app is app]
    figures = {each.id: brain.figures(indicator=each.id, limit=FIGURES) for each in wanted}
    values = {
        "computed": [(each, figures[each.id][:FIRST], len(figures[each.id])) for each in wanted if figures[each.id]],
        "idle": [each for each in wanted if not figures[each.id]],
        "app": app,
        "apps": list(App),
        "titles": titles_of(request),
    }
    return show(request, "indicators.html", values)


@opens(Permission.SEE_INDICATORS)
def page(request: HttpRequest, id: str) -> HttpResponse:
    """Show one indicator: its rule in words, what it needs, and its values."""
    brain = node_of(request).brain
    indicator = next((each for each in brain.indicators() if each.id == id), None)
    if indicator is None:
        raise NotFoundError(kind="指标", id=id)
    values = {"indicator": indicator, "figures": brain.figures(indicator=id, limit=FIGURES)}
    return show(request, "indicator.html", {**values, "titles": titles_of(request)})


@opens(Permission.SEE_INDICATORS)
def figure(request: HttpRequest, id: str) -> HttpResponse:
    """Show one figure with its way home: rule, inputs, rows, packages, receipts."""
    brain = node_of(request).brain
    found = brain.figure(id)
    values = {
        "figure": found,
        "indicator": next((each for each in brain.indicators() if each.id == found.indicator), None),
        "history": brain.history(found.indicator, found.group, limit=HISTORY),
        "trace": brain.trace(id),
        "titles": titles_of(request),
    }
    return show(request, "figure.html", values)
