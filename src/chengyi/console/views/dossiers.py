"""Dossiers: facts side by side with their evidence.

Rule: what names a person is masked here for every role; who needs a value in the clear asks through the catalogue.
An operator, who sends people out, sees the address; nobody sees a citizen number or a telephone number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from django.http import HttpRequest, HttpResponse

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.masks import mask
from chengyi.console.views.page import PAGE_ROWS, offset_of, pager, show, text_of
from chengyi.model.actor import Actor, Permission
from chengyi.model.dossier import Dossier, Fact
from chengyi.model.text import Text


@dataclass(frozen=True, slots=True)
class Row:
    """One field of the dossier with every source's word on it."""

    field: str
    title: Text
    facts: tuple[tuple[Fact, str], ...]
    conflict: bool


@opens(Permission.SEE_DOSSIERS)
def search(request: HttpRequest) -> HttpResponse:
    """Find dossiers by name, number or id."""
    query = text_of(request, "q", 100)
    heads = node_of(request).integrate.dossiers(query, request.actor, limit=PAGE_ROWS, offset=offset_of(request))
    shown = [(head, mask("person_name", head.label, request.actor)) for head in heads]
    return show(request, "dossiers.html", {"heads": shown, "query": query, "pager": pager(request, len(heads))})


@opens(Permission.SEE_DOSSIERS)
def page(request: HttpRequest, id: str) -> HttpResponse:
    """Show one dossier."""
    dossier = node_of(request).integrate.dossier(id, request.actor)
    rows = rows_of(dossier, request.actor)
    values = {"dossier": dossier, "label": mask("person_name", dossier.label, request.actor), "rows": rows}
    return show(request, "dossier.html", {**values, "conflicts": [each for each in rows if each.conflict]})


def rows_of(dossier: Dossier, actor: Actor) -> list[Row]:
    """Return the facts grouped by field, in the order of first appearance, masked for this actor."""
    order = {field: place for place, field in reversed(list(enumerate(fact.field for fact in dossier.facts)))}
    facts = sorted(dossier.facts, key=lambda fact: (order[fact.field], not fact.preferred))
    return [_row(field, tuple(group), dossier, actor) for field, group in groupby(facts, lambda fact: fact.field)]


def _row(field: str, facts: tuple[Fact, ...], dossier: Dossier, actor: Actor) -> Row:
    shown = tuple((fact, mask(field, fact.value, actor)) for fact in facts)
    return Row(field, facts[0].title, shown, field in dossier.conflicts)
