"""Promise 8 under SIGKILL: a real process over a real vault and ledger is killed in the middle, and run again."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from chengyi.collect import Collect, load_sources
from chengyi.model.act import ActKind
from chengyi.model.actor import node_actor
from chengyi.model.clock import SystemClock
from chengyi.model.reporter import SilentReporter
from chengyi.store.rows import Rows
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.keys import FileKeys
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.vault.vault import FragmentVault
from simulators.vault import folder_vault

DOCUMENTS = 450
SOURCE = """
[source]
id = "docs"
title = { zh = "文件", en = "Documents" }
department = "区档案馆"
fonds = "Y012"
[connector]
kind = "documents"
path = "in"
"""


def room(home: Path) -> tuple[Collect, LedgerAudit, FragmentVault, Rows]:
    keys = FileKeys.open(home / "keys")
    clock = SystemClock()
    rows = Rows(f"sqlite:///{home / 'node.db'}")
    rows.create_all()
    audit = LedgerAudit(rows, FileLedger(home / "ledger", keys, "test.invalid/killed", clock), clock)
    vault = folder_vault(home / "vault", keys)
    return Collect(rows, vault, audit, clock, load_sources(home / "sources", home), home), audit, vault, rows


def take(home: Path) -> None:
    room(home)[0].collect(node_actor("test"), SilentReporter())


@pytest.mark.slow
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("portion", [0, 200])
def test_promise_8_a_killed_run_is_finished_by_the_next(tmp_path: Path, signal_number: int, portion: int) -> None:
    for name in ("sources", "in"):
        (tmp_path / name).mkdir()
    (tmp_path / "sources" / "docs.toml").write_text(SOURCE, "utf-8")
    for number in range(DOCUMENTS):
        (tmp_path / "in" / f"{number:04}.txt").write_text(f"文件 {number}", "utf-8")
    FileKeys.create(tmp_path / "keys", "test.invalid/killed")
    script = "import sys, pathlib; from test_killed import take; take(pathlib.Path(sys.argv[1]))"
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE
    )
    vault = tmp_path / "vault"
    while process.poll() is None and sum(1 for each in vault.rglob("*") if each.is_file()) < 3 * (portion + 20):
        time.sleep(0.005)
    process.send_signal(signal_number)
    process.communicate(timeout=60)
    assert process.returncode != 0

    collect, audit, sealed, rows = room(tmp_path)
    collect.collect(node_actor("test"), SilentReporter())
    pending = collect.pending()
    assert Counter(each.sequence for each in pending) == Counter(f"{number:04}.txt" for number in range(DOCUMENTS))
    for submission in pending[:: DOCUMENTS // 20]:
        number = int(submission.sequence[:4])
        assert sealed.read(submission.components[0].object).decode() == f"文件 {number}"
    received = audit.entries(kind=ActKind.RECEIVED.value, limit=10 * DOCUMENTS)
    assert Counter(each.act.object for each in received) == Counter(each.id for each in pending)
    (outcome,) = collect.collect(node_actor("test"), SilentReporter()).sources
    assert (outcome.new, outcome.unchanged) == (0, DOCUMENTS)
    rows.close()
