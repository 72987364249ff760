"""Dates, months and times, brought to one form as expressions over whole columns.

Rules: every accepted spelling is first made one canonical text and only that is cast, strictly, so that a day that
does not exist (2023-02-30) is a fault on every engine; a declared format comes before the tolerant ones; a time is
kept in UTC, and one without an offset is read in its column's time zone.

Source: GB/T 7408 (ISO 8601); the Chinese forms are those of official documents.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ibis
from ibis import literal as lit

from chengyi.integrate.formats import Pattern, compile_format, zone_offset
from chengyi.integrate.texts import (
    Env,
    Expression,
    Stage,
    choose,
    half_odd,
    joined,
    known,
    null,
    number,
    trim_odd,
    two,
    unread,
)

if TYPE_CHECKING:
    from chengyi.integrate.contracts import Column

_ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_ANY_DATE = r"([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?"
_MIDNIGHT = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?)?"
_ISO_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}$"
_ANY_TIME = r"([0-9]{1,2})[:时]([0-9]{1,2})(?:[:分](?:([0-9]{1,2})(?:[.,]([0-9]{1,9}))?秒?)?)?"
_OFFSET = r"(Z|[+-][0-9]{2}:?[0-9]{2})"
_WHOLE = f"^{_ANY_DATE}(?:[ T]\\s*{_ANY_TIME})?\\s*{_OFFSET}?$"
_ISO_MONTH = r"^[0-9]{4}-[0-9]{2}$"
_ANY_MONTH = r"^([0-9]{4})[-/.年]([0-9]{1,2})月?(?:[-/.]?[0-9]{1,2}日?)?$"


def _date_canonical(env: Env, column: "Column") -> dict[str, Any]:
    text = env["text"]
    tolerant = [
        (text.re_search(r"^[0-9]{8}$"), joined(text.substr(0, 4), text.substr(4, 2), text.substr(6, 2))),
        (text.re_search(f"^{_ANY_DATE}{_MIDNIGHT}$"), _written_day(text, f"^{_ANY_DATE}")),
    ]
    declared = _declared(text, compile_format(column.format), time=False) if column.format else []
    return {"canonical": choose((env["fast"], text), *declared, *tolerant, otherwise=null())}


def _date_value(env: Env, _column: "Column") -> dict[str, Any]:
    return {"value": env["canonical"].try_cast("date")}


def _month_canonical(env: Env, _column: "Column") -> dict[str, Any]:
    text = env["text"]
    written = text.re_extract(_ANY_MONTH, 1).concat("-", two(text.re_extract(_ANY_MONTH, 2)))
    month = choose(
        (env["fast"], text),
        (text.re_search(r"^[0-9]{6}$"), text.substr(0, 4).concat("-", text.substr(4, 2))),
        (text.re_search(_ANY_MONTH), written),
        otherwise=null(),
    )
    return {"canonical": month}


def _month_value(env: Env, _column: "Column") -> dict[str, Any]:
    month = env["canonical"]
    return {"value": month.re_search("^[0-9]{4}-(?:0[1-9]|1[0-2])$").ifelse(month, null())}


def _time_canonical(env: Env, column: "Column") -> dict[str, Any]:
    text = env["text"]
    day = joined(text.substr(0, 4), text.substr(4, 2), text.substr(6, 2))
    compact = day.concat(" ", text.substr(8, 2), ":", text.substr(10, 2), ":", text.substr(12, 2))
    tolerant = [(text.re_search(r"^[0-9]{14}$"), compact), (text.re_search(_WHOLE), _written_time(text))]
    declared = _declared(text, compile_format(column.format), time=True) if column.format else []
    iso = text.substr(0, 10).concat(" ", text.substr(11, 8))
    zone = text.re_search(_WHOLE).ifelse(text.re_extract(_WHOLE, 8), null())
    return {
        "canonical": choose((env["fast"], iso), *declared, *tolerant, otherwise=null()),
        "zone": env["fast"].ifelse(null(), zone).nullif(""),
    }


def _time_local(env: Env, _column: "Column") -> dict[str, Any]:
    zone = env["zone"]
    minutes = zone.substr(1, 2).try_cast("int64") * 60 + zone.right(2).try_cast("int64")
    east = choose((zone == "Z", number(0)), (zone.substr(0, 1) == "-", -minutes), otherwise=minutes)
    return {"local": env["canonical"].try_cast("timestamp(6)"), "east": east}


def _time_value(env: Env, column: "Column") -> dict[str, Any]:
    minutes = ibis.coalesce(env["east"], zone_offset(env["local"], column.zone))
    return {"value": env["local"] - minutes.as_interval("m")}


def _declared(text: Expression, pattern: "Pattern", *, time: bool) -> list[tuple[Any, Any]]:
    """Return the branches that read a declared format: by fixed places where it has them, else by groups."""
    ways: list[tuple[Any, Callable[[str], Any]]] = []
    if pattern.fixed:
        ways.append((text.re_search(pattern.fixed), lambda each: text.substr(*pattern.places[each])))
    ways.append((text.re_search(pattern.loose), lambda each: text.re_extract(pattern.loose, pattern.groups[each])))
    return [(found, _assembled(part, pattern, time=time)) for found, part in ways]


def _assembled(part: Callable[[str], Any], pattern: "Pattern", *, time: bool) -> Expression:
    day = joined(part("Y"), two(part("m")), two(part("d")))
    if not time:
        return day
    minute, second = (two(part(each)) if each in pattern.groups else lit("00") for each in "MS")
    whole = day.concat(" ", _hour(part, pattern), ":", minute, ":", second)
    return whole.concat(".", part("f")) if "f" in pattern.groups else whole


def _hour(part: Callable[[str], Any], pattern: "Pattern") -> Expression:
    """Return the hour as two digits; an hour 0 or 13 of a twelve-hour clock becomes 99, which no cast accepts."""
    if "I" not in pattern.groups:
        return two(part("H")) if "H" in pattern.groups else lit("00")
    clock = part("I").try_cast("int64")
    shift = (part("p").upper() == "PM").ifelse(12, 0) if "p" in pattern.groups else number(0)
    return clock.between(1, 12).ifelse(two((clock % 12 + shift).cast("string")), lit("99"))


def _written_day(text: Expression, pattern: str) -> Expression:
    return joined(*(two(text.re_extract(pattern, group)) for group in (1, 2, 3)))


def _written_time(text: Expression) -> Expression:
    hour, minute, second = (two(text.re_extract(_WHOLE, group)) for group in (4, 5, 6))
    fraction = text.re_extract(_WHOLE, 7).substr(0, 6)
    whole = _written_day(text, _WHOLE).concat(" ", hour, ":", minute, ":", second)
    return (fraction == "").ifelse(whole, whole.concat(".", fraction))


DATE: tuple[Stage, ...] = (known(_ISO_DATE), trim_odd, half_odd, _date_canonical, _date_value, unread("date"))
MONTH: tuple[Stage, ...] = (known(_ISO_MONTH), trim_odd, half_odd, _month_canonical, _month_value, unread("month"))
DATETIME: tuple[Stage, ...] = (
    known(_ISO_TIME),
    trim_odd,
    half_odd,
    _time_canonical,
    _time_local,
    _time_value,
    unread("datetime"),
)
