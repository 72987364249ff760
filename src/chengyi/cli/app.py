"""The commands."""

from pathlib import Path
from typing import Annotated

import typer

from chengyi.cli import anchor, exports, faults, investigate, reports
from chengyi.cli.authority import authority_app
from chengyi.cli.leaving import natives_silenced
from chengyi.cli.ledger import ledger_app
from chengyi.cli.options import HOME, HomeOption, JsonOption
from chengyi.cli.terminal import Terminal
from chengyi.cli.vault import vault_app
from chengyi.model.errors import UsageError
from chengyi.model.text import Text
from chengyi.node import Node

app = typer.Typer(name="chengyi", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
source_app = typer.Typer(no_args_is_help=True, help="来源：登记、列出、试读。 Sources: add, list, check.")
app.add_typer(source_app, name="source")
app.add_typer(vault_app, name="vault")
app.add_typer(ledger_app, name="ledger")
app.add_typer(authority_app, name="ca")
app.add_typer(anchor.app, name="anchor")
app.add_typer(exports.app, name="export")
app.add_typer(investigate.app, name="audit")
app.command("investigate")(investigate.investigate)

_NOTHING_TAKEN = Text(
    "试读未收取任何内容；请核对来源文件（docs/sources.md），或请报送单位修正。",
    "Nothing was taken. Check the source's settings (docs/sources.md), or ask the sender to correct the file.",
)


@app.command()
def init(
    home: HomeOption = HOME,
    id: Annotated[str, typer.Option(help="节点代号。 The node's id.")] = "node",
    name: Annotated[str, typer.Option(help="节点名称。 The node's name.")] = "本区",
    department: Annotated[str, typer.Option(help="责任单位。 Who answers for it.")] = "档案馆",
    json: JsonOption = False,
) -> None:
    """新建节点。 Make a new node home."""
    terminal = Terminal(as_json=json)
    node = Node.create(home, id, zh=name, en=id, department=department)
    terminal.say(Text(f"已新建节点：{node.home.path}", f"Created a node at {node.home.path}"))
    terminal.say(Text("下一步：在 sources/ 中登记来源。", "Next: describe your sources in sources/."))
    terminal.answer({"home": str(node.home.path), "verifier": node.keys.verifier})


@source_app.command("add")
def source_add(file: Path, home: HomeOption = HOME, json: JsonOption = False) -> None:
    """登记一个来源文件（TOML）。 Add a source file."""
    from chengyi.collect.sources import load_source

    node = Node(home)
    found = load_source(file)
    target = node.home.sources / f"{found.id}.toml"
    if target.exists() and target.resolve() != file.resolve():
        raise UsageError(why=f"来源 {found.id} 已登记 (source {found.id} is there already)")
    target.write_bytes(file.read_bytes())
    terminal = Terminal(as_json=json)
    terminal.say(Text(f"已登记来源 {found.id}", f"Added source {found.id}"))
    terminal.answer({"source": found.id, "file": str(target)})


@source_app.command("list")
def source_list(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """列出来源。 List the sources."""
    terminal = Terminal(as_json=json)
    lines = Node(home).status().sources
    reports.sources(terminal, lines)
    terminal.answer({"sources": lines})


@source_app.command("check")
def source_check(source: str, home: HomeOption = HOME, json: JsonOption = False) -> None:
    """试读一个来源，不收取。 Try a source without taking anything."""
    terminal = Terminal(as_json=json)
    found = Node(home).collect.check(source)
    if found.error is not None:
        terminal.warn(Text(found.error.message("zh"), found.error.message("en")))
        terminal.warn(_NOTHING_TAKEN)
        terminal.answer(found)
        raise typer.Exit(found.error.exit_code)
    terminal.say(Text(f"可达；待读 {found.deliveries} 份", f"Reachable; {found.deliveries} deliveries"))
    terminal.say(
        Text(f"首表：好 {found.good} 行，坏 {found.bad} 行", f"First table: {found.good} good, {found.bad} bad")
    )
    reports.sample(terminal, found.columns, found.rows)
    for note in found.notes:
        terminal.say(note)
    terminal.answer(found)


@app.command("run")
def run_river(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """把全流程更新到最新。 Bring the river up to date.

    退出码 Exit code: 0 完成 done; 65 有报送被整份隔离 a delivery was set aside; 75 有来源未收全，请再运行 run again.
    """
    code = _run(Node(home), Terminal(as_json=json, notes=False))
    if code:
        raise typer.Exit(code)


def _run(node: Node, terminal: Terminal) -> int:
    """Run the river, tell what it did and what waits, and return the exit code."""
    start = node.ledger.checkpoint().size
    with natives_silenced():
        report = node.run(terminal)
    errors = [*report.errors, *report.collect.faults]
    for fault in [*errors, *report.unwitnessed]:
        terminal.complain(fault)
    found = faults.found_since(node, start)
    faults.tell(terminal.warn, found, limit=faults.room_for(found))
    if report.changed:
        reports.summary(terminal, report)
    else:
        terminal.say(Text("没有新内容，未作任何改动。", "Nothing new; nothing was changed."))
    faults.remind(terminal, node)
    terminal.answer({"changed": report.changed, "report": report, "waiting": found})
    return faults.exit_code(errors, found)


@app.command("faults")
def list_faults(
    source: Annotated[str, typer.Argument(help="只看一个来源。 Of one source only.")] = "",
    home: HomeOption = HOME,
    limit: Annotated[int, typer.Option(min=1, help="每个来源最多列出几处。 How many of each source.")] = 100,
    json: JsonOption = False,
) -> None:
    """列出待处理的问题：何处、为何、怎么办。 What waits, and what to do."""
    terminal = Terminal(as_json=json)
    node = Node(home)
    found = faults.standing(node, source, limit)
    faults.tell(terminal.say, found)
    if not found:
        terminal.say(Text("没有待处理的问题。", "Nothing waits."))
    terminal.answer({"waiting": found})


@app.command()
def release(submission: str, home: HomeOption = HOME, json: JsonOption = False) -> None:
    """解除隔离，下次运行时归档。 Take a delivery out of quarantine."""
    terminal = Terminal(as_json=json)
    node = Node(home)
    with node.home.lock():
        found = node.collect.release(submission, node.actor)
    terminal.say(Text(f"已解除隔离：{found.sequence}；请再运行。", f"Released {found.sequence}; now run again."))
    terminal.answer(found)


@app.command()
def status(home: HomeOption = HOME, json: JsonOption = False) -> None:
    """总览：各环节计数、各来源、缺口。 Counts, sources and gaps."""
    terminal = Terminal(as_json=json)
    node = Node(home)
    found = node.status()
    reports.sources(terminal, found.sources)
    reports.counts(terminal, found.counts)
    for gap in found.gaps:
        terminal.say(gap)
    faults.remind(terminal, node)
    terminal.answer(found)


@app.command()
def search(query: str, home: HomeOption = HOME, limit: int = 20, json: JsonOption = False) -> None:
    """检索档案。 Search the records."""
    terminal = Terminal(as_json=json)
    node = Node(home)
    found = node.archive.search(query, node.actor, limit=limit)
    terminal.say(Text(f"共 {found.total} 件", f"{found.total} records"))
    heads = (Text("档号", "Code"), Text("题名", "Title"), Text("编号", "Ref"))
    terminal.table(heads, [(each.archival_code, each.title, each.ref) for each in found.packages])
    terminal.answer(found)


@app.command()
def show(record: str, home: HomeOption = HOME, json: JsonOption = False) -> None:
    """查看一件档案。 Show one record."""
    terminal = Terminal(as_json=json)
    node = Node(home)
    found = node.archive.package(record, node.actor)
    terminal.table(
        (Text("项", "Item"), Text("值", "Value")),
        [
            (Text("档号", "Code"), found.archival_code),
            (Text("题名", "Title"), found.title),
            (Text("版本", "Version"), found.ref),
            (Text("单位", "Department"), found.department),
            (Text("归档时间", "Archived"), found.archived_at),
            (Text("清单摘要", "Inventory"), found.inventory),
            (Text("存证序号", "Ledger entry"), found.entry),
            (Text("行数", "Rows"), found.seal.rows if found.seal else None),
            *((each.title, f"{each.verdict.value}  {each.finding.say(terminal.language)}") for each in found.checks),
        ],
    )
    terminal.answer(found)


@app.command()
def trace(figure: str, home: HomeOption = HOME, json: JsonOption = False) -> None:
    """追溯指标值、预警或决定。 From a figure to rule, rows and proofs."""
    terminal = Terminal(as_json=json)
    found = Node(home).brain.trace(figure)
    terminal.say(found.rule)
    terminal.say(
        Text(
            f"规则 {found.rule_id} 第 {found.version} 版；依据：{found.legal_basis}",
            f"Rule {found.rule_id} v{found.version}; {found.legal_basis}",
        )
    )
    terminal.say(
        Text(
            f"涉及 {found.total} 行，逐行证明 {len(found.rows)} 行",
            f"{found.total} rows, {len(found.rows)} proven one by one",
        )
    )
    reports.steps(terminal, found.steps)
    terminal.answer(found)
    if not found.ok:
        raise typer.Exit(76)


@app.command()
def verify(
    target: Annotated[
        str, typer.Argument(help="档号、编号或凭证文件；空为整个节点。 A record, a receipt file, or the home.")
    ] = "",
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """离线核验档案、凭证或整个节点。 Verify a record, receipt or home."""
    terminal = Terminal(as_json=json)
    node = Node(Path(target) if target and Path(target).is_dir() else home)
    if target and Path(target).is_file():
        ok = _verify_receipt(node, terminal, Path(target))
    elif target and not Path(target).is_dir():
        found = node.archive.verify(node.archive.package(target, node.actor).ref)
        reports.steps(terminal, found.steps)
        terminal.answer(found)
        ok = found.ok
    else:
        ok = _verify_home(node, terminal)
    if not ok:
        raise typer.Exit(76)


def _verify_receipt(node: Node, terminal: Terminal, file: Path) -> bool:
    from chengyi.trust.ledger.verify import verify_receipt

    entry = verify_receipt(file.read_bytes().decode(errors="replace"), node.keys.verifier)
    terminal.say(
        Text(
            f"凭证有效：第 {entry.index} 条，{entry.act.kind.value}",
            f"Valid: entry {entry.index}, {entry.act.kind.value}",
        )
    )
    terminal.answer(entry)
    return True


def _verify_home(node: Node, terminal: Terminal) -> bool:
    found = node.verify(terminal)
    terminal.say(
        Text(
            f"存证 {found.acts} 条，对象 {found.objects} 个，档案包 {found.packages} 个，问题 {len(found.faults)} 个",
            f"{found.acts} acts, {found.objects} objects, {found.packages} packages, {len(found.faults)} faults",
        )
    )
    for fault in found.faults:
        terminal.say(fault)
    terminal.answer(found)
    return not found.faults


@app.command()
def serve(home: HomeOption = HOME, host: str = "127.0.0.1", port: int = 8000, json: JsonOption = False) -> None:
    """打开控制台。 Serve the console."""
    node = Node(home)
    node.status()  # a home that is not sound is told here, not on every page
    _serve(node, Terminal(as_json=json), host, port)


def _serve(node: Node, terminal: Terminal, host: str, port: int) -> None:
    from chengyi.console import create_first_accounts
    from chengyi.console import serve as serve_console

    for username, password in create_first_accounts(node).items():
        terminal.say(
            Text(
                f"一次性口令  {username}  {password}",
                f"One-time password  {username}  {password}",
            )
        )
    terminal.say(
        Text(f"控制台：http://{host}:{port}/ （按 Ctrl-C 结束）", f"Console: http://{host}:{port}/ (Ctrl-C ends)")
    )
    serve_console(node, host, port)


@app.command()
def password(user: str, home: HomeOption = HOME, json: JsonOption = False) -> None:
    """重置账号口令并解锁。 Give an account a new one-time password."""
    from chengyi.console import reset_password

    terminal = Terminal(as_json=json)
    fresh = reset_password(Node(home), user)
    terminal.say(Text(f"一次性口令  {user}  {fresh}", f"One-time password  {user}  {fresh}"))
    terminal.answer({"user": user, "password": fresh})


@app.command()
def demo(
    home: HomeOption = Path("home/demo"),
    people: Annotated[int, typer.Option(help="人口规模。 How many people.")] = 20_000,
    port: int = 8000,
    serve: Annotated[bool, typer.Option(help="结束后打开控制台。 Serve the console afterwards.")] = True,
    json: JsonOption = False,
) -> None:
    """生成云汀区并运行全流程。 Run the river on the invented district."""
    from chengyi.district import generate

    terminal = Terminal(as_json=json)
    if (home / "node.toml").exists():
        node = Node(home)
    else:
        generate(home, people, reporter=terminal)  # before there is a node, so that an interrupted one is made again
        node = Node.create(
            home, "yunting", zh="云汀区", en="Yunting District", department="云汀区档案馆", demonstration=True
        )
    terminal.say(Text("云汀区为虚构示范区，数据均系生成。", "Yunting is invented; all its data is generated."))
    _run(node, terminal)
    if serve:
        _serve(node, terminal, "127.0.0.1", port)


@app.command()
def bench(
    rows: Annotated[int, typer.Option(min=1_000, max=20_000_000, help="多少行。 How many rows.")] = 1_000_000,
    json: JsonOption = False,
) -> None:
    """测全流程速度，与直接转存相比。 Measure the river beside a plain copy.

    在源码目录中 `make bench` 测得更多。 In the source tree, `make bench` measures more.
    """
    import tempfile

    from chengyi.cli.bench import measure

    terminal = Terminal(as_json=json)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), rows, terminal)
    laps = [(reports.ROOMS["collect"], found.collect), (reports.ROOMS["archive"], found.archive)]
    laps += [(reports.ROOMS["integrate"], found.integrate), (Text("合计", "Together"), found.seconds)]
    rate = f"{found.rows / found.seconds:,.0f}"
    terminal.table((Text("环节", "Room"), Text("秒", "Seconds")), [(name, f"{seconds:.2f}") for name, seconds in laps])
    terminal.say(
        Text(
            f"{rate} 行/秒，为引擎直接转存的 {found.ratio:.2f} 倍；峰值内存 {found.peak_mib} MiB",
            f"{rate} rows/s, {found.ratio:.2f} of the engine's plain copy; peak memory {found.peak_mib} MiB",
        )
    )
    terminal.answer({"throughput": found, "seconds": found.seconds, "ratio": found.ratio})
