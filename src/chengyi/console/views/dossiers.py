"""Dossiers: facts side by side with their evidence.

Rule: what names a person is masked here for every role, as `values` says; who needs a value in the clear asks
through the catalogue. Where departments disagree, equal values bear equal letters, so that one sees who agrees with
whom without reading the values. Every dossier that is opened is on record (promise 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from django.http import HttpRequest, HttpResponse

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.values import labelled, written
from chengyi.console.views.page import PAGE_ROWS, codes_of, offset_of, pager, show, text_of, titles_of
from chengyi.model.actor import Actor, Permission
from chengyi.model.dossier import Dossier, Fact
from chengyi.model.text import Text

LETTERS = tuple(zip("甲乙丙丁戊己庚辛壬癸", "ABCDEFGHIJ", strict=True))


@dataclass(frozen=True, slots=True)
class Shown:
    """One fact as it is shown, with the letter of its value where values differ."""

    fact: Fact
    value: Text
    letter: Text | None


@dataclass(frozen=True, slots=True)
class Row:
    """One field of the dossier with every source's word on it."""

    field: str
    title: Text
    facts: tuple[Shown, ...]
    conflict: bool


@opens(Permission.SEE_DOSSIERS)
def search(request: HttpRequest) -> HttpResponse:
    """Find dossiers by name, number or id; nothing is listed before something is asked for."""
    query = text_of(request, "q", 100)
    heads = (
        node_of(request).integrate.dossiers(query, request.actor, limit=PAGE_ROWS, offset=offset_of(request))
        if query
        else []
    )
    shown = [(head, labelled(head.kind, head.label, request.actor)) for head in heads]
    return show(request, "dossiers.html", {"heads": shown, "query": query, "pager": pager(request, len(heads))})


@opens(Permission.SEE_DOSSIERS)
def page(request: HttpRequest, id: str) -> HttpResponse:
    """Show one dossier."""
    node, actor = node_of(request), request.actor
    dossier = node.integrate.dossier(id, actor)
    rows = rows_of(dossier, actor)
    values = {
        "dossier": dossier,
        "label": labelled(dossier.kind, dossier.label, actor),
        "rows": rows,
        "conflicts": [each for each in rows if each.conflict],
        "events": node.integrate.dossier_events(dossier.id, actor),
        "titles": titles_of(request),
        "codes": codes_of(request, (member.evidence.package for member in dossier.members)),
    }
    return show(request, "dossier.html", values)


def rows_of(dossier: Dossier, actor: Actor) -> list[Row]:
    """Return the facts grouped by field, in the order of first appearance, masked for this actor."""
    order = {field: place for place, field in reversed(list(enumerate(fact.field for fact in dossier.facts)))}
    facts = sorted(dossier.facts, key=lambda fact: (order[fact.field], not fact.preferred))
    return [_row(field, tuple(group), dossier, actor) for field, group in groupby(facts, lambda fact: fact.field)]


def _row(field: str, facts: tuple[Fact, ...], dossier: Dossier, actor: Actor) -> Row:
    conflict = field in dossier.conflicts
    letters = _letters(facts) if conflict else {}
    shown = tuple(Shown(fact, written(field, fact.value, actor), letters.get(fact.value)) for fact in facts)
    return Row(field, facts[0].title, shown, conflict)


def _letters(facts: tuple[Fact, ...]) -> dict[str, Text]:
    distinct = list(dict.fromkeys(fact.value for fact in facts))
    return {value: Text(*letters) for value, letters in zip(distinct, LETTERS, strict=False)}
