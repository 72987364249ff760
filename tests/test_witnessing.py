"""Nodes that witness each other: settings, runs, commands."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chengyi.cli.ledger import ledger_app
from chengyi.model.act import Act, ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import ChengyiError, ConfigError, SplitViewError, UsageError
from chengyi.model.reporter import SilentReporter
from chengyi.node import Node
from chengyi.trust.ledger.publish import PublishReport
from chengyi.trust.ledger.request import SIZE_TYPE, Answer
from chengyi.trust.ledger.verify import verify_receipt
from simulators.witness import NOW, Switchboard, key_of

QUIET = SilentReporter()
NAMES = ("east", "west")


@pytest.fixture
def nodes(tmp_path: Path, board: Switchboard) -> Iterator[dict[str, Node]]:
    """Two nodes, each the other's witness."""
    made = {}
    for name in NAMES:
        made[name] = Node.create(tmp_path / name, name, zh=name, en=name, department="档案馆", clock=SetClock(NOW))
    for name, other in zip(NAMES, reversed(NAMES), strict=True):
        key, log = made[other].witness.cosigners[0], made[other].keys.verifier
        configure(
            tmp_path / name,
            f'[ledger]\nwitnesses = [{{ name = "{other}", url = "{board.address(other).url}", key = "{key}" }}]\n'
            f'[witness]\nlogs = [{{ origin = "{other}", key = "{log}" }}]\n',
        )
    for name in NAMES:
        made[name].close()
        made[name] = Node(tmp_path / name, SetClock(NOW))
        board.witnesses[name] = made[name].witness.add_checkpoint
    yield made
    for node in made.values():
        node.close()


def configure(home: Path, text: str) -> None:
    with (home / "node.toml").open("a") as file:
        file.write("\n" + text)


def published(node: Node) -> PublishReport:
    report = node.run(QUIET).witnessing
    assert isinstance(report, PublishReport)
    return report


def test_promise_4_nodes_witness_each_other_and_come_to_rest(nodes: dict[str, Node], board: Switchboard) -> None:
    sizes = []
    for _ in range(4):
        assert all(published(node).quorum.met for node in nodes.values())
        sizes.append([node.ledger.checkpoint().size for node in nodes.values()])
    assert sizes[1] == sizes[2] == sizes[3]
    east = nodes["east"]
    assert [each.act.object for each in east.audit.entries(kind=ActKind.COSIGNED.value)] == ["log:west"]
    east.audit.record(Act(ActKind.READ, "clerk", "pkg-1"))
    board.asked.clear()
    assert published(east).size == east.audit.entries(object="pkg-1")[0].index + 1
    assert board.asked == ["west"]


def test_promise_4_a_receipt_of_the_node_carries_its_quorum(nodes: dict[str, Node]) -> None:
    east = nodes["east"]
    published(east)
    receipt = east.audit.receipt(0)
    policy = east.publisher.policy
    assert [each.cosigner.name for each in policy.require(receipt.checkpoint.note).cosignatures] == ["west"]
    from chengyi.trust.ledger.receipts import render

    assert verify_receipt(render(receipt), east.keys.verifier, "east", policy).act.kind is ActKind.CREATED
    assert east.verify(QUIET).faults == ()


def test_a_run_goes_on_where_no_witness_answers(nodes: dict[str, Node], board: Switchboard) -> None:
    board.witnesses["west"] = lambda _: Answer(500, "no\n")
    report = published(nodes["east"])
    assert (report.quorum.met, len(report.failures)) == (False, 1)
    board.witnesses["west"] = lambda _: Answer(409, "99\n", SIZE_TYPE)
    report = published(nodes["east"])
    assert isinstance(report.conflicts[0], SplitViewError)
    assert nodes["east"].audit.entries(kind=ActKind.COSIGNING_REFUSED.value)[0].act.object == "log:east"


def test_promise_2_a_node_whose_ledger_is_not_what_was_cosigned_says_so(nodes: dict[str, Node]) -> None:
    east = nodes["east"]
    published(east)
    cosigned = east.home.ledger / "cosigned"
    cosigned.write_text(nodes["west"].ledger.checkpoint().note)
    report = east.run(QUIET).witnessing
    assert isinstance(report, ChengyiError)
    assert east.verify(QUIET).faults


def test_a_node_without_witnesses_publishes_nothing(tmp_path: Path) -> None:
    node = Node.create(tmp_path / "home", "alone", zh="独", en="alone", department="档案馆", clock=SetClock(NOW))
    assert node.run(QUIET).witnessing is None
    assert node.publisher.policy.quorum == "none"
    node.close()


def wire(home: Path) -> None:
    node = Node(home)
    assert node.publisher
    assert node.witness


GOOD = f'{{ name = "a", url = "https://a.invalid/", key = "{key_of("a")}" }}'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[ledger]\nwitnesses = [{ name = "a", url = "ftp://a", key = "k" }]\n', "ledger.witnesses.0.url"),
        ('[ledger]\nwitnesses = [{ name = "a b", url = "http://a", key = "k" }]\n', "ledger.witnesses.0.name"),
        (f"[ledger]\nwitnesses = [{GOOD}, {GOOD}]\n", "ledger"),
        (f"[ledger]\nwitnesses = [{GOOD}]\nquorum = 2\n", "ledger"),
        (f"[ledger]\nwitnesses = [{GOOD}]\nquorum = 0\n", "ledger.quorum"),
        ('[witness]\nlogs = [{ origin = "a", key = "k" }, { origin = "a", key = "l" }]\n', "witness"),
        ('[witness]\nlogs = [{ origin = "a b", key = "k" }]\n', "witness.logs.0.origin"),
        ("[witness]\nlog = 1\n", "witness.log"),
        ('[ledger]\nwitnesses = [{ name = "a", url = "http://a", key = "k" }]\n', "ledger.witnesses"),
        ('[witness]\nlogs = [{ origin = "a", key = "k" }]\n', "witness.logs"),
    ],
)
def test_wrong_settings_name_the_file_and_the_key(text: str, key: str, tmp_path: Path) -> None:
    Node.create(tmp_path / "home", "alone", zh="独", en="alone", department="档案馆").close()
    configure(tmp_path / "home", text)
    with pytest.raises(ConfigError) as caught:
        wire(tmp_path / "home")
    assert caught.value.facts["key"] == key


def test_the_quorum_is_more_than_half_where_none_is_given(tmp_path: Path) -> None:
    Node.create(tmp_path / "home", "alone", zh="独", en="alone", department="档案馆").close()
    every = ", ".join(GOOD.replace('"a"', f'"{name}"').replace(str(key_of("a")), str(key_of(name))) for name in "abcd")
    configure(tmp_path / "home", f"[ledger]\nwitnesses = [{every}]\n")
    assert Node(tmp_path / "home").settings.ledger.needed == 3


# commands


def command(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(ledger_app, [*map(str, words)], env={"CHENGYI_LANG": "en"})
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


def test_the_commands_tell_how_the_ledger_stands(nodes: dict[str, Node], board: Switchboard, tmp_path: Path) -> None:
    home = ["--home", tmp_path / "east"]
    assert json.loads(command("status", *home, "--json")[1])["cosigned"] is None
    size = nodes["east"].ledger.checkpoint().size
    code, said = command("publish", *home)
    assert code == 0
    assert "cosigned by west" in said
    status = json.loads(command("status", *home, "--json")[1])
    assert (status["cosigned"], status["quorum"]) == (size, {"met": True, "witnesses": ["west"]})
    assert status["witness_keys"] == [str(nodes["east"].witness.cosigners[0])]
    found = json.loads(command("witnesses", *home, "--json")[1])
    assert [each["name"] for each in found["witnesses"]] == ["west"]
    assert found["logs"] == {"west": None}
    assert "quorum witnesses" in command("policy", *home)[1]
    board.witnesses["west"] = lambda _: Answer(503, "")
    nodes["east"].audit.record(Act(ActKind.READ, "clerk", "pkg-1"))
    assert command("publish", *home)[0] == 75
    board.witnesses["west"] = lambda _: Answer(409, "99\n", SIZE_TYPE)
    assert command("publish", *home)[0] == 76


def test_two_views_of_a_log_are_compared_by_command(nodes: dict[str, Node], tmp_path: Path) -> None:
    from chengyi.trust.ledger.log import FileLedger

    west, home = nodes["west"], ["--home", tmp_path / "east"]
    views = []
    for name in ("one", "other"):
        log = FileLedger(tmp_path / name, west.keys, "west", SetClock(NOW))
        log.append([name.encode()] * 3)
        views.append(tmp_path / name / "checkpoint")
    key = ["--key", west.keys.verifier]
    assert command("compare", views[0], views[0], *key, *home)[0] == 0
    with pytest.raises(SplitViewError) as caught:
        command("compare", *views, *key, *home)
    assert (tmp_path / "east/witness/own" / str(caught.value.facts["evidence"])).is_file()
    assert nodes["east"].audit.entries(kind=ActKind.COSIGNING_REFUSED.value)[0].act.object == "log:west"


def test_a_proof_is_never_written_over_something(tmp_path: Path, nodes: dict[str, Node]) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError):
        command("proof", "pkg-1", "--to", tmp_path / "there", "--home", tmp_path / "east")
    with pytest.raises(ChengyiError):
        command("proof", "pkg-1", "--to", tmp_path / "absent", "--home", tmp_path / "east")
    assert not (tmp_path / "absent").exists()
