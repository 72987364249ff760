"""What each check item looks at: pure functions from the facts of a submission to a verdict with its finding.

Keeps promise 8: bad input loses nothing. Rule: a verdict says what was found here; what is not judged here is left to a
person or is not applicable, never passed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from unicodedata import category

from chengyi.archive.facts import Facts, FileFacts, ReadState
from chengyi.archive.formats import ALLOWED, keeps_promise
from chengyi.model.archival_code import ArchivalCodeError, is_fonds, parse
from chengyi.model.codes import RecordClass, Retention, SharingClass
from chengyi.model.package import Verdict
from chengyi.model.text import Text

MAX_TITLE = 500
MAX_VALUE = 4000
EARLIEST_YEAR = 1900
CLOCK_SLACK = timedelta(days=1)
REQUIRED = ("sequence", "captured_at", "source_title")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict of one item, with what was found."""

    verdict: Verdict
    finding: Text


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


def fixity(facts: Facts) -> Outcome:
    """Every stored byte is what was captured."""
    wrong = [file for file in facts.files if file.fault or file.sha256 != file.component.sha256]
    if wrong:
        changed = Text("摘要与捕获时不符", "the digest is not the one captured")
        return Outcome(Verdict.FAIL, _named(wrong, lambda file: file.fault or changed))
    return _pass(f"{len(facts.files)} 个文件的 SHA-256 重新计算，均相符", "every SHA-256 was recomputed and agrees")


def signature(facts: Facts) -> Outcome:
    """Signatures, seals and timestamps verify."""
    if facts.signed:
        return _manual(
            "附有签名、印章或时间戳，须人工验证其信任",
            "a signature, seal or timestamp came along; a person has to verify it",
        )
    return _absent("未附电子签名、印章或时间戳", "no e-signature, e-seal or timestamp came along")


def value_length(facts: Facts) -> Outcome:
    """No value is longer than its item allows."""
    values = {"题名 (title)": (facts.title, MAX_TITLE)} | {
        name: (value, MAX_VALUE) for name, value in facts.metadata.items()
    }
    long = [name for name, (value, limit) in values.items() if len(value) > limit]
    if long:
        return _fail(f"{'、'.join(long)} 超过长度", f"too long: {', '.join(long)}")
    return _pass("各项长度均在限内", "every item is within its length")


def value_form(facts: Facts) -> Outcome:
    """Fonds number, times and digests are well-formed."""
    if not is_fonds(facts.fonds):
        return _fail(f"全宗号“{facts.fonds}”格式不符", f"the fonds number “{facts.fonds}” is malformed")
    if facts.event_time.tzinfo is None or facts.captured_at.tzinfo is None:
        return _fail("时间未带时区", "a time has no time zone")
    if not all(_DIGEST.fullmatch(file.component.sha256) for file in facts.files):
        return _fail("数字摘要不是 64 位小写十六进制", "a digest is not 64 lower-case hexadecimal digits")
    return _pass("全宗号、时间、数字摘要格式相符", "fonds number, times and digests are well-formed")


def value_range(facts: Facts) -> Outcome:
    """Coded values are in their tables."""
    tables: tuple[tuple[str, str, frozenset[str]], ...] = (
        ("门类 record class", facts.record_class, frozenset(RecordClass)),
        ("保管期限 retention", facts.retention, frozenset(Retention)),
        ("共享类型 sharing class", facts.sharing, frozenset(SharingClass)),
    )
    wrong = [f"{name}={value}" for name, value, table in tables if value not in table]
    if wrong:
        return _fail(f"不在代码表内：{'、'.join(wrong)}", f"not in the code table: {', '.join(wrong)}")
    return _pass("门类、保管期限、共享类型均在代码表内", "class, retention and sharing are in their code tables")


def plausible(facts: Facts) -> Outcome:
    """The record was formed before it was collected, and not impossibly long ago."""
    if facts.event_time.tzinfo is None or facts.captured_at.tzinfo is None:
        return _manual("时间未带时区，须人工核对", "a time has no time zone; a person has to compare them")
    if facts.event_time.year < EARLIEST_YEAR or facts.event_time > facts.captured_at + CLOCK_SLACK:
        return _manual(
            f"形成时间 {facts.event_time:%Y-%m-%d} 早于 {EARLIEST_YEAR} 年或晚于收集时间，须人工核对",
            f"the time of formation {facts.event_time:%Y-%m-%d} is before {EARLIEST_YEAR} or after its collection",
        )
    return _pass("形成时间不晚于收集时间", "it was formed before it was collected")


def characters(facts: Facts) -> Outcome:
    """No value holds an unseen character."""
    values = {"题名 (title)": facts.title, **facts.metadata}
    wrong = [name for name, value in values.items() if any(category(letter) in _UNSEEN for letter in value)]
    if wrong:
        return _fail(f"{'、'.join(wrong)} 含控制字符", f"control characters in {', '.join(wrong)}")
    return _pass("各项均不含控制字符", "no item holds control characters")


def code_form(facts: Facts) -> Outcome:
    """The archival code conforms, and belongs to the fonds."""
    try:
        code = parse(facts.code)
    except ArchivalCodeError as error:
        return _fail(f"档号“{facts.code}”：{error.why_zh}", f"archival code “{facts.code}”: {error.why_en}")
    if str(code) != facts.code or code.fonds != facts.fonds:
        return _fail(f"档号“{facts.code}”与全宗号不符", f"archival code “{facts.code}” does not fit the fonds")
    return _pass(f"档号 {facts.code} 合规范", f"archival code {facts.code} conforms")


def code_unique(facts: Facts) -> Outcome:
    """No other unit bears the archival code."""
    if facts.holders:
        return _fail(
            f"档号 {facts.code} 已有 {facts.holders} 处使用", f"{facts.code} is borne by {facts.holders} others"
        )
    return _pass("档号未与其他档案重复", "no other unit bears this code")


def attributes(facts: Facts) -> Outcome:
    """Name, size and format agree with the bytes."""
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


def linked(facts: Facts) -> Outcome:
    """Every recorded path leads to stored bytes."""
    lost = [file for file in facts.files if file.fault]
    if lost:
        return Outcome(Verdict.FAIL, _named(lost, lambda file: file.fault or Text("", "")))
    return _pass("登记的每一路径均有内容数据", "every recorded path leads to stored bytes")


def paths(facts: Facts) -> Outcome:
    """Every path is a safe relative one."""
    wrong = [file for file in facts.files if not is_safe(file.component.path)]
    if wrong:
        return Outcome(Verdict.FAIL, _named(wrong, lambda _: Text("路径不安全", "the path is not safe")))
    return _pass("文件路径均为安全的相对路径", "every path is a safe relative one")


def is_safe(path: str) -> bool:
    """Tell whether a path is relative, climbs nowhere, and holds no unseen character."""
    steps = path.split("/")
    odd = path[1:2] == ":" or "\\" in path or any(category(letter) in _UNSEEN for letter in path)
    return not odd and all(step not in {"", ".", ".."} for step in steps)


def whole(facts: Facts) -> Outcome:
    """The delivery as a whole is what was captured."""
    if facts.digest != facts.computed:
        return _fail("整份报送的摘要与捕获时不符", "the digest of the delivery is not the one captured")
    return _pass("整份报送的摘要重新计算，相符", "the digest of the delivery was recomputed and agrees")


def file_count(facts: Facts) -> Outcome:
    """As many files as declared."""
    found = len(_reached(facts))
    if not found or found != facts.declared_count:
        return _fail(
            f"应有 {facts.declared_count} 件，实有 {found} 件", f"{facts.declared_count} files declared, {found} found"
        )
    return _pass(f"{found} 件，与登记相符", f"{found} files, as declared")


def byte_count(facts: Facts) -> Outcome:
    """As many bytes as declared."""
    found = sum(file.size for file in facts.files)
    if found != facts.declared_size:
        return _fail(
            f"应有 {facts.declared_size} 字节，实有 {found} 字节",
            f"{facts.declared_size} bytes declared, {found} found",
        )
    return _pass(f"{found:,} 字节，与登记相符", f"{found:,} bytes, as declared")


def complete(facts: Facts) -> Outcome:
    """Every metadata item of the house scheme is there."""
    lacking = [name for name in REQUIRED if name not in facts.metadata]
    if lacking:
        return _fail(f"缺少元数据项：{'、'.join(lacking)}", f"metadata items are missing: {', '.join(lacking)}")
    return _pass("本馆方案的元数据项齐全", "all metadata items of the house scheme are there")


def required(facts: Facts) -> Outcome:
    """Every required item has a value."""
    values = {"题名 (title)": facts.title, "责任部门 (department)": facts.department} | {
        name: facts.metadata.get(name, "-") for name in REQUIRED
    }
    empty = [name for name, value in values.items() if not value.strip()]
    if empty:
        return _fail(f"必填项为空：{'、'.join(empty)}", f"required items are empty: {', '.join(empty)}")
    return _pass("必填项均有值", "every required item has a value")


def content(facts: Facts) -> Outcome:
    """Every file has content."""
    empty = [file for file in _reached(facts) if not file.size]
    if empty:
        return Outcome(
            Verdict.MANUAL,
            _named(empty, lambda _: Text("文件为空，须人工确认", "it is empty; a person has to confirm")),
        )
    return _pass("每件均有内容", "every file has content")


def allowed(facts: Facts) -> Outcome:
    """Every format is on the list of archival formats."""
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


def readable(facts: Facts) -> Outcome:
    """Every file opens with a reader of ours."""
    files = _reached(facts)
    broken = [file for file in files if file.reading.state is ReadState.UNREADABLE]
    if broken:
        return Outcome(Verdict.FAIL, _named(broken, lambda file: file.reading.finding))
    unread = [file for file in files if file.reading.state is ReadState.NO_READER]
    if unread:
        return Outcome(Verdict.MANUAL, _named(unread, lambda file: file.reading.finding))
    return Outcome(Verdict.PASS, _named(files, lambda file: file.reading.finding))


def plain(facts: Facts) -> Outcome:
    """Nothing is encrypted, nothing is a program."""
    wrong = [file for file in _reached(facts) if file.format.encrypted or file.format.executable]
    if wrong:
        return Outcome(Verdict.FAIL, _named(wrong, _danger))
    return _pass("未见加密或可执行文件", "no encrypted or executable file was seen")


def _danger(file: FileFacts) -> Text:
    return Text("文件已加密", "it is encrypted") if file.format.encrypted else Text("是可执行文件", "it is a program")


def scanner(facts: Facts) -> Outcome:
    """A virus scanner is attached."""
    if facts.scanner:
        return _pass(f"已接入 {facts.scanner}", f"{facts.scanner} is attached")
    return _manual("未接入杀毒软件，须人工处置", "no virus scanner is attached; a person has to see to it")


def virus(_: Facts) -> Outcome:
    """The files are free of viruses."""
    return _manual("未做病毒扫描，须人工处置", "no virus scan was made; a person has to see to it")


def by_eye(_: Facts) -> Outcome:
    """A person looked at the content."""
    return _manual(
        "须人工浏览内容，核对与题名相符", "a person has to look at the content and compare it with its title"
    )


def carrier(_: Facts) -> Outcome:
    """The physical carrier is sound."""
    return _absent("在线收集，无实物载体", "collected online; there is no physical carrier")


def _reached(facts: Facts) -> list[FileFacts]:
    return [file for file in facts.files if file.fault is None]
