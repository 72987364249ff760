"""How a typed cell becomes text, alike in every carrier."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from chengyi.model.canonical import canonical

EXACT = 1 << 53


def cell_text(value: object) -> str | None:
    """Return the text of a cell: ISO 8601 for times, no ``.0``, nothing rounded; None where there is none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (date, time)):
        return _moment(value)
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, (list, dict)):
        return canonical(_plain(value)).decode()  # type: ignore[arg-type]
    return str(value)


def float_text(value: float) -> str:
    """Return a float without exponent; from 2^53 on with one, because its last digits are no longer known."""
    if abs(value) >= EXACT or value != value:  # noqa: PLR0124 - NaN is the number that differs from itself
        return repr(value).upper() if "e" in repr(value) else f"{Decimal(repr(value)).normalize():E}"
    if value.is_integer():
        return str(int(value))
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text


def _moment(value: date | time) -> str:
    if isinstance(value, datetime) and value.time() == time() and value.tzinfo is None:
        return value.date().isoformat()
    return value.isoformat()


def _duration(value: timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int)) else cell_text(value)
