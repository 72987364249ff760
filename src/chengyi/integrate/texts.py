"""Text as every type reads it: white space, full-width forms, and the small pieces of expressions.

Rules: only functions that give equal answers on every engine (regular expressions of the common kind, substrings,
translation of characters); what is already in standard form is recognised first and left alone, so that only odd
values pay for tolerance; each stage is given names of earlier ones and gives new names.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import ibis
from ibis import literal as lit

if TYPE_CHECKING:
    from chengyi.integrate.contracts import Column

Expression = Any
"""A column expression of Ibis, which has no type that a checker could follow."""

Env = Mapping[str, Any]
Stage = Callable[[Env, "Column"], dict[str, Any]]

_SPACE = "\\s\u3000\u00a0\ufeff"
_FULL = "".join(chr(0xFF01 + n) for n in range(94)) + "\u3000"
_HALF = "".join(chr(0x21 + n) for n in range(94)) + " "
_WIDE = "[！-～\u3000]"


def null(kind: str = "string") -> Expression:
    """Return an empty value of a type."""
    return ibis.null(kind)


def number(value: int) -> Expression:
    """Return a whole number as 64 bits."""
    return lit(value, "int64")


def choose(*branches: tuple[Any, Any], otherwise: Expression) -> Expression:
    """Return the first value whose condition holds."""
    return ibis.cases(*branches, else_=otherwise)


def trim(env: Env, column: "Column") -> dict[str, Any]:
    """Take white space from both ends; empty text and this sender's spellings of nothing become null.

    One search finds all that this stage and `half` may have to change: `odd`.
    """
    raw = env["raw"]
    odd = raw.re_search(f"^[{_SPACE}]|[{_SPACE}]$|{_WIDE}")
    text = odd.ifelse(raw.re_replace(f"^[{_SPACE}]+|[{_SPACE}]+$", ""), raw).nullif("")
    return {"odd": odd, "trim": text.isin(list(column.empty)).ifelse(null(), text) if column.empty else text}


def half(env: Env, _column: "Column") -> dict[str, Any]:
    """Turn full-width Latin letters, digits and signs into half-width ones."""
    text = env["trim"]
    return {"text": env["odd"].ifelse(text.translate(_FULL, _HALF), text)}


def known(pattern: str) -> Stage:
    """Return a stage that recognises what is in standard form already: `fast`, never null."""

    def stage(env: Env, _column: "Column") -> dict[str, Any]:
        return {"fast": env["raw"].re_search(pattern).fill_null(False)}

    return stage


def trim_odd(env: Env, column: "Column") -> dict[str, Any]:
    """Trim what is not in standard form; the rest stays."""
    raw = env["raw"]
    text = raw.re_replace(f"^[{_SPACE}]+|[{_SPACE}]+$", "").nullif("")
    text = text.isin(list(column.empty)).ifelse(null(), text) if column.empty else text
    return {"trim": env["fast"].ifelse(raw, text)}


def half_odd(env: Env, _column: "Column") -> dict[str, Any]:
    """Turn full-width forms into half-width ones, where text is not in standard form."""
    text = env["trim"]
    return {"text": env["fast"].ifelse(text, text.translate(_FULL, _HALF))}


def compact_odd(env: Env, _column: "Column") -> dict[str, Any]:
    """Take white space and hyphens out of an identifier and set it in capitals, where it is not in standard form."""
    tidy = env["trim"].translate(_FULL, _HALF).re_replace(f"[{_SPACE}-]", "").upper().nullif("")
    return {"text": env["fast"].ifelse(env["trim"], tidy)}


def unread(code: str) -> Stage:
    """Return the last stage of most types: text that became no value is a fault."""

    def stage(env: Env, _column: "Column") -> dict[str, Any]:
        return {f"fault:{code}": env["text"].notnull() & env["value"].isnull()}

    return stage


def two(text: Expression) -> Expression:
    """Return one or two digits as two."""
    return (text.length() < 2).ifelse(lit("00").concat(text).right(2), text)


def joined(year: Expression, month: Expression, day: Expression) -> Expression:
    """Return a day in the one form that is cast to a date."""
    return year.concat("-", month, "-", day)
