"""The commands about the ledger: how it stands, its witnesses, and proofs to hand out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chengyi.cli.options import HOME, HomeOption, JsonOption
from chengyi.cli.terminal import Terminal
from chengyi.model.errors import ChengyiError
from chengyi.model.text import Text
from chengyi.node import Node

if TYPE_CHECKING:
    from chengyi.trust.ledger.cosignatures import Cosignature
    from chengyi.trust.ledger.policy import Quorum

ledger_app = typer.Typer(no_args_is_help=True, help="账本：状态、会签、证明。 Ledger: status, witnesses, proofs.")

_MOST = 1 << 20


@ledger_app.command()
def status(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """账本长度、会签情况、对外公钥。 Size, cosignatures, and the keys to give to others."""
    terminal = Terminal(as_json=json)
    node = Node(home)
    latest, cosigned = node.ledger.checkpoint(), node.ledger.cosigned()
    quorum = node.publisher.policy.judge(cosigned.note) if cosigned else None
    keys = [str(each) for each in node.witness.cosigners]
    terminal.table(
        (Text("项", "Item"), Text("值", "Value")),
        [
            (Text("账本", "Log"), latest.origin),
            (Text("条数", "Entries"), latest.size),
            (Text("已会签至", "Cosigned up to"), cosigned.size if cosigned else None),
            (Text("需会签方数", "Quorum"), node.settings.ledger.needed),
            *((Text("会签", "Cosigned by"), f"{each.cosigner.name} {each.at}") for each in _signed(quorum)),
            (Text("账本公钥", "Log key"), node.keys.verifier),
            *((Text("会签公钥", "Witness key"), key) for key in keys),
        ],
    )
    terminal.answer(
        {
            "origin": latest.origin,
            "size": latest.size,
            "cosigned": cosigned.size if cosigned else None,
            "quorum": {"met": quorum.met, "witnesses": [each.cosigner.name for each in quorum.cosignatures]}
            if quorum
            else None,
            "verifier": node.keys.verifier,
            "witness_keys": keys,
        }
    )


@ledger_app.command()
def publish(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """把最新检查点送各见证方会签。 Take the latest checkpoint to the witnesses.

    退出码 Exit code: 0 达到 quorum met; 75 未达到 not met; 76 有冲突 a witness has seen another view.
    """
    terminal = Terminal(as_json=json)
    node = Node(home)
    report = node.publisher.publish()
    for each in (*report.conflicts, *report.failures):
        terminal.complain(each)
    names = "、".join(each.cosigner.name for each in report.quorum.cosignatures) or "—"
    terminal.say(Text(f"账本 {report.size} 条，已会签：{names}", f"{report.size} entries, cosigned by {names}"))
    terminal.answer(_told(report.size, report.quorum.met, names, report.conflicts, report.failures))
    if report.conflicts or not report.quorum.met:
        raise typer.Exit(76 if report.conflicts else 75)


@ledger_app.command()
def witnesses(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """列出见证方、所见证的账本和留存证据。 Witnesses, the logs witnessed here, and evidence kept."""
    terminal = Terminal(as_json=json)
    node = Node(home)
    asked = [(each.name, each.url, str(each.key)) for each in node.publisher.witnesses]
    seen = {origin: node.witness.last(origin) for origin in node.witness.logs}
    evidence = [str(each) for each in node.witness.evidence()]
    terminal.table((Text("见证方", "Witness"), Text("地址", "Address"), Text("公钥", "Key")), asked)
    heads = (Text("所见证账本", "Log witnessed here"), Text("已会签至", "Cosigned up to"))
    terminal.table(heads, [(origin, point.size if point else None) for origin, point in seen.items()])
    for each in evidence:
        terminal.say(Text(f"分叉证据：{each}", f"Evidence of a split view: {each}"))
    terminal.answer(
        {
            "witnesses": [{"name": name, "url": url, "key": key} for name, url, key in asked],
            "logs": {origin: point.size if point else None for origin, point in seen.items()},
            "evidence": evidence,
        }
    )


@ledger_app.command()
def policy(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """打印会签策略，供核验方留存。 Print the policy, for those who will verify."""
    terminal = Terminal(as_json=json)
    text = Node(home).publisher.policy.text
    terminal.say(Text(text.rstrip("\n"), text.rstrip("\n")))
    terminal.answer({"policy": text})


@ledger_app.command()
def proof(
    record: str,
    to: Annotated[Path, typer.Option("--to", help="新目录，或 .zip 文件。 A new folder, or a .zip file.")] = Path(
        "proof"
    ),
    row: Annotated[list[int] | None, typer.Option("--row", min=1, help="附上第几行的证明。 Show this row.")] = None,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """导出一件档案的离线证明。 Write a record's proof, to be checked by chengyi-verify."""
    from chengyi.node.proof import export_proof

    terminal = Terminal(as_json=json)
    node = Node(home)
    found = export_proof(node, record, to, node.actor, row or [])
    names = "、".join(found.witnesses) or "—"
    terminal.say(
        Text(
            f"已导出 {found.ref} 的证明：{found.files} 个文件，{found.rows} 行；会签：{names}",
            f"Wrote the proof of {found.ref}: {found.files} files, {found.rows} rows; cosigned by {names}",
        )
    )
    check = f"chengyi-verify record {to} --key {node.keys.verifier}"
    terminal.say(Text(f"核验：{check}", f"Check: {check}"))
    terminal.answer(found)


@ledger_app.command()
def compare(
    one: Annotated[Path, typer.Argument(help="检查点或回执。 A checkpoint or a receipt.")],
    other: Annotated[Path, typer.Argument(help="同一账本的另一份。 Another one of the same log.")],
    *,
    key: Annotated[str, typer.Option("--key", help="该账本公钥；空为本节点。 That log's key; else this node's.")] = "",
    copy: Annotated[Path | None, typer.Option("--copy", help="该账本瓦片的副本。 A copy of its tiles.")] = None,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """比对同一账本的两个检查点，矛盾即留证。 Compare two checkpoints of a log, and keep what convicts.

    退出码 Exit code: 0 不矛盾 no contradiction; 76 矛盾 they contradict each other.
    """
    from chengyi.node.witnessing import make_monitor
    from chengyi.trust.ledger.notes import Verifier

    terminal = Terminal(as_json=json)
    node = Node(home)
    texts = [each.read_bytes()[:_MOST].decode(errors="replace") for each in (one, other)]
    witnesses = tuple(node.publisher.policy.witnesses.values())
    make_monitor(node).compare(texts[0], texts[1], Verifier.parse(key or node.keys.verifier), copy, witnesses)
    terminal.say(Text("两者不矛盾。", "They do not contradict each other."))
    terminal.answer({"contradict": False})


def _signed(quorum: "Quorum | None") -> "tuple[Cosignature, ...]":
    return quorum.cosignatures if quorum else ()


def _told(
    size: int, met: bool, names: str, conflicts: tuple[ChengyiError, ...], failures: tuple[ChengyiError, ...]
) -> dict[str, object]:
    return {"size": size, "quorum": met, "witnesses": names, "conflicts": conflicts, "failures": failures}
