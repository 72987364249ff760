"""Records: search, one record with its proof drawn, one row's proof, the receipt and the originals as files.

Rules of handing out an original: only who keeps records may take one, for it holds personal data in the clear; it is
checked whole before its first byte leaves; taking it is on record (promise 4); it is always a download and never a
page, whatever it says it is.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, BinaryIO

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.labels import label_of
from chengyi.console.views.page import PAGE_ROWS, choices, code_of, number_of, offset_of, pager, show, text_of
from chengyi.model.act import Act, ActKind, ActResult
from chengyi.model.actor import Permission
from chengyi.model.canonical import Json
from chengyi.model.codes import RecordClass
from chengyi.model.errors import IntegrityError, NotFoundError
from chengyi.model.package import Package, Property
from chengyi.model.submission import Component

RECEIPT_TYPE = "text/plain; charset=utf-8"
SAID_ELSEWHERE = frozenset({"source_title", "source_title_en"})
BLOCK = 1024 * 1024


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
        "title": node_of(request).collect.source(package.source).title,
        "metadata": _metadata(package),
        "may_take": actor.may(Permission.KEEP_RECORDS),
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
    from chengyi.trust.ledger.receipts import render

    package = node_of(request).archive.package(ref, request.actor)
    return receipt_file(render(node_of(request).archive.receipt(package.ref, request.actor)), package.entry)


@opens(Permission.KEEP_RECORDS)
def original(request: HttpRequest, ref: str, path: str) -> FileResponse:
    """Hand out one original file of a record, byte for byte, as a download."""
    node, actor = node_of(request), request.actor
    package = node.archive.package(ref, actor)
    component = next((each for each in package.components if each.path == path), None)
    if component is None:
        raise NotFoundError(kind="文件 file", id=f"{package.ref}/{path}")
    content = node.archive.open(package, path, actor)
    _require_whole(content, component)
    detail: dict[str, Json] = {"path": path, "sha256": component.sha256, "size": component.size}
    node.audit.record(Act(ActKind.READ, actor.id, package.ref, detail, result=ActResult.ALLOWED.value))
    name = path.rpartition("/")[2]
    answer = FileResponse(content, as_attachment=True, filename=name, content_type="application/octet-stream")
    answer.headers["Content-Length"] = str(component.size)
    return answer


def _require_whole(content: BinaryIO, component: Component) -> None:
    """Read a file through; IntegrityError where it is not what the inventory names."""
    digest = hashlib.sha256()
    while block := content.read(BLOCK):
        digest.update(block)
    if digest.hexdigest() != component.sha256:
        raise IntegrityError(object=component.path, why="与清单摘要不符 (not the digest of the inventory)")
    content.seek(0)


def receipt_file(text: str, index: int) -> HttpResponse:
    """Return a receipt's text as a download."""
    disposition = f'attachment; filename="entry-{index}.tlog-proof"'
    return HttpResponse(text, content_type=RECEIPT_TYPE, headers={"Content-Disposition": disposition})


def _metadata(package: Package) -> list[tuple[str, str | datetime]]:
    """Return what is on record beside the description: times as moments, what the page says already left out."""
    found: list[tuple[str, str | datetime]] = []
    for key, value in package.metadata.items():
        if key not in SAID_ELSEWHERE and value != package.title:
            found.append((key, datetime.fromisoformat(value) if key == "captured_at" else value))
    return found


def _by_property(package: Package) -> list[dict[str, Any]]:
    return [
        {
            "property": kind,
            "title": label_of(kind),
            "checks": [each for each in package.checks if each.property is kind],
        }
        for kind in Property
    ]
