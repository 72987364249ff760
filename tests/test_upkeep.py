"""What a served node does by itself, and what other nodes may ask of it, over real connections."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

import system
from chengyi.model.act import ActKind
from chengyi.model.clock import SetClock, SystemClock
from chengyi.model.errors import StorageFullError, WitnessError
from chengyi.model.reporter import SilentReporter
from chengyi.node import Node
from chengyi.node.certificates import foundation_of
from chengyi.node.upkeep import Upkeep, keep_up
from chengyi.trust.authority.authority import Authority
from chengyi.trust.ledger.publish import Publisher, PublishReport
from chengyi.trust.ledger.request import Answer
from chengyi.trust.vault.faults import FaultKind, FragmentFault
from simulators.witness import NOW, Switchboard, key_of, make_witness

DAY = timedelta(days=1)


@pytest.fixture
def node(tmp_path: Path, board: Switchboard) -> Iterator[Node]:
    Node.create(tmp_path / "home", "small", zh="小", en="small", department="档案馆", clock=SetClock(NOW)).close()
    address = board.address("east")
    with (tmp_path / "home/node.toml").open("a") as file:
        file.write(f'[ledger]\nwitnesses = [{{ name = "east", url = "{address.url}", key = "{address.key}" }}]\n')
    made = Node(tmp_path / "home", SetClock(NOW))
    yield made
    made.close()


def test_lists_and_the_own_certificate_are_fresh_after_days(node: Node, board: Switchboard) -> None:
    from chengyi.trust.ledger.notes import Verifier

    log = {"small": Verifier.parse(node.keys.verifier)}
    board.witnesses["east"] = make_witness(node.home.path / "w", "east", log).add_checkpoint
    first = node.authority.own("small").certificate.serial_number
    assert isinstance(node.clock, SetClock)
    node.clock.advance(3 * DAY)
    assert keep_up(node).faults == ()
    held, trusted = node.authority.own("small"), node.authority.trusted
    assert held.certificate.serial_number != first
    assert trusted.check(held.chain, at=node.clock.now()).name == "small"
    size = node.ledger.checkpoint().size
    keep_up(node)
    assert keep_up(node).faults == ()
    assert node.ledger.checkpoint().size - size <= 1, "it comes to rest: one time-stamp at most"


def test_promise_4_a_witness_that_was_away_is_asked_again(node: Node, board: Switchboard) -> None:
    from chengyi.trust.ledger.notes import Verifier

    board.witnesses["east"] = lambda _: Answer(500, "no\n")
    assert [type(fault) for fault in keep_up(node).faults] == [WitnessError]
    log = {"small": Verifier.parse(node.keys.verifier)}
    board.witnesses["east"] = make_witness(node.home.path / "w", "east", log).add_checkpoint
    assert keep_up(node).faults == ()
    told = node.publisher.publish()
    assert [each.cosigner for each in told.quorum.cosignatures] == [key_of("east")]


def test_promise_4_refused_fragments_are_put_on_record_and_wait_where_that_fails(
    node: Node, board: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.witnesses["east"] = lambda _: Answer(500, "no\n")
    node.refusals(FragmentFault("obj-1", 1, "s1", FaultKind.DAMAGED, "flipped"))
    with monkeypatch.context() as full:

        def no_room(_: object) -> list[int]:
            raise StorageFullError(path="ledger")

        full.setattr(node.audit, "record_all", no_room)
        assert StorageFullError in [type(fault) for fault in keep_up(node).faults]
    assert node.audit.entries(kind=ActKind.FRAGMENT_REFUSED.value) == []
    keep_up(node)
    (told,) = node.audit.entries(kind=ActKind.FRAGMENT_REFUSED.value)
    assert (told.act.object, told.act.detail["fault"]) == ("obj-1", "damaged")


def test_the_thread_goes_on_until_the_server_ends(node: Node, board: Switchboard) -> None:
    board.witnesses["east"] = lambda _: Answer(500, "no\n")
    with Upkeep(node, every=0.01):
        end = time.monotonic() + 20
        while len(board.asked) < 9 and time.monotonic() < end:
            time.sleep(0.01)
    assert len(board.asked) >= 9
    time.sleep(0.5)
    asked = len(board.asked)
    time.sleep(0.2)
    assert len(board.asked) == asked


LETTERS = """
[source]
id = "letters"
title = { zh = "来文", en = "Letters" }
department = "区档案馆"
fonds = "X001"
[connector]
kind = "documents"
path = "in"
"""


@pytest.mark.slow
def test_a_run_after_hours_days_or_years_finds_lists_and_certificates_in_order(tmp_path: Path) -> None:
    """Lists end after six hours, store certificates after a year, the node's own region after three."""
    home, clock = tmp_path / "home", SetClock(NOW)
    Node.create(home, "small", zh="小", en="small", department="档案馆", clock=clock).close()
    (home / "in").mkdir()
    (home / "sources" / "letters.toml").write_text(LETTERS, "utf-8")
    node = Node(home, clock)
    for number, passed in enumerate((timedelta(), timedelta(hours=7), DAY, 30 * DAY, 400 * DAY, 1_200 * DAY)):
        clock.advance(passed)
        (home / "in" / f"{number}.txt").write_text(f"关于核定的通知 {number}", "utf-8")
        report = node.run(SilentReporter())
        assert (report.archive.kept, report.errors, report.unwitnessed) == (1, (), ()), passed
        assert node.verify(SilentReporter()).faults == ()
    node.close()


# nodes of one region


@dataclass(frozen=True)
class Region:
    """A witness that is being served, and a member of its region whose log it follows."""

    witness: Path
    member: Node
    url: str

    def acts(self, kind: ActKind) -> list[dict[str, str]]:
        node = Node(self.witness)
        try:
            entries = node.audit.entries(kind=kind.value)
            return [{"certificate": each.act.certificate, **each.act.detail} for each in entries]  # type: ignore[dict-item]
        finally:
            node.close()

    def publisher(self) -> Publisher:
        return self.member.publisher


@contextmanager
def served(home: Path, port: int) -> Iterator[None]:
    words = [Path(sys.executable).with_name("chengyi"), "serve", "--home", home, "--port", port, "--json"]
    running = subprocess.Popen([*map(str, words)], stdout=subprocess.DEVNULL)
    try:
        system.wait_for_port(port, 60)
        yield
    finally:
        running.terminate()
        running.wait(timeout=30)


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Region]:
    east, west = (
        Node.create(tmp_path / name, name, zh="区", en="region", department="档案馆", clock=SystemClock())
        for name in ("east", "west")
    )
    folder, parts, terms = foundation_of(west)
    request = west.authority.credentials.begin("west", east.authority._office.suite)
    chain = [east.authority.issue_node("west", request), *east.authority.chain]
    root = Authority.open(*foundation_of(east)).trusted.roots[0]
    from cryptography.hazmat.primitives.hashes import SHA256

    mark = root.fingerprint(SHA256()).hex()
    Authority.join(folder, parts, terms, chain=chain, fingerprint=mark, lists=east.authority.lists())
    port = system.free_port()
    url = f"http://127.0.0.1:{port}/witness"
    with (tmp_path / "east/node.toml").open("a") as file:
        log = f'{{ origin = "west", key = "{west.keys.verifier}", node = "west" }}'
        file.write(f'[witness]\nlogs = [{log}]\n[messages]\nauthorities = ["127.0.0.1:{port}"]\n')
    with (tmp_path / "west/node.toml").open("a") as file:
        key = east.witness.cosigners[0]
        file.write(f'[ledger]\nwitnesses = [{{ name = "east", url = "{url}", key = "{key}" }}]\n')
    east.close()
    west.close()
    member = Node(tmp_path / "west")
    with served(tmp_path / "east", port):
        yield Region(tmp_path / "east", member, url)
    member.close()


@pytest.mark.slow
def test_promise_4_a_log_bound_to_a_node_is_cosigned_for_its_certificate_only(region: Region) -> None:
    member = region.member
    held = member.authority.credentials.current()
    assert held is not None

    # without the certificate, with a checkpoint that is good
    away = member.home.keys / "authority/own.json"
    kept = away.read_bytes()
    away.unlink()
    report = member.publisher.publish()
    assert (report.quorum.met, [type(each) for each in report.failures]) == (False, [WitnessError])
    assert "401" in report.failures[0].message("zh")
    assert [each["reason"] for each in region.acts(ActKind.MESSAGE_REFUSED)] == ["unsigned"]
    assert region.acts(ActKind.COSIGNED) == []

    # with it
    away.write_bytes(kept)
    report = member.publisher.publish()
    assert isinstance(report, PublishReport)
    assert report.quorum.met, report
    (told,) = region.acts(ActKind.COSIGNED)
    assert int(told["certificate"], 16) == held.certificate.serial_number

    # what is no request at all gets the witness's own answer
    answer = httpx.post(f"{region.url}/add-checkpoint", content=b"garbage", trust_env=False)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")


def test_a_log_cannot_be_bound_where_no_name_of_this_node_is_given(tmp_path: Path) -> None:
    from chengyi.model.errors import ConfigError

    Node.create(tmp_path / "home", "small", zh="小", en="small", department="档案馆").close()
    with (tmp_path / "home/node.toml").open("a") as file:
        file.write(f"[witness]\nlogs = [{{ origin = 'a', key = {json.dumps(str(key_of('a')))}, node = 'a' }}]\n")
    with pytest.raises(ConfigError, match=r"messages\.authorities"):
        Node(tmp_path / "home")
