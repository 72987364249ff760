"""How a fact that names a person is shown on a page.

The forms are those of the views that sharing gives out: first letter of a name, ends of a number, street of an address.
"""

from __future__ import annotations

import re

from chengyi.model.actor import Actor, Role

HIDDEN = "***"
NAMES = frozenset({"person_name", "former_name", "given_name", "surname", "guardian_name", "donor", "holder_name"})
NUMBERS = frozenset({"citizen_id", "husband_id", "wife_id"})
PHONES = frozenset({"phone", "guardian_phone"})
CODES = frozenset({"household_no", "certificate_no", "visit_no", "relief_no", "house_no", "birth_date"})


def mask(field: str, value: str, actor: Actor) -> str:
    """Return the value of a data element as this actor may see it."""
    if not value:
        return value
    if field in NAMES:
        return value if Role.OPERATOR in actor.roles else value[0] + "*" * max(1, min(len(value) - 1, 3))
    if field in NUMBERS:
        return value[:6] + "*" * 8 + value[-2:] if len(value) > 8 else HIDDEN
    if field in PHONES:
        return value[:3] + "****" + value[-2:] if len(value) > 5 else HIDDEN
    if field == "address":
        return value if Role.OPERATOR in actor.roles else _street(value)
    if field in CODES:
        return value[:4] + HIDDEN if Role.OPERATOR not in actor.roles else value
    return value


def _street(address: str) -> str:
    found = re.match(r"^.*?(?:街道|镇|乡)", address)
    return (found[0] if found else "") + HIDDEN
