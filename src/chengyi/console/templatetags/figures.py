"""Numbers, moments, sizes and digests as a careful table shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
ZONE = ZoneInfo("Asia/Shanghai")
SIZES = ("B", "KB", "MB", "GB", "TB")


@register.filter
def number(value: object) -> str:
    """Write a number with thousands separators; what is not one stays as it is; nothing is a dash."""
    if value is None or value == "":
        return "—"
    try:
        return f"{Decimal(str(value)):,f}"
    except InvalidOperation:
        return str(value)


@register.filter
def moment(value: datetime | None) -> str:
    """Write a moment to the minute, in the time of the region."""
    return "—" if value is None else value.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")


@register.filter
def second(value: datetime | None) -> str:
    """Write a moment to the second."""
    return "—" if value is None else value.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")


@register.filter
def plain(value: object) -> str:
    """Write a moment as a moment, and anything else as it is."""
    return second(value) if isinstance(value, datetime) else str(value)


@register.filter
def day(value: datetime | None) -> str:
    """Write a date."""
    return "—" if value is None else value.astimezone(ZONE).strftime("%Y-%m-%d")


@register.filter
def size(value: int | None) -> str:
    """Write a number of bytes in a readable unit."""
    if value is None:
        return "—"
    amount, unit = float(value), 0
    while amount >= 1024 and unit < len(SIZES) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:,.0f} {SIZES[unit]}" if unit == 0 else f"{amount:,.1f} {SIZES[unit]}"


@register.filter
def percent(value: float | None) -> str:
    """Write a share of one as a percentage."""
    return "—" if value is None else f"{value * 100:.1f}%"


@register.filter
def hundredth(value: float | None) -> int:
    """Return a share of one as whole hundredths, rounded down so that 100 means all."""
    return 0 if value is None else int(value * 100)


@register.filter
def short(value: object, letters: int = 12) -> SafeString:
    """Show the beginning of a digest; the whole of it is in the title."""
    text = value.hex() if isinstance(value, bytes) else str(value or "")
    if len(text) <= letters:
        return format_html('<span class="hash">{}</span>', text)
    return format_html('<span class="hash" title="{}">{}…</span>', text, text[:letters])


@register.filter
def hexadecimal(value: bytes | str) -> str:
    """Write a digest in hexadecimal."""
    return value.hex() if isinstance(value, bytes) else value


@register.filter
def until(due: datetime, now: datetime) -> int:
    """Return the whole days left until `due`, negative when it is past."""
    return (due.astimezone(UTC) - now.astimezone(UTC)).days
