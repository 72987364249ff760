"""No acknowledged entry is lost: kills of a real process, and power cuts that lose or reorder what was not flushed."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from chengyi.model.clock import SystemClock
from chengyi.model.errors import ChengyiError
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.ledger.verify import verify_ledger
from simulators.crashes import FlushTrace, killed
from simulators.keys import MemoryKeys
from simulators.objects import MemoryObjects

ORIGIN = "test.invalid/node"
KEYS = MemoryKeys(ORIGIN)
BATCHES = (1, 3, 90, 300, 1, 255, 700)


def opened(folder: Path, objects: MemoryObjects | None = None) -> FileLedger:
    return FileLedger(folder, KEYS, ORIGIN, SystemClock(), objects)


def entry(index: int) -> bytes:
    return f"entry {index}".encode()


def append_for_ever(folder: Path) -> Callable[[Callable[[int], None]], None]:
    def work(tell: Callable[[int], None]) -> None:
        ledger = opened(folder)
        while True:
            for count in BATCHES:
                first = ledger.checkpoint().size
                ledger.append([entry(index) for index in range(first, first + count)])
                tell(first + count)

    return work


@pytest.mark.slow
def test_promise_4_kills_at_random_moments_lose_nothing_acknowledged(tmp_path: Path) -> None:
    chance, told = random.Random(3), 0
    for _ in range(40):
        told = max(told, killed(append_for_ever(tmp_path), chance.random() * 0.06))
        assert opened(tmp_path).checkpoint().size >= told
    ledger = opened(tmp_path)
    assert told > 0
    assert [ledger.entry(index) for index in range(told)] == [entry(index) for index in range(told)]
    assert verify_ledger(tmp_path, KEYS.verifier).sound


def traced(folder: Path) -> FlushTrace:
    trace = FlushTrace(folder)
    folder.mkdir()
    with trace.watching():
        ledger = opened(folder)
        for count in BATCHES:
            first = ledger.checkpoint().size
            ledger.append([entry(index) for index in range(first, first + count)])
            trace.told(first + count)
    return trace


def survives(files: dict[str, bytes], told: int, folder: Path) -> bool:
    """Tell whether a log opens with every acknowledged entry, goes on, and is sound."""
    objects = MemoryObjects()
    objects.stored = {name: raw for name, raw in files.items() if ".partial-" not in name and name != "lock"}
    try:
        ledger = opened(folder, objects)
        size = ledger.checkpoint().size
        if size < told or [ledger.entry(index) for index in range(size)] != [entry(index) for index in range(size)]:
            return False
        ledger.append([entry(index) for index in range(size, size + 300)])
        reopened = opened(folder, objects)
        return reopened.entry(size + 299) == entry(size + 299) and reopened.inclusion(0, size + 300) is not None
    except ChengyiError:
        return False


@pytest.mark.slow
def test_promise_4_power_cuts_at_every_step_lose_nothing_acknowledged(tmp_path: Path) -> None:
    trace, chance = traced(tmp_path / "ledger"), random.Random(5)
    assert len(trace.steps) > 100
    for cut in range(len(trace.steps) + 1):
        for _ in range(2):
            files, told = trace.after_power_cut(cut, chance)
            assert survives(files, told, tmp_path / "after"), cut


@pytest.mark.slow
@pytest.mark.parametrize("careless", ["flush", "sync"])
def test_the_simulator_finds_a_writer_that_does_not_flush(careless: str, tmp_path: Path) -> None:
    """The test above can fail: without the flushes of files, or of folders, acknowledged entries are lost."""
    trace, chance = traced(tmp_path / "ledger"), random.Random(5)
    renamed = {step[1]: step[2] for step in trace.steps if step[0] == "rename"}
    trace.steps = [step for step in trace.steps if step[0] != careless]
    assert renamed
    lost = [
        cut
        for cut in range(0, len(trace.steps) + 1, 5)
        if not survives(*trace.after_power_cut(cut, chance), tmp_path / "after")
    ]
    assert lost
