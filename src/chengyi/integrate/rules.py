"""The fault catalogue and the other fixed rules of integration. Pure; no table engine is imported here.

Rules: every reason for which a value or row is set aside has a code and a sentence in both languages (promise 8);
where sources disagree, the value with the most recent event time is preferred, then the source that ranks first;
a working copy in the row store never holds a whole citizen number or telephone number.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from chengyi.model.codes import Sensitivity, SharingClass
from chengyi.model.text import Text

FAULT_CAP = 10_000
"""How many row faults of one package are listed in the row store; all are counted, and all lie in the lake."""

QUARANTINE = "quarantine/"
"""Folder of the lake in which the rows that were set aside lie, one table a dataset."""

FAULTS: Mapping[str, Text] = MappingProxyType(
    {
        "required": Text("必填，但为空", "is required but empty"),
        "citizen_id.shape": Text("不是18位（或15位）公民身份号码", "is not an 18- or 15-digit citizen number"),
        "citizen_id.area": Text("公民身份号码的地区码不存在", "has no such area in its first digits"),
        "citizen_id.birth_date": Text("公民身份号码中的出生日期不存在", "holds a birth date that does not exist"),
        "citizen_id.check_digit": Text("公民身份号码校验位不符", "fails the check digit of GB 11643"),
        "credit_code.shape": Text("不是18位统一社会信用代码", "is not an 18-character credit code"),
        "credit_code.area": Text("统一社会信用代码的登记地区码不存在", "has no such area in its digits 3 to 8"),
        "credit_code.check_digit": Text("统一社会信用代码校验位不符", "fails the check character of GB 32100"),
        "date": Text("不是有效日期", "is not a date that exists"),
        "datetime": Text("不是有效时间", "is not a time that exists"),
        "month": Text("不是有效月份", "is not a month"),
        "integer": Text("不是整数", "is not a whole number"),
        "decimal": Text("不是数值", "is not a number"),
        "code": Text("不在代码表中", "is not in the code list"),
        "phone": Text("不是有效电话号码", "is not a telephone number"),
        "area_code": Text("不是有效行政区划代码", "is not an area code"),
        "not_after": Text("晚于“{other}”", "is later than {other}"),
        "in_range": Text("超出允许范围（{other}）", "is outside the allowed range ({other})"),
        "matches": Text("不符合规定格式", "does not have the agreed form"),
        "one_of": Text("不是允许的取值（{other}）", "is not one of the allowed values ({other})"),
        "unique": Text("与本次报送中较前的行重复", "repeats an earlier row of the same delivery"),
        "unreadable": Text("此行无法解析", "could not be read"),
        "duplicate_header": Text(
            "表头中“{other}”重复出现，无法判断以哪一列为准，整批暂存",
            "The header names {other} more than once; the whole delivery waits",
        ),
        "missing_column": Text(
            "缺少必需的列“{other}”，整批暂存", "The required column {other} is missing; the whole delivery waits"
        ),
        "unsealed": Text("此件没有可读的表，整批暂存", "The package holds no readable table; the whole delivery waits"),
    }
)

FAULTS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "text": (),
        "code": ("code",),
        "citizen_id": ("citizen_id.shape", "citizen_id.area", "citizen_id.birth_date", "citizen_id.check_digit"),
        "credit_code": ("credit_code.shape", "credit_code.area", "credit_code.check_digit"),
        **{kind: (kind,) for kind in ("date", "month", "datetime", "integer", "decimal", "phone", "area_code")},
    }
)
"""The faults that a value of each type can have, in the order of their bits."""

_STRICTNESS = (SharingClass.UNCONDITIONAL, SharingClass.CONDITIONAL, SharingClass.WITHHELD)


def reason(code: str, column: str, *, other: str = "", set_aside: str = "row") -> Text:
    """Return the sentence for one fault, in the sender's own column name."""
    said = FAULTS[code]
    zh, en = said.zh.format(other=other), said.en.format(other=other)
    if not column:
        return Text(zh, en)
    tail = Text("；该值未采用，其余字段已入库", "; the value was set aside, the rest of the row went on")
    note = tail if set_aside == "value" else Text("", "")
    return Text(f"“{column}”{zh}{note.zh}", f"“{column}” {en}{note.en}")


def veiled(value: str, sensitivity: Sensitivity) -> str:
    """Return a value as the row store may hold it: the middle of a sensitive or personal one is hidden."""
    if sensitivity in {Sensitivity.PUBLIC, Sensitivity.INTERNAL} or not value:
        return value[:200]
    kept = 3 if len(value) > 10 else 1
    if len(value) <= 2 * kept:
        return "*" * len(value)
    return value[:kept] + "*" * min(len(value) - 2 * kept, 40) + value[-kept:]


def strictest(classes: Iterable[SharingClass]) -> SharingClass:
    """Return the sharing class that a dataset fed by several sources falls under."""
    return max(classes, key=_STRICTNESS.index)


def preferred(times: Sequence[datetime | None], ranks: Sequence[int]) -> int:
    """Return the place of the preferred one among values: the latest event time, then the lowest rank, then the first.

    A value without event time comes after every value with one.
    """
    order = sorted(range(len(times)), key=lambda n: (_backwards(times[n]), ranks[n], n))
    return order[0]


def _backwards(time: datetime | None) -> float:
    if time is None:
        return float("inf")
    return -time.timestamp()


_EVENTS: Mapping[str, Text] = MappingProxyType(
    {
        "merge": Text(
            "{dossier} 与 {other} 经 {count} 条记录判定为同一主体，并入较早的 {dossier}",
            "{count} records show that {other} is the same as {dossier}, the older, which it joined",
        ),
        "split": Text(
            "{dossier} 中的 {count} 条记录判定属于另一主体，分出 {other}",
            "{count} records of {dossier} belong to another; they are now {other}",
        ),
        "retire": Text(
            "{dossier} 的记录均已不在现行数据中，予以停用",
            "No record of {dossier} is in the present data; it was retired",
        ),
    }
)


def event_text(event: str, dossier: str, other: str, count: int) -> Text:
    """Return the sentence for one event in the life of a dossier."""
    said = _EVENTS[event]
    words = {"dossier": dossier, "other": other, "count": count}
    return Text(said.zh.format(**words), said.en.format(**words))
