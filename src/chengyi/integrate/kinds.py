"""How a value of each type is standardised and checked: a chain of stages over whole columns.

Rules: an empty value is null and never a fault here; a value that cannot be standardised becomes null, and each
reason is a fault of its own (promise 8); a stage reads what earlier stages named and names what it makes: `text` is
the tidied text, `value` the standard value, ``fault:code`` the condition under which the value is at fault.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ibis import literal as lit

from chengyi.integrate.identities import AREA_KNOWN, CITIZEN, CREDIT
from chengyi.integrate.texts import (
    Env,
    Expression,
    Stage,
    choose,
    compact_odd,
    half,
    half_odd,
    known,
    null,
    trim,
    trim_odd,
    unread,
)
from chengyi.integrate.times import DATE, DATETIME, MONTH

if TYPE_CHECKING:
    from chengyi.integrate.contracts import Column

DECIMAL = "decimal(18, 6)"
_PLAIN_NUMBER = r"^[+-]?[0-9]+(?:\.[0-9]+)?$"
_WRITTEN_NUMBER = r"^[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?$"
_PLAIN_INTEGER = r"^[+-]?[0-9]{1,18}$"
_WRITTEN_INTEGER = r"^[+-]?(?:[0-9]{1,3}(?:,[0-9]{3}){0,5}|[0-9]{1,18})(?:\.0+)?$"
_PHONE = r"^(?:1[0-9]{10}|0[0-9]{9,11}|[2-9][0-9]{6,7})$"
_AREA = r"^[0-9]{6}(?:[0-9]{3}(?:[0-9]{3})?)?$"


def _text(env: Env, column: "Column") -> dict[str, Any]:
    if column.element.width == "as_is":
        return {"text": env["trim"], "value": env["trim"]}
    text = half(env, column)["text"]
    return {"text": text, "value": text}


def _code(env: Env, column: "Column") -> dict[str, Any]:
    codes = column.element.codes
    spellings = (codes.synonyms() if codes else {}) | dict(column.synonyms)
    by_code: dict[str, list[str]] = {}
    for spelling, code in spellings.items():
        by_code.setdefault(code, []).append(spelling)
    text = env["text"]
    return {"value": choose(*((_among(text, said), lit(code)) for code, said in by_code.items()), otherwise=null())}


def _among(text: Expression, spellings: list[str]) -> Expression:
    """Compare one by one: a long IN list would become a join."""
    first, *others = (text == spelling for spelling in spellings)
    for other in others:
        first = first | other
    return first


def _sum_of_money(env: Env, _column: "Column") -> dict[str, Any]:
    return {"text": env["fast"].ifelse(env["text"], env["text"].re_replace("^[¥￥$]|元$|\\s", ""))}


def _decimal(env: Env, _column: "Column") -> dict[str, Any]:
    text = env["text"]
    written = text.re_search(_WRITTEN_NUMBER).ifelse(text.re_replace(",", ""), null())
    return {"value": env["fast"].ifelse(text, written).try_cast(DECIMAL)}


def _integer(env: Env, _column: "Column") -> dict[str, Any]:
    text = env["text"]
    written = text.re_search(_WRITTEN_INTEGER).ifelse(text.re_replace(r"\.0+$|,", ""), null())
    return {"value": env["fast"].ifelse(text, written).try_cast("int64")}


def _phone(env: Env, _column: "Column") -> dict[str, Any]:
    return {"text": env["fast"].ifelse(env["text"], env["text"].re_replace("[()+]|^00", ""))}


def _phone_value(env: Env, _column: "Column") -> dict[str, Any]:
    text = env["text"]
    abroad = text.re_search("^861[0-9]{10}$")
    plain = env["fast"] | text.re_search(_PHONE)
    return {"value": choose((plain, text), (abroad, text.substr(2, 11)), otherwise=null())}


def _area(env: Env, _column: "Column") -> dict[str, Any]:
    text = env["text"]
    return {"value": (text.re_search(_AREA) & text.re_search(AREA_KNOWN)).ifelse(text, null())}


STAGES: Mapping[str, tuple[Stage, ...]] = MappingProxyType(
    {
        "text": (trim, _text),
        "code": (trim, half, _code, unread("code")),
        "citizen_id": CITIZEN,
        "credit_code": CREDIT,
        "date": DATE,
        "month": MONTH,
        "datetime": DATETIME,
        "integer": (known(_PLAIN_INTEGER), trim_odd, half_odd, _sum_of_money, _integer, unread("integer")),
        "decimal": (known(_PLAIN_NUMBER), trim_odd, half_odd, _sum_of_money, _decimal, unread("decimal")),
        "phone": (known("^1[0-9]{10}$"), trim_odd, compact_odd, _phone, _phone_value, unread("phone")),
        "area_code": (known(_AREA), trim_odd, compact_odd, _area, unread("area_code")),
    }
)
