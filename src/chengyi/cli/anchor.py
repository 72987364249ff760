"""The commands of anchors: deploy the contract, see what waits, anchor and stamp now, check.

Rules: what is not configured is said, not taken for an error; an anchor that waits ends with 75 (try again), a log
that was rolled back with 76.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from chengyi.cli.options import HOME, HomeOption, JsonOption
from chengyi.cli.terminal import Terminal
from chengyi.model.text import Text
from chengyi.node import Node
from chengyi.trust.anchors.queue import AnchorQueue
from chengyi.trust.anchors.timestamps import Stamp, Stamps
from chengyi.trust.anchors.wiring import Parts, find_account, make_chain, make_queue, make_stamps, open_chain

_WAITING = 75
_NO_CHAIN = Text(
    "未配置锚定链（node.toml 的 [anchor]，见 docs/anchors.md）。",
    "No chain is configured ([anchor] in node.toml; see docs/anchors.md).",
)
_NO_STAMPS = Text("时间戳已关闭。", "Time-stamps are off.")

app = typer.Typer(no_args_is_help=True, help="锚定：部署、状态、立即锚定、核对。 Anchors: deploy, status, now, check.")


@app.command("deploy")
def deploy(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """部署锚定合约并登记本账本。 Deploy the contract and register this ledger.

    账户密钥首次使用时生成；部署前账户须有余额。 The account's key is made at first use; it needs coins.
    """
    from chengyi.trust.anchors.accounts import Account
    from chengyi.trust.anchors.evm import EvmSettings
    from chengyi.trust.anchors.evm import deploy as deploy_contract

    terminal = Terminal(as_json=json)
    node = Node(home)
    parts, settings = parts_of(node), node.settings.anchor
    account = find_account(parts) or Account.create(parts.home.keys, parts.keys)
    terminal.say(Text(f"锚定账户：{account.address}", f"Account: {account.address}"))
    web3 = open_chain(settings)
    provider: Any = web3.provider
    chosen = EvmSettings(chain=settings.chain, receipt_seconds=settings.receipt_seconds)
    try:
        address = deploy_contract(web3, account, [parts.ledger.origin], chosen)
        chain = web3.eth.chain_id
    finally:
        provider.close()
    terminal.say(Text(f"合约地址：{address}（链 {chain}）", f"Contract: {address} (chain {chain})"))
    terminal.say(
        Text(
            "下一步：把 contract 与 chain 写入 node.toml 的 [anchor]。",
            "Next: write contract and chain into [anchor] of node.toml.",
        )
    )
    terminal.answer({"account": account.address, "contract": address, "chain": chain})


@app.command("status")
def status(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """查看已锚定、待锚定与时间戳，不访问链。 What is anchored, waits and is stamped; asks no chain."""
    terminal = Terminal(as_json=json)
    with _opened(home) as (node, queue, stamps):
        size = node.ledger.checkpoint().size
        account = find_account(parts_of(node))
        proofs, pending = (queue.proofs(1), queue.pending()) if queue else ((), ())
        stamped = stamps.sizes() if stamps else []
    terminal.say(Text(f"账本 {size} 条", f"The ledger has {size} entries"))
    if account is not None:
        terminal.say(Text(f"锚定账户：{account.address}", f"Account: {account.address}"))
    for proof in proofs:
        terminal.say(
            Text(
                f"已锚定 {proof.size} 条：链 {proof.chain} 第 {proof.block} 块",
                f"Anchored at {proof.size} entries: chain {proof.chain}, block {proof.block}",
            )
        )
    for each in pending:
        terminal.say(
            Text(
                f"待锚定 {each.size} 条，自 {each.since:%Y-%m-%d %H:%M}，已试 {each.tries} 次 {each.fault}",
                f"Waiting at {each.size} entries since {each.since:%Y-%m-%d %H:%M}, tried {each.tries} times",
            )
        )
    if queue is None:
        terminal.say(_NO_CHAIN)
    _tell_stamps(terminal, stamps, stamped)
    terminal.answer({"size": size, "anchored": proofs, "pending": pending, "stamped": stamped[-1:]})


@app.command("now")
def now(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """立即为最新检查点取时间戳并锚定。 Stamp and anchor the latest checkpoint now.

    退出码 Exit code: 0 完成 done; 75 仍在队列中 it still waits.
    """
    terminal = Terminal(as_json=json)
    with _opened(home) as (node, queue, stamps), node.home.lock():
        checkpoint = node.ledger.checkpoint()
        stamp = stamps.stamp_news(checkpoint) if stamps else None
        report = None
        if queue is not None:
            queue.add(checkpoint)
            report = queue.drain(force=True)
    if stamp is not None:
        terminal.say(_stamp_line(stamp))
    if report is None:
        terminal.say(_NO_CHAIN)
    elif report.anchored is not None:
        done = report.anchored
        terminal.say(
            Text(
                f"已锚定 {done.size} 条：链 {done.chain} 第 {done.block} 块，交易 {done.transaction}",
                f"Anchored at {done.size} entries: chain {done.chain}, block {done.block}, {done.transaction}",
            )
        )
    elif report.error is not None:
        terminal.complain(report.error)
    else:
        terminal.say(Text("没有需要锚定的新内容。", "Nothing new to anchor."))
    terminal.answer({"stamp": stamp, "anchored": report and report.anchored, "pending": report and report.pending})
    if report is not None and report.error is not None:
        raise typer.Exit(_WAITING)


@app.command("check")
def check(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """核对账本与链、时间戳是否一致。 Compare the ledger with the chain and check the time-stamps.

    退出码 Exit code: 0 一致 they agree; 75 链不可达 out of reach; 76 账本被回退或改写 the log was rolled back.
    """
    terminal = Terminal(as_json=json)
    with _opened(home) as (_, queue, stamps):
        found = [stamps.verify(size) for size in stamps.sizes()] if stamps else []
        checked = queue.check() if queue else None
    _tell_stamps(terminal, stamps, [each.size for each in found])
    for stamp in found[-1:]:
        terminal.say(_stamp_line(stamp))
    terminal.say(_NO_CHAIN if checked is None else checked.finding)
    terminal.answer({"anchor": checked, "stamps": found})


def parts_of(node: Node) -> Parts:
    """Return what anchors need of a node."""
    return Parts(node.home, node.keys, node.rows, node.ledger, node.audit, node.clock, node.actor.id)


@contextmanager
def _opened(home: Path) -> Iterator[tuple[Node, AnchorQueue | None, Stamps | None]]:
    node = Node(home)
    parts = parts_of(node)
    chain = make_chain(node.settings.anchor, parts)
    try:
        yield node, make_queue(node.settings.anchor, parts, chain), make_stamps(node.settings.timestamps, parts)
    finally:
        if chain is not None:
            chain.close()
        node.close()


def _tell_stamps(terminal: Terminal, stamps: Stamps | None, sizes: list[int]) -> None:
    count = len(sizes)
    terminal.say(_NO_STAMPS if stamps is None else Text(f"时间戳 {count} 个", f"{count} time-stamps"))


def _stamp_line(stamp: Stamp) -> Text:
    moment = f"{stamp.at:%Y-%m-%d %H:%M:%S} UTC"
    return Text(
        f"时间戳：{stamp.size} 条，{moment}，{stamp.authority}",
        f"Time-stamp: {stamp.size} entries, {moment}, {stamp.authority}",
    )
