"""Datasets: their fields, versions, and the rows at fault."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import PAGE_ROWS, codes_of, offset_of, pager, show, text_of
from chengyi.model.act import ActKind
from chengyi.model.actor import Permission

VERSIONS = 20
PACKAGES = 40


@opens(Permission.SEE_DATASETS)
def listing(request: HttpRequest) -> HttpResponse:
    """List the datasets."""
    query = text_of(request, "q").lower()
    found = [
        each
        for each in node_of(request).integrate.datasets(request.actor)
        if query in f"{each.name} {each.title.zh} {each.title.en} {each.department}".lower()
    ]
    return show(request, "datasets.html", {"datasets": found, "query": query})


@opens(Permission.SEE_DATASETS)
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Show one dataset."""
    node = node_of(request)
    dataset = node.integrate.dataset(name)
    sources = {each.id: each.title for each in node.collect.sources}
    packages = dataset.packages[-PACKAGES:]
    values: dict[str, object] = {"dataset": dataset, "packages": packages, "sources": sources, "faults": None}
    values["versions"] = node.audit.entries(object=f"dataset:{name}", kind=ActKind.STANDARDISED.value, limit=VERSIONS)
    refs = list(packages)
    if request.actor.may(Permission.SEE_QUARANTINE):
        faults = node.integrate.faults(dataset=name, limit=PAGE_ROWS, offset=offset_of(request))
        values |= {"faults": faults, "pager": pager(request, len(faults))}
        refs += [fault.package for fault in faults]
    values["codes"] = codes_of(request, refs)
    return show(request, "dataset.html", values)
