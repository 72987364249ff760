"""Exports: taking a copy out under a grant, with the notice before it; the list of what was taken out.

The download is a ZIP file of three: the data, the manifest that the node signed, and the receipt of the act.
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.http import FileResponse, HttpRequest, HttpResponse

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import show, text_of, titles_of
from chengyi.model.actor import Permission
from chengyi.model.errors import NotFoundError
from chengyi.model.grant import Grant
from chengyi.model.text import Text
from chengyi.share import NOTICE, POLICY_FILE, Exported, ExportOrder, load_policies

SHOWN = 200
FORMS = ("csv", "xlsx", "parquet")
MODES = {
    "marked": Text("带标记（可追认领取人，数值在容差内微调）", "Marked (traceable; values moved within tolerances)"),
    "exact": Text("原值（不改数值，仅行序可追认）", "Exact (no value changed; only the row order is traceable)"),
}


@opens(Permission.USE_GRANT, Permission.GRANT, Permission.SEE_AUDIT)
def listing(request: HttpRequest) -> HttpResponse:
    """List the exports that concern the actor."""
    found = node_of(request).share.exports(request.actor)
    values = {"exports": found[:SHOWN], "total": len(found), "titles": titles_of(request), "modes": MODES}
    return show(request, "exports.html", values)


@opens(Permission.USE_GRANT)
def form(request: HttpRequest, grant: str) -> HttpResponse:
    """Show the notice and the form."""
    found = _find(request, grant)
    marked = _policies(request).get(found.dataset)
    fields = node_of(request).share.entry(found.dataset, request.actor).fields
    titles = {each.name: each.title for each in fields}
    columns = [each for each in (marked.columns if marked else ()) if each.column in found.fields]
    values = {
        "grant": found,
        "titles": titles_of(request),
        "notice": NOTICE,
        "modes": MODES if columns else {"exact": MODES["exact"]},
        "forms": FORMS,
        "marked": [(titles.get(each.column, Text(each.column, each.column)), each) for each in columns],
    }
    return show(request, "export_form.html", values)


@opens(Permission.USE_GRANT, post=True)
def take(request: HttpRequest, grant: str) -> FileResponse:
    """Make the export and hand it out; it is on record before its first byte leaves."""
    found = _find(request, grant)
    wanted = text_of(request, "form", 10)
    with tempfile.TemporaryDirectory(prefix="chengyi-export-") as folder:
        order = ExportOrder(
            grant=found.id,
            case=text_of(request, "case", 80),
            path=Path(folder) / f"{found.dataset}.{wanted if wanted in FORMS else FORMS[0]}",
            mode=text_of(request, "mode", 10),
            policy=_policies(request).get(found.dataset),
            accepted=text_of(request, "accepted", 5) == "yes",
        )
        done = node_of(request).share.export(request.actor, order)
        packed = _packed(done)
    name = f"{done.record.id}.zip"
    return FileResponse(packed, as_attachment=True, filename=name, content_type="application/zip")


def _packed(done: Exported) -> BinaryIO:
    """Return the three files as one, in a file without a name."""
    packed = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - the answer closes it
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (done.path, done.manifest, done.receipt):
            archive.write(path, path.name)
    packed.seek(0)
    return packed


def _policies(request: HttpRequest) -> dict[str, Any]:
    return dict(load_policies(node_of(request).home.path / POLICY_FILE))


def _find(request: HttpRequest, id: str) -> Grant:
    for each in node_of(request).share.grants(request.actor):
        if each.id == id:
            found: Grant = each
            return found
    raise NotFoundError(kind="授权", id=id)
