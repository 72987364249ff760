"""The door for other nodes' ledgers, by requests as a log sends them, and once by a real log over a real port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chengyi.model.act import ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import StorageFullError
from chengyi.store.objects import FolderObjects
from chengyi.trust.ledger.asking import WitnessAddress
from chengyi.trust.ledger.cosignatures import Cosigner, cosignatures
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.ledger.notes import Verifier
from chengyi.trust.ledger.policy import Policy
from chengyi.trust.ledger.publish import Publisher
from chengyi.trust.ledger.request import MAX_REQUEST, Request
from chengyi.trust.ledger.witness import Witness
from console.conftest import on_port
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger
from simulators.witness import NOW

ADDRESS = "/witness/add-checkpoint"
LOG = MemoryKeys("town")


@pytest.fixture
def witness(node: Any, tmp_path: Path) -> Iterator[Witness]:
    """The node's witness, told to follow the town's log; it forgets when the test ends."""
    logs = {"town": Verifier.parse(LOG.verifier)}
    node.__dict__["witness"] = Witness(
        tmp_path / "witness", node.keys, logs, clock=node.clock, audit=node.audit, actor=node.actor.id
    )
    yield node.witness
    node.__dict__.pop("witness")


def ledger(*entries: bytes) -> MemoryLedger:
    made = MemoryLedger(LOG, "town")
    made.append(entries)
    return made


def send(client: Any, body: bytes) -> Any:
    return client.post(ADDRESS, body, content_type="text/plain")


def test_promise_4_a_checkpoint_comes_back_cosigned_without_session_or_form(
    visit: Callable[..., Any], witness: Witness, node: Any
) -> None:
    log, client = ledger(b"a"), visit()
    client.handler.enforce_csrf_checks = True
    answer = send(client, Request(0, (), log.checkpoint()).render())
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert not answer.cookies
    (found,) = cosignatures(log.checkpoint().note + answer.content.decode(), witness.cosigners)
    assert found.at == node.clock.now()
    assert node.audit.entries(object="log:town", limit=1)[0].act.kind is ActKind.COSIGNED


def test_promise_4_a_second_view_is_refused_and_on_record(
    visit: Callable[..., Any], witness: Witness, node: Any
) -> None:
    client = visit()
    assert send(client, Request(0, (), ledger(b"a").checkpoint()).render()).status_code == 200
    answer = send(client, Request(1, (), ledger(b"b").checkpoint()).render())
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (409, b"1\n", "text/x.tlog.size")
    told = node.audit.entries(object="log:town", limit=1)[0].act
    assert told.kind is ActKind.COSIGNING_REFUSED
    assert witness.evidence()[0].stem == told.detail["evidence"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"junk", 400), (b"old 0\n\n" + b"\xff" * 9, 400), (b"x" * (MAX_REQUEST + 1), 413)],
)
def test_what_is_no_request_is_refused_in_both_languages(
    body: bytes, status: int, visit: Callable[..., Any], witness: Witness
) -> None:
    answer = send(visit(), body)
    assert answer.status_code == status
    assert "不予会签" in answer.content.decode()
    assert "not cosigned" in answer.content.decode()


def test_a_log_that_is_not_followed_is_refused(visit: Callable[..., Any], node: Any) -> None:
    assert send(visit(), Request(0, (), ledger(b"a").checkpoint()).render()).status_code == 404


def test_only_posts_are_answered(visit: Callable[..., Any], witness: Witness) -> None:
    assert visit().get(ADDRESS).status_code == 405


def test_a_full_disk_is_said_and_nothing_is_signed(
    visit: Callable[..., Any], witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageFullError(path="disk")

    monkeypatch.setattr(FolderObjects, "put", full)
    answer = send(visit(), Request(0, (), ledger(b"a").checkpoint()).render())
    assert answer.status_code == 503
    assert "—" not in answer.content.decode()


@pytest.mark.slow
def test_promise_4_a_real_log_gets_its_quorum_from_the_real_console(
    application: Any, witness: Witness, tmp_path: Path
) -> None:
    """The whole way: the town's publisher, HTTP on a loopback port, the console, the county's witness."""
    clock = SetClock(NOW)
    log = FileLedger(tmp_path / "town", LOG, "town", clock)
    key: Cosigner = witness.cosigners[0]
    with on_port(application) as address:
        publisher = Publisher(
            log,
            Verifier.parse(LOG.verifier),
            [WitnessAddress("county", f"{address}/witness", key)],
            policy=Policy.of({"county": key}, 1),
            objects=FolderObjects(tmp_path / "own"),
            clock=clock,
            audit=MemoryAudit(clock),
            actor="town",
        )
        for count in (1, 300):
            log.append([b"x"] * count)
            report = publisher.publish()
            assert report.quorum.met, report.failures
            assert [each.cosigner.name for each in report.quorum.cosignatures] == [key.name]
    kept = log.cosigned()
    assert kept is not None
    assert kept.size == 301
