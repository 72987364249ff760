"""Declared date and time formats, and time zones, as patterns and offsets that any engine can apply.

Rules: a format is read by fixed places where the text has exactly the declared width, and by groups where digits
were left out; nothing else is guessed. A zone's offset is that of the local time itself; in the hour that is skipped
or doubled when clocks change, the offset before the change is taken.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

Expression = Any

_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2, "p": 2}
_FIRST_YEAR, _LAST_YEAR = 1970, 2040


@dataclass(frozen=True, slots=True)
class Pattern:
    """A format as regular expressions: `places` and `groups` say where each directive stands."""

    fixed: str
    loose: str
    places: dict[str, tuple[int, int]]
    groups: dict[str, int]


def compile_format(format: str) -> Pattern:
    """Turn strptime directives into patterns; a format with %f has no fixed places."""
    fixed, loose, at = "", "", 0
    places: dict[str, tuple[int, int]] = {}
    groups: dict[str, int] = {}
    for directive, text in re.findall(r"%(.)|([^%]+)", format):
        if text:
            fixed, loose, at = fixed + re.escape(text), loose + re.escape(text), at + len(text)
            continue
        width = _WIDTHS.get(directive, 0)
        groups[directive] = len(groups) + 1
        places[directive] = (at, width)
        fixed += _characters(directive, f"{{{width}}}")
        loose += f"({_characters(directive, '{4}' if directive == 'Y' else '{1,6}' if directive == 'f' else '{1,2}')})"
        at += width
    return Pattern("" if "f" in groups else f"^{fixed}$", f"^{loose}$", places, groups)


def _characters(directive: str, count: str) -> str:
    return "[AaPp][Mm]" if directive == "p" else f"[0-9]{count}"


def zone_offset(local: Expression, zone: str) -> Expression:
    """Return minutes east of UTC at each local time (an Ibis timestamp column), as an Ibis integer."""
    import ibis

    first, changes = zone_changes(zone)
    if not changes:
        return ibis.literal(first, "int64")
    branches = [(local < ibis.literal(at), before) for at, before in changes]
    last = _minutes(ZoneInfo(zone), datetime(_LAST_YEAR, 12, 31, tzinfo=UTC))
    return ibis.cases(*branches, else_=last).cast("int64")


@cache
def zone_changes(zone: str) -> tuple[int, tuple[tuple[datetime, int], ...]]:
    """Return a zone's first offset, and for each change the local time at which it happens and the offset before it."""
    info = ZoneInfo(zone)
    moment, end = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(_LAST_YEAR, 12, 31, tzinfo=UTC)
    first = before = _minutes(info, moment)
    changes = []
    while moment < end:
        later = moment + timedelta(days=7)
        after = _minutes(info, later)
        if after != before:
            changed = _change(info, moment, later)
            changes.append(((changed + timedelta(minutes=before)).replace(tzinfo=None), before))
        moment, before = later, after
    return first, tuple(changes)


def _change(info: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = _minutes(info, low)
    while high - low > timedelta(minutes=1):
        middle = (low + (high - low) / 2).replace(second=0, microsecond=0)
        if middle in {low, high}:
            break
        low, high = (middle, high) if _minutes(info, middle) == before else (low, middle)
    return high


def _minutes(info: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(info).utcoffset() or timedelta()
    return int(offset.total_seconds() // 60)
