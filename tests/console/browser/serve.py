"""Serve a console over a simulated node on a loopback port, until killed: the process that browser tests drive."""

from __future__ import annotations

import sys
from pathlib import Path

PASSWORD = "Quiet-River-2026"


def main(home: str, port: str) -> None:
    from chengyi.console import build_application
    from chengyi.console.server import serve
    from chengyi.model.actor import Role
    from chengyi.model.clock import SystemClock
    from chengyi.model.grant import Purpose
    from console.conftest import open_account
    from simulators.node import SimNode

    node = SimNode(Path(home), SystemClock())
    application = build_application(node)  # type: ignore[arg-type]
    now = node.clock.now()
    for role in Role:
        open_account(role.value.replace("_", "-"), frozenset({role}), at=now)
    purpose = Purpose("核对临时救助申请人家庭情况", "《社会救助暂行办法》第四十八条", "JZ-2026-0417")
    for _ in range(3):
        node.share.request(node.actor, "low_income", ("citizen_id", "person_name", "aid_kind"), purpose)
    node.share.approve(node.actor, "req-3")
    node.brain.order(node.actor, "alert-1", "区民政局", "入户核实家庭人口与收入，七日内反馈。", 7)
    serve(application, "127.0.0.1", int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
