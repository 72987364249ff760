"""Ctrl-C and kill -9 in the middle of the river: the home opens and verifies, and the next runs come to the same end.

The moments are the borders of the rooms, seen from outside (objects in the vault, acts on record, tables in the lake),
and points drawn from a fixed seed between the files that are there and those of the end, so that they do not depend on
how fast the machine is. Each home is struck again and again before it may finish.
"""

import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chengyi.district import generate
from chengyi.node import Node

from .house import QUIET, House, environment

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("interruption")]
KEPT = ("police-population", "civil-low-income", "services-cases", "traffic-detectors", "archives-documents")
DOCUMENTS = 40
SIGNALS = pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["SIGKILL", "SIGINT"])
INTERRUPTED = "Interrupted; what was done is whole. Run again to continue."
Moment = Callable[[Path], bool]


def act(kind: str) -> Moment:
    """Return the moment when a room's act is on record, before the room has made its work visible."""

    def reached(home: Path) -> bool:
        try:
            rows = sqlite3.connect(f"file:{home / 'node.db'}?mode=ro", uri=True, timeout=0.05)
        except sqlite3.OperationalError:
            return False
        try:
            return rows.execute("SELECT 1 FROM acts WHERE kind = ? LIMIT 1", (kind,)).fetchone() is not None
        except sqlite3.OperationalError:
            return False
        finally:
            rows.close()

    return reached


def objects(count: int) -> Moment:
    """Return the moment when so many objects are in the vault."""
    return lambda home: sum(each.is_file() for each in (home / "vault").rglob("*")) >= count


def files(count: int) -> Moment:
    """Return the moment when the river has written so many files."""
    return lambda home: written(home) >= count


def laid(table: str) -> Moment:
    """Return the moment when a table is first in the lake, before the act that tells of it."""
    return lambda home: any((home / "lake" / table / "_delta_log").glob("*.json"))


def written(home: Path) -> int:
    """Count the files that the river has written."""
    folders = (home / name for name in ("vault", "ledger", "lake"))
    return sum(each.is_file() for folder in folders for each in folder.rglob("*"))


MOMENTS: dict[str, Moment] = {
    "collect": objects(20),
    "received": act("collect.received"),
    "archive": act("archive.kept"),
    "a table": laid("population"),
    "integrate": act("integrate.standardised"),
    "dossier rows": laid("dossier_rows"),
    "link": act("integrate.linked"),
    "publish": act("share.catalogued"),
    "brain": act("brain.computed"),
}


def build(path: Path) -> House:
    """Make a node with five small sources of the invented district."""
    house = House.build(path)
    generate(path, 500)
    for file in (path / "sources").glob("*.toml"):
        if file.stem not in {*KEPT, "decisions"}:
            file.unlink()
    for file in sorted((path / "deliveries" / "traffic").iterdir())[1:]:
        file.unlink()
    for file in sorted(each for each in (path / "deliveries" / "archives").rglob("*") if each.is_file())[DOCUMENTS:]:
        file.unlink()
    return house


def end_of(node: Node) -> dict[str, Any]:
    """Return everything that a run comes to, without times and without names that are drawn by lot."""
    counts = {room: dict(each) for room, each in node.status().counts.items()}
    rows = {each.name: _rows(node, each.name) for each in node.integrate.datasets()}
    figures = sorted((each.indicator, each.group, str(each.value)) for each in node.brain.figures())
    alerts = sorted(
        (each.rule, each.state.value, sorted((one.package, one.row) for one in each.evidence))
        for each in node.brain.alerts()
    )
    kept = sorted(
        (package.ref, package.archival_code, *(file.sha256 for file in package.components))
        for source in node.collect.sources
        for package in node.archive.since(source.id, -1)
    )
    return {"counts": counts, "rows": rows, "dossiers": _dossiers(node), "figures": figures, "alerts": alerts} | {
        "packages": kept
    }


def _rows(node: Node, name: str) -> list[str]:
    return sorted(map(repr, node.tables.arrow(node.integrate.table(name)).to_pylist()))


def _dossiers(node: Node) -> list[list[tuple[str, int]]]:
    """Return the dossiers as the rows that belong together."""
    from sqlalchemy import select

    from chengyi.integrate.rows import dossier_members as members

    together: dict[str, list[tuple[str, int]]] = {}
    with node.rows.read() as connection:
        for each in connection.execute(select(members.c.dossier, members.c.package, members.c.row)):
            together.setdefault(each.dossier, []).append((each.package, each.row))
    return sorted(sorted(each) for each in together.values())


def strike(house: House, moment: Moment, number: signal.Signals, wait: float = 0.0) -> bool:
    """Run the river and strike it `wait` seconds after a moment; tell whether it was still running."""
    if moment(house.path):
        return False
    with subprocess.Popen(
        house.line("run"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as river:
        while river.poll() is None and not moment(house.path):
            time.sleep(0.002)
        time.sleep(wait)
        river.send_signal(number)
        _, said = river.communicate(timeout=300)
    assert "Traceback" not in said, said
    if number is signal.SIGINT and river.returncode:
        assert river.returncode == 130, said
        assert said.endswith(INTERRUPTED + "\n")
    return river.returncode in {130, -signal.SIGKILL}


def check_opens(house: House) -> None:
    """Check that a struck home opens, tells its status, and verifies."""
    with house.node() as node:
        assert node.status().counts
        assert not node.verify(QUIET).faults


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, dict[str, Any], int]:
    """A home before its first run, the end of an undisturbed run, and how many files that wrote."""
    house = build(tmp_path_factory.mktemp("struck") / "calm")
    whole = house.copy(house.path.parent / "whole")
    assert whole.run().returncode == 0
    with whole.node() as node:
        assert not node.verify(QUIET).faults
        end = end_of(node)
    assert len(end["figures"]) > 10
    assert len(end["alerts"]) > 0
    assert len(end["dossiers"]) > 400
    return house, end, written(whole.path)


def check_finished(house: House, end: dict[str, Any]) -> None:
    """Check that one run more finishes the work, and that its end is that of an undisturbed run."""
    done = house.run()
    assert done.returncode == 0, done.stderr
    verified = house.command("verify")
    assert verified.returncode == 0, verified.stdout
    with house.node() as node:
        found = end_of(node)
    for part, expected in end.items():
        assert found[part] == expected, part
    assert "Nothing new" in house.run().stdout


@SIGNALS
def test_promise_8_a_river_struck_in_every_room_comes_to_the_same_end(
    calm: tuple[House, dict[str, Any], int], tmp_path: Path, number: signal.Signals
) -> None:
    house, end, _ = calm
    struck = house.copy(tmp_path / "home")
    hit = []
    for name, moment in MOMENTS.items():
        if strike(struck, moment, number):
            hit.append(name)
        elif strike(alone := house.copy(tmp_path / name), moment, number):  # an earlier strike came too late
            hit.append(name)
            check_opens(alone)
        check_opens(struck)
    assert len(hit) >= 6, hit
    check_finished(struck, end)


@SIGNALS
def test_promise_8_a_river_struck_at_random_comes_to_the_same_end(
    calm: tuple[House, dict[str, Any], int], tmp_path: Path, number: signal.Signals
) -> None:
    house, end, most = calm
    struck = house.copy(tmp_path / "home")
    draw = random.Random(20261123 + number)
    hit = 0
    for _ in range(5):
        there = written(struck.path)
        hit += strike(struck, files(draw.randint(there + 1, max(most, there + 1))), number, draw.uniform(0, 0.1))
        check_opens(struck)
    assert hit >= 2
    check_finished(struck, end)


@pytest.mark.parametrize(
    "mark", ["keys/node.key", "sources/decisions.toml", "node.toml", "node.db", "ledger/checkpoint"]
)
@pytest.mark.parametrize("wait", [0, 0.05])
def test_promise_8_init_that_is_killed_is_finished_by_the_next_one(tmp_path: Path, mark: str, wait: float) -> None:
    house = House(tmp_path / "home")
    with subprocess.Popen(house.line("init"), env=environment(), stdout=subprocess.DEVNULL) as made:
        while made.poll() is None and not (house.path / mark).exists():
            pass
        time.sleep(wait)
        made.kill()
    again = house.command("init")
    there_is_a_node = again.returncode == 66 and "there is a node already" in again.stderr
    assert again.returncode == 0 or there_is_a_node, again.stderr
    assert house.run().returncode == 0
    with house.node() as node:
        assert len(node.audit.entries(kind="node.created")) == 1
        assert not node.verify(QUIET).faults
