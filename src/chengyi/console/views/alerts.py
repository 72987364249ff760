"""Alerts, orders, answers, decisions: rules draw attention, people decide (promise 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import (
    PAGE_ROWS,
    choices,
    code_of,
    codes_of,
    number_of,
    offset_of,
    pager,
    said,
    show,
    text_of,
    titles_of,
)
from chengyi.model.actor import Actor, Permission
from chengyi.model.decision import Alert, AlertState, App, Order, Severity
from chengyi.model.errors import NotFoundError
from chengyi.model.evidence import Evidence
from chengyi.model.text import Text

SHOWN_EVIDENCE = 60
WAITING = (AlertState.RAISED, AlertState.ANSWERED, AlertState.ORDERED, AlertState.DECIDED)
GRAVEST = (Severity.CRITICAL, Severity.WARNING, Severity.NOTICE)


@opens(Permission.SEE_INDICATORS)
def listing(request: HttpRequest) -> HttpResponse:
    """List the alerts: those that wait for us first, the gravest of them before others."""
    state, app, offset = code_of(request, "state", AlertState), code_of(request, "app", App), offset_of(request)
    found = node_of(request).brain.alerts(state=state, app=app)
    found = sorted(found, key=lambda each: (WAITING.index(each.state), GRAVEST.index(each.severity)))
    shown = found[offset : offset + PAGE_ROWS]
    values = {
        "alerts": shown,
        "pager": pager(request, len(shown), len(found)),
        "state": state,
        "app": app,
        "states": list(AlertState),
        "apps": list(App),
    }
    return show(request, "alerts.html", values)


@opens(Permission.SEE_INDICATORS)
def page(request: HttpRequest, id: str) -> HttpResponse:
    """Show one alert: reasons, evidence, what was done, and what can be done next."""
    brain, actor = node_of(request).brain, request.actor
    alert: Alert = brain.alert(id)
    orders = brain.orders(alert=id)
    sources = node_of(request).collect.sources
    values: dict[str, Any] = {
        "alert": alert,
        "evidence": _by_record(alert.evidence[:SHOWN_EVIDENCE]),
        "shown": min(len(alert.evidence), SHOWN_EVIDENCE),
        "codes": codes_of(request, (each.package for each in alert.evidence[:SHOWN_EVIDENCE])),
        "waiting": alert.state is AlertState.ORDERED,
        "timeline": _timeline(request, alert, orders),
        "departments": choices(each.department for each in sources),
        "decided": alert.state is AlertState.DECIDED,
        "may_order": actor.may(Permission.ORDER),
        "may_decide": actor.may(Permission.DECIDE),
    }
    return show(request, "alert.html", values)


@opens(Permission.ORDER, post=True)
def order(request: HttpRequest, id: str) -> HttpResponse:
    """Give a department a task."""
    department, task = text_of(request, "department", 80), text_of(request, "task")
    days = number_of(request.POST.get("days"), 7, 366)
    node_of(request).brain.order(request.actor, id, department, task, days)
    said(request, Text(f"已交办{department}。", f"The order went to {department}."))
    return redirect("alert", id=id)


@opens(Permission.DECIDE, post=True)
def decide(request: HttpRequest, id: str) -> HttpResponse:
    """Decide, on a stated ground; the decision is filed into the archive."""
    node_of(request).brain.decide(request.actor, id, text_of(request, "outcome", 200), text_of(request, "ground"))
    said(request, Text("决定已作出，并已回档。", "Decided, and filed back into the archive."))
    return redirect("alert", id=id)


@opens(Permission.ANSWER, Permission.ORDER)
def orders(request: HttpRequest) -> HttpResponse:
    """List the orders: an operator sees all, a department its own."""
    found = [
        (each, _answer_of(request, each)) for each in node_of(request).brain.orders() if _sees(request.actor, each)
    ]
    return show(request, "orders.html", {"orders": found, "now": node_of(request).clock.now()})


@opens(Permission.ANSWER, Permission.ORDER)
def order_page(request: HttpRequest, id: str) -> HttpResponse:
    """Show one order with its answer, or the form that answers it."""
    found = _order(request, id)
    answers = node_of(request).brain.answers(order=id)
    values = {"order": found, "alert": node_of(request).brain.alert(found.alert), "answers": answers}
    may_answer = request.actor.may(Permission.ANSWER) and not answers
    return show(request, "order.html", {**values, "may_answer": may_answer, "now": node_of(request).clock.now()})


@opens(Permission.ANSWER, post=True)
def answer(request: HttpRequest, id: str) -> HttpResponse:
    """Answer an order."""
    found = _order(request, id)
    node_of(request).brain.answer(request.actor, found.id, text_of(request, "text", 4000))
    said(request, Text("反馈已送达。", "The answer was sent."))
    return redirect("order", id=id)


@opens(Permission.SEE_INDICATORS)
def decision(request: HttpRequest, id: str) -> HttpResponse:
    """Show one decision with its way home."""
    node = node_of(request)
    found = node.brain.decision(id)
    values = {
        "decision": found,
        "alert": node.brain.alert(found.alert),
        "record": node.archive.kept_as(found.submission, node.actor) if found.submission else None,
        "trace": node.brain.trace(id),
        "titles": titles_of(request),
    }
    return show(request, "decision.html", values)


def _timeline(request: HttpRequest, alert: Alert, orders: list[Order]) -> list[dict[str, Any]]:
    """Return what happened, in order of time."""
    brain = node_of(request).brain
    steps: list[dict[str, Any]] = [{"what": "raised", "at": alert.raised_at, "value": alert}]
    for each in orders:
        steps.append({"what": "ordered", "at": each.issued_at, "value": each})
        steps += [{"what": "answered", "at": got.answered_at, "value": got} for got in brain.answers(order=each.id)]
    steps += [{"what": "decided", "at": made.decided_at, "value": made} for made in brain.decisions(alert=alert.id)]
    return sorted(steps, key=lambda step: step["at"])


def _by_record(evidence: Sequence[Evidence]) -> list[tuple[str, list[int]]]:
    rows: dict[str, list[int]] = {}
    for each in evidence:
        rows.setdefault(each.package, []).append(each.row)
    return list(rows.items())


def _answer_of(request: HttpRequest, order: Order) -> Any:  # noqa: ANN401
    return next(iter(node_of(request).brain.answers(order=order.id)), None)


def _order(request: HttpRequest, id: str) -> Order:
    for each in node_of(request).brain.orders():
        if each.id == id and _sees(request.actor, each):
            found: Order = each
            return found
    raise NotFoundError(kind="任务", id=id)


def _sees(actor: Actor, order: Order) -> bool:
    return actor.may(Permission.ORDER) or actor.department == order.department
