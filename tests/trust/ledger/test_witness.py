"""A witness never signs two views: attacks on one witness, by requests, by processes, by kills."""

import itertools
import json
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chengyi.model.act import ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import CosigningRefusedError, IntegrityError
from chengyi.trust.ledger.cosignatures import Cosigner, cosignatures
from chengyi.trust.ledger.evidence import parse_split_view
from chengyi.trust.ledger.merkle import EMPTY_ROOT
from chengyi.trust.ledger.notes import Verifier, checkpoint_text, parse_checkpoint, sign_note
from chengyi.trust.ledger.request import MAX_REQUEST, SIZE_TYPE, Answer, Request
from chengyi.trust.ledger.witness import Witness
from chengyi.trust.ports import Checkpoint
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger
from simulators.witness import NOW, make_witness, witness_keys

ORIGIN = "log.invalid/a"
LOG = MemoryKeys(ORIGIN)
LOGS = {ORIGIN: Verifier.parse(LOG.verifier)}
Make = Callable[[], Witness]


@pytest.fixture
def audit() -> MemoryAudit:
    return MemoryAudit(SetClock(NOW), MemoryLedger(witness_keys("w"), "w"))


@pytest.fixture
def witness(tmp_path: Path, audit: MemoryAudit) -> Witness:
    return make_witness(tmp_path / "w", "w", LOGS, audit)


def ledger(*entries: bytes, keys: MemoryKeys = LOG, origin: str = ORIGIN) -> MemoryLedger:
    made = MemoryLedger(keys, origin)
    made.append(entries or [b"a", b"b", b"c"])
    return made


def body(log: MemoryLedger, old: int, size: int | None = None) -> bytes:
    point = log.checkpoint() if size is None else at(log, size)
    proof = log.consistency(old, point.size) if 0 < old < point.size else ()
    return Request(old, proof, point).render()


def at(log: MemoryLedger, size: int) -> Checkpoint:
    note = sign_note(checkpoint_text(log.origin, size, log.root(size)), Verifier.parse(LOG.verifier), LOG.sign)
    return parse_checkpoint(note)


def signed(answer: Answer, log: MemoryLedger, witness: Witness, size: int | None = None) -> list[Cosigner]:
    point = log.checkpoint() if size is None else at(log, size)
    assert answer.status == 200, answer
    return [each.cosigner for each in cosignatures(point.note + answer.body, witness.cosigners)]


# cosigning


def test_promise_4_a_witness_cosigns_what_extends_the_last_one(witness: Witness, audit: MemoryAudit) -> None:
    log = ledger()
    assert signed(witness.add_checkpoint(body(log, 0)), log, witness) == list(witness.cosigners)
    log.append([b"d"] * 7)
    assert signed(witness.add_checkpoint(body(log, 3)), log, witness) == list(witness.cosigners)
    assert signed(witness.add_checkpoint(body(log, 10)), log, witness) == list(witness.cosigners)
    last = witness.last(ORIGIN)
    assert last is not None
    assert (last.size, last.root) == (10, log.root(10))
    assert [(each.kind, each.object, each.detail["size"]) for each in audit.acts] == [
        (ActKind.COSIGNED, f"log:{ORIGIN}", 3),
        (ActKind.COSIGNED, f"log:{ORIGIN}", 10),
    ]


def test_it_cosigns_with_both_kinds_of_key(tmp_path: Path) -> None:
    log, witness = ledger(), make_witness(tmp_path, "w", LOGS, post_quantum=True)
    found = signed(witness.add_checkpoint(body(log, 0)), log, witness)
    assert [each.kind for each in found] == [b"\x04", b"\x06"]
    assert make_witness(tmp_path, "w", LOGS, post_quantum=True).cosigners == witness.cosigners


def test_an_empty_log_is_cosigned_and_nothing_else_of_size_0(witness: Witness) -> None:
    log = MemoryLedger(LOG, ORIGIN)
    assert signed(witness.add_checkpoint(body(log, 0)), log, witness) == list(witness.cosigners)
    forged = sign_note(checkpoint_text(ORIGIN, 0, b"x" * 32), LOGS[ORIGIN], LOG.sign)
    assert witness.add_checkpoint(Request(0, (), parse_checkpoint(forged)).render()).status == 409
    log.append([b"a"])
    assert witness.add_checkpoint(Request(0, (EMPTY_ROOT,), log.checkpoint()).render()).status == 422
    assert signed(witness.add_checkpoint(body(log, 0)), log, witness) == list(witness.cosigners)


# refusals: one forged asset each


def test_an_unknown_log_is_refused(witness: Witness) -> None:
    assert witness.add_checkpoint(body(ledger(origin="log.invalid/b"), 0)).status == 404


def test_a_wrong_signature_is_refused(witness: Witness) -> None:
    assert witness.add_checkpoint(body(ledger(keys=MemoryKeys(ORIGIN, b"other")), 0)).status == 403
    note = ledger().checkpoint().note
    unsigned = note.replace("\n3\n", "\n4\n")
    assert witness.add_checkpoint(Request(0, (), parse_checkpoint(unsigned)).render()).status == 403


def test_another_size_is_told_the_one_that_is_known(witness: Witness) -> None:
    log = ledger()
    witness.add_checkpoint(body(log, 0))
    log.append([b"d"])
    answer = witness.add_checkpoint(body(log, 0))
    assert (answer.status, answer.body, answer.content_type) == (409, "3\n", SIZE_TYPE)
    assert witness.add_checkpoint(body(log, 2)).body == "3\n"


def test_a_checkpoint_older_than_the_last_seen_is_refused_and_put_on_record_once(
    witness: Witness, audit: MemoryAudit
) -> None:
    log = ledger(*[b"x"] * 9)
    witness.add_checkpoint(body(log, 0))
    for _ in range(3):
        answer = witness.add_checkpoint(body(log, 0, 5))
        assert (answer.status, answer.body) == (409, "9\n")
    assert witness.add_checkpoint(body(log, 4, 3).replace(b"old 4", b"old 9")).status == 400
    refusals = [each for each in audit.acts if each.kind is ActKind.COSIGNING_REFUSED]
    assert [each.detail["size"] for each in refusals] == [5, 3]
    assert witness.evidence() == []


def test_a_proof_that_does_not_verify_is_refused(witness: Witness) -> None:
    log = ledger()
    witness.add_checkpoint(body(log, 0))
    log.append([b"d"])
    point = log.checkpoint()
    for proof in ((), (b"x" * 32,), (*log.consistency(3, 4), b"x" * 32)):
        assert witness.add_checkpoint(Request(3, tuple(proof), point).render()).status == 422
    assert witness.last(ORIGIN) != point


GOOD = body(ledger(), 0)


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b"old 0",
        b"old 00\n\n" + GOOD.split(b"\n\n", 1)[1],
        b"old -1\n\n" + GOOD.split(b"\n\n", 1)[1],
        b"old " + b"9" * 30 + b"\n\n" + GOOD.split(b"\n\n", 1)[1],
        b"new 0\n\n" + GOOD.split(b"\n\n", 1)[1],
        GOOD.replace(b"old 0\n", b"old 0\nAAAA\n"),
        GOOD.replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n" * 1),
        GOOD.replace(b"old 0\n", b"old 0\n" + (b"A" * 43 + b"=\n") * 64),
        GOOD[:-1],
        GOOD + b"more",
        GOOD.replace(b"\n3\n", b"\n03\n"),
        GOOD.replace(b"\n3\n", b"\n" + b"9" * 5000 + b"\n"),
        b"\xff" + GOOD,
        b"old 0\n\nno note\n",
    ],
)
def test_a_malformed_request_is_refused(forged: bytes, witness: Witness) -> None:
    assert witness.add_checkpoint(forged).status in {400, 422}


def test_an_oversize_request_is_refused(witness: Witness) -> None:
    assert witness.add_checkpoint(GOOD + b"x" * MAX_REQUEST).status == 413


def test_every_refusal_says_why_and_what_to_do_in_both_languages(witness: Witness) -> None:
    text = witness.add_checkpoint(body(ledger(origin="log.invalid/b"), 0)).body
    assert "未登记" in text
    assert "does not follow" in text
    assert CosigningRefusedError.advice_zh in text
    assert CosigningRefusedError.advice_en in text


def test_refusals_that_anyone_can_provoke_do_not_flood_the_ledger(witness: Witness, audit: MemoryAudit) -> None:
    for each in range(50):
        witness.add_checkpoint(body(ledger(origin=f"log.invalid/{each}"), 0))
        witness.add_checkpoint(b"junk")
    assert len(audit.acts) == 1
    clock = witness._clock
    assert isinstance(clock, SetClock)
    clock.at = NOW + timedelta(minutes=2)
    witness.add_checkpoint(b"junk")
    assert [each.kind for each in audit.acts] == [ActKind.COSIGNING_REFUSED] * 2


@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_changed_byte_of_a_request_is_refused_or_changes_nothing(witness: Witness, data: st.DataObject) -> None:
    log = ledger()
    position = data.draw(st.integers(0, len(GOOD) - 1))
    forged = bytearray(GOOD)
    forged[position] ^= data.draw(st.integers(1, 255))
    answer = witness.add_checkpoint(bytes(forged))
    last = witness.last(ORIGIN)
    assert answer.status in {200, 400, 403, 404, 409, 422}
    assert last is None or (last.size, last.root) == (3, log.root(3))


# split views


@pytest.mark.parametrize(("first", "second"), [(3, 3), (3, 5), (5, 9), (7, 8), (6, 20)])
def test_promise_2_a_forked_log_is_refused_and_the_evidence_convicts_it(
    first: int, second: int, witness: Witness, audit: MemoryAudit
) -> None:
    honest, fork = ledger(*[b"x"] * first), ledger(*[b"y"] * second)
    witness.add_checkpoint(body(honest, 0))
    for _ in range(2):
        assert witness.add_checkpoint(body(fork, first)).status == (409 if first == second else 422)
    (file,) = witness.evidence()
    found = parse_split_view(file.read_text(), LOG.verifier)
    assert (found.first.root, found.second.root) == (honest.root(first), fork.root(second))
    (refusal,) = [each for each in audit.acts if each.kind is ActKind.COSIGNING_REFUSED]
    assert refusal.detail["evidence"] == file.stem
    assert witness.last(ORIGIN) == honest.checkpoint()


def test_a_fork_at_a_power_of_two_is_refused_even_where_its_proof_convicts_nobody(
    witness: Witness, audit: MemoryAudit
) -> None:
    honest, fork = ledger(*[b"x"] * 4), ledger(*[b"y"] * 6)
    witness.add_checkpoint(body(honest, 0))
    assert witness.add_checkpoint(body(fork, 4)).status == 422
    assert witness.evidence() == []
    assert audit.acts[-1].kind is ActKind.COSIGNING_REFUSED


def test_evidence_is_refused_where_it_proves_nothing(witness: Witness) -> None:
    honest, fork = ledger(*[b"x"] * 5), ledger(*[b"y"] * 9)
    witness.add_checkpoint(body(honest, 0))
    witness.add_checkpoint(body(fork, 5))
    text = witness.evidence()[0].read_text()
    value = json.loads(text)
    extended = ledger(*[b"x"] * 9)
    forgeries = [
        text.replace("/1", "/2"),
        text[:-1],
        text + " ",
        "[]",
        "null",
        "9" * 5000,
        "[" * 100_000,
        json.dumps(value),
        *(
            json.dumps({**value, name: other}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            for name, other in [
                ("second", extended.checkpoint().note),
                ("second", value["first"]),
                ("prefix", ""),
                ("prefix", value["proof"][0]),
                ("proof", []),
                ("proof", value["proof"][::-1]),
                ("proof", 7),
                ("first", None),
            ]
        ),
    ]
    for forged in forgeries:
        with pytest.raises(IntegrityError):
            parse_split_view(forged, LOG.verifier)
    with pytest.raises(IntegrityError):
        parse_split_view(text, MemoryKeys(ORIGIN, b"other").verifier)


# memory: lost, rolled back, shared, killed


def test_a_lost_or_rolled_back_folder_does_not_make_the_witness_forget(tmp_path: Path, audit: MemoryAudit) -> None:
    honest, fork = ledger(*[b"x"] * 6), ledger(*[b"y"] * 9)
    make_witness(tmp_path / "one", "w", LOGS, audit).add_checkpoint(body(honest, 0))
    again = make_witness(tmp_path / "two", "w", LOGS, audit)
    assert again.add_checkpoint(body(fork, 0)).body == "6\n"
    assert again.add_checkpoint(body(fork, 6)).status == 422
    honest.append([b"z"])
    assert signed(again.add_checkpoint(body(honest, 6)), honest, again) == list(again.cosigners)


def test_a_changed_memory_is_refused(tmp_path: Path, witness: Witness) -> None:
    witness.add_checkpoint(body(ledger(), 0))
    (memory,) = [each for each in (tmp_path / "w").iterdir() if each.is_file() and each.suffix != ".lock"]
    memory.write_bytes(memory.read_bytes().replace(b"\n3\n", b"\n2\n"))
    with pytest.raises(IntegrityError):
        witness.add_checkpoint(body(ledger(), 0))
    other = ledger(origin="log.invalid/b").checkpoint().note
    memory.write_text(other)
    with pytest.raises(IntegrityError):
        witness.add_checkpoint(body(ledger(), 0))


def race(
    folder: Path, view: bytes, gate: "multiprocessing.synchronize.Event", told: "multiprocessing.Queue[int]"
) -> None:
    witness = make_witness(folder, "w", LOGS)
    gate.wait()
    told.put(witness.add_checkpoint(view).status)


@pytest.mark.slow
def test_promise_4_many_processes_at_once_get_one_view_signed(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    for round_ in range(5):
        gate, told = fork.Event(), fork.Queue()
        views = [body(ledger(bytes([each]), *[b"x"] * 3), 0) for each in range(6)]
        work = [fork.Process(target=race, args=(tmp_path / str(round_), view, gate, told)) for view in views]
        for each in work:
            each.start()
        gate.set()
        answers = sorted(told.get(timeout=30) for _ in work)
        for each in work:
            each.join()
        assert answers == [200, 409, 409, 409, 409, 409]


def sign_until_killed(folder: Path, chance: random.Random, pipe: int) -> None:
    """Ask a witness for one of two views of each size, and tell what it signed."""
    witness, logs = make_witness(folder, "w", LOGS), [ledger(*[view] * 400) for view in (b"x", b"y")]
    for size in itertools.count(1):
        log = logs[chance.randrange(2)]
        last = witness.last(ORIGIN)
        old = last.size if last else 0
        if size >= 400:
            break
        if size <= old:
            continue
        proof = log.consistency(old, size) if old else ()
        point = at(log, size)
        answer = witness.add_checkpoint(Request(old, proof, point).render())
        if answer.status == 200:
            os.write(pipe, f"{size} {point.root.hex()}\n".encode())
    os._exit(0)


@pytest.mark.slow
def test_promise_4_a_killed_witness_has_signed_one_view_only(tmp_path: Path) -> None:
    chance = random.Random(11)
    told: dict[int, set[str]] = {}
    for kill in range(40):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            sign_until_killed(tmp_path, random.Random(kill), writing)
        os.close(writing)
        wait = chance.random() * 0.05
        signal.sigtimedwait([], wait)
        os.kill(child, signal.SIGKILL)
        with os.fdopen(reading) as pipe:
            for line in pipe.read().splitlines():
                size, root = line.split()
                told.setdefault(int(size), set()).add(root)
        os.waitpid(child, 0)
    assert told
    views = {root: view for view in (b"x", b"y") for root in (ledger(*[view] * 400).root(n).hex() for n in range(401))}
    assert len({views[root] for roots in told.values() for root in roots}) == 1


def test_a_witness_of_several_logs_keeps_them_apart(tmp_path: Path) -> None:
    other = MemoryKeys("log.invalid/b", b"b")
    witness = make_witness(tmp_path, "w", {**LOGS, "log.invalid/b": Verifier.parse(other.verifier)})
    one, two = ledger(), ledger(b"q", keys=other, origin="log.invalid/b")
    assert [witness.add_checkpoint(body(each, 0)).status for each in (one, two)] == [200, 200]
    assert replace(one.checkpoint()) == witness.last(ORIGIN)
    # a log may not speak for another: its key on the other's name
    assert witness.add_checkpoint(body(ledger(b"q", keys=MemoryKeys(ORIGIN, b"b")), 3)).status == 403


STEP = st.tuples(st.integers(0, 2), st.integers(0, 12), st.sampled_from(["last", "zero", "any"]), st.booleans())


@pytest.mark.slow
@given(st.lists(STEP, max_size=14), st.integers(0, 12))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_promise_4_whatever_is_asked_in_whatever_order_what_was_signed_is_one_view(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, str, bool]], other: int
) -> None:
    """Three views that share four entries, sizes and old sizes at will, restarts in between."""
    folder = tmp_path_factory.mktemp("w")
    views = [ledger(*[b"shared"] * 4, *[mark] * 8) for mark in (b"x", b"y", b"z")]
    witness = make_witness(folder, "w", LOGS)
    signed: list[tuple[int, bytes]] = []
    for view, size, old_kind, restart in steps:
        if restart:
            witness = make_witness(folder, "w", LOGS)
        last = witness.last(ORIGIN)
        old = {"last": last.size if last else 0, "zero": 0, "any": other}[old_kind]
        proof = views[view].consistency(old, size) if 0 < old < size else ()
        if witness.add_checkpoint(Request(old, proof, at(views[view], size)).render()).status == 200:
            signed.append((size, views[view].root(size)))
    assert [size for size, _ in signed] == sorted(size for size, _ in signed)
    assert any(all(view.root(size) == root for size, root in signed) for view in views)
