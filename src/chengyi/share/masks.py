"""Masks: how a value that is not granted in the clear is shown.

Rules: a mask depends on the data element and its sensitivity, never on the asker; it is compiled into the table
expression, so that the engine never hands out the value beneath it; a masked column keeps its type; an element
without a rule of its own is hidden whole; null stays null. Only functions that count characters equally on every
engine are used.
"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from chengyi.model.codes import Sensitivity
from chengyi.model.dataset import Field

if TYPE_CHECKING:
    import ibis

HIDDEN = "***"
_STREET = r"^(.*?(?:街道|镇|乡))"


class Mask(StrEnum):
    """The ways to mask a text."""

    CITIZEN_ID = "citizen_id"
    NAME = "name"
    PHONE = "phone"
    ADDRESS = "address"
    CODE = "code"
    WHOLE = "whole"


MASKS = {
    "citizen_id": Mask.CITIZEN_ID,
    "husband_id": Mask.CITIZEN_ID,
    "wife_id": Mask.CITIZEN_ID,
    "person_name": Mask.NAME,
    "former_name": Mask.NAME,
    "given_name": Mask.NAME,
    "surname": Mask.NAME,
    "husband_name": Mask.NAME,
    "wife_name": Mask.NAME,
    "guardian_name": Mask.NAME,
    "legal_representative": Mask.NAME,
    "donor": Mask.NAME,
    "responsible": Mask.NAME,
    "phone": Mask.PHONE,
    "guardian_phone": Mask.PHONE,
    "address": Mask.ADDRESS,
    "household_no": Mask.CODE,
    "certificate_no": Mask.CODE,
    "visit_no": Mask.CODE,
    "relief_no": Mask.CODE,
    "donation_no": Mask.CODE,
    "house_no": Mask.CODE,
}
"""Which mask each data element has; `docs/security.md` shows one example of each."""

IDENTIFIERS = frozenset(
    {"citizen_id", "husband_id", "wife_id", "household_no", "certificate_no", "credit_code", "case_no", "person_no"}
)
"""Elements that name one thing exactly: a record may be looked up by them even where they are shown masked."""

DIRECT_IDENTIFIERS = frozenset(
    {"citizen_id", "husband_id", "wife_id", "household_no", "certificate_no", "phone", "guardian_phone"}
)
"""Elements that a program may join on without reading them: it gets keyed codes in their place."""

NAMING = frozenset(name for name, mask in MASKS.items() if mask in {Mask.NAME, Mask.PHONE, Mask.ADDRESS})
"""Elements that tell a person from others by reading them; no standing grant shows them in the clear."""

_PRIVATE = frozenset({Sensitivity.PERSONAL, Sensitivity.SENSITIVE})


def is_masked(field: Field, clear: tuple[str, ...]) -> bool:
    """Tell whether a granted field is shown masked."""
    return field.sensitivity in _PRIVATE and field.name not in clear


def mask_of(name: str) -> Mask:
    """Return the mask of a data element; hidden whole where no rule says otherwise."""
    return MASKS.get(name, Mask.WHOLE)


def mask_text(mask: Mask, value: str | None) -> str | None:
    """Mask one text value: the same rule as `mask_column`, for a single value."""
    return None if value is None else _TEXT[mask](value)


def _ends(value: str, head: int, tail: int) -> str:
    hidden = len(value) - head - tail
    return value[:head] + "*" * hidden + value[-tail:] if hidden > 0 else HIDDEN


def _name(value: str) -> str:
    return value[:1] + "*" * (len(value) - 1) if len(value) > 1 else "*"


def _street(value: str) -> str:
    import re

    found = re.match(_STREET, value)
    return (found.group(1) if found else "") + HIDDEN


_TEXT: dict[Mask, Callable[[str], str]] = {
    Mask.CITIZEN_ID: lambda value: _ends(value, 6, 4),
    Mask.NAME: _name,
    Mask.PHONE: lambda value: _ends(value, 3, 4),
    Mask.ADDRESS: _street,
    Mask.CODE: lambda value: _ends(value, 0, 4),
    Mask.WHOLE: lambda _value: HIDDEN,
}


def mask_column(field: Field, column: "ibis.Value") -> "ibis.Value":
    """Return the masked column as an expression of the same type.

    Text is masked by its element's rule; a date keeps its year; a number or truth value becomes null.
    """
    kind = column.type()
    if kind.is_string():
        return _TEXT_COLUMN[mask_of(field.name)](column)
    if kind.is_date() or kind.is_timestamp():
        return column.truncate("Y").cast(kind)
    return _null(kind)


def mask_written(field: Field, value: str) -> str:
    """Mask one value that is written as text, such as a fact of a dossier: the same rules as `mask_column`."""
    if field.sensitivity not in _PRIVATE:
        return value
    if field.type in {"date", "datetime"}:
        return value[:4]
    if field.type in {"integer", "decimal"}:
        return HIDDEN
    return _TEXT[mask_of(field.name)](value) if value else value


def mask_date(value: date | None) -> date | None:
    """Mask one date: only its year is kept."""
    return None if value is None else value.replace(month=1, day=1)


def _null(kind: Any) -> "ibis.Value":  # noqa: ANN401 - an Ibis type
    import ibis

    return ibis.null(kind)


def _ends_column(column: "ibis.Value", head: int, tail: int) -> "ibis.Value":
    import ibis

    hidden = column.length() - head - tail
    shown = column.substr(0, head) + ibis.literal("*").repeat(hidden) + column.substr(column.length() - tail, tail)
    return _choose(column.isnull(), column, _choose(hidden > 0, shown, ibis.literal(HIDDEN)))


def _name_column(column: "ibis.Value") -> "ibis.Value":
    import ibis

    stars = column.substr(0, 1) + ibis.literal("*").repeat(column.length() - 1)
    return _choose(column.isnull(), column, _choose(column.length() > 1, stars, ibis.literal("*")))


def _street_column(column: "ibis.Value") -> "ibis.Value":
    return _choose(column.isnull(), column, column.re_extract(_STREET, 1) + HIDDEN)


def _whole_column(column: "ibis.Value") -> "ibis.Value":
    import ibis

    return _choose(column.isnull(), column, ibis.literal(HIDDEN))


def _choose(test: "ibis.Value", yes: "ibis.Value", no: "ibis.Value") -> "ibis.Value":
    import ibis

    return ibis.ifelse(test, yes, no)


_TEXT_COLUMN: dict[Mask, Callable[["ibis.Value"], "ibis.Value"]] = {
    Mask.CITIZEN_ID: lambda column: _ends_column(column, 6, 4),
    Mask.NAME: _name_column,
    Mask.PHONE: lambda column: _ends_column(column, 3, 4),
    Mask.ADDRESS: _street_column,
    Mask.CODE: lambda column: _ends_column(column, 0, 4),
    Mask.WHOLE: _whole_column,
}
