"""A monitor of others' logs: two checkpoints are compared, and what convicts is proven from the log's own tiles."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.act import ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import IntegrityError, NotFoundError, SplitViewError
from chengyi.trust.ledger.cosignatures import Ed25519Key, cosign
from chengyi.trust.ledger.evidence import SplitView, compare, parse_split_view, split_view
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.ledger.merkle import proven_prefix
from chengyi.trust.ledger.monitor import Monitor
from chengyi.trust.ledger.notes import Verifier, parse_checkpoint
from chengyi.trust.ports import Checkpoint
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger
from simulators.objects import MemoryObjects
from simulators.witness import NOW, key_of, witness_keys

ORIGIN = "log.invalid/a"
KEYS = MemoryKeys(ORIGIN)
VERIFIER = Verifier.parse(KEYS.verifier)


def ledger(shared: int, own: int, mark: bytes) -> MemoryLedger:
    made = MemoryLedger(KEYS, ORIGIN)
    made.append([b"shared"] * shared + [mark] * own)
    return made


def cosigned(point: Checkpoint, *names: str) -> Checkpoint:
    lines = [cosign(point, Ed25519Key.of(witness_keys(name)), NOW) for name in names]
    return parse_checkpoint(point.note + "".join(lines))


@given(st.integers(0, 20), st.integers(1, 20), st.integers(1, 20))
@settings(deadline=None)
def test_promise_2_any_two_views_are_proven_to_contradict(shared: int, one: int, other: int) -> None:
    logs = sorted((ledger(shared, one, b"x"), ledger(shared, other, b"y")), key=lambda each: each.checkpoint().size)
    found = compare(logs[0].checkpoint(), logs[1].checkpoint(), VERIFIER, logs[1])
    assert found is not None
    assert parse_split_view(found.render(), KEYS.verifier) == found


@given(st.integers(0, 30), st.integers(0, 30))
@settings(deadline=None)
def test_an_honest_log_is_never_convicted(old: int, more: int) -> None:
    log = ledger(old, 0, b"")
    earlier = log.checkpoint()
    log.append([b"more"] * more)
    assert compare(earlier, log.checkpoint(), VERIFIER, log) is None
    assert compare(log.checkpoint(), earlier, VERIFIER, log) is None


def test_promise_4_a_witness_that_signs_two_views_is_convicted_with_the_log() -> None:
    one, other = ledger(3, 2, b"x"), ledger(3, 6, b"y")
    points = cosigned(one.checkpoint(), "a", "b"), cosigned(other.checkpoint(), "b", "c")
    found = compare(*points, VERIFIER, other)
    assert found is not None
    again = parse_split_view(found.render(), KEYS.verifier)
    assert again.culprits([key_of(name) for name in "abc"]) == (key_of("b"),)


def test_a_monitor_proves_it_from_the_files_of_a_log(tmp_path: Path) -> None:
    shown = ledger(300, 40, b"x").checkpoint()
    log = FileLedger(tmp_path, KEYS, ORIGIN, SetClock(NOW))
    log.append([b"shared"] * 300 + [b"y"] * 400)
    found = compare(shown, log.checkpoint(), VERIFIER, log)
    assert isinstance(found, SplitView)
    assert (found.first.size, found.second.size) == (340, 700)
    assert found.prefix == log.root(340)
    assert proven_prefix(340, 700, found.proof, shown.root, log.checkpoint().root) == found.prefix


def test_checkpoints_of_another_key_or_changed_ones_are_no_evidence() -> None:
    one, other = ledger(0, 3, b"x").checkpoint(), ledger(0, 3, b"y").checkpoint()
    with pytest.raises(IntegrityError):
        split_view(one, other, Verifier.parse(MemoryKeys(ORIGIN, b"other").verifier))
    with pytest.raises(IntegrityError):
        split_view(one, Checkpoint(other.origin, other.size, one.root, other.note), VERIFIER)
    town = MemoryLedger(KEYS, "log.invalid/b")
    town.append([b"z"] * 3)
    assert split_view(one, town.checkpoint(), VERIFIER) is None


# a monitor


@pytest.fixture
def audit() -> MemoryAudit:
    return MemoryAudit(SetClock(NOW))


@pytest.fixture
def monitor(audit: MemoryAudit) -> Monitor:
    return Monitor(MemoryObjects(), audit, actor="node:auditor")


def copy_of(folder: Path, *entries: bytes) -> FileLedger:
    log = FileLedger(folder, KEYS, ORIGIN, SetClock(NOW))
    log.append(entries)
    return log


def test_promise_4_a_monitor_keeps_the_evidence_and_names_who_signed_both(
    tmp_path: Path, monitor: Monitor, audit: MemoryAudit
) -> None:
    shown = cosigned(ledger(4, 0, b"").checkpoint(), "a", "b")
    log = copy_of(tmp_path, *[b"y"] * 700)
    point = cosigned(log.checkpoint(), "b", "c")
    for _ in range(2):
        with pytest.raises(SplitViewError) as caught:
            monitor.compare(shown.note, point.note, VERIFIER, tmp_path, [key_of(name) for name in "abc"])
    evidence = monitor._objects.open(str(caught.value.facts["evidence"])).read().decode()
    assert parse_split_view(evidence, KEYS.verifier).culprits([key_of("b")]) == (key_of("b"),)
    (act,) = audit.acts
    assert (act.kind, act.detail["witnesses"]) == (ActKind.COSIGNING_REFUSED, ["b"])
    assert "矛盾" in caught.value.message("zh")
    assert "contradict" in caught.value.message("en")
    assert all(str(caught.value.facts["evidence"]) in caught.value.advice(each) for each in ("zh", "en"))


@pytest.mark.parametrize("old", [1, 255, 256, 257, 300, 511, 512, 700])
def test_a_monitor_finds_nothing_against_an_honest_log(
    old: int, tmp_path: Path, monitor: Monitor, audit: MemoryAudit
) -> None:
    earlier = ledger(0, old, b"y").checkpoint()
    latest = copy_of(tmp_path, *[b"y"] * 700).checkpoint()
    monitor.compare(earlier.note, latest.note, VERIFIER, tmp_path)
    monitor.compare(latest.note, earlier.note, VERIFIER, tmp_path)
    assert audit.acts == []


def test_a_copy_that_is_missing_or_damaged_convicts_nobody(tmp_path: Path, monitor: Monitor) -> None:
    earlier, latest = ledger(0, 300, b"y").checkpoint(), copy_of(tmp_path, *[b"y"] * 700).checkpoint()
    with pytest.raises(NotFoundError):
        monitor.compare(earlier.note, latest.note, VERIFIER)
    tile = tmp_path / "tile/0/001"
    raw = tile.read_bytes()
    tile.write_bytes(b"x" * 32 + raw[32:])
    monitor.compare(earlier.note, latest.note, VERIFIER, tmp_path)
    for damage in (raw[:-1], b"", raw[:32]):
        tile.write_bytes(damage)
        with pytest.raises(IntegrityError):
            monitor.compare(earlier.note, latest.note, VERIFIER, tmp_path)
