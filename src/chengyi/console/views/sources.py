"""Sources: what each handed over, what became of it, and what is missing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import choices, codes_of, offset_of, pager, said, show, text_of, titles_of
from chengyi.model.actor import Permission
from chengyi.model.text import Text

DELIVERIES = 20
FAULTS = 20


@opens(Permission.SEE_RECORDS)
def listing(request: HttpRequest) -> HttpResponse:
    """List the sources with their counts."""
    department, query = text_of(request, "department"), text_of(request, "q").lower()
    lines = node_of(request).status().sources
    found = [line for line in lines if _fits(line, department, query)]
    values = {"lines": found, "departments": choices(line.department for line in lines), "query": query}
    return show(request, "sources.html", {**values, "department": department})


@opens(Permission.SEE_RECORDS)
def page(request: HttpRequest, id: str) -> HttpResponse:
    """Show one source: its account, deliveries, contract and quarantine."""
    collect, offset = node_of(request).collect, offset_of(request)
    source = collect.source(id)
    deliveries = collect.submissions(source=id, limit=DELIVERIES, offset=offset)
    values: dict[str, Any] = {
        "source": source,
        "deliveries": deliveries,
        "pager": pager(request, len(deliveries)),
        "account": collect.account(id),
        "completeness": collect.completeness(id),
        "columns": source.contract.get("column", ()),
        "dataset": source.contract.get("dataset", ""),
        "titles": titles_of(request),
        "may_release": request.actor.may(Permission.KEEP_RECORDS),
    }
    if request.actor.may(Permission.SEE_QUARANTINE):
        integrate, dataset = node_of(request).integrate, values["dataset"]
        values["faults"] = integrate.faults(dataset=dataset, limit=FAULTS) if dataset else []
        values["codes"] = codes_of(request, (fault.package for fault in values["faults"]))
    return show(request, "source.html", values)


@opens(Permission.KEEP_RECORDS, post=True)
def release(request: HttpRequest, id: str, submission: str) -> HttpResponse:
    """Take a quarantined delivery back for archiving."""
    node_of(request).collect.release(submission, request.actor)
    said(request, Text("已解除隔离，下次运行时归档。", "Released; the next run archives it."))
    return redirect("source", id=id)


def _fits(line: Any, department: str, query: str) -> bool:  # noqa: ANN401  a line of the status
    if department and line.department != department:
        return False
    return query in f"{line.id} {line.title.zh} {line.title.en}".lower()
