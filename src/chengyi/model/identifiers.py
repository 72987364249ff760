"""Identifiers of people, organisations and areas: their checks and constructors, all pure.

Rules: a check never raises on bad text, it returns the codes of every fault it found, and an empty list means
well-formed; a constructor raises ValueError on a malformed part; nothing is repaired unless the check digit then
agrees. Area codes 99xxxx are assigned to nobody; the demonstration district lives there, so that no generated
number can be a real person's.

Sources: GB 11643-1999 with ISO 7064 MOD 11-2 (citizen number); GB 32100-2015 (unified social credit code);
GB 11714-1997 (organisation code); GB/T 2260 (area codes). Fonds numbers and archival codes: `model.archival_code`.
"""

import re
import unicodedata
from datetime import date
from typing import Literal

Sex = Literal["1", "2"]

DEMONSTRATION_AREA = "990106"
DEMONSTRATION_PREFIX = "99"

PROVINCES = frozenset(
    f"{region}{province}"
    for region, provinces in (
        ("1", "12345"),
        ("2", "123"),
        ("3", "1234567"),
        ("4", "123456"),
        ("5", "01234"),
        ("6", "12345"),
        ("7", "1"),
        ("8", "123"),
    )
    for province in provinces
)

_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_DIGITS = "10X98765432"
_CITIZEN_FORM = re.compile(r"[0-9]{17}[0-9X]")
_OLD_CITIZEN_FORM = re.compile(r"[0-9]{15}")
_LOOKALIKES = str.maketrans({"O": "0", "Q": "0", "L": "1", "I": "1", "|": "1", "Z": "2", "S": "5"})

_CREDIT_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_VALUES = {digit: value for value, digit in enumerate(_CREDIT_DIGITS)}
_CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_CREDIT_FORM = re.compile(rf"[{_CREDIT_DIGITS}]{{2}}[0-9]{{6}}[{_CREDIT_DIGITS}]{{10}}")

_ORGANISATION_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_FORM = re.compile(r"[0-9A-Z]{8}[0-9X]")

_AREA_FORM = re.compile(r"[0-9]{6}([0-9]{3}([0-9]{3})?)?")


def clean(text: str) -> str:
    """Return an identifier without its typing habits: full-width forms, white space, hyphens, lower case."""
    return re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()


def citizen_check_digit(first17: str) -> str:
    """Return the check digit of the first 17 digits (ISO 7064 MOD 11-2): 0-9 or X; ValueError on other text."""
    if len(first17) != 17 or not (first17.isascii() and first17.isdigit()):
        raise ValueError("17 digits are needed")
    return _CITIZEN_DIGITS[sum(int(d) * w for d, w in zip(first17, _CITIZEN_WEIGHTS, strict=True)) % 11]


def check_citizen_id(text: str, today: date | None = None) -> list[str]:
    """Return the faults of an 18-digit citizen number.

    Codes: ``shape`` (alone: nothing else can be told), ``area`` (no such province), ``birth_date`` (no such day, or
    before 1800, or after `today` where given), ``check_digit``. A 15-digit number has ``shape``: upgrade it first.
    """
    if not _CITIZEN_FORM.fullmatch(text):
        return ["shape"]
    faults = []
    if check_area_code(text[:6]):
        faults.append("area")
    born = citizen_birth_date(text)
    if born is None or born.year < 1800 or (today is not None and born > today):
        faults.append("birth_date")
    if citizen_check_digit(text[:17]) != text[17]:
        faults.append("check_digit")
    return faults


def upgrade_citizen_id(text15: str) -> str:
    """Return the 18-digit form of a 15-digit number: 19 before the year, and a check digit; ValueError on other text.

    GB 11643-1989 numbers were given to people born in the twentieth century, except the serials 996-999, which were
    kept for people of a hundred and more and are read as 18xx.
    """
    if not _OLD_CITIZEN_FORM.fullmatch(text15):
        raise ValueError("15 digits are needed")
    century = "18" if text15[12:] in {"996", "997", "998", "999"} else "19"
    first17 = text15[:6] + century + text15[6:]
    return first17 + citizen_check_digit(first17)


def make_citizen_id(area: str, born: date, serial: int) -> str:
    """Return the number of the person with this area, birth date and serial 1-999 (odd: male, even: female)."""
    if check_area_code(area) or len(area) != 6 or not 1 <= serial <= 999:
        raise ValueError("a six-digit area code and a serial from 1 to 999 are needed")
    first17 = f"{area}{born:%Y%m%d}{serial:03d}"
    return first17 + citizen_check_digit(first17)


def standard_citizen_id(text: str) -> str:
    """Return the number as it is compared: cleaned, 15 digits upgraded, look-alike letters read as digits.

    Letters are replaced (O as 0, I as 1 ...) only where the result then passes every check; text that cannot be made
    into a well-formed number is returned cleaned but otherwise as it came.
    """
    cleaned = clean(text)
    for candidate in (cleaned, cleaned.translate(_LOOKALIKES)):
        longer = upgrade_citizen_id(candidate) if _OLD_CITIZEN_FORM.fullmatch(candidate) else candidate
        if not check_citizen_id(longer):
            return longer
    return cleaned


def citizen_birth_date(text: str) -> date | None:
    """Return the birth date in an 18-digit number, or None where there is no such day."""
    try:
        return date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return None


def citizen_sex(text: str) -> Sex:
    """Return the sex in an 18-digit number as GB/T 2261.1 codes it: 1 male, 2 female."""
    return "1" if int(text[16]) % 2 else "2"


def citizen_area(text: str) -> str:
    """Return the area in which an 18-digit number was first given."""
    return text[:6]


def credit_check_digit(first17: str) -> str:
    """Return the last character of a unified social credit code (GB 32100, modulus 31); ValueError on other text."""
    if len(first17) != 17 or any(digit not in _CREDIT_VALUES for digit in first17):
        raise ValueError("17 characters of GB 32100 are needed")
    total = sum(_CREDIT_VALUES[digit] * weight for digit, weight in zip(first17, _CREDIT_WEIGHTS, strict=True))
    return _CREDIT_DIGITS[-total % 31]


def check_credit_code(text: str) -> list[str]:
    """Return the faults of a unified social credit code: ``shape`` alone, or ``area``, ``check_digit``."""
    if not _CREDIT_FORM.fullmatch(text):
        return ["shape"]
    faults = []
    if text[2:8] != "100000" and check_area_code(text[2:8]):
        faults.append("area")
    if credit_check_digit(text[:17]) != text[17]:
        faults.append("check_digit")
    return faults


def make_credit_code(authority: str, kind: str, area: str, organisation8: str) -> str:
    """Return the code of an organisation, e.g. ``make_credit_code("9", "1", "990106", "MA000012")``.

    `authority` and `kind` are the first two characters (91: an enterprise registered by the market regulator);
    `organisation8` is the organisation code without its own check digit. ValueError on a malformed part.
    """
    if check_area_code(area) or len(area) != 6:
        raise ValueError("a six-digit area code is needed")
    first17 = f"{authority}{kind}{area}{organisation8}{organisation_check_digit(organisation8)}"
    return first17 + credit_check_digit(first17)


def organisation_check_digit(first8: str) -> str:
    """Return the check digit of an organisation code (GB 11714): 0-9 or X; ValueError on other text."""
    if len(first8) != 8 or any(digit not in _ORGANISATION_DIGITS for digit in first8):
        raise ValueError("8 characters of GB 11714 are needed")
    total = sum(_ORGANISATION_DIGITS.index(d) * w for d, w in zip(first8, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X"[-total % 11]


def check_organisation_code(text: str) -> list[str]:
    """Return the faults of a nine-character organisation code: ``shape`` alone, or ``check_digit``."""
    if not _ORGANISATION_FORM.fullmatch(text):
        return ["shape"]
    return [] if organisation_check_digit(text[:8]) == text[8] else ["check_digit"]


def check_area_code(text: str) -> list[str]:
    """Return the faults of an area code of 6 (county), 9 (street) or 12 digits (village): ``shape`` or ``area``."""
    if not _AREA_FORM.fullmatch(text):
        return ["shape"]
    return [] if text[:2] in PROVINCES or is_demonstration_area(text) else ["area"]


def is_demonstration_area(code: str) -> bool:
    """Tell whether a code (or a number that begins with one) lies in the range that is assigned to nobody."""
    return code.startswith(DEMONSTRATION_PREFIX)
