"""What every view uses: rendering, paging, choices, starting work, going back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from chengyi.console.application import desk_of, node_of
from chengyi.console.seats import seat_of
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text

PAGE_ROWS = 20
Code = TypeVar("Code", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Pager:
    """Where a list stands: rows before this page, rows shown, and all of them where that is known."""

    offset: int
    shown: int
    total: int | None
    query: str
    rows: int = PAGE_ROWS

    @property
    def first(self) -> int:
        """Return the number of the first row shown, from 1."""
        return self.offset + 1 if self.shown else 0

    @property
    def last(self) -> int:
        """Return the number of the last row shown."""
        return self.offset + self.shown

    @property
    def before(self) -> str | None:
        """Return the query of the page before, or None on the first."""
        return self._at(max(0, self.offset - self.rows)) if self.offset else None

    @property
    def after(self) -> str | None:
        """Return the query of the next page, or None on the last."""
        more = self.shown == self.rows if self.total is None else self.last < self.total
        return self._at(self.offset + self.rows) if more else None

    def _at(self, offset: int) -> str:
        return f"?{self.query}&offset={offset}" if self.query else f"?offset={offset}"


def show(
    request: HttpRequest, template: str, values: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Render a page inside the frame."""
    return render(request, f"console/{template}", dict(values or {}), status=status)


def offset_of(request: HttpRequest, most: int = 1_000_000) -> int:
    """Return the asked offset, or 0 where it makes no sense."""
    return number_of(request.GET.get("offset"), 0, most)


def number_of(text: str | None, otherwise: int, most: int) -> int:
    """Return a whole number from 0 to `most`, or `otherwise`."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 10):
        return otherwise
    return min(int(text), most)


def pager(request: HttpRequest, shown: int, total: int | None = None) -> Pager:
    """Return the pager of a list, keeping the other parts of the query."""
    kept = [(key, value) for key, value in request.GET.items() if key != "offset" and value]
    return Pager(offset_of(request), shown, total, urlencode(kept))


def text_of(request: HttpRequest, name: str, most: int = 2000) -> str:
    """Return a trimmed, bounded text field of the form or query."""
    values = request.POST if request.method == "POST" else request.GET
    return str(values.get(name, "")).replace("\0", "").strip()[:most]


def code_of(request: HttpRequest, name: str, codes: type[Code]) -> Code | None:
    """Return a chosen code, or None where none or an unknown one was chosen."""
    value = text_of(request, name)
    return codes(value) if value in set(codes) else None


def titles_of(request: HttpRequest) -> dict[str, Text]:
    """Return the titles of the datasets by name."""
    return {each.name: each.title for each in node_of(request).integrate.datasets()}


def codes_of(request: HttpRequest, refs: Iterable[str]) -> dict[str, str]:
    """Return the archival codes of records by ref: a code says more than an id, and reveals nothing."""
    return dict(node_of(request).archive.codes(refs))


def choices(values: Iterable[str]) -> list[str]:
    """Return distinct values in order, for a choice list."""
    return sorted({value for value in values if value})


def said(request: HttpRequest, text: Text) -> None:
    """Leave a note that the next page shows."""
    messages.success(request, text.say(request.language))


def begin(request: HttpRequest, title: Text, work: Callable[[Reporter], object]) -> bool:
    """Start work on the board in the background, on record as from this seat; tell the reader, and the caller."""
    node, seat = node_of(request), seat_of(request)

    def seated(reporter: Reporter) -> object:
        with node.audit.acting(seat):
            return work(reporter)

    started = desk_of(request).board.start(seated, request.actor.name, node.clock.now(), title)
    if started:
        said(request, Text(f"已开始：{title.zh}。进度见下。", f"Started: {title.en}. Its progress is below."))
    else:
        said(request, Text("已有一项工作在进行中，请待其结束。", "Work is under way already; wait until it has ended."))
    return started


def back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """Go to the form's own `next` address if it is one of ours."""
    address = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(address, allowed_hosts=None, require_https=request.is_secure())
    return redirect(address if safe and address.startswith("/") else otherwise)
