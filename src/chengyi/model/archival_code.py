"""档号: the archival code of a unit, composed and parsed in two styles, and lists of codes examined.

Rules:

1. A code is a fonds number, a category, and one to three numbers (volume, item, page), joined by ``-``.
2. DA/T 13-2022 style: the parts of the category are joined by ``·``, as in ``Z109-WS·2011·Y·办公室-0001``; an old
   catalogue number may stand for the category, as in ``C038-001-002-003``.
3. DA/T 22-2015 style as seen in the field: ``Z109-WS·2011-Y-BGS-0001``; the third level is the retention.
4. A fonds number is one capital letter and three digits.
5. Within a series (all but the last number), items run from 1 without gap (断号) or repetition (重号).

Source: secondary notes on DA/T 13-2022 and DA/T 22-2015 (grade A); no official text was read.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from chengyi.model.codes import RecordClass, Retention
from chengyi.model.errors import TerminalError
from chengyi.model.text import Text

DOT = "·"
NUMBER_WIDTH = 4
_FONDS = re.compile(r"[A-Z][0-9]{3}")
_PART = re.compile(r"[0-9A-Z\u3400-\u4dbf\u4e00-\u9fff]{1,32}")
_NUMBER = re.compile(r"[0-9]{1,8}")
_YEAR = re.compile(r"[0-9]{4}")
_RETENTION = re.compile(r"Y|D[0-9]{1,2}")
_VARIANTS = str.maketrans({**dict.fromkeys("・•‧∙⋅･", DOT), **dict.fromkeys("－—–‐‑−", "-")})


class ArchivalCodeError(TerminalError):
    """A text is not an archival code. Facts: code, why_zh, why_en."""

    zh = "档号“{code}”不合规范：{why_zh}。"
    en = "“{code}” is not an archival code: {why_en}."
    advice_zh = "请按“全宗号-类别号-件号”核对，例如 Z109-WS·2011·Y·办公室-0001。"
    advice_en = "Compare it with fonds-category-number, for example Z109-WS·2011·Y·办公室-0001."
    exit_code = 65


class CodeStyle(StrEnum):
    """How the levels of a code are joined."""

    DAT13 = "DA/T 13-2022"
    DAT22 = "DA/T 22-2015"


@dataclass(frozen=True, slots=True)
class ArchivalCode:
    """The parts of one code; `str()` composes it.

    `category` holds class, subclasses, year, retention and organisation, in order; `numbers` holds the volume, item
    and page numbers as written, the last one counting within the series.
    """

    fonds: str
    category: tuple[str, ...]
    numbers: tuple[str, ...]
    style: CodeStyle = CodeStyle.DAT13

    def __post_init__(self) -> None:
        _check_parts(self)
        if self.style is CodeStyle.DAT22:
            _check_field_style(self)

    def __str__(self) -> str:
        if self.style is CodeStyle.DAT13:
            return "-".join((self.fonds, DOT.join(self.category), *self.numbers))
        at = _retention_at(self.category)
        return "-".join((self.fonds, DOT.join(self.category[:at]), *self.category[at:], *self.numbers))

    @property
    def series(self) -> str:
        """Return the code without its last number: what items are counted within."""
        return str(self)[: -len(self.numbers[-1]) - 1]

    @property
    def number(self) -> int:
        """Return the last number."""
        return int(self.numbers[-1])

    @property
    def record_class(self) -> RecordClass | None:
        """Return the class of the record where the category begins with a known one."""
        return RecordClass(self.category[0]) if self.category[0] in _CLASSES else None

    @property
    def year(self) -> int | None:
        """Return the year of formation where the category holds one."""
        return next((int(part) for part in self.category[1:] if _YEAR.fullmatch(part)), None)

    @property
    def retention(self) -> Retention | None:
        """Return the retention period where the category holds a known one."""
        return next((Retention(part) for part in self.category[1:] if part in _RETENTIONS), None)


_CLASSES = frozenset(each.value for each in RecordClass)
_RETENTIONS = frozenset(each.value for each in Retention)


def is_fonds(text: str) -> bool:
    """Tell whether a text is a fonds number (全宗号): one capital letter and three digits."""
    return _FONDS.fullmatch(text) is not None


def compose(
    fonds: str,
    record_class: RecordClass,
    year: int,
    retention: Retention,
    number: int,
    *,
    unit: str = "",
    style: CodeStyle = CodeStyle.DAT13,
) -> ArchivalCode:
    """Return the code of one item (按件); `unit` is the organisation or matter (机构或问题). ArchivalCodeError."""
    category = (record_class.value, f"{year:04d}", retention.value) + ((unit,) if unit else ())
    return ArchivalCode(fonds, category, (f"{number:0{NUMBER_WIDTH}d}",), style)


def parse(text: str) -> ArchivalCode:
    """Read a code in either style; variants of the dot and the hyphen are understood. ArchivalCodeError."""
    levels = text.strip().translate(_VARIANTS).split("-")
    if len(levels) < 3:
        raise _fault(text, "层级不足，至少应有全宗号、类别号和件号", "it needs a fonds, a category and a number")
    fonds, first, *rest = levels
    style = CodeStyle.DAT22 if _RETENTION.fullmatch(rest[0]) else CodeStyle.DAT13
    split = len(rest) - _trailing_numbers(rest) if style is CodeStyle.DAT22 else 0
    return ArchivalCode(fonds, (*first.split(DOT), *rest[:split]), tuple(rest[split:]), style)


def _trailing_numbers(levels: list[str]) -> int:
    return next((at for at, level in enumerate(reversed(levels)) if not _NUMBER.fullmatch(level)), len(levels))


def _retention_at(category: tuple[str, ...]) -> int:
    return next((at for at, part in enumerate(category) if at and _RETENTION.fullmatch(part)), len(category))


def _check_parts(code: ArchivalCode) -> None:
    text = "-".join((code.fonds, DOT.join(code.category), *code.numbers))
    if not is_fonds(code.fonds):
        raise _fault(text, "全宗号应为一个大写字母加三位数字", "a fonds number is one capital letter and three digits")
    if not code.category or not all(_PART.fullmatch(part) for part in code.category):
        raise _fault(text, "类别号只能由大写字母、数字和汉字组成", "a category has capitals, digits and Chinese only")
    if not 1 <= len(code.numbers) <= 3 or not all(_NUMBER.fullmatch(number) for number in code.numbers):
        raise _fault(text, "末尾应有一至三级由数字组成的编号", "it ends in one to three numbers made of digits")


def _check_field_style(code: ArchivalCode) -> None:
    at = _retention_at(code.category)
    after = code.category[at + 1 :]
    if at == len(code.category) or len(after) > 1 or any(_NUMBER.fullmatch(part) for part in after):
        why_en = "this style has a retention, then at most one organisation or matter that is not a number"
        raise _fault(str(code), "该式样应有保管期限，其后至多一个非数字的机构或问题", why_en)


def _fault(code: str, zh: str, en: str) -> ArchivalCodeError:
    return ArchivalCodeError(code=code, why_zh=zh, why_en=en)


@dataclass(frozen=True, slots=True)
class Gap:
    """断号: numbers `first` to `last` (inclusive) that are missing in a series."""

    series: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """重号: one number of a series that is given more than once, however it is written."""

    series: str
    number: int
    count: int


@dataclass(frozen=True, slots=True)
class CodeReport:
    """What a list of codes holds: how many conform, gaps, duplicates, and what could not be read, with the reason."""

    conforming: int
    gaps: tuple[Gap, ...]
    duplicates: tuple[Duplicate, ...]
    faults: tuple[tuple[str, Text], ...]


def examine(codes: Iterable[str]) -> CodeReport:
    """Report gaps, duplicates and malformed codes of a list, by series in code order."""
    series: dict[str, Counter[int]] = defaultdict(Counter)
    faults = []
    for text in codes:
        try:
            code = parse(text)
        except ArchivalCodeError as error:
            faults.append((text, Text(str(error.why_zh), str(error.why_en))))
        else:
            series[code.series][code.number] += 1
    conforming = sum(numbers.total() for numbers in series.values())
    return CodeReport(conforming, _gaps(series), _duplicates(series), tuple(faults))


def _gaps(series: Mapping[str, Counter[int]]) -> tuple[Gap, ...]:
    found = []
    for name in sorted(series):
        previous = 0
        for number in sorted(series[name]):
            if number > previous + 1:
                found.append(Gap(name, previous + 1, number - 1))
            previous = number
    return tuple(found)


def _duplicates(series: Mapping[str, Counter[int]]) -> tuple[Duplicate, ...]:
    return tuple(
        Duplicate(name, number, count)
        for name in sorted(series)
        for number, count in sorted(series[name].items())
        if count > 1
    )
