"""The commands of exports over a real node: take a copy, lose it, name its recipient, prove it elsewhere."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from chengyi.cli.exports import app
from chengyi.model.actor import Actor, Role
from chengyi.model.errors import ChengyiError, IntegrityError, NotFoundError, UsageError
from chengyi.model.grant import Purpose
from chengyi.model.reporter import SilentReporter
from chengyi.node import Node

pytestmark = pytest.mark.slow
CASE = "LW-2026-7"
SOURCE = """
[source]
id = "roads"
title = { zh = "路段", en = "Roads" }
department = "区交警大队"
fonds = "X001"
sharing = "unconditional"
[connector]
kind = "folder"
path = "in"
[reader]
format = "csv"
[contract]
dataset = "roads"
title = { zh = "路段", en = "Roads" }
key = ["section_id"]
[[contract.column]]
name = "编号"
element = "section_id"
[[contract.column]]
name = "速度"
element = "speed_kmh"
[[contract.column]]
name = "流量"
element = "flow_vph"
"""
POLICY = """
[export.roads]
key = ["section_id"]
[export.roads.mark.speed_kmh]
tolerance = 0.5
step = 0.1
least = 0
[export.roads.mark.flow_vph]
tolerance = 3
least = 0
"""
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("exports") / "home"
    node = Node.create(home, "roads", zh="路", en="Roads", department="区交警大队")
    (home / "in").mkdir()
    rows = [f"LD{at:05d},{30 + at * 7 % 400 / 10:.1f},{200 + at * 13 % 900}" for at in range(1_500)]
    (home / "in" / "roads.csv").write_text("编号,速度,流量\n" + "\n".join(rows) + "\n", "utf-8")
    (home / "sources" / "roads.toml").write_text(SOURCE, "utf-8")
    (home / "exports.toml").write_text(POLICY, "utf-8")
    report = node.run(SilentReporter())
    assert not report.errors
    node.close()
    return home


@pytest.fixture
def grant(home: Path) -> str:
    node = Node(home)
    clerk = Actor("clerk", "经办", "区城运中心", frozenset({Role.CLERK}))
    asked = node.share.request(clerk, "roads", ("section_id", "speed_kmh", "flow_vph"), Purpose("研判", "依据", CASE))
    node.close()
    assert asked.grant is not None
    return asked.grant


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CHENGYI_HOME", str(home))

    def go(*words: object) -> Any:
        done: Result = CliRunner().invoke(app, [str(each) for each in words])
        if isinstance(done.exception, ChengyiError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout) if "--json" in words else done.output

    return go


def test_a_copy_is_taken_lost_found_and_proven(run: Run, home: Path, grant: str, tmp_path: Path) -> None:
    for name in ("zhou", "wu", "zheng"):
        made = run(grant, "--to", tmp_path / f"{name}.csv", "--recipient", name, "--accept-notice", "--json")
        assert (made["rows"], made["mode"], made["recipient"]) == (1_500, "marked", f"区城运中心/{name}")
        assert made["marks"] > 2_500
    with (tmp_path / "wu.csv").open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    with (tmp_path / "leak.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *sorted(rows)[200:350]])
    found = run("evidence", tmp_path / "leak.csv", "--to", tmp_path / "b.zip", "--json")
    assert [each["recipient"] for each in found["accused"]] == ["区城运中心/wu"]
    listed = run("list", "--json")["exports"]
    assert [each["recipient"] for each in listed[:3]] == [f"区城运中心/{name}" for name in ("zheng", "wu", "zhou")]
    node = Node(home)
    key = node.keys.verifier
    node.close()
    proven = run(
        "check", tmp_path / "b.zip", "--key", key, "--leak", tmp_path / "leak.csv", "--home", tmp_path, "--json"
    )
    assert (proven["actor"], proven["export"]) == ("wu", listed[1]["id"])
    assert "证据成立" in run("check", tmp_path / "b.zip")
    with pytest.raises(IntegrityError):
        run("check", tmp_path / "b.zip", "--leak", tmp_path / "wu.csv")


def test_nothing_leaves_without_the_notice_and_nobody_is_accused_without_marks(
    run: Run, grant: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        run(grant, "--to", tmp_path / "a.csv")
    run(grant, "--to", tmp_path / "a.csv", "--mode", "exact", "--accept-notice", "--recipient", "someone")
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    with (tmp_path / "leak.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *sorted(rows)])
    assert run("evidence", tmp_path / "leak.csv", "--json")["accused"] == []
    with pytest.raises(UsageError):
        run("evidence", tmp_path / "leak.csv", "--to", tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_what_is_not_there_is_not_found(run: Run, tmp_path: Path) -> None:
    for words in (["grt-none"], ["evidence", tmp_path / "none.csv"], ["check", tmp_path / "none.zip"]):
        with pytest.raises(NotFoundError):
            run(*words)
