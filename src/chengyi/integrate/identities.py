"""Citizen numbers and credit codes, standardised and checked as expressions over whole columns.

Rules: a well-formed number is recognised by one regular expression (area, a birth date that exists, shape) and only
its check digit is computed; 15 digits are upgraded and look-alike letters read as digits only where the result passes
every check (the same rules as `chengyi.model.identifiers`, which is the oracle of the tests).

Sources: GB 11643-1999 with ISO 7064 MOD 11-2 (citizen number), GB 32100-2015 (unified social credit code).
"""

from typing import TYPE_CHECKING, Any

from ibis import literal as lit

from chengyi.integrate.texts import Env, Expression, Stage, choose, compact_odd, known, null, number, trim_odd
from chengyi.model.identifiers import PROVINCES

if TYPE_CHECKING:
    from chengyi.integrate.contracts import Column

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_REGIONS = "(?:" + "|".join([*sorted(PROVINCES), "99"]) + ")"
AREA_KNOWN = f"^{_REGIONS}"
_DAY = (
    "(?:(?:1[89]|[2-9][0-9])[0-9]{2}(?:(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)"
    "|02(?:0[1-9]|1[0-9]|2[0-8]))|(?:(?:1[89]|[2-9][0-9])(?:0[48]|[2468][048]|[13579][26])"
    "|(?:[2468][048]|[3579][26])00)0229)"
)
"""A day that exists, in the year 1800 or later, as eight digits."""

_SHAPE = "^[0-9]{17}[0-9X]$"
_BORN = f"^.{{6}}{_DAY}"
_WELL_FORMED = f"^{_REGIONS}[0-9]{{4}}{_DAY}[0-9]{{3}}[0-9X]$"

_CREDIT_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_SHAPE = f"^[{_CREDIT_DIGITS}]{{2}}[0-9]{{6}}[{_CREDIT_DIGITS}]{{10}}$"


def _factors() -> tuple[tuple[int, int], ...]:
    """Return c so that the weighted digit sum of n is the sum of c[k] * (n mod 10^k), modulo 11.

    The digit at place k is (n mod 10^(k+1) - n mod 10^k) / 10^k, and 1 / 10^k is (-1)^k modulo 11.
    """
    signed = [weight * (-1) ** place for place, weight in enumerate(reversed(_WEIGHTS))] + [0]
    factors = [signed[place - 1] - signed[place] for place in range(1, 18)]
    small = [(factor + 5) % 11 - 5 for factor in factors]
    return tuple((place, factor) for place, factor in enumerate(small, 1) if factor)


_FACTORS = _factors()


def _rest(seventeen: Expression) -> Expression:
    """Return the weighted sum of 17 digits modulo 11, by remainders alone: no engine divides 64-bit numbers alike."""
    (place, factor), *others = _FACTORS
    total = (seventeen % 10**place) * factor
    for place, factor in others:
        total = total + (seventeen % 10**place) * factor
    return (total % 11 + 11) % 11


def _checks_out(rest: Expression, last: Expression) -> Expression:
    """Tell whether a sum of 17 digits and the check character agree: together they are 1 modulo 11."""
    digit = (last == "X").ifelse(number(10), last.try_cast("int64"))
    return ((rest + digit) % 11 == 1).fill_null(False)


def _seventeen(env: Env, _column: "Column") -> dict[str, Any]:
    """Make 17 digits of 15, as written and with look-alike letters read as digits."""
    text, fast = env["text"], env["fast"]
    looked = fast.ifelse(null(), text.translate("OQLI|ZS", "0011125"))
    return {"looked": looked, "old": _longer(fast.ifelse(null(), text))}


def _seventeen_looked(env: Env, _column: "Column") -> dict[str, Any]:
    looked = env["looked"]
    return {
        "looked_old": _longer(looked),
        "old_number": env["old"].try_cast("int64"),
        "looked_first": looked.re_search(_SHAPE).ifelse(looked.substr(0, 17), null()),
    }


def _longer(text: Expression) -> Expression:
    century = text.re_search("99[6-9]$").ifelse(lit("18"), lit("19"))
    longer = text.substr(0, 6).concat(century, text.substr(6, 9))
    return text.re_search("^[0-9]{15}$").ifelse(longer, null())


def _digits(env: Env, _column: "Column") -> dict[str, Any]:
    return {
        "old_rest": _rest(env["old_number"]),
        "looked_old_number": env["looked_old"].try_cast("int64"),
        "looked_number": env["looked_first"].try_cast("int64"),
    }


def _looked_digits(env: Env, _column: "Column") -> dict[str, Any]:
    return {
        "looked_old_rest": _rest(env["looked_old_number"]),
        "looked_rest": _rest(env["looked_number"]),
        "upgraded": env["old"].concat(_digit(env["old_rest"])),
    }


def _digit(rest: Expression) -> Expression:
    return lit("10X98765432").substr(rest.cast("int32"), 1)


def _candidates(env: Env, _column: "Column") -> dict[str, Any]:
    looked = env["looked"]
    agrees = _checks_out(env["looked_rest"], looked.substr(17, 1))
    return {
        "first": env["upgraded"].re_search(_WELL_FORMED).ifelse(env["upgraded"], null()),
        "second": env["looked_old"].concat(_digit(env["looked_old_rest"])),
        "third": (looked.re_search(_WELL_FORMED) & agrees).ifelse(looked, null()),
    }


def _citizen_value(env: Env, _column: "Column") -> dict[str, Any]:
    text, second = env["text"], env["second"]
    value = choose(
        (env["fast"], text),
        (env["first"].notnull(), env["first"]),
        (second.re_search(_WELL_FORMED), second),
        (env["third"].notnull(), env["third"]),
        otherwise=text,
    )
    return {"value": value}


def _citizen_number(env: Env, _column: "Column") -> dict[str, Any]:
    value, fast = env["value"], env["fast"]
    shaped = fast | value.re_search(_SHAPE).fill_null(False)
    return {"shaped": shaped, "number": shaped.ifelse(value.substr(0, 17), null()).try_cast("int64")}


def _citizen_faults(env: Env, _column: "Column") -> dict[str, Any]:
    value, fast, shaped = env["value"], env["fast"], env["shaped"]
    return {
        "fault:citizen_id.shape": ~shaped & value.notnull(),
        "fault:citizen_id.area": fast.ifelse(lit(False), shaped & ~value.re_search(AREA_KNOWN)),
        "fault:citizen_id.birth_date": fast.ifelse(lit(False), shaped & ~value.re_search(_BORN)),
        "fault:citizen_id.check_digit": shaped & ~_checks_out(_rest(env["number"]), value.substr(17, 1)),
    }


CITIZEN: tuple[Stage, ...] = (
    known(_WELL_FORMED),
    trim_odd,
    compact_odd,
    _seventeen,
    _seventeen_looked,
    _digits,
    _looked_digits,
    _candidates,
    _citizen_value,
    _citizen_number,
    _citizen_faults,
)


def _credit_value(env: Env, _column: "Column") -> dict[str, Any]:
    text = env["text"]
    return {"value": text, "shaped": text.re_search(_CREDIT_SHAPE).fill_null(False)}


def _credit_rest(env: Env, _column: "Column") -> dict[str, Any]:
    """Sum the 17 characters, each times a power of 3, modulo 31."""
    value = env["shaped"].ifelse(env["value"], null())
    digits = lit(_CREDIT_DIGITS)
    total = digits.find(value.substr(0, 1)).cast("int64")
    for place in range(1, 17):
        total = total + digits.find(value.substr(place, 1)) * (3**place % 31)
    return {"rest": (31 - total % 31) % 31}


def _credit_faults(env: Env, _column: "Column") -> dict[str, Any]:
    value, shaped = env["value"], env["shaped"]
    last = lit(_CREDIT_DIGITS).substr(env["rest"].cast("int32"), 1)
    return {
        "fault:credit_code.shape": ~shaped & value.notnull(),
        "fault:credit_code.area": shaped & ~value.re_search(f"^..(?:{_REGIONS}|100000)"),
        "fault:credit_code.check_digit": shaped & (last != value.substr(17, 1)),
    }


CREDIT: tuple[Stage, ...] = (known(_CREDIT_SHAPE), trim_odd, compact_odd, _credit_value, _credit_rest, _credit_faults)
