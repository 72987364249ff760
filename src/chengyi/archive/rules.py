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

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from unicodedata import category

from chengyi.archive.facts import Facts, FileFacts, ReadState
from chengyi.archive.formats import ALLOWED, keeps_promise
from chengyi.model.archival_code import ArchivalCodeError, is_fonds, parse
from chengyi.model.codes import RecordClass, Retention, SharingClass
from chengyi.model.package import Check, Property, Verdict
from chengyi.model.text import Text

Grade = Literal["A", "B", "M"]
MAX_TITLE = 500
MAX_VALUE = 4000
EARLIEST_YEAR = 1900
CLOCK_SLACK = timedelta(days=1)
REASON_LIMIT = 1000
_DIGEST = re.compile(r"[0-9a-f]{64}")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict of one item, with what was found."""

    verdict: Verdict
    finding: Text


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


def _pass(zh: str, en: str) -> Outcome:
    return Outcome(Verdict.PASS, Text(zh, en))


def _fail(zh: str, en: str) -> Outcome:
    return Outcome(Verdict.FAIL, Text(zh, en))


def _manual(zh: str, en: str) -> Outcome:
    return Outcome(Verdict.MANUAL, Text(zh, en))


def _absent(zh: str, en: str) -> Outcome:
    return Outcome(Verdict.NOT_APPLICABLE, Text(zh, en))


def _named(files: Sequence[FileFacts], show: Callable[[FileFacts], Text]) -> Text:
    """Say something of up to three files, and how many more there are."""
    shown = [(file.component.path, show(file)) for file in files[:3]]
    more = len(files) - len(shown)
    zh = "；".join(f"{path}：{text.zh}" for path, text in shown) + (f"；另有 {more} 个文件" if more else "")
    en = "; ".join(f"{path}: {text.en}" for path, text in shown) + (f"; and {more} more" if more else "")
    return Text(zh, en)


def _fixity(facts: Facts) -> Outcome:
    wrong = [file for file in facts.files if file.fault or file.sha256 != file.component.sha256]
    if wrong:
        changed = Text("摘要与捕获时不符", "the digest is not the one captured")
        return Outcome(Verdict.FAIL, _named(wrong, lambda file: file.fault or changed))
    return _pass(f"{len(facts.files)} 个文件的 SHA-256 重新计算，均相符", "every SHA-256 was recomputed and agrees")


def _signature(facts: Facts) -> Outcome:
    if facts.signed:
        return _manual(
            "附有签名、印章或时间戳，须人工验证其信任",
            "a signature, seal or timestamp came along; a person has to verify it",
        )
    return _absent("未附电子签名、印章或时间戳", "no e-signature, e-seal or timestamp came along")


def _length(facts: Facts) -> Outcome:
    values = {"题名 (title)": (facts.title, MAX_TITLE)} | {
        name: (value, MAX_VALUE) for name, value in facts.metadata.items()
    }
    long = [name for name, (value, limit) in values.items() if len(value) > limit]
    if long:
        return _fail(f"{'、'.join(long)} 超过长度", f"too long: {', '.join(long)}")
    return _pass("各项长度均在限内", "every item is within its length")


def _form(facts: Facts) -> Outcome:
    if not is_fonds(facts.fonds):
        return _fail(f"全宗号“{facts.fonds}”格式不符", f"the fonds number “{facts.fonds}” is malformed")
    if facts.event_time.tzinfo is None or facts.captured_at.tzinfo is None:
        return _fail("时间未带时区", "a time has no time zone")
    if not all(_DIGEST.fullmatch(file.component.sha256) for file in facts.files):
        return _fail("数字摘要不是 64 位小写十六进制", "a digest is not 64 lower-case hexadecimal digits")
    return _pass("全宗号、时间、数字摘要格式相符", "fonds number, times and digests are well-formed")


def _range(facts: Facts) -> Outcome:
    tables: tuple[tuple[str, str, frozenset[str]], ...] = (
        ("门类 record class", facts.record_class, frozenset(RecordClass)),
        ("保管期限 retention", facts.retention, frozenset(Retention)),
        ("共享类型 sharing class", facts.sharing, frozenset(SharingClass)),
    )
    wrong = [f"{name}={value}" for name, value, table in tables if value not in table]
    if wrong:
        return _fail(f"不在代码表内：{'、'.join(wrong)}", f"not in the code table: {', '.join(wrong)}")
    return _pass("门类、保管期限、共享类型均在代码表内", "class, retention and sharing are in their code tables")


def _plausible(facts: Facts) -> Outcome:
    if facts.event_time.tzinfo is None or facts.captured_at.tzinfo is None:
        return _manual("时间未带时区，须人工核对", "a time has no time zone; a person has to compare them")
    if facts.event_time.year < EARLIEST_YEAR or facts.event_time > facts.captured_at + CLOCK_SLACK:
        return _manual(
            f"形成时间 {facts.event_time:%Y-%m-%d} 早于 {EARLIEST_YEAR} 年或晚于收集时间，须人工核对",
            f"the time of formation {facts.event_time:%Y-%m-%d} is before {EARLIEST_YEAR} or after its collection",
        )
    return _pass("形成时间不晚于收集时间", "it was formed before it was collected")


def _characters(facts: Facts) -> Outcome:
    values = {"题名 (title)": facts.title, **facts.metadata}
    wrong = [name for name, value in values.items() if any(category(letter) in _UNSEEN for letter in value)]
    if wrong:
        return _fail(f"{'、'.join(wrong)} 含控制字符", f"control characters in {', '.join(wrong)}")
    return _pass("各项均不含控制字符", "no item holds control characters")


def _code_form(facts: Facts) -> Outcome:
    try:
        code = parse(facts.code)
    except ArchivalCodeError as error:
        return _fail(f"档号“{facts.code}”：{error.why_zh}", f"archival code “{facts.code}”: {error.why_en}")
    if str(code) != facts.code or code.fonds != facts.fonds:
        return _fail(f"档号“{facts.code}”与全宗号不符", f"archival code “{facts.code}” does not fit the fonds")
    return _pass(f"档号 {facts.code} 合规范", f"archival code {facts.code} conforms")


def _code_unique(facts: Facts) -> Outcome:
    if facts.holders:
        return _fail(
            f"档号 {facts.code} 已有 {facts.holders} 处使用", f"{facts.code} is borne by {facts.holders} others"
        )
    return _pass("档号未与其他档案重复", "no other unit bears this code")


def _attributes(facts: Facts) -> Outcome:
    wrong = [
        file
        for file in _reached(facts)
        if file.size != file.component.size or not keeps_promise(file.component.path, file.format)
    ]
    if wrong:
        return Outcome(Verdict.FAIL, _named(wrong, _attribute_fault))
    return _pass("名称、大小、格式与文件内容一致", "name, size and format agree with the bytes")


def _attribute_fault(file: FileFacts) -> Text:
    if file.size != file.component.size:
        return Text(
            f"登记 {file.component.size} 字节，实为 {file.size} 字节",
            f"{file.component.size} bytes recorded, {file.size} found",
        )
    kind = file.format.family
    return Text(f"扩展名与内容不符，内容实为 {kind}", f"the bytes are not what the suffix promises, they are {kind}")


def _linked(facts: Facts) -> Outcome:
    lost = [file for file in facts.files if file.fault]
    if lost:
        return Outcome(Verdict.FAIL, _named(lost, lambda file: file.fault or Text("", "")))
    return _pass("登记的每一路径均有内容数据", "every recorded path leads to stored bytes")


def _paths(facts: Facts) -> Outcome:
    wrong = [file for file in facts.files if not is_safe(file.component.path)]
    if wrong:
        return Outcome(Verdict.FAIL, _named(wrong, lambda _: Text("路径不安全", "the path is not safe")))
    return _pass("文件路径均为安全的相对路径", "every path is a safe relative one")


def is_safe(path: str) -> bool:
    """Tell whether a path is relative, climbs nowhere, and holds no unseen character."""
    steps = path.split("/")
    odd = path[1:2] == ":" or "\\" in path or any(category(letter) in _UNSEEN for letter in path)
    return not odd and all(step not in {"", ".", ".."} for step in steps)


def _whole(facts: Facts) -> Outcome:
    if facts.digest != facts.computed:
        return _fail("整份报送的摘要与捕获时不符", "the digest of the delivery is not the one captured")
    return _pass("整份报送的摘要重新计算，相符", "the digest of the delivery was recomputed and agrees")


def _count(facts: Facts) -> Outcome:
    found = len(_reached(facts))
    if not found or found != facts.declared_count:
        return _fail(
            f"应有 {facts.declared_count} 件，实有 {found} 件", f"{facts.declared_count} files declared, {found} found"
        )
    return _pass(f"{found} 件，与登记相符", f"{found} files, as declared")


def _bytes(facts: Facts) -> Outcome:
    found = sum(file.size for file in facts.files)
    if found != facts.declared_size:
        return _fail(
            f"应有 {facts.declared_size} 字节，实有 {found} 字节",
            f"{facts.declared_size} bytes declared, {found} found",
        )
    return _pass(f"{found} 字节，与登记相符", f"{found} bytes, as declared")


REQUIRED = ("sequence", "captured_at", "source_title")


def _complete(facts: Facts) -> Outcome:
    lacking = [name for name in REQUIRED if name not in facts.metadata]
    if lacking:
        return _fail(f"缺少元数据项：{'、'.join(lacking)}", f"metadata items are missing: {', '.join(lacking)}")
    return _pass("本馆方案的元数据项齐全", "all metadata items of the house scheme are there")


def _required(facts: Facts) -> Outcome:
    values = {"题名 (title)": facts.title, "责任部门 (department)": facts.department} | {
        name: facts.metadata.get(name, "-") for name in REQUIRED
    }
    empty = [name for name, value in values.items() if not value.strip()]
    if empty:
        return _fail(f"必填项为空：{'、'.join(empty)}", f"required items are empty: {', '.join(empty)}")
    return _pass("必填项均有值", "every required item has a value")


def _content(facts: Facts) -> Outcome:
    empty = [file for file in _reached(facts) if not file.size]
    if empty:
        return Outcome(
            Verdict.MANUAL,
            _named(empty, lambda _: Text("文件为空，须人工确认", "it is empty; a person has to confirm")),
        )
    return _pass("每件均有内容", "every file has content")


def _allowed(facts: Facts) -> Outcome:
    other = [file for file in _reached(facts) if file.format.name not in ALLOWED and file.size]
    if other:
        return Outcome(
            Verdict.MANUAL,
            _named(
                other,
                lambda file: Text(f"{file.format.name} 不在归档格式名录", f"{file.format.name} is not on the list"),
            ),
        )
    return _pass("格式均在归档格式名录", "every format is on the list of archival formats")


def _readable(facts: Facts) -> Outcome:
    files = _reached(facts)
    broken = [file for file in files if file.reading.state is ReadState.UNREADABLE]
    if broken:
        return Outcome(Verdict.FAIL, _named(broken, lambda file: file.reading.finding))
    unread = [file for file in files if file.reading.state is ReadState.NO_READER]
    if unread:
        return Outcome(Verdict.MANUAL, _named(unread, lambda file: file.reading.finding))
    return Outcome(Verdict.PASS, _named(files, lambda file: file.reading.finding))


def _plain(facts: Facts) -> Outcome:
    wrong = [file for file in _reached(facts) if file.format.encrypted or file.format.executable]
    if wrong:
        return Outcome(Verdict.FAIL, _named(wrong, _danger))
    return _pass("未见加密或可执行文件", "no encrypted or executable file was seen")


def _danger(file: FileFacts) -> Text:
    return Text("文件已加密", "it is encrypted") if file.format.encrypted else Text("是可执行文件", "it is a program")


def _scanner(facts: Facts) -> Outcome:
    if facts.scanner:
        return _pass(f"已接入 {facts.scanner}", f"{facts.scanner} is attached")
    return _manual("未接入杀毒软件，须人工处置", "no virus scanner is attached; a person has to see to it")


def _virus(_: Facts) -> Outcome:
    return _manual("未做病毒扫描，须人工处置", "no virus scan was made; a person has to see to it")


def _by_eye(_: Facts) -> Outcome:
    return _manual(
        "须人工浏览内容，核对与题名相符", "a person has to look at the content and compare it with its title"
    )


def _carrier(_: Facts) -> Outcome:
    return _absent("在线收集，无实物载体", "collected online; there is no physical carrier")


def _reached(facts: Facts) -> list[FileFacts]:
    return [file for file in facts.files if file.fault is None]


_A, _I, _U, _S = Property.AUTHENTICITY, Property.INTEGRITY, Property.USABILITY, Property.SECURITY

CONTENT_ITEMS: tuple[Item, ...] = (
    Item("GD-1-1.1", _A, Text("固化信息有效性：数字摘要", "Fixity: digests"), "A", _fixity),
    Item(
        "GD-1-1.2",
        _A,
        Text("固化信息有效性：签名、印章、时间戳", "Fixity: signature, seal, timestamp"),
        "A",
        _signature,
    ),
    Item("GD-1-2", _A, Text("元数据长度", "Metadata: length"), "A", _length),
    Item("GD-1-3", _A, Text("元数据类型格式", "Metadata: type and form"), "A", _form),
    Item("GD-1-4", _A, Text("元数据值域", "Metadata: value range"), "A", _range),
    Item("GD-1-5", _A, Text("元数据合理性", "Metadata: plausibility"), "A", _plausible),
    Item("GD-1-6", _A, Text("特殊字符", "Special characters"), "A", _characters),
    Item("GD-1-10", _A, Text("内容数据电子属性一致性", "Electronic attributes agree"), "A", _attributes),
    Item("GD-1-11", _A, Text("元数据与内容关联", "Metadata leads to content"), "A", _linked),
    Item("GD-1-13", _A, Text("目录结构规范性：安全路径", "Layout: safe paths"), "B", _paths),
    Item("GD-1-14", _A, Text("信息包一致性", "The package is the same"), "A", _whole),
    Item("GD-2-1", _I, Text("总件数相符", "Number of files"), "A", _count),
    Item("GD-2-2", _I, Text("总字节数相符", "Number of bytes"), "A", _bytes),
    Item("GD-2-3", _I, Text("元数据项完整", "Metadata items complete"), "A", _complete),
    Item("GD-2-4", _I, Text("元数据必填项", "Required metadata"), "A", _required),
    Item("GD-2-7", _I, Text("内容数据完整", "Content complete"), "A", _content),
    Item("GD-3-3", _U, Text("内容格式", "Content format"), "A", _allowed),
    Item("GD-3-4.1", _U, Text("内容可读：程序读取", "Content readable: by program"), "B", _readable),
    Item("GD-3-4.2", _U, Text("内容可读：人工浏览", "Content readable: by eye"), "B", _by_eye),
    Item("GD-3-8", _U, Text("无加密、无可执行文件", "Nothing encrypted or executable"), "A", _plain),
    Item("GD-4-1", _S, Text("杀毒软件", "Virus scanner"), "A", _scanner),
    Item("GD-4-2", _S, Text("病毒扫描", "Virus scan"), "A", _virus),
    Item("GD-4-5", _S, Text("载体外观", "Look of the carrier"), "B", _carrier),
)

CODE_ITEMS: tuple[Item, ...] = (
    Item("GD-1-7", _A, Text("档号规范性", "Archival code conforms"), "A", _code_form),
    Item("GD-1-8", _A, Text("档号重复性", "Archival code is unique"), "A", _code_unique),
)


def _natural(code: str) -> tuple[int, ...]:
    return tuple(int(part) for part in code.removeprefix("GD-").replace(".", "-").split("-"))


ITEMS = tuple(sorted(CONTENT_ITEMS + CODE_ITEMS, key=lambda item: _natural(item.code)))
_ORDER = {item.code: at for at, item in enumerate(ITEMS)}
