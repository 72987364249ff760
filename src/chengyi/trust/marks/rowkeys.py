"""Row keys and cell values: what is read from a table's own cells, exported or leaked.

Rules:

1. A row's virtual key is made of the key columns' texts in one form, so that re-typing, re-ordering, other date styles
   and lost leading zeros change nothing: NFKC, no white space, upper case, numbers and dates in their shortest form.
2. A row whose key columns are all empty has no key, and no marks.
3. A number may come with thousands separators or full-width digits, a date in any of the usual styles. What is not a
   number or a date is absent, never guessed.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np

from chengyi.trust.marks.decoders import Array
from chengyi.trust.marks.policy import high_order

NUMBERS = ("integer", "decimal")
DATES = ("date", "datetime")
_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", re.ASCII)
_TIME = r"(?:[T ]?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|\+00:00)?)?"
_DATES = (
    re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?" + _TIME, re.ASCII),
    re.compile(r"(\d{4})(\d{2})(\d{2})" + _TIME, re.ASCII),
)
_PLAIN = re.compile(r"[A-Z][A-Z0-9]*", re.ASCII)
GUARD = "'"
"""Put before a text that a spreadsheet would take for a formula; it is no part of a key."""
_MAX_TEXT = 200
_EPOCH = date(1970, 1, 1).toordinal()


def row_keys(table: Mapping[str, Sequence[Any]], parts: Sequence[str]) -> list[str | None]:
    """Return each row's virtual key, or None where it has none; `table` holds the columns of `parts`."""
    columns = [_part(table, part) for part in parts]
    if not columns:
        return []
    return ["\x1f".join(each) if any(each) else None for each in zip(*columns, strict=True)]


def _part(table: Mapping[str, Sequence[Any]], part: str) -> list[str]:
    name, unit = high_order(part)
    if unit is None:
        return [one_form(each) for each in table[name]]
    found = numbers(table[name], "decimal")
    return ["" if np.isnan(each) else str(int(each // float(unit))) for each in found]


def one_form(value: object) -> str:
    """Return the one form of a key's text."""
    text = written(value).removeprefix(GUARD)
    if _PLAIN.fullmatch(text):
        return text
    text = "".join(unicodedata.normalize("NFKC", text[:_MAX_TEXT]).split()).upper()
    moment = _moment(text)
    if moment is not None:
        return moment.isoformat()
    return _number(text) if _NUMBER.fullmatch(text) else text


def written(value: object) -> str:
    """Return a cell as text: the empty text where it is absent."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def numbers(values: Iterable[object], kind: str) -> Array:
    """Return a column's values as float64, NaN where absent: dates in days, moments in seconds since 1970."""
    read = _READERS[kind]
    return np.fromiter((read(each) for each in values), np.float64)


def _quantity(value: object) -> float:
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return float(value)
    text = "".join(unicodedata.normalize("NFKC", written(value)[:_MAX_TEXT]).split())
    return float(text.replace(",", "")) if _NUMBER.fullmatch(text) else float("nan")


def _days(value: object) -> float:
    found = _as_moment(value)
    return float("nan") if found is None else float(found.toordinal() - _EPOCH)


def _seconds(value: object) -> float:
    found = _as_moment(value)
    if found is None:
        return float("nan")
    return (found.toordinal() - _EPOCH) * 86_400.0 + found.hour * 3600 + found.minute * 60 + found.second


def _as_moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    return _moment("".join(unicodedata.normalize("NFKC", written(value)[:_MAX_TEXT]).split()).upper())


_READERS: Mapping[str, Callable[[object], float]] = {
    "integer": _quantity,
    "decimal": _quantity,
    "date": _days,
    "datetime": _seconds,
}


def _number(text: str) -> str:
    sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text.lstrip("+"))
    whole, _, part = digits.replace(",", "").partition(".")
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    return f"{sign}{whole}.{part}" if part else sign + whole


def _moment(text: str) -> datetime | None:
    found = next((match for each in _DATES if (match := each.fullmatch(text))), None)
    if found is None:
        return None
    parts = [int(each or 0) for each in found.groups()]
    try:
        return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - a table's own wall time
    except ValueError:
        return None
