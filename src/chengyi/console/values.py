"""How a value of a data element is written for people: a code by its title, a number with its unit, masked by rule.

Rule: a dossier shows what sharing would show without a grant in the clear (`share.mask_written`), to every role. One
thing more is seen on duty: an operator, who sends people out, sees whom and where.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from chengyi.console.labels import unit_text
from chengyi.integrate import dictionary
from chengyi.model.actor import Actor, Role
from chengyi.model.dataset import Field
from chengyi.model.dossier import EntityKind
from chengyi.model.text import Text
from chengyi.share import mask_written

SEEN_ON_DUTY = frozenset({"person_name", "address"})
LABELLED_BY = {EntityKind.PERSON: "person_name", EntityKind.HOUSEHOLD: "household_no"}


def masked(name: str, value: str, actor: Actor) -> str:
    """Return the value of a data element as this actor may see it."""
    field = _field(name)
    if field is None or (name in SEEN_ON_DUTY and Role.OPERATOR in actor.roles):
        return value
    return mask_written(field, value)


def written(name: str, value: str, actor: Actor) -> Text:
    """Return a value as people read it, masked for this actor."""
    shown = masked(name, value, actor)
    return _written(name, shown) if shown == value else Text(shown, shown)


def labelled(kind: EntityKind, label: str, actor: Actor) -> str:
    """Return the label of a dossier as this actor may see it: an organisation's name is public, a person's is not."""
    return masked(LABELLED_BY[kind], label, actor) if kind in LABELLED_BY else label


def title_of(name: str) -> Text:
    """Return the title of a data element, or its name where the dictionary does not know it."""
    element = dictionary().get(name)
    return Text(name, name) if element is None else element.title


def _field(name: str) -> Field | None:
    element = dictionary().get(name)
    return None if element is None else element.field()


def _written(name: str, value: str) -> Text:
    element = dictionary().get(name)
    if element is None:
        return Text(value, value)
    if element.codes is not None:
        found = next((each.title for each in element.codes.codes if each.code == value), None)
        return found or Text(value, value)
    number = _number(value) if element.type == "decimal" else value
    unit = unit_text(element.unit)
    return Text(f"{number} {unit.zh}".strip(), f"{number} {unit.en}".strip())


def _number(value: str) -> str:
    try:
        plain = f"{Decimal(value):,f}"
    except InvalidOperation:
        return value
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
