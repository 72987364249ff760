"""The commands of tracing, each as people type it, over a small home; nothing ends in a traceback."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from chengyi.cli.investigate import app as audit_app
from chengyi.cli.investigate import investigate
from chengyi.model.act import Act, ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import ChengyiError, UsageError
from chengyi.node import Node
from chengyi.trust.ledger.verify import verify_receipt

REASON = "信访件核查"
WORDS = ("--reason", "保存期限已满", "--basis", "个人信息保护法第四十七条")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from datetime import UTC, datetime

    clock = SetClock(datetime(2026, 11, 1, 1, 0, tzinfo=UTC))
    path = tmp_path_factory.mktemp("investigate") / "home"
    node = Node.create(path, "test", zh="试", en="test", department="试", clock=clock)
    for day in range(20):
        refusals = 40 if day == 19 else 1
        acts = [Act(ActKind.DENIED, "nosy", f"grant:{number}") for number in range(refusals)]
        node.audit.record_all([*acts, Act(ActKind.READ, "clerk", "dataset:a", purpose="核对", grant="grt-1")])
        clock.advance(timedelta(days=1))
    node.close()
    return path


@pytest.fixture
def run(home: Path) -> Any:
    commands = typer.Typer()
    commands.add_typer(audit_app, name="audit")
    commands.command("investigate")(investigate)

    def call(*words: str) -> Any:
        result = CliRunner().invoke(commands, [*words, "--home", str(home)], env={"CHENGYI_LANG": "en"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def test_an_actor_is_investigated_with_a_report(run: Any, home: Path, tmp_path: Path) -> None:
    said = run("investigate", "--actor", "clerk", "--reason", REASON, "--to", str(tmp_path / "report")).stdout
    assert "20 acts, each verified" in said
    assert "share.read" in said
    files = sorted((tmp_path / "report" / "receipts").iterdir())
    key = (tmp_path / "report" / "verifier.txt").read_text()
    assert {verify_receipt(each.read_text("utf-8"), key).act.actor for each in files} == {"clerk"}
    found = json.loads(run("investigate", "--actor", "clerk", "--reason", REASON, "--json").stdout)
    assert len(found["acts"]) == 20
    node = Node(home)
    own = node.audit.entry(found["entry"]).act
    assert (own.kind, own.actor, own.address) == (ActKind.INVESTIGATED, "machine", "machine")
    node.close()


def test_a_trace_goes_on_where_it_ended(run: Any) -> None:
    first = json.loads(run("audit", "trace", "--actor", "clerk", "--limit", "15", "--json").stdout)
    rest = json.loads(run("audit", "trace", "--actor", "clerk", "--after", str(first["cursor"]), "--json").stdout)
    assert (len(first["entries"]), len(rest["entries"]), rest["cursor"]) == (15, 5, None)
    cut = run("audit", "trace", "--actor", "clerk", "--since", "2026-11-05", "--until", "2026-11-07", "--json")
    assert len(json.loads(cut.stdout)["entries"]) == 2


def test_odd_days_are_flagged_and_settled(run: Any) -> None:
    said = run("audit", "behaviour", "--until", "2026-11-20").stdout
    assert "doors at which refused" in said
    assert "Nothing new" in run("audit", "behaviour", "--until", "2026-11-20").stdout
    [flag] = json.loads(run("audit", "flags", "nosy", "--json").stdout)["flags"]
    done = run(
        "audit", "settle", str(flag["number"]), "--state", "explained", "--reason", "批量核对", "--by", "auditor"
    )
    assert "explained" in done.stdout
    assert "explained" in run("audit", "flags").stdout


def test_a_body_is_erased_by_two_people(run: Any, home: Path) -> None:
    node = Node(home)
    index = node.audit.record(Act(ActKind.READ, "wang", "dossier:dos-9"))
    node.close()
    with pytest.raises(UsageError):
        run("audit", "erase", str(index), *WORDS, "--by", "admin", "--approved-by", "admin")
    said = run("audit", "erase", str(index), *WORDS, "--by", "admin", "--approved-by", "auditor").stdout
    assert f"entry {index} was erased" in said
    assert json.loads(run("audit", "trace", "--actor", "wang", "--json").stdout)["entries"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("investigate", "--actor", "clerk"),
        ("investigate", "--reason", REASON),
        ("investigate", "--reason", REASON, "--actor", "clerk", "--since", "yesterday"),
        ("audit", "trace"),
        ("audit", "behaviour", "--until", "soon"),
        ("audit", "erase", "0", *WORDS, "--by", "admin", "--approved-by", "auditor"),
        ("audit", "erase", "99999", *WORDS, "--by", "admin", "--approved-by", "auditor"),
        ("audit", "settle", "0", "--state", "explained", "--reason", "批量核对", "--by", "auditor"),
    ],
)
def test_what_makes_no_sense_is_an_error_of_the_product(run: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(ChengyiError):
        run(*words)
