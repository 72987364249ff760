"""The commands of tracing: investigate; and of the audit: trace, erase, behaviour, settle.

At the machine nobody has signed in: who investigates or erases is what `--by` says, and the act says that it was done
at the machine. The console knows who it is.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chengyi.cli.options import HOME, HomeOption, JsonOption
from chengyi.cli.terminal import Terminal
from chengyi.model.act import FlagState, Seat
from chengyi.model.actor import Actor, Role
from chengyi.model.errors import UsageError
from chengyi.model.text import Text
from chengyi.node import Node

if TYPE_CHECKING:
    from chengyi.model.act import Entry
    from chengyi.trust.audit.flags import Flag

ByOption = Annotated[str, typer.Option("--by", help="办理人。 Who does it.")]
ActorOption = Annotated[str, typer.Option(help="行为人。 Of whom.")]
ObjectOption = Annotated[str, typer.Option("--object", help="对象、档号、分片编号。 An object, code or fragment's id.")]
SessionOption = Annotated[str, typer.Option(help="会话摘要。 A session's digest.")]
CertificateOption = Annotated[str, typer.Option(help="证书序列号。 A certificate's serial number.")]
SinceOption = Annotated[str, typer.Option(help="自何时，如 2026-11-01。 From when, such as 2026-11-01.")]
UntilOption = Annotated[str, typer.Option(help="至何时（不含）。 Until when, not included.")]
MACHINE = Seat(address="machine")
SHOWN = 40

app = typer.Typer(no_args_is_help=True, help="审计：追查、分析、认定、清除。 Audit: trace, behaviour, settle, erase.")


def investigate(  # noqa: PLR0917 - each is an option of its own
    file: Annotated[
        Path | None, typer.Argument(help="泄露的表或受损的分片。 A leaked table, or a damaged fragment.")
    ] = None,
    reason: Annotated[str, typer.Option(help="调查事由，记入存证。 Why; it is put on record.")] = "",
    actor: ActorOption = "",
    object: ObjectOption = "",
    session: SessionOption = "",
    certificate: CertificateOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    fragment: Annotated[bool, typer.Option("--fragment", help="文件是分片而非表。 The file is a fragment.")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="报告与回执写到何处。 Where to write the report.")] = None,
    by: ByOption = "machine",
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """追溯：谁、何时、做了什么，附证明。 Who did what, when, with proofs.

    须指明行为人、对象、会话或证书，或给出一个文件。 Say whom or what, or give a file.
    """
    from chengyi.node.investigation import Investigator, Question
    from chengyi.node.report import plain, sentences, write_report
    from chengyi.trust.audit.trace import Asked

    terminal, node = Terminal(as_json=json), Node(home)
    asked = Asked(actor, object, session, certificate, _moment(since), _moment(until))
    question = Question(reason, asked, file if fragment else None, None if fragment else file)
    with node.audit.acting(MACHINE):
        found = Investigator(node).ask(_auditor(by), question)
    for each in sentences(found):
        terminal.say(each)
    _acts(terminal, [entry for trace in found.traces for entry in trace.entries])
    terminal.say(
        Text(
            f"共 {len(found.receipts)} 项行为，均经核验；本次调查记于第 {found.entry} 条。",
            f"{len(found.receipts)} acts, each verified; this investigation is entry {found.entry}.",
        )
    )
    if to is not None:
        write_report(node, found, to)
        terminal.say(Text(f"报告与回执已写到 {to}", f"The report and its receipts were written to {to}"))
    terminal.answer(plain(found))


@app.command("trace")
def trace(  # noqa: PLR0917 - each is an option of its own
    actor: ActorOption = "",
    object: ObjectOption = "",
    session: SessionOption = "",
    certificate: CertificateOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多几条。 At most.")] = 100,
    after: Annotated[int, typer.Option(min=-1, help="自此条之后续查，-1 自始。 Go on after this entry.")] = -1,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """按时间列出在案行为，逐条核验。 List acts in order, each verified."""
    terminal = Terminal(as_json=json)
    found = Node(home).audit.trace(
        actor=actor,
        object=object,
        session=session,
        certificate=certificate,
        since=_moment(since),
        until=_moment(until),
        limit=limit,
        cursor=None if after < 0 else after,
    )
    _acts(terminal, found.entries, len(found.entries))
    if found.cursor is not None:
        terminal.say(Text(f"还有更多：--after {found.cursor}", f"There is more: --after {found.cursor}"))
    terminal.answer({"size": found.checkpoint.size, "entries": found.entries, "cursor": found.cursor})


@app.command("behaviour")
def behaviour(
    until: Annotated[str, typer.Option(help="分析到哪一天，默认昨天。 The last day, by default yesterday.")] = "",
    days: Annotated[int, typer.Option(min=1, max=366, help="几天。 How many days.")] = 1,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """分析行为，标记异常的一天并说明理由。 Flag odd days of conduct, with reasons."""
    from chengyi.node.investigation import flags_of, surroundings, watch_of
    from chengyi.trust.audit.flags import last_whole_day

    terminal, node = Terminal(as_json=json, notes=False), Node(home)
    around = surroundings(node)
    last = _date(until) if until else last_whole_day(node.clock.now(), around)
    found = flags_of(node).watch(watch_of(node), around, last, days, terminal)
    _flags(terminal, found)
    if not found:
        terminal.say(Text("没有新的行为预警。", "Nothing new was flagged."))
    terminal.answer({"flags": found})


@app.command("flags")
def list_flags(
    subject: Annotated[str, typer.Argument(help="只看一人。 Of one subject only.")] = "",
    home: HomeOption = HOME,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="最多几条。 At most.")] = 100,
    json: JsonOption = False,
) -> None:
    """列出行为预警及其认定。 List flags and what became of them."""
    from chengyi.node.investigation import flags_of

    terminal = Terminal(as_json=json)
    found = flags_of(Node(home)).flags(subject=subject, limit=limit)
    _flags(terminal, found)
    if not found:
        terminal.say(Text("没有行为预警。", "There are no flags."))
    terminal.answer({"flags": found})


@app.command("settle")
def settle(  # noqa: PLR0917 - each is an option of its own
    number: Annotated[int, typer.Argument(help="预警编号。 The flag's number.")],
    state: Annotated[FlagState, typer.Option(help="explained 已说明；confirmed 已认定。 What it turned out to be.")],
    reason: Annotated[str, typer.Option(help="理由。 Why.")],
    by: ByOption,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """认定一条行为预警。 Say what a flag turned out to be."""
    from chengyi.node.investigation import flags_of

    terminal, node = Terminal(as_json=json), Node(home)
    with node.audit.acting(MACHINE):
        found = flags_of(node).settle(number, state, reason, _auditor(by))
    _flags(terminal, [found])
    terminal.answer(found)


@app.command("erase")
def erase(  # noqa: PLR0917 - each is an option of its own
    entry: Annotated[int, typer.Argument(help="存证序号。 The ledger entry.")],
    reason: Annotated[str, typer.Option(help="事由。 Why.")],
    basis: Annotated[str, typer.Option(help="法律依据。 The legal ground.")],
    by: ByOption,
    approved_by: Annotated[str, typer.Option(help="复核人。 Who approves it.")],
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """依法清除一项行为的内容，账本摘要保留。 Erase an act's body by law; its digest stays."""
    from chengyi.node.erasure import erase_act

    terminal, node = Terminal(as_json=json), Node(home)
    admin = Actor(by, by, node.settings.node.department, frozenset({Role.AUDIT_ADMIN}))
    with node.audit.acting(MACHINE):
        found = erase_act(node, entry, by=admin, approver=_auditor(approved_by), reason=reason, basis=basis)
    terminal.say(
        Text(
            f"第 {entry} 条的内容已清除，记于第 {found.entry} 条；此前发出的回执和备份中的内容不在其内。",
            f"The body of entry {entry} was erased (entry {found.entry}); receipts handed out and back-ups still "
            "hold it.",
        )
    )
    terminal.answer(found)


def _auditor(name: str) -> Actor:
    return Actor(name, name, "", frozenset({Role.AUDITOR}))


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(why=f"时间写法有误：{text} (not a time: {text})") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(why=f"日期写法有误：{text} (not a date: {text})") from error


def _acts(terminal: Terminal, entries: "Sequence[Entry]", shown: int = SHOWN) -> None:
    heads = [("序号", "Entry"), ("时间 UTC", "At UTC"), ("行为人", "Actor"), ("行为", "Act"), ("对象", "Object")]
    heads += [("授权", "Grant"), ("用途", "Purpose"), ("会话", "Session")]
    rows = [
        (e.index, f"{e.at:%Y-%m-%d %H:%M:%S}", e.act.actor, e.act.kind.value, e.act.object, *_further(e))
        for e in entries[:shown]
    ]
    if rows:
        terminal.table([Text(*each) for each in heads], rows)
    else:
        terminal.say(Text("没有在案行为。", "No acts are on record."))
    if len(entries) > shown:
        rest = len(entries) - shown
        terminal.say(Text(f"其余 {rest} 项见报告（--to）。", f"{rest} more are in the report (--to)."))


def _further(entry: "Entry") -> tuple[str | None, ...]:
    act = entry.act
    return act.grant or None, act.purpose or None, act.session[:12] or None


def _flags(terminal: Terminal, flags: "Sequence[Flag]") -> None:
    words: dict[FlagState, Text] = {
        FlagState.OPEN: Text("待核查", "open"),
        FlagState.EXPLAINED: Text("已说明", "explained"),
        FlagState.CONFIRMED: Text("已认定", "confirmed"),
    }
    rows: list[Sequence[Any]] = [
        (flag.number, flag.day, flag.subject, reason.text, words[flag.state])
        for flag in flags
        for reason in flag.reasons
    ]
    heads = [("编号", "No."), ("日期", "Day"), ("行为人", "Subject"), ("理由", "Why"), ("状态", "State")]
    if rows:
        terminal.table([Text(*each) for each in heads], rows)
