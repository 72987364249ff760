"""Records: search, one record with its proof drawn, one row's proof, the receipt as a file."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.labels import label_of
from chengyi.console.views.page import PAGE_ROWS, choices, code_of, number_of, offset_of, pager, show, text_of
from chengyi.model.actor import Permission
from chengyi.model.codes import RecordClass
from chengyi.model.package import Package, Property

RECEIPT_TYPE = "text/plain; charset=utf-8"


@opens(Permission.SEE_RECORDS)
def search(request: HttpRequest) -> HttpResponse:
    """Search the records."""
    query, source, department = (text_of(request, name) for name in ("q", "source", "department"))
    chosen = code_of(request, "class", RecordClass)
    found = node_of(request).archive.search(
        query,
        request.actor,
        source=source,
        record_class=chosen or "",
        department=department,
        limit=PAGE_ROWS,
        offset=offset_of(request),
    )
    sources = node_of(request).collect.sources
    values = {
        "found": found,
        "pager": pager(request, len(found.packages), found.total),
        "query": query,
        "source": source,
        "department": department,
        "chosen": chosen,
        "sources": sources,
        "departments": choices(each.department for each in sources),
        "classes": list(RecordClass),
    }
    return show(request, "records.html", values)


@opens(Permission.SEE_RECORDS)
def page(request: HttpRequest, ref: str) -> HttpResponse:
    """Show one record; with ``?verify`` its proof is walked anew, step by step."""
    archive, actor = node_of(request).archive, request.actor
    package: Package = archive.package(ref, actor)
    values = {
        "package": package,
        "versions": archive.versions(package.id, actor),
        "properties": _by_property(package),
        "total": sum(each.size for each in package.components),
        "rows": package.seal.rows + package.seal.rejected if package.seal else 0,
        "receipt": archive.receipt(package.ref, actor),
        "verification": archive.verify(package.ref) if "verify" in request.GET else None,
    }
    return show(request, "record.html", values)


@opens(Permission.SEE_RECORDS)
def row_find(request: HttpRequest, ref: str) -> HttpResponse:
    """Go to the proof of the row that was asked for."""
    return redirect("record-row", ref=ref, row=number_of(request.GET.get("row"), 1, 10**9))


@opens(Permission.SEE_RECORDS)
def row(request: HttpRequest, ref: str, row: int) -> HttpResponse:
    """Show the proof of one row: leaf, audit path, root."""
    package = node_of(request).archive.package(ref, request.actor)
    proof = node_of(request).archive.row_proof(package.ref, row)
    return show(request, "row.html", {"package": package, "proof": proof})


@opens(Permission.SEE_RECORDS)
def receipt(request: HttpRequest, ref: str) -> HttpResponse:
    """Hand out the record's receipt as a file that is checked offline."""
    from chengyi.trust.receipts import render

    package = node_of(request).archive.package(ref, request.actor)
    return receipt_file(render(node_of(request).archive.receipt(package.ref, request.actor)), package.entry)


def receipt_file(text: str, index: int) -> HttpResponse:
    """Return a receipt's text as a download."""
    disposition = f'attachment; filename="entry-{index}.tlog-proof"'
    return HttpResponse(text, content_type=RECEIPT_TYPE, headers={"Content-Disposition": disposition})


def _by_property(package: Package) -> list[dict[str, Any]]:
    return [
        {
            "property": kind,
            "title": label_of(kind),
            "checks": [each for each in package.checks if each.property is kind],
        }
        for kind in Property
    ]
