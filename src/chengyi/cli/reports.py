"""What commands show of the river: a run's work, the sources, the counts of every room."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from chengyi.cli.terminal import Terminal
from chengyi.model.text import Text
from chengyi.node import RunReport, SourceLine

if TYPE_CHECKING:
    from chengyi.archive.verification import VerificationStep
    from chengyi.brain.values import TraceStep

ROOMS: Mapping[str, Text] = MappingProxyType(
    {
        "collect": Text("归集", "Collect"),
        "archive": Text("归档", "Archive"),
        "integrate": Text("融合", "Integrate"),
        "share": Text("共享", "Share"),
        "brain": Text("决策", "Decide"),
    }
)
_SAMPLED, _WIDEST = 3, 24
_COUNTS: Mapping[str, Text] = MappingProxyType(
    {
        "collect.sources": Text("来源", "sources"),
        "collect.departments": Text("单位", "departments"),
        "collect.submissions": Text("报送", "deliveries"),
        "collect.pending": Text("待归档", "pending"),
        "collect.quarantined": Text("隔离", "set aside"),
        "collect.missing": Text("缺报", "missing"),
        "archive.packages": Text("档案", "records"),
        "archive.versions": Text("版本", "versions"),
        "archive.files": Text("文件", "files"),
        "archive.bytes": Text("字节", "bytes"),
        "archive.rows": Text("数据行", "rows"),
        "archive.rejected": Text("无法解析的行", "unreadable rows"),
        "archive.manual": Text("待人工检测", "checks left to people"),
        "integrate.datasets": Text("数据集", "datasets"),
        "integrate.rows": Text("入库行", "rows in"),
        "integrate.quarantined": Text("待改行", "rows waiting"),
        "integrate.noted": Text("去值入库行", "rows without a faulty value"),
        "integrate.faults": Text("问题行", "rows at fault"),
        "integrate.dossiers": Text("卷宗", "dossiers"),
        "integrate.persons": Text("个人", "persons"),
        "integrate.households": Text("家庭", "households"),
        "integrate.organisations": Text("机构", "organisations"),
        "share.catalogue": Text("目录项", "catalogue entries"),
        "share.grants": Text("有效授权", "grants"),
        "share.open": Text("待审批申请", "open requests"),
        "brain.figures": Text("指标值", "figures"),
        "brain.alerts": Text("预警", "alerts"),
        "brain.raised": Text("待处置", "raised"),
        "brain.ordered": Text("已交办", "ordered"),
        "brain.answered": Text("已反馈", "answered"),
        "brain.decided": Text("已决定", "decided"),
    }
)


def summary(terminal: Terminal, report: RunReport) -> None:
    """Show what a run did, room by room."""
    kept, made, linked, thought = report.archive, report.integrate, report.link, report.brain
    rows = [
        (ROOMS["collect"], Text(f"新收 {report.collect.new} 份", f"{report.collect.new} deliveries")),
        (
            ROOMS["archive"],
            Text(
                f"归档 {kept.kept} 件，{kept.rows:,} 行；隔离 {kept.set_aside} 件",
                f"{kept.kept} packages, {kept.rows:,} rows; {kept.set_aside} set aside",
            ),
        ),
        (
            ROOMS["integrate"],
            Text(
                f"入库 {made.rows:,} 行，待改 {made.quarantined:,} 行",
                f"{made.rows:,} rows in, {made.quarantined:,} waiting",
            ),
        ),
        (
            Text("关联", "Link"),
            Text(
                f"{linked.mentions:,} 次提及，{linked.dossiers:,} 份卷宗",
                f"{linked.mentions:,} mentions, {linked.dossiers:,} dossiers",
            ),
        ),
        (ROOMS["share"], Text(f"目录更新 {report.published} 项", f"{report.published} catalogue entries")),
        (
            ROOMS["brain"],
            Text(
                f"指标值 {thought.figures} 个，预警 {thought.alerts} 条",
                f"{thought.figures} figures, {thought.alerts} alerts",
            ),
        ),
    ]
    terminal.table((Text("环节", "Room"), Text("结果", "Result")), rows)


def sample(terminal: Terminal, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show the first rows of a table, a field a line: tables from outside are often wider than a terminal."""
    shown = rows[:_SAMPLED]
    heads = [Text("字段", "Field"), *(Text(f"第 {at} 行", f"Row {at}") for at in range(1, len(shown) + 1))]
    terminal.table(heads, [(name, *(_cut(row[at]) for row in shown)) for at, name in enumerate(columns)])


def _cut(value: object) -> str:
    text = "—" if value is None else str(value)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def sources(terminal: Terminal, lines: Sequence[SourceLine]) -> None:
    """Show a line a source: deliveries received, archived, set aside, missing."""
    heads = (
        Text("来源", "Source"),
        Text("名称", "Title"),
        Text("单位", "Department"),
        Text("收", "In"),
        Text("归档", "Kept"),
        Text("隔离", "Aside"),
        Text("缺", "Missing"),
    )
    rows = [
        (
            each.id,
            each.title,
            each.department,
            each.received,
            each.archived,
            each.quarantined,
            len(each.completeness.missing),
        )
        for each in lines
    ]
    terminal.table(heads, rows)


def counts(terminal: Terminal, rooms: Mapping[str, Mapping[str, int]]) -> None:
    """Show the counts of every room, a line a room."""
    for room, found in rooms.items():
        named = [(_COUNTS[f"{room}.{name}"], count) for name, count in found.items()]
        zh = "，".join(f"{name.zh} {count:,}" for name, count in named)
        en = ", ".join(f"{name.en} {count:,}" for name, count in named)
        terminal.say(Text(f"{ROOMS[room].zh}：{zh}", f"{ROOMS[room].en}: {en}"))


def steps(terminal: Terminal, proof: "Sequence[VerificationStep] | Sequence[TraceStep]") -> None:
    """Show a proof step by step: what was looked at, whether it holds, what was found."""
    heads = (Text("步骤", "Step"), Text("结论", "Holds"), Text("说明", "Finding"))
    terminal.table(heads, [(each.title, _mark(each.ok), each.finding) for each in proof])


def _mark(ok: bool | None) -> Text:
    return {True: Text("通过", "ok"), False: Text("不通过", "FAILS"), None: Text("不涉及", "-")}[ok]
