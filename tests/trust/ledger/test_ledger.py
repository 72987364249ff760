import errno
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import pytest

from chengyi.model.clock import SetClock
from chengyi.model.errors import ChengyiError, IntegrityError, NotFoundError, StorageFullError, UsageError
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.ledger.merkle import EMPTY_ROOT, consistency, inclusion, leaf_hash, root, verify_consistency
from chengyi.trust.ledger.notes import Verifier, note_date, open_checkpoint
from chengyi.trust.ledger.verify import verify_ledger
from chengyi.trust.ports import Checkpoint
from simulators.keys import MemoryKeys
from simulators.objects import MemoryObjects

ORIGIN = "test.invalid/node"
KEYS = MemoryKeys(ORIGIN)
TESTS = Path(__file__).parent.parent.parent
OpenLedger = Callable[[], FileLedger]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def opened(folder: Path, clock: SetClock) -> OpenLedger:
    return lambda: FileLedger(folder, KEYS, ORIGIN, clock)


def entries(count: int, start: int = 0) -> list[bytes]:
    return [f"entry {each}".encode() for each in range(start, start + count)]


def test_a_new_ledger_is_empty_and_signed(opened: OpenLedger, clock: SetClock) -> None:
    ledger = opened()
    checkpoint = ledger.checkpoint()
    assert (ledger.origin, checkpoint.size, checkpoint.root) == (ORIGIN, 0, EMPTY_ROOT)
    assert open_checkpoint(checkpoint.note, Verifier.parse(KEYS.verifier)) == checkpoint
    assert note_date(checkpoint.note, Verifier.parse(KEYS.verifier)) == clock.now()
    assert ledger.append([]) == 0
    assert ledger.checkpoint() == checkpoint


def test_promise_4_entries_roots_and_proofs_are_those_of_the_tree(opened: OpenLedger) -> None:
    ledger, whole = opened(), entries(700)
    assert [ledger.append(whole[:1]), ledger.append(whole[1:300]), ledger.append(whole[300:])] == [0, 1, 300]
    leaves = list(map(leaf_hash, whole))
    assert ledger.checkpoint().root == root(leaves)
    assert [ledger.entry(index) for index in range(700)] == whole
    for index, size in [(0, 1), (0, 700), (255, 256), (256, 257), (299, 511), (699, 700), (3, 640)]:
        assert ledger.inclusion(index, size) == inclusion(leaves[:size], index)
    for old, new in [(1, 700), (256, 700), (300, 700), (512, 513), (700, 700), (3, 3)]:
        assert ledger.consistency(old, new) == consistency(leaves[:new], old)


def test_a_ledger_opens_where_it_was_left(opened: OpenLedger) -> None:
    for count in (1, 254, 1, 1, 600):
        ledger = opened()
        first = ledger.append(entries(count, ledger.checkpoint().size))
        assert opened().entry(first + count - 1) == f"entry {first + count - 1}".encode()
    ledger = opened()
    assert [ledger.entry(each) for each in range(857)] == entries(857)


def test_opening_and_appending_touch_few_files(tmp_path: Path, clock: SetClock) -> None:
    objects = CountingObjects()
    FileLedger(tmp_path, KEYS, ORIGIN, clock, objects).append(entries(5_000))
    objects.opened = objects.written = 0
    FileLedger(tmp_path, KEYS, ORIGIN, clock, objects).append(entries(1))
    assert objects.opened <= 6
    assert objects.written <= 4


class CountingObjects(MemoryObjects):
    opened = written = 0

    def open(self, key: str) -> BinaryIO:
        self.opened += 1
        return super().open(key)

    def put(self, key: str, chunks: Iterable[bytes | memoryview], *, durable: bool = True) -> None:
        self.written += 1
        super().put(key, chunks, durable=durable)


def test_partial_tiles_go_when_the_full_one_is_there(opened: OpenLedger, folder: Path) -> None:
    ledger = opened()
    for _ in range(3):
        ledger.append(entries(85))
    assert {each.name for each in (folder / "tile/0/000.p").iterdir()} == {"85", "170", "255"}
    ledger.append(entries(2))
    assert list((folder / "tile/0/000.p").iterdir()) == []
    assert list((folder / "tile/entries/000.p").iterdir()) == []
    assert (folder / "tile/0/001.p/1").exists()


def test_what_is_not_there_is_not_found(opened: OpenLedger) -> None:
    ledger = opened()
    ledger.append(entries(3))
    for ask in (lambda: ledger.entry(3), lambda: ledger.entry(-1), lambda: ledger.inclusion(0, 4)):
        with pytest.raises(NotFoundError):
            ask()
    with pytest.raises(UsageError):
        ledger.inclusion(3, 3)
    with pytest.raises(UsageError):
        ledger.append([b"x" * 65_536])
    assert ledger.append(entries(1)) == 3


def test_two_processes_take_turns(opened: OpenLedger) -> None:
    one, two = opened(), opened()
    assert [one.append([b"a"]), two.append([b"b"] * 300), one.append([b"c"]), two.append([b"d"])] == [0, 1, 301, 302]
    assert one.checkpoint() == two.checkpoint()
    assert (one.entry(302), two.entry(301)) == (b"d", b"c")
    assert one.inclusion(5, 303) == two.inclusion(5, 303)
    three = opened()
    one.append([b"e"])
    assert three.entry(303) == b"e"
    assert opened().inclusion(0, 304) == three.inclusion(0, 304)


def test_threads_take_turns(opened: OpenLedger) -> None:
    ledger = opened()
    firsts: list[int] = []
    threads = [threading.Thread(target=lambda: firsts.append(ledger.append(entries(7)))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(firsts) == list(range(0, 56, 7))


# crashes


class Crash(Exception):
    pass


class CrashingObjects(MemoryObjects):
    """Dies before the n-th write or removal from now."""

    left = -1

    def put(self, key: str, chunks: Iterable[bytes | memoryview], *, durable: bool = True) -> None:
        self._tick()
        super().put(key, chunks, durable=durable)

    def delete(self, key: str) -> None:
        self._tick()
        super().delete(key)

    def _tick(self) -> None:
        if self.left == 0:
            raise Crash
        self.left -= 1


@pytest.mark.parametrize("before", [0, 254, 255, 256, 511])
def test_promise_4_a_crash_at_any_write_keeps_every_acknowledged_entry(
    before: int, tmp_path: Path, clock: SetClock
) -> None:
    for steps in itertools.count():
        objects = CrashingObjects()
        ledger = FileLedger(tmp_path, KEYS, ORIGIN, clock, objects)
        ledger.append(entries(before))
        objects.left = steps
        try:
            ledger.append(entries(300, before))
        except Crash:
            objects.left = -1
            survivor = FileLedger(tmp_path, KEYS, ORIGIN, clock, objects)
            size = survivor.checkpoint().size
            assert size in {before, before + 300}
            survivor.append([b"after"])
            assert [survivor.entry(each) for each in range(size + 1)] == [*entries(size), b"after"]
            assert_sound(objects, tmp_path / f"copy-{steps}")
        else:
            assert steps > 4
            return


def assert_sound(objects: MemoryObjects, folder: Path) -> None:
    for key, raw in objects.stored.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(raw)
    assert verify_ledger(folder, KEYS.verifier).faults == ()


def test_promise_8_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path, clock: SetClock) -> None:
    objects = MemoryObjects()
    ledger = FileLedger(tmp_path, KEYS, ORIGIN, clock, objects)
    ledger.append(entries(10))
    before = ledger.checkpoint()
    objects.capacity = sum(map(len, objects.stored.values())) + 500
    with pytest.raises(StorageFullError):
        ledger.append(entries(400, 10))
    assert ledger.checkpoint() == before
    objects.capacity = None
    assert ledger.append(entries(400, 10)) == 10
    assert [ledger.entry(each) for each in range(410)] == entries(410)


APPENDER = """
import itertools, sys
from pathlib import Path
from typing import BinaryIO
from chengyi.model.clock import SystemClock
from chengyi.trust.ledger.log import FileLedger
from simulators.keys import MemoryKeys
ledger = FileLedger(Path(sys.argv[1]), MemoryKeys("test.invalid/node"), "test.invalid/node", SystemClock())
for count in itertools.cycle([1, 3, 90, 300]):
    first = ledger.checkpoint().size
    ledger.append([f"entry {each}".encode() for each in range(first, first + count)])
    print(first + count, flush=True)
"""


def kill_an_appender(folder: Path, after: int) -> int:
    """Kill a process that appends, and return how many entries it had been told are safe."""
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])
    process = subprocess.Popen(
        [sys.executable, "-c", APPENDER, str(folder)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    told += process.stdout.readlines()
    process.stdout.close()
    process.wait()
    return int(told[-1])


def test_promise_4_a_killed_process_loses_nothing_acknowledged(folder: Path, opened: OpenLedger) -> None:
    safe = kill_an_appender(folder, 12)
    ledger = opened()
    size = ledger.checkpoint().size
    assert size >= safe
    assert [ledger.entry(each) for each in range(size)] == entries(size)
    assert verify_ledger(folder, KEYS.verifier).sound


@pytest.mark.slow
def test_promise_4_many_kills_lose_nothing_acknowledged(folder: Path, opened: OpenLedger) -> None:
    chance = random.Random(7)
    for _ in range(30):
        safe = kill_an_appender(folder, chance.randrange(1, 25))
        assert opened().checkpoint().size >= safe
    size = opened().checkpoint().size
    assert [opened().entry(each) for each in range(0, size, 97)] == entries(size)[::97]
    assert verify_ledger(folder, KEYS.verifier).sound


# attacks


def flip(path: Path, position: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[position] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("file", ["tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/002.p/188", "checkpoint"])
@pytest.mark.parametrize("position", [0, 9, -1])
def test_promise_2_a_changed_edge_does_not_open(file: str, position: int, folder: Path, opened: OpenLedger) -> None:
    opened().append(entries(700))
    flip(folder / file, position)
    with pytest.raises(IntegrityError):
        opened()


def test_promise_2_a_changed_entry_is_not_handed_out(folder: Path, opened: OpenLedger) -> None:
    opened().append(entries(700))
    flip(folder / "tile/entries/000", 5)
    ledger = opened()
    with pytest.raises(IntegrityError):
        ledger.entry(0)
    assert ledger.entry(600) == b"entry 600"


@pytest.mark.parametrize("damage", [lambda path: flip(path, 40), Path.unlink, lambda path: os.truncate(path, 8160)])
def test_promise_2_a_changed_tile_gives_no_proof(
    damage: Callable[[Path], None], folder: Path, opened: OpenLedger
) -> None:
    opened().append(entries(700))
    damage(folder / "tile/0/000")
    with pytest.raises(IntegrityError):
        opened().inclusion(5, 700)
    with pytest.raises(IntegrityError):
        opened().consistency(5, 700)
    with pytest.raises(IntegrityError):
        opened().entry(1)


def test_promise_2_a_missing_checkpoint_is_not_a_new_log(folder: Path, opened: OpenLedger) -> None:
    opened().append(entries(3))
    (folder / "checkpoint").unlink()
    with pytest.raises(IntegrityError):
        opened()


@pytest.mark.parametrize("later", [3, 5, 9])
def test_promise_2_a_forked_or_shortened_log_is_refused(
    later: int, folder: Path, tmp_path: Path, clock: SetClock, opened: OpenLedger
) -> None:
    opened().append(entries(2))
    shutil.copytree(folder, tmp_path / "fork")
    ledger = opened()
    ledger.append(entries(3, 2))
    known = ledger.checkpoint()
    FileLedger(tmp_path / "fork", KEYS, ORIGIN, clock).append([b"forged"] * (later - 2))
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "fork", folder)
    for act in (ledger.checkpoint, lambda: ledger.append([b"x"])):
        with pytest.raises(IntegrityError):
            act()
    with pytest.raises(ChengyiError):
        assert_extends(known, opened())


def assert_extends(known: Checkpoint, ledger: FileLedger) -> None:
    newer = ledger.checkpoint()
    proof = ledger.consistency(known.size, newer.size)
    verify_consistency(known.size, newer.size, proof, known.root, newer.root)


def test_promise_4_a_checkpoint_of_another_key_or_log_is_refused(
    folder: Path, clock: SetClock, opened: OpenLedger
) -> None:
    opened().append(entries(3))
    with pytest.raises(IntegrityError):
        FileLedger(folder, MemoryKeys(ORIGIN, b"other"), ORIGIN, clock)
    with pytest.raises(IntegrityError):
        FileLedger(folder, KEYS, "test.invalid/other", clock)


# the folder


@pytest.mark.parametrize("fails", ["write", "fsync"])
def test_promise_8_a_disk_that_fills_while_a_batch_is_written_leaves_the_log_as_it_was(
    fails: str, folder: Path, opened: OpenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = opened()
    ledger.append(entries(300))
    before, real = ledger.checkpoint(), getattr(os, fails)
    turn = itertools.count()

    def full(*given: object) -> object:
        if next(turn) >= 5:
            raise OSError(errno.ENOSPC, "no space left")
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(os, fails, full)
        with pytest.raises(StorageFullError):
            ledger.append(entries(700, 300))
    assert not list(folder.rglob(".partial-*"))
    assert ledger.checkpoint() == before == opened().checkpoint()
    assert ledger.append(entries(700, 300)) == 300
    assert [ledger.entry(each) for each in range(1_000)] == entries(1_000)
    assert verify_ledger(folder, KEYS.verifier).sound


def test_a_batch_of_many_files_is_written_in_groups(folder: Path, opened: OpenLedger) -> None:
    ledger = opened()
    assert ledger.append(entries(256 * 140 + 7)) == 0
    assert opened().entry(256 * 140) == f"entry {256 * 140}".encode()
    assert verify_ledger(folder, KEYS.verifier).sound
