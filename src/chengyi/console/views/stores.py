"""Stores of fragments: how each is, what is at risk, and the care for them.

Keeps promises 2 (never altered) and 3 (useless in pieces). Rules: whoever may look sees every store; only the system
administrator scrubs, repairs, re-keys and retires; what cannot be taken back is confirmed first; every care is on
record in the name of whoever started it, and one thing is done at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.application import desk_of, node_of
from chengyi.console.door import opens
from chengyi.console.stocktaking import Sized, StoreLine, care_for, lines_of, risk_of
from chengyi.console.views.page import begin, show, text_of
from chengyi.model.actor import Permission
from chengyi.model.errors import NotFoundError, UsageError
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text

if TYPE_CHECKING:
    from chengyi.trust.vault.care import Care

SHOWN = 200
SCRUB = Text("巡检全部存储点", "Scrub all stores")
REPAIR = Text("修复缺失与损坏的分片", "Repair missing and damaged fragments")
REKEY = Text("更换对象密钥", "Re-key objects")
RETIRE = Text("停用存储点", "Retire a store")
_OBJECT = re.compile(r"obj-[0-9a-f]{32}")


@opens(Permission.SEE_STORES)
def listing(request: HttpRequest) -> HttpResponse:
    """Show every store, the layout, and what is at risk."""
    return show(request, "stores.html", _values(request))


@opens(Permission.SEE_STORES)
def live(request: HttpRequest) -> HttpResponse:
    """Answer the live part of the page alone."""
    return show(request, "_stores.html", _values(request))


@opens(Permission.SEE_STORES)
def page(request: HttpRequest, id: str) -> HttpResponse:
    """Show one store: where it is, what it lacks, what is damaged, and how it is taken out of use."""
    from chengyi.trust.vault.rounds import Rounds

    values = _values(request)
    line = _find(values["lines"], id)
    rounds = Rounds(node_of(request).rows)
    damages = [each for each in rounds.damages() if each.store == id]
    values |= {"line": line, "damages": damages[:SHOWN], "total": len(damages), "round": rounds.get(f"scrub:{id}")}
    values["spares"] = [each for each in values["lines"] if each.part == "spare"]
    return show(request, "store.html", values)


@opens(Permission.TEND_STORES, post=True)
def scrub(request: HttpRequest) -> HttpResponse:
    """Read stored bytes again, as far as today's budget goes."""

    def work(care: Care, reporter: Reporter) -> Text:
        found = care.scrub(reporter)
        checked, damaged = (sum(each.checked for each in found), sum(len(each.damages) for each in found))
        rest = [each.store for each in found if not each.done]
        more = Text(f"未完：{'、'.join(rest)}，可再次巡检。", f"Not done: {', '.join(rest)}; scrub again.")
        end = more if rest else Text("本轮已完成。", "The round is done.")
        return Text(
            f"查验 {checked:,} 份，发现损坏或不可读 {damaged:,} 份。{end.zh}",
            f"{checked:,} fragments read, {damaged:,} damaged or out of reach. {end.en}",
        )

    return _tend(request, SCRUB, work, alone=False)


@opens(Permission.TEND_STORES, post=True)
def repair(request: HttpRequest) -> HttpResponse:
    """Make missing and damaged fragments anew."""

    def work(care: Care, reporter: Reporter) -> Text:
        found = care.repair(reporter)
        return Text(
            f"重建 {len(found.fragments):,} 份，未成 {len(found.failed):,} 份。",
            f"{len(found.fragments):,} rebuilt, {len(found.failed):,} could not be.",
        )

    return _tend(request, REPAIR, work)


@opens(Permission.TEND_STORES)
def rekey_form(request: HttpRequest) -> HttpResponse:
    """Say what re-keying does, and ask for confirmation."""
    return show(request, "rekey.html", _values(request))


@opens(Permission.TEND_STORES, post=True)
def rekey(request: HttpRequest) -> HttpResponse:
    """Give one object a new key, or every object; confirmed."""
    _confirmed(request)
    object = text_of(request, "object", 80)
    if text_of(request, "which", 10) == "one":
        if not _OBJECT.fullmatch(object):
            raise UsageError(why="请填写对象编号（obj- 加 32 位十六进制） (name an object: obj- and 32 hex digits)")
        objects = [object]
    else:
        objects = []

    def work(care: Care, reporter: Reporter) -> Text:
        found = care.rekey(objects, reporter)
        zh, en = f"已更换 {len(found.rekeyed):,} 个", f"{len(found.rekeyed):,} re-keyed"
        if not found.failed:
            return Text(f"{zh}。", f"{en}.")
        why = found.failed[0][1]
        count = len(found.failed)
        return Text(f"{zh}，未成 {count:,} 个：{why.message('zh')}", f"{en}, {count:,} not: {why.message('en')}")

    return _tend(request, REKEY, work)


@opens(Permission.TEND_STORES, post=True)
def retire(request: HttpRequest, id: str) -> HttpResponse:
    """Take a store out of use; confirmed by its name."""
    lines = _values(request)["lines"]
    _find(lines, id)
    _confirmed(request)
    if text_of(request, "name", 80) != id:
        raise UsageError(why="所填存储点名称不符，未作更改 (the name does not fit; nothing was changed)")
    replacement = text_of(request, "replacement", 80)

    def work(care: Care, reporter: Reporter) -> Text:
        done = care.retire(id, replacement, reporter)
        end = (
            Text("已停用", "is retired")
            if done.done
            else Text("尚未停用完毕，请再次停用", "is not done: retire it again")
        )
        return Text(
            f"{id} 由 {done.replacement} 接替：{done.fragments:,} 份，未成 {len(done.failed):,} 份；{id} {end.zh}。",
            f"{done.replacement} replaces {id}: {done.fragments:,} done, {len(done.failed):,} failed; {id} {end.en}.",
        )

    return _tend(request, RETIRE, work)


def _values(request: HttpRequest) -> dict[str, Any]:
    node, desk = node_of(request), desk_of(request)
    run = desk.board.run
    stock = desk.stock.look(start=run is None or not run.running)
    lines = lines_of(node, stock)
    return {
        "stock": stock,
        "lines": lines,
        "risk": risk_of(node, lines, stock),
        "settings": node.settings.vault,
        "run": run,
        "may_tend": request.actor.may(Permission.TEND_STORES),
        "now": node.clock.now(),
    }


def _tend(
    request: HttpRequest, title: Text, care_work: Callable[[Care, Reporter], Text], *, alone: bool = True
) -> HttpResponse:
    """Start care in the background; `alone` holds the home's lock, for what writes."""
    node, stock = node_of(request), desk_of(request).stock
    care, known = care_for(node, request.actor.id), stock.look(start=False, patience=0).status
    total = known.objects + known.unreadable if known else None

    def work(reporter: Reporter) -> Text:
        try:
            with node.refusals.settled(node.audit):
                if not alone:
                    return care_work(care, Sized(reporter, total))
                with node.home.lock():
                    return care_work(care, Sized(reporter, total))
        finally:
            stock.spoil()

    begin(request, title, work)
    return redirect("stores")


def _confirmed(request: HttpRequest) -> None:
    if text_of(request, "confirmed", 5) != "yes":
        raise UsageError(why="尚未确认，未作更改 (it was not confirmed; nothing was changed)")


def _find(lines: list[StoreLine], id: str) -> StoreLine:
    for line in lines:
        if line.id == id:
            return line
    raise NotFoundError(kind="存储点 store", id=id)
