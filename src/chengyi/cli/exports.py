"""The commands of exports: take a copy out, list them, write and check evidence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from chengyi.cli.options import HOME, HomeOption, JsonOption
from chengyi.cli.terminal import Terminal
from chengyi.model.actor import Actor, Role
from chengyi.model.errors import UsageError
from chengyi.model.text import Text
from chengyi.node import Node


class _Group(TyperGroup):
    """Takes ``chengyi export GRANT`` for ``chengyi export make GRANT``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - the framework's context
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["make", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    help="导出：领取副本、查看、出具与核验证据。 Exports: take a copy, list, evidence.",
)


@app.command("make")
def make(  # noqa: PLR0917 - each is an option of its own
    grant: Annotated[str, typer.Argument(help="授权编号。 The grant.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="写到 .csv、.xlsx 或 .parquet，默认为数据集名.csv。 Where to.")
    ] = None,
    case: Annotated[str, typer.Option(help="办理事项编号，默认为授权所载。 The case, by default the grant's.")] = "",
    mode: Annotated[str, typer.Option(help="marked 带标记；exact 原值。 marked, or exact values.")] = "marked",
    recipient: Annotated[str, typer.Option(help="领取人，默认为被授权人。 Who takes it, by default the grantee.")] = "",
    canaries: Annotated[
        int, typer.Option(min=-1, help="对照记录条数，-1 为默认。 Control rows, -1: the default.")
    ] = -1,
    accept: Annotated[
        bool, typer.Option("--accept-notice", help="领取人已阅知导出须知。 The recipient knows the notice.")
    ] = False,
    bom: Annotated[bool, typer.Option(help="CSV 以字节序标记开头。 Begin CSV with a byte order mark.")] = True,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """按授权导出一份副本。 Take a copy out under a grant.

    可以写作 May be written: chengyi export GRANT --to FILE --accept-notice
    """
    from chengyi.share import NOTICE, POLICY_FILE, ExportOrder, load_policies

    terminal = Terminal(as_json=json)
    node = _open(home)
    found = node.share.grant(grant)
    terminal.warn(NOTICE)
    path = to or Path(f"{found.dataset}.csv")
    order = ExportOrder(
        grant=grant,
        case=case or found.purpose.case,
        path=path,
        mode=mode,
        policy=load_policies(node.home.path / POLICY_FILE).get(found.dataset),
        canaries=None if canaries < 0 else canaries,
        accepted=accept,
        bom=bom,
    )
    taker = recipient or found.grantee
    done = node.share.export(Actor(taker, taker, found.department, frozenset({Role.CLERK})), order, terminal)
    record = done.record
    terminal.say(
        Text(
            f"已导出 {record.rows} 行，标记 {record.marks} 处，对照记录 {len(record.canaries)} 条：{path}",
            f"Exported {record.rows} rows with {record.marks} marks and {len(record.canaries)} control rows to {path}",
        )
    )
    terminal.say(
        Text(
            f"导出编号 {record.id}；账本第 {record.entry} 条；清单 {done.manifest.name}，回执 {done.receipt.name}",
            f"Export {record.id}; ledger entry {record.entry}; manifest {done.manifest.name}, "
            f"receipt {done.receipt.name}",
        )
    )
    terminal.answer(_plain(record) | {"file": str(path), "completeness": done.completeness})


@app.command("list")
def list_exports(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """列出已作的导出。 List the exports."""
    terminal = Terminal(as_json=json)
    node = _open(home)
    found = node.share.exports(node.actor)
    heads = [("编号", "Export"), ("数据集", "Dataset"), ("领取人", "Recipient"), ("方式", "Mode"), ("行", "Rows")]
    heads += [("标记", "Marks"), ("时间", "At"), ("存证", "Entry")]
    terminal.table(
        [Text(*each) for each in heads],
        [(e.id, e.dataset, e.recipient, e.mode, e.rows, e.marks, f"{e.at:%Y-%m-%d %H:%M}", e.entry) for e in found],
    )
    if not found:
        terminal.say(Text("尚无导出。", "There are no exports."))
    terminal.answer({"exports": [_plain(each) for each in found]})


@app.command("evidence")
def evidence(
    table: Annotated[Path, typer.Argument(help="泄露的表。 The leaked table.")],
    to: Annotated[Path | None, typer.Option("--to", help="证据包写到何处（.zip）。 Where to write the bundle.")] = None,
    recipient: Annotated[
        str, typer.Option(help="被指认的领取人，默认为最确定者。 Of whom, by default the surest.")
    ] = "",
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """查明泄露的表出自谁的副本，并出具证据包。 Name the recipient of a leaked copy, with evidence."""
    from chengyi.trust.marks.decoders import TITLES

    terminal = Terminal(as_json=json)
    marks = _open(home).share.marks
    found = marks.identify(table)
    terminal.say(found.answer)
    for each in found.canaries:
        terminal.say(
            Text(
                f"对照记录 {len(each.rows)} 条出自导出 {each.export.id}（{each.export.recipient}），"
                f"偶合概率不超过 {each.chance:.2g}",
                f"{len(each.rows)} control rows are of export {each.export.id} ({each.export.recipient}); "
                f"by chance with at most {each.chance:.2g}",
            )
        )
    rows = [(s.recipient, TITLES[s.verdict.decoder], f"{s.bound:.3g}") for s in found.accused]
    if rows:
        terminal.table((Text("领取人", "Recipient"), Text("依据", "By"), Text("误指上界", "Bound")), rows)
    if to is not None:
        if not found.accused:
            raise UsageError(why="没有可指认的领取人，不出具证据包 (nobody is accused: there is no bundle)")
        marks.write_bundle(to, found, recipient or found.accused[0].recipient)
        terminal.say(Text(f"证据包已写到 {to}", f"The evidence was written to {to}"))
    terminal.answer(
        {"answer": found.answer, "tested": found.tested, "accused": [_suspect(each) for each in found.accused]}
    )


@app.command("check")
def check(
    bundle: Annotated[Path, typer.Argument(help="证据包。 The bundle.")],
    key: Annotated[
        str, typer.Option("--key", help="出具节点的验证公钥，取自可信之处；给出时不需要节点。 Its node's verifier key.")
    ] = "",
    leak: Annotated[Path | None, typer.Option("--leak", help="手中的泄露文件。 The leaked file at hand.")] = None,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """离线复算证据包。 Recompute an evidence bundle offline.

    给出 --key 时不需要节点；否则用本节点的公钥。 With --key no node is needed, else this node's own key is used.
    """
    from chengyi.trust.marks.check import check_bundle

    terminal = Terminal(as_json=json)
    found = check_bundle(bundle, key or _open(home).keys.verifier, leak)
    terminal.say(
        Text(
            f"证据成立：导出 {found.export}（{found.dataset}），{found.at:%Y-%m-%d %H:%M} UTC 由 {found.actor} 领取，"
            f"存证第 {found.entry} 条；标记 {found.marks} 处，误指上界 {found.verdict.bound:.3g}，"
            f"连同全部 {found.tested} 名领取人不超过 {found.limit:g}。",
            f"The evidence holds: export {found.export} ({found.dataset}), taken by {found.actor} at "
            f"{found.at:%Y-%m-%d %H:%M} UTC, ledger entry {found.entry}; {found.marks} marks, bound "
            f"{found.verdict.bound:.3g}, within {found.limit:g} for all {found.tested} recipients.",
        )
    )
    if leak is None:
        terminal.say(
            Text(
                "未提供泄露文件，未核对各行是否齐全。",
                "Without the leaked file it was not checked that no rows were left out.",
            )
        )
    terminal.answer(found)


def _open(home: Path) -> Node:
    """Return a node whose sources, keys and ledger can be read."""
    node = Node(home)
    _ = node.share
    node.ledger.checkpoint()
    return node


def _plain(record: Any) -> dict[str, Any]:  # noqa: ANN401 - an export's record
    names: Sequence[str] = ("id", "dataset", "version", "mode", "form", "grant", "recipient", "rows", "marks", "entry")
    return {name: getattr(record, name) for name in names} | {"sha256": record.file, "canaries": len(record.canaries)}


def _suspect(suspect: Any) -> dict[str, Any]:  # noqa: ANN401 - one of the accused
    return {
        "recipient": suspect.recipient,
        "exports": [each.id for each in suspect.exports],
        "bound": suspect.bound,
        "decoder": suspect.verdict.decoder,
    }
