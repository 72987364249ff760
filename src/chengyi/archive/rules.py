"""The four-property checks (四性检测): a table of items, each a pure function over the facts of a submission.

Keeps promise 8: bad input loses nothing. Rules:

1. A verdict says what was found. What no program here can judge is `manual`, what is absent is `not applicable`;
   a pass is never invented.
2. Any failed item sends the submission to quarantine with its findings; rows that could not be parsed do not, as
   long as good rows remain.
3. `grade` says how well the item's number and wording are sourced: A in a vendor's record and in code, B in one
   place, M from memory. A code with a dot is our own subdivision of the item.

Source: DA/T 70-2018 as read in secondary notes; no official text was read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from chengyi.archive import judgements
from chengyi.archive.facts import Facts
from chengyi.archive.judgements import Outcome
from chengyi.model.package import Check, Property, Verdict
from chengyi.model.text import Text

Grade = Literal["A", "B", "M"]
REASON_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Item:
    """One check item: code, property, title, source grade, and the function that judges it."""

    code: str
    property: Property
    title: Text
    grade: Grade
    judge: Callable[[Facts], Outcome]


def judge(facts: Facts, items: Sequence[Item]) -> tuple[Check, ...]:
    """Judge a submission by some items, in their order."""
    return tuple(_check(item, item.judge(facts)) for item in items)


def failures(checks: Iterable[Check]) -> list[Check]:
    """Return the checks that failed."""
    return [check for check in checks if check.verdict is Verdict.FAIL]


def reason_of(checks: Iterable[Check]) -> str:
    """Return, in both languages, why a submission is set aside; at most `REASON_LIMIT` characters a language."""
    failed = failures(checks)
    zh = "；".join(f"{check.title.zh}：{check.finding.zh}" for check in failed)
    en = "; ".join(f"{check.title.en}: {check.finding.en}" for check in failed)
    return f"{zh[:REASON_LIMIT]} ({en[:REASON_LIMIT]})"


def in_order(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return checks in the order of the item tables."""
    return tuple(sorted(checks, key=lambda check: _ORDER.get(check.code, len(_ORDER))))


def _check(item: Item, outcome: Outcome) -> Check:
    return Check(item.code, item.property, item.title, outcome.verdict, outcome.finding)


_A, _I, _U, _S = Property.AUTHENTICITY, Property.INTEGRITY, Property.USABILITY, Property.SECURITY

CONTENT_ITEMS: tuple[Item, ...] = (
    Item("GD-1-1.1", _A, Text("固化信息有效性：数字摘要", "Fixity: digests"), "A", judgements.fixity),
    Item(
        "GD-1-1.2",
        _A,
        Text("固化信息有效性：签名、印章、时间戳", "Fixity: signature, seal, timestamp"),
        "A",
        judgements.signature,
    ),
    Item("GD-1-2", _A, Text("元数据长度", "Metadata: length"), "A", judgements.value_length),
    Item("GD-1-3", _A, Text("元数据类型格式", "Metadata: type and form"), "A", judgements.value_form),
    Item("GD-1-4", _A, Text("元数据值域", "Metadata: value range"), "A", judgements.value_range),
    Item("GD-1-5", _A, Text("元数据合理性", "Metadata: plausibility"), "A", judgements.plausible),
    Item("GD-1-6", _A, Text("特殊字符", "Special characters"), "A", judgements.characters),
    Item("GD-1-10", _A, Text("内容数据电子属性一致性", "Electronic attributes agree"), "A", judgements.attributes),
    Item("GD-1-11", _A, Text("元数据与内容关联", "Metadata leads to content"), "A", judgements.linked),
    Item("GD-1-13", _A, Text("目录结构规范性：安全路径", "Layout: safe paths"), "B", judgements.paths),
    Item("GD-1-14", _A, Text("信息包一致性", "The package is the same"), "A", judgements.whole),
    Item("GD-2-1", _I, Text("总件数相符", "Number of files"), "A", judgements.file_count),
    Item("GD-2-2", _I, Text("总字节数相符", "Number of bytes"), "A", judgements.byte_count),
    Item("GD-2-3", _I, Text("元数据项完整", "Metadata items complete"), "A", judgements.complete),
    Item("GD-2-4", _I, Text("元数据必填项", "Required metadata"), "A", judgements.required),
    Item("GD-2-7", _I, Text("内容数据完整", "Content complete"), "A", judgements.content),
    Item("GD-3-3", _U, Text("内容格式", "Content format"), "A", judgements.allowed),
    Item("GD-3-4.1", _U, Text("内容可读：程序读取", "Content readable: by program"), "B", judgements.readable),
    Item("GD-3-4.2", _U, Text("内容可读：人工浏览", "Content readable: by eye"), "B", judgements.by_eye),
    Item("GD-3-8", _U, Text("无加密、无可执行文件", "Nothing encrypted or executable"), "A", judgements.plain),
    Item("GD-4-1", _S, Text("杀毒软件", "Virus scanner"), "A", judgements.scanner),
    Item("GD-4-2", _S, Text("病毒扫描", "Virus scan"), "A", judgements.virus),
    Item("GD-4-5", _S, Text("载体外观", "Look of the carrier"), "B", judgements.carrier),
)

CODE_ITEMS: tuple[Item, ...] = (
    Item("GD-1-7", _A, Text("档号规范性", "Archival code conforms"), "A", judgements.code_form),
    Item("GD-1-8", _A, Text("档号重复性", "Archival code is unique"), "A", judgements.code_unique),
)


def _natural(code: str) -> tuple[int, ...]:
    return tuple(int(part) for part in code.removeprefix("GD-").replace(".", "-").split("-"))


ITEMS = tuple(sorted(CONTENT_ITEMS + CODE_ITEMS, key=lambda item: _natural(item.code)))
_ORDER = {item.code: at for at, item in enumerate(ITEMS)}
