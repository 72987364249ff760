"""The commands of the vault: how the stores are, scrub, repair, re-key, retire."""

from typing import TYPE_CHECKING, Annotated

import typer

from chengyi.cli.options import HOME, HomeOption, JsonOption
from chengyi.cli.terminal import Terminal
from chengyi.model.errors import ChengyiError
from chengyi.model.text import Text
from chengyi.node import Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chengyi.trust.vault.care import Care, StoreStatus

vault_app = typer.Typer(
    no_args_is_help=True, help="存储库：各存储点的状况与维护。 The vault: its stores and their care."
)
_NOT_ALL = 76
_PARTS = {"used": Text("在用", "in use"), "leaving": Text("退役中", "leaving")}
_HEADS = (
    Text("存储点", "Store"),
    Text("状态", "Part"),
    Text("分片", "Fragments"),
    Text("MiB", "MiB"),
    Text("缺失", "Missing"),
    Text("损坏", "Damaged"),
    Text("上次巡检", "Last scrub"),
)


@vault_app.command()
def status(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """各存储点的状况。 How the stores are."""
    terminal = Terminal(as_json=json)
    found = _care(Node(home)).status(terminal)
    terminal.say(
        Text(
            f"任意 {found.k} 份分片可还原，共 {found.n} 份；密钥份额 {found.t} 份；套件 {found.suite}；"
            f"可读对象 {found.objects:,} 个，不可读 {found.unreadable:,} 个",
            f"Any {found.k} of {found.n} fragments restore; {found.t} key shares; suite {found.suite}; "
            f"{found.objects:,} objects can be read, {found.unreadable:,} cannot",
        )
    )
    terminal.table(_HEADS, [_line(each) for each in found.stores])
    for title, names in ((Text("备用", "Spare"), found.spare), (Text("已退役", "Retired"), found.retired)):
        if names:
            terminal.say(Text(f"{title.zh}：{'、'.join(names)}", f"{title.en}: {', '.join(names)}"))
    terminal.answer(found)


@vault_app.command()
def scrub(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """巡检：按每日字节额度重读全部存储内容，可随时中断续作。 Read stored bytes again, a budget a day.

    退出码 Exit code: 76 有损坏，请运行 vault repair  damage was found: run vault repair.
    """
    terminal, node = Terminal(as_json=json), Node(home)
    with node.refusals.settled(node.audit):
        found = _care(node).scrub(terminal)
    for each in found:
        more = Text("本轮已完成", "round done") if each.done else Text("未完，请再运行", "to be continued: run again")
        terminal.say(
            Text(
                f"{each.store}：查验 {each.checked:,} 份、{each.bytes:,} 字节，损坏 {len(each.damages)} 份；{more.zh}",
                f"{each.store}: {each.checked:,} read, {each.bytes:,} bytes, {len(each.damages)} damaged; {more.en}",
            )
        )
        for fault in each.damages:
            terminal.warn(fault.text)
    terminal.answer({"stores": found})
    if any(each.damages for each in found):
        raise typer.Exit(_NOT_ALL)


@vault_app.command()
def repair(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """重建缺失与损坏的分片。 Make missing and damaged fragments anew."""
    terminal, node = Terminal(as_json=json), Node(home)
    with node.home.lock(), node.refusals.settled(node.audit):
        found = _care(node).repair(terminal)
    terminal.say(
        Text(
            f"已重建分片 {len(found.fragments):,} 份，未成 {len(found.failed):,} 份，清除旧版残留 {found.swept:,} 处",
            f"{len(found.fragments):,} fragments rebuilt, {len(found.failed):,} could not be; "
            f"{found.swept:,} left-overs removed",
        )
    )
    _tell(terminal, [error for _, _, error in found.failed])
    terminal.answer(found)
    if found.failed:
        raise typer.Exit(_NOT_ALL)


@vault_app.command()
def rekey(
    objects: Annotated[list[str] | None, typer.Argument(help="对象编号。 Objects.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="全部对象。 Every object.")] = False,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """更换对象的密钥：重新加密为新版本，旧版本从此无效。 Give objects new keys; old versions count no more."""
    if bool(objects) == everything:
        raise typer.BadParameter("给出对象编号，或 --all  (name objects, or give --all)")
    terminal, node = Terminal(as_json=json), Node(home)
    with node.home.lock(), node.refusals.settled(node.audit):
        found = _care(node).rekey(objects or [], terminal)
    terminal.say(
        Text(
            f"已更换密钥 {len(found.rekeyed):,} 个，未能更换 {len(found.failed):,} 个",
            f"{len(found.rekeyed):,} objects have new keys, {len(found.failed):,} could not be re-keyed",
        )
    )
    _tell(terminal, [error for _, error in found.failed])
    terminal.answer(found)
    if found.failed:
        raise typer.Exit(_NOT_ALL)


@vault_app.command()
def retire(
    store: Annotated[str, typer.Argument(help="要退役的存储点。 The store to take out of use.")],
    to: Annotated[str, typer.Option(help="替代者，缺省为首个备用。 Its replacement; by default the first spare.")] = "",
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """存储点退役（含已损毁的）：其分片移至或重建于备用存储点。 Take a store out of use, lost or not."""
    terminal, node = Terminal(as_json=json), Node(home)
    with node.home.lock(), node.refusals.settled(node.audit):
        found = _care(node).retire(store, to, terminal)
    done = Text("已退役", "is retired") if found.done else Text("尚未退役完毕，请再运行", "is not done: run again")
    terminal.say(
        Text(
            f"{store} → {found.replacement}：{found.fragments:,} 份，未成 {len(found.failed):,} 份；{store} {done.zh}",
            f"{store} → {found.replacement}: {found.fragments:,} done, {len(found.failed):,} failed; {store} {done.en}",
        )
    )
    _tell(terminal, [error for _, _, error in found.failed])
    terminal.answer(found)
    if not found.done:
        raise typer.Exit(_NOT_ALL)


def _care(node: Node) -> "Care":
    from chengyi.node.stores import care_of

    return care_of(node)


def _line(store: "StoreStatus") -> tuple[object, ...]:
    part = _PARTS[store.part] if store.reachable else Text("不可达", "unreachable")
    scrubbed = None if store.scrubbed_at is None else f"{store.scrubbed_at:%Y-%m-%d %H:%M}"
    return (store.id, part, store.fragments, store.bytes >> 20, store.missing, store.damaged, scrubbed)


def _tell(terminal: Terminal, errors: "Sequence[ChengyiError]") -> None:
    for each in errors[:20]:
        terminal.complain(each)
