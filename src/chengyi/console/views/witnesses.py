"""Witnesses and anchors: who vouches for this node's ledger, whom it vouches for, and what speaks against anybody.

Keeps promise 4: always witnessed. Rules: the page asks no witness, no chain and no time-stamp authority; it reads what
was kept. What cannot be believed, such as a checkpoint that does not fit, is said on the page and does not close it.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console import vouching
from chengyi.console.application import desk_of, node_of
from chengyi.console.door import opens
from chengyi.console.views.page import begin, show
from chengyi.model.actor import Permission
from chengyi.model.errors import NotFoundError
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text

SHOWN = 50
PUBLISH = Text("请求会签", "Ask for cosignatures")


@opens(Permission.SEE_LEDGER)
def page(request: HttpRequest) -> HttpResponse:
    """Show who vouches for what."""
    return show(request, "witnesses.html", _values(request))


@opens(Permission.SEE_LEDGER)
def live(request: HttpRequest) -> HttpResponse:
    """Answer the live part of the page alone."""
    return show(request, "_witnesses.html", _values(request))


@opens(Permission.COLLECT, post=True)
def publish(request: HttpRequest) -> HttpResponse:
    """Take the latest checkpoint to the witnesses, in the background, as each run of the river does."""
    node = node_of(request)

    def work(reporter: Reporter) -> Text:
        with reporter.step(PUBLISH, 1) as step:
            report = node.publisher.publish()
            step.advance()
        return vouching.outcome_of(report)

    begin(request, PUBLISH, work)
    return redirect("witnesses")


@opens(Permission.SEE_LEDGER)
def evidence(request: HttpRequest, name: str) -> HttpResponse:
    """Hand out one piece of evidence as it is kept; it is checked without this system."""
    found = next((each for each in vouching.evidence_of(node_of(request)) if each.name == name), None)
    if found is None:
        raise NotFoundError(kind="证据 evidence", id=name[:80])
    answer = HttpResponse(found.text, content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.kind}-{found.name[:16]}.json"'
    return answer


def _values(request: HttpRequest) -> dict[str, Any]:
    node = node_of(request)
    evidence = list(islice(vouching.evidence_of(node), SHOWN + 1))
    return {
        "standing": vouching.standing_of(node),
        "followed": vouching.followed_by(node),
        "evidence": evidence[:SHOWN],
        "more": len(evidence) > SHOWN,
        "anchoring": vouching.anchoring_of(node),
        "cosigners": [str(each) for each in node.witness.cosigners],
        "run": desk_of(request).board.run,
        "may_publish": request.actor.may(Permission.COLLECT),
    }
