"""The worked example on real public data: from collection to a proven decision, in a page to copy from.

    .venv/bin/python examples/real/run.py [--home FOLDER] [--json]

The data are read where they lie (CHENGYI_DATA, or ../shared/data beside the project) and never written to. Everything
else happens in the home. Run it again: nothing is new, and the account is the same.
"""

import argparse
import os
import resource
import shutil
import sys
import time
from pathlib import Path

import account
import show
from deal import TRUTH, deal

from chengyi.cli.terminal import Terminal
from chengyi.model.actor import Actor, Role
from chengyi.model.decision import Alert, App, Decision
from chengyi.model.errors import ChengyiError, NotFoundError, UsageError
from chengyi.model.text import Text
from chengyi.node import Node

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent

DEPARTMENT = "交通局 (DOT)"
TASK = "核对并更正办结时间 (check and correct the times of closing)"
ANSWER = "已核对，将补报更正 (checked; corrections will follow)"
OUTCOME = "退回更正 (sent back to be corrected)"
GROUND = "承办单位已确认时间有误 (the agency confirmed that the times are wrong)"
CLERK = Actor("dot-clerk-1", "经办", DEPARTMENT, frozenset({Role.CLERK}))
ALERTS = {
    App.LIVELIHOOD: ("livelihood.crowded", ""),
    App.TRAFFIC: ("traffic.congestion.speeds", ""),
    App.GOVERNANCE: ("governance.request_faults", "DOT@"),
}
"""The alert to show of each application: its rule, and how its subject begins."""


def main() -> int:
    """Run the example; return 0 where everything in the account holds."""
    options = read_options()
    terminal = Terminal(as_json=options.json)
    started = time.monotonic()
    try:
        node = prepare(options.home, data_folder(), terminal)
        changed = run(node, terminal)
        alerts = {app: find_alert(node, app) for app in ALERTS}
        decision = decide(node, alerts[App.GOVERNANCE])
        told = account.take(node, node.home.path / TRUTH, alerts, decision, terminal)
    except (ChengyiError, OSError, KeyboardInterrupt) as fault:
        return explain(fault, terminal)
    show.account(terminal, told)
    close(terminal, options.home, decision.id, time.monotonic() - started)
    terminal.answer({"changed": changed, "ok": told.ok, "account": told})
    return 0 if told.ok else 76


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="真实公开数据示例。 The worked example on real public data.")
    home = PROJECT / "home" / "real"
    parser.add_argument("--home", type=Path, default=home, help="节点目录。 The node's home (default: home/real).")
    parser.add_argument("--json", action="store_true", help="以 JSON 输出。 Answer in JSON.")
    return parser.parse_args()


def data_folder() -> Path:
    """Return the folder of real public data; UsageError where there is none."""
    folder = Path(os.environ.get("CHENGYI_DATA", PROJECT.parent / "shared" / "data")).absolute()
    if not folder.is_dir():
        why = "没有真实公开数据，请设 CHENGYI_DATA (no real public data: set CHENGYI_DATA to its folder)"
        raise UsageError(why=why)
    return folder


def prepare(home: Path, data: Path, terminal: Terminal) -> Node:
    """Make the home with its nine sources, link the data into it, and deal out what departments deliver."""
    node = Node(home) if (home / "node.toml").is_file() else new_node(home)
    for file in sorted((HERE / "sources").glob("*.toml")):
        shutil.copyfile(file, node.home.sources / file.name)
    link = node.home.path / "data"
    if link.is_symlink():
        link.unlink()
    link.symlink_to(data, target_is_directory=True)
    deal(data, node.home.path, terminal)
    return node


def new_node(home: Path) -> Node:
    """Make a new node."""
    return Node.create(home, "example", zh="实例区", en="Example region", department="区档案馆", fonds="X001")


def run(node: Node, terminal: Terminal) -> bool:
    """Bring the river up to date; tell whether anything was new."""
    report = node.run(terminal)
    for fault in report.errors:
        raise fault
    if not report.changed:
        terminal.say(Text("没有新内容，未作任何改动。", "Nothing new; nothing was changed."))
    return report.changed


def find_alert(node: Node, app: App) -> Alert:
    """Return the alert to show of an application, the first by subject; NotFoundError."""
    rule, subject = ALERTS[app]
    found = [each for each in node.brain.alerts(app=app) if each.rule == rule and each.subject.startswith(subject)]
    if not found:
        raise NotFoundError(kind="预警 alert", id=rule)
    return min(found, key=lambda each: each.subject)


def decide(node: Node, alert: Alert) -> Decision:
    """Handle an alert as people do: the operator orders, the department answers, the operator decides.

    What the people say is part of the example, not of the data. A decided alert stays as it was decided.
    """
    made = node.brain.decisions(alert.id)
    if made:
        return made[0]
    orders = node.brain.orders(alert.id)
    order = orders[0] if orders else node.brain.order(account.OPERATOR, alert.id, DEPARTMENT, TASK, days=5)
    if not node.brain.answers(order.id):
        node.brain.answer(CLERK, order.id, ANSWER)
    return node.brain.decide(account.OPERATOR, alert.id, OUTCOME, GROUND)


def explain(fault: BaseException, terminal: Terminal) -> int:
    """Say what stopped the example, and return the exit code; what was done so far stays, and a new run goes on."""
    if isinstance(fault, ChengyiError):
        terminal.warn(Text(fault.message("zh"), fault.message("en")))
        terminal.warn(Text(fault.advice("zh"), fault.advice("en")))
        return fault.exit_code
    terminal.warn(
        Text(f"未完成（{fault!r}）；再次运行即可接续。", f"Not completed ({fault!r}); run again to continue.")
    )
    return 130 if isinstance(fault, KeyboardInterrupt) else 74


def close(terminal: Terminal, home: Path, decision: str, seconds: float) -> None:
    """Say what it took, and how to go on by hand."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    terminal.say(
        Text(f"\n用时 {seconds:.0f} 秒，内存峰值 {memory:,.0f} MiB", f"\n{seconds:.0f} s, {memory:,.0f} MiB at most")
    )
    terminal.say(Text("接着可试：", "Go on by hand:"))
    for words in (f"trace {decision}", "status", "serve"):
        terminal.say(Text(f"  chengyi {words} --home {home}", f"  chengyi {words} --home {home}"))


if __name__ == "__main__":
    sys.exit(main())
