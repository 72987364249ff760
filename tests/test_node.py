"""The river on a small district: collection to a proven decision, in one process."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from chengyi.district import generate
from chengyi.model.actor import Actor, Role
from chengyi.model.reporter import SilentReporter
from chengyi.node import Node

CLI = Path(sys.executable).with_name("chengyi")
QUIET = SilentReporter()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("river") / "home"
    node = Node.create(home, "yunting", zh="云汀区", en="Yunting", department="云汀区档案馆", demonstration=True)
    generate(home, 1_000)
    report = node.run(QUIET)
    node.close()
    assert not report.errors
    assert report.archive.kept > 100
    assert report.integrate.rows > 1_000
    assert report.link.dossiers > 500
    assert report.brain.figures > 10
    return home


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(CLI), *map(str, words)], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_promise_8_a_second_run_changes_nothing_and_says_so(home: Path) -> None:
    again = command("run", "--home", home, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["changed"] is False


@pytest.mark.slow
def test_promise_6_every_source_is_accounted_for_and_gaps_are_named(home: Path) -> None:
    node = Node(home)
    for source in node.collect.sources:
        assert node.collect.account(source.id).balanced, source.id
    status = node.status()
    node.close()
    assert status.counts["collect"]["pending"] == 0
    assert status.counts["collect"]["missing"] == len(
        [name for line in status.sources for name in line.completeness.missing]
    )
    assert status.gaps


IMPOSSIBLE = {"wrong_digit", "swapped_digits", "impossible_date", "bad_code", "stuck"}
FOLLOWS = {"unique", "not_after"}


@pytest.mark.slow
def test_promise_8_every_impossible_value_is_named_at_its_row_and_nothing_else_is(home: Path) -> None:
    """The district kept the truth of every error it put in; what the node says of its rows is held against it."""
    node = Node(home)
    names = {
        (each.source, column.name): column.element.id for each in node.integrate.contracts for column in each.columns
    }
    told = {}
    for fault in node.integrate.faults(limit=100_000):
        package = node.archive.package(fault.package, node.actor)
        element = names.get((package.source, fault.column), "")
        told[package.source, _stem(package.metadata["sequence"]), fault.row, element] = fault.code
    node.close()
    marks = pq.read_table(home / "truth" / "faults.parquet").to_pylist()
    wrong = {(mark["source"], _stem(mark["delivery"]), mark["row"], mark["element"]): mark["kind"] for mark in marks}
    detectable = {mark for mark, kind in wrong.items() if kind in IMPOSSIBLE}
    assert len(detectable) > 10
    assert detectable - told.keys() == set()
    assert {place for place, code in told.items() if place not in wrong and code not in FOLLOWS} == set()


def _stem(delivery: str) -> str:
    return Path(delivery).stem


@pytest.mark.slow
def test_promise_5_a_decision_is_filed_and_leads_home_to_the_rows(home: Path) -> None:
    node = Node(home)
    alert = node.brain.alerts()[0]
    order = node.brain.order(node.actor, alert.id, "区民政局", "入户核查", 5)
    clerk = Actor("clerk-1", "经办", "区民政局", frozenset({Role.CLERK}))
    node.brain.answer(clerk, order.id, "已核查")
    decision = node.brain.decide(node.actor, alert.id, "纳入帮扶", "经入户核实")
    submission = node.collect.submission(decision.submission)
    assert submission.state.value == "archived"
    trace = node.brain.trace(decision.id)
    node.close()
    assert trace.ok
    assert trace.total >= len(trace.rows) > 0
    traced = command("trace", decision.id, "--home", home)
    assert traced.returncode == 0, traced.stderr


@pytest.mark.slow
def test_promise_2_a_copied_home_verifies_offline_and_a_changed_byte_is_found(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    sound = command("verify", copy)
    assert sound.returncode == 0, sound.stdout + sound.stderr
    victim = next(path for path in sorted((copy / "vault").rglob("*")) if path.is_file() and path.stat().st_size > 500)
    spoiled = bytearray(victim.read_bytes())
    spoiled[300] ^= 1
    victim.write_bytes(spoiled)
    assert command("verify", copy).returncode == 76


@pytest.mark.slow
def test_promise_4_a_receipt_verifies_and_an_altered_one_does_not(home: Path, tmp_path: Path) -> None:
    from chengyi.trust.ledger.receipts import render

    node = Node(home)
    text = render(node.audit.receipt(0))
    node.close()
    receipt = tmp_path / "receipt.txt"
    receipt.write_text(text, "utf-8")
    assert command("verify", receipt, "--home", home).returncode == 0
    lines = text.splitlines()
    receipt.write_text("\n".join([*lines[:-2], "AAAA", *lines[-1:]]) + "\n", "utf-8")
    assert command("verify", receipt, "--home", home).returncode != 0


@pytest.mark.slow
def test_every_command_has_help_and_no_command_shows_a_traceback(home: Path, tmp_path: Path) -> None:
    for name in ("init", "source", "run", "status", "search", "show", "trace", "verify", "serve", "demo", "bench"):
        assert command(name, "--help").returncode == 0
    for words in (
        ("status", "--home", tmp_path / "nothing"),
        ("show", "no-such-record", "--home", home),
        ("trace", "no-such-figure", "--home", home),
        ("source", "check", "no-such-source", "--home", home),
        ("nonsense",),
    ):
        failed = command(*words)
        assert failed.returncode not in {0, 70}, words
        assert "Traceback" not in failed.stderr
        assert failed.stderr.strip()


@pytest.mark.slow
def test_records_are_found_and_shown(home: Path) -> None:
    found = json.loads(command("search", "云汀", "--home", home, "--json").stdout)
    assert found["total"] > 0
    ref = found["packages"][0]["id"]
    assert command("show", ref, "--home", home).returncode == 0
    assert command("verify", ref, "--home", home).returncode == 0
    assert command("status", "--home", home).returncode == 0
    assert command("source", "list", "--home", home).returncode == 0
    assert command("source", "check", "decisions", "--home", home).returncode in {0, 65, 69, 75}
