"""The account in words and tables, in 简体中文 or English."""

from collections.abc import Sequence

from account import Account, AppLine, Copy, DatasetLine, Filed, People, Proven, SourceLine

from chengyi.brain.values import Trace
from chengyi.cli.terminal import Terminal
from chengyi.model.text import Text


def mark(ok: bool) -> Text:
    """Say whether something holds."""
    return Text("相符", "holds") if ok else Text("不符", "FAILS")


def heading(terminal: Terminal, number: int, text: Text) -> None:
    """Begin a part of the account."""
    terminal.say(Text(f"\n{number}. {text.zh}", f"\n{number}. {text.en}"))


def account(terminal: Terminal, told: Account) -> None:
    """Show the whole account."""
    sources(terminal, told.sources)
    datasets(terminal, told.datasets)
    people(terminal, told.people, told.dossier)
    for number, line in enumerate(told.apps.values(), 4):
        app(terminal, number, line)
    trace(terminal, told.trace, told.rows, told.filed)
    copied(terminal, told.copy)


def sources(terminal: Terminal, lines: Sequence[SourceLine]) -> None:
    """Show the bytes."""
    heading(terminal, 1, Text("每个字节都有着落：收到 = 归档 + 隔离", "Every byte: received = archived + quarantined"))
    heads = (
        Text("来源", "Source"),
        Text("收到·字节", "Received, bytes"),
        Text("归档", "Archived"),
        Text("隔离", "Aside"),
        Text("摘要", "Digest"),
        Text("核对", "Check"),
    )
    rows = [
        (
            each.source,
            *(f"{side.count} · {side.bytes:,}" for side in (each.received, each.archived, each.quarantined)),
            each.settled[:8],
            mark(each.ok),
        )
        for each in lines
    ]
    terminal.table(heads, rows)
    terminal.say(
        Text(
            "摘要：原始文件、所收、归档与隔离合计，三者相同。",
            "Digest: the same of the input files, of what was received, and of archive and quarantine together.",
        )
    )


def datasets(terminal: Terminal, lines: Sequence[DatasetLine]) -> None:
    """Show the rows."""
    heading(
        terminal, 2, Text("每一行都有着落：文件行数 = 入库 + 待改", "Every row: in the files = in datasets + waiting")
    )
    heads = (
        Text("数据集", "Dataset"),
        Text("文件", "Files"),
        Text("入库", "In"),
        Text("待改", "Waiting"),
        Text("核对", "Check"),
    )
    rows = [(each.title, f"{each.input:,}", f"{each.rows:,}", f"{each.waiting:,}", mark(each.ok)) for each in lines]
    terminal.table(heads, rows)


def people(terminal: Terminal, found: People, one: Proven) -> None:
    """Show how well persons were linked."""
    heading(terminal, 3, Text("人员归并", "Persons linked into dossiers"))
    scores = found.scores
    terminal.say(
        Text(
            f"{found.rows:,} 行，{found.mentions:,} 次提及，归为 {found.dossiers:,} 份卷宗；实为 {found.truth:,} 人。",
            f"{found.rows:,} rows, {found.mentions:,} mentions, {found.dossiers:,} found, {found.truth:,} in truth.",
        )
    )
    terminal.say(
        Text(
            f"准确率 {scores.precision:.4f}  召回率 {scores.recall:.4f}  F1 {scores.f1:.4f}（按记录对计；"
            f"合并阈值 {found.threshold}，为默认值）",
            f"precision {scores.precision:.4f}  recall {scores.recall:.4f}  F1 {scores.f1:.4f} (over pairs of rows; "
            f"threshold {found.threshold}, the default)",
        )
    )
    proven(terminal, Text("四个部门都有记录的一份卷宗", "One dossier that all four departments speak of"), one)


def app(terminal: Terminal, number: int, line: AppLine) -> None:
    """Show one application's figure and alert."""
    indicator, figure, alert = line.indicator, line.figure, line.alert
    heading(terminal, number, Text(f"{indicator.title.zh}（{indicator.id}）", f"{indicator.title.en} ({indicator.id})"))
    terminal.say(
        Text(
            f"指标：{figure.group} = {figure.value} {indicator.unit.zh}，依据 {figure.evidence:,} 行",
            f"figure: {figure.group} = {figure.value} {indicator.unit.en}, from {figure.evidence:,} rows",
        )
    )
    terminal.say(
        Text(
            f"预警：{alert.title.zh}——{'；'.join(each.zh for each in alert.reasons)}",
            f"alert: {alert.title.en} - {'; '.join(each.en for each in alert.reasons)}",
        )
    )
    proven(terminal, Text("预警依据", "its rows"), line.rows)


def proven(terminal: Terminal, title: Text, rows: Proven) -> None:
    """Show how far rows were led home."""
    terminal.say(
        Text(
            f"{title.zh}：{rows.total} 行，逐行验证到账本 {rows.proven} 行，在原始文件中找到 {rows.found} 行，"
            f"{mark(rows.ok).zh}",
            f"{title.en}: {rows.total} rows, {rows.proven} proven up to the ledger, {rows.found} found in the input "
            f"files, {mark(rows.ok).en}",
        )
    )


def trace(terminal: Terminal, found: Trace, rows: Proven, record: Filed) -> None:
    """Show the way home of the decision."""
    heading(terminal, 7, Text(f"决定及其来路（{found.id}）", f"The decision and its way home ({found.id})"))
    heads = (Text("步骤", "Step"), Text("账本", "Ledger"), Text("说明", "Finding"))
    steps = [(each.title, each.receipt.index if each.receipt else None, each.finding) for each in found.steps]
    terminal.table(heads, steps)
    code, holds = record.archival_code, mark(record.ok)
    terminal.say(
        Text(f"已归档：{code}，与决定原文{holds.zh}", f"filed as {code}, byte for byte what was decided: {holds.en}")
    )
    proven(terminal, Text("证据行", "rows"), rows)
    for each in found.rows[:3]:
        terminal.say(
            Text(
                f"  {each.archival_code} 第 {each.evidence.row} 行 {each.evidence.leaf[:16]}…",
                f"  {each.archival_code} row {each.evidence.row} {each.evidence.leaf[:16]}…",
            )
        )


def copied(terminal: Terminal, found: Copy) -> None:
    """Show what the copy says."""
    heading(terminal, 8, Text("复制节点目录，离线核验", "The home copied, and verified offline"))
    report = found.report
    terminal.say(
        Text(
            f"存证 {report.acts} 条，对象 {report.objects} 个，档案包 {report.packages} 个，"
            f"问题 {len(report.faults)} 个；决定的追溯{mark(found.trace).zh}",
            f"{report.acts} acts, {report.objects} objects, {report.packages} packages, "
            f"{len(report.faults)} faults; the decision's trace {mark(found.trace).en}",
        )
    )
