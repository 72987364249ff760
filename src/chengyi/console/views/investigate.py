"""Investigations and flags of behaviour: who did what, when, with proofs; which days were odd, and why.

Rules: only who may see the audit comes in; every question is on record, with its reason, before its answer is shown
(promise 4); a file that is handed in is read and not kept; alerts only draw attention, people say what they were.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import PAGE_ROWS, code_of, number_of, said, show, text_of
from chengyi.model.act import ActKind, FlagState
from chengyi.model.actor import Permission
from chengyi.model.errors import UsageError
from chengyi.model.text import Text
from chengyi.trust.audit.trace import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chengyi.node import Node
    from chengyi.node.investigation import Investigation, Question

SHOWN = 100
LAST = 10**9
BLOCK = 1 << 20
FORMS = (".csv", ".xlsx", ".parquet")
TITLES = {
    "actor": Text("行为人（用户名）", "Actor (user name)"),
    "object": Text("对象、档号或分片", "Object, archival code or fragment"),
    "session": Text("会话摘要", "Session"),
    "certificate": Text("证书序列号", "Certificate"),
}


@opens(Permission.SEE_AUDIT)
def form(request: HttpRequest) -> HttpResponse:
    """Show the form, filled in from the address, and the latest investigations."""
    earlier = node_of(request).audit.entries(kind=ActKind.INVESTIGATED.value, limit=PAGE_ROWS)
    values = {
        "what": [(name, title, text_of(request, name, 200)) for name, title in TITLES.items()],
        "earlier": [(each, each.act.detail.get("reason", "")) for each in earlier],
    }
    return show(request, "investigate.html", values)


@opens(Permission.SEE_AUDIT, post=True)
def ask(request: HttpRequest) -> HttpResponse:
    """Answer a question on a page, or as a folder with every receipt."""
    from chengyi.node.investigation import Investigator

    node = node_of(request)
    with _question(request) as question:
        found = Investigator(node).ask(request.actor, question)
    if text_of(request, "as", 10) == "zip":
        return _packed(node, found)
    return _page(request, found)


@opens(Permission.SEE_AUDIT)
def flags(request: HttpRequest) -> HttpResponse:
    """List flags with their reasons, newest first."""
    from chengyi.node.investigation import flags_of

    subject, before = text_of(request, "subject", 200), request.GET.get("before")
    found = flags_of(node_of(request)).flags(
        subject=subject, limit=PAGE_ROWS, before=number_of(before, LAST, LAST) if before else None
    )
    values = {
        "flags": found,
        "subject": subject,
        "states": [FlagState.EXPLAINED, FlagState.CONFIRMED],
        "older": found[-1].number if len(found) == PAGE_ROWS else None,
    }
    return show(request, "behaviour.html", values)


@opens(Permission.SEE_AUDIT, post=True)
def settle(request: HttpRequest, number: int) -> HttpResponse:
    """Say what a flag turned out to be."""
    from chengyi.node.investigation import flags_of

    state = code_of(request, "state", FlagState) or FlagState.OPEN
    flags_of(node_of(request)).settle(number, state, text_of(request, "reason", 600), request.actor)
    said(request, Text("结论已记入存证。", "The conclusion is on record."))
    return redirect("behaviour")


def _page(request: HttpRequest, found: Investigation) -> HttpResponse:
    from chengyi.node.report import sentences

    acts = sorted((entry for trace in found.traces for entry in trace.entries), key=lambda each: -each.index)
    asked = found.question.asked.named
    values = {
        "found": found,
        "sentences": list(sentences(found)),
        "acts": acts[:SHOWN],
        "more": max(0, len(acts) - SHOWN),
        "size": found.traces[0].checkpoint.size if found.traces else None,
        "asked": asked,
        "again": bool(asked),
        "since": text_of(request, "since", 10),
        "until": text_of(request, "until", 10),
    }
    return show(request, "investigation.html", values)


def _packed(node: Node, found: Investigation) -> HttpResponse:
    from chengyi.node.report import write_report

    packed = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="chengyi-investigation-") as folder:
        root = write_report(node, found, Path(folder) / "report")
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(each for each in root.rglob("*") if each.is_file()):
                archive.write(path, path.relative_to(root))
    name = f'attachment; filename="investigation-{found.entry}.zip"'
    return HttpResponse(packed.getvalue(), content_type="application/zip", headers={"Content-Disposition": name})


@contextmanager
def _question(request: HttpRequest) -> Iterator[Question]:
    """Read the form; a file lies in a folder of its own for as long as the question is open."""
    from chengyi.node.investigation import Question

    asked = Asked(
        **{name: text_of(request, name, 200) for name in TITLES},
        since=_day(request, "since", 0),
        until=_day(request, "until", 1),
    )
    with tempfile.TemporaryDirectory(prefix="chengyi-leak-") as folder:
        file = _kept(request, Path(folder))
        fragment = text_of(request, "file_is", 10) == "fragment"
        yield Question(
            reason=text_of(request, "reason", 500),
            asked=asked,
            fragment=file if fragment else None,
            table=None if fragment else file,
        )


def _kept(request: HttpRequest, folder: Path) -> Path | None:
    upload = request.FILES.get("file")
    if upload is None:
        return None
    ending = Path(str(upload.name)).suffix.lower()
    path = folder / f"file{ending if ending in FORMS else '.csv'}"
    if text_of(request, "file_is", 10) == "fragment":
        path = folder / f"{_plain(str(upload.name))}.fragment"
    with path.open("wb") as file:
        while block := upload.read(BLOCK):
            file.write(block)
    return path


def _plain(name: str) -> str:
    return "".join(each for each in name if each.isascii() and (each.isalnum() or each in "-_"))[:80]


def _day(request: HttpRequest, name: str, more: int) -> datetime | None:
    """Return the beginning of a day, where the office is; with `more`, of a later day."""
    text = text_of(request, name, 10)
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date() + timedelta(days=more)
    except (ValueError, OverflowError) as error:
        raise UsageError(why="日期须如 2026-11-23 (a date such as 2026-11-23)") from error
    ahead = timedelta(minutes=node_of(request).settings.audit.utc_offset)
    return datetime.combine(day, time(), UTC) - ahead
