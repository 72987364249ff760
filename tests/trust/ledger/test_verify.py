import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chengyi.model.clock import SetClock
from chengyi.model.errors import IntegrityError, NotFoundError
from chengyi.model.reporter import Step
from chengyi.model.text import Text
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.ledger.verify import verify_ledger
from simulators.keys import MemoryKeys
from trust.vectors import unpack

ORIGIN = "test.invalid/node"
KEYS = MemoryKeys(ORIGIN)
GOLDEN_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


def entries(count: int) -> list[bytes]:
    return [f"entry {each}".encode() for each in range(count)]


@pytest.fixture
def folder(tmp_path: Path, clock: SetClock) -> Path:
    FileLedger(tmp_path / "ledger", KEYS, ORIGIN, clock).append(entries(700))
    return tmp_path / "ledger"


def test_promise_4_a_sound_ledger_is_found_sound(folder: Path, clock: SetClock) -> None:
    check = verify_ledger(folder, KEYS.verifier)
    assert (check.sound, check.origin, check.size, check.signed_at) == (True, ORIGIN, 700, clock.now())


def test_an_empty_ledger_is_sound(tmp_path: Path, clock: SetClock) -> None:
    FileLedger(tmp_path, KEYS, ORIGIN, clock)
    assert verify_ledger(tmp_path, KEYS.verifier).sound


@pytest.mark.slow
def test_a_ledger_of_three_levels_is_sound(tmp_path: Path, clock: SetClock) -> None:
    FileLedger(tmp_path, KEYS, ORIGIN, clock).append(entries(66_000))
    assert verify_ledger(tmp_path, KEYS.verifier).sound
    assert FileLedger(tmp_path, KEYS, ORIGIN, clock).inclusion(5, 65_999)


def test_checking_tells_the_reporter(folder: Path) -> None:
    heard: list[object] = []

    class Listener:
        def advance(self, units: int = 1) -> None:
            heard.append(units)

        def note(self, text: Text) -> None:
            heard.append(text)

        @contextmanager
        def step(self, title: Text, total: int | None = None) -> Iterator[Step]:
            heard.append(total)
            yield self

    verify_ledger(folder, KEYS.verifier, Listener())
    assert heard == [3, 1, 1, 1]


def test_a_log_of_another_implementation_is_sound(shared_data: Path, tmp_path: Path) -> None:
    log = unpack(shared_data / "trust" / "tlog-golden-log.tar.xz", tmp_path) / "log"
    for size in range(16):
        note = (log / f"checkpoint.{size}").read_text()
        assert verify_ledger(log, GOLDEN_KEY, earlier=note).sound
        shutil.copy(log / f"checkpoint.{size}", log / "checkpoint")
        check = verify_ledger(log, GOLDEN_KEY)
        assert (check.sound, check.size, check.signed_at) == (True, size, None)
        shutil.copy(log / "checkpoint.15", log / "checkpoint")


# attacks


def edit(path: Path, change: Callable[[bytearray], object]) -> None:
    raw = bytearray(path.read_bytes())
    change(raw)
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("tile/entries/000", {"tile/0/000", "tile/1/000.p/2", "checkpoint"}),
        ("tile/entries/002.p/188", {"tile/0/002.p/188", "checkpoint"}),
        ("tile/0/001", {"tile/0/001"}),
        ("tile/1/000.p/2", {"tile/1/000.p/2"}),
    ],
)
def test_promise_2_a_changed_file_is_named(file: str, found: set[str], folder: Path) -> None:
    edit(folder / file, lambda raw: raw.__setitem__(5, raw[5] ^ 1))
    check = verify_ledger(folder, KEYS.verifier)
    assert not check.sound
    assert {fault.path for fault in check.faults} == found


@pytest.mark.parametrize("file", ["tile/entries/000", "tile/0/001", "tile/1/000.p/2", "tile/entries/002.p/188"])
@pytest.mark.parametrize("size", [None, 0, 1, 32, 33])
def test_promise_2_a_missing_or_cut_file_is_named(file: str, size: int | None, folder: Path) -> None:
    if size is None:
        (folder / file).unlink()
    else:
        edit(folder / file, lambda raw: raw.__delitem__(slice(size, None)))
    assert file in {fault.path for fault in verify_ledger(folder, KEYS.verifier).faults}


def test_promise_2_a_bundle_with_fewer_entries_is_named(folder: Path) -> None:
    edit(folder / "tile/entries/000", lambda raw: raw.__delitem__(slice(0, 9)))
    assert [fault.path for fault in verify_ledger(folder, KEYS.verifier).faults] == ["tile/entries/000"]


def test_promise_2_a_bundle_that_cannot_be_split_is_named(folder: Path) -> None:
    edit(folder / "tile/entries/000", lambda raw: raw.__setitem__(0, 0xFF))
    assert "tile/entries/000" in {fault.path for fault in verify_ledger(folder, KEYS.verifier).faults}


def test_promise_2_an_entry_lost_with_its_hash_is_named(folder: Path) -> None:
    (folder / "tile/entries/001").unlink()
    (folder / "tile/0/001").unlink()
    assert {"tile/entries/001", "tile/0/001", "checkpoint"} <= {
        fault.path for fault in verify_ledger(folder, KEYS.verifier).faults
    }


def test_promise_4_a_shortened_or_forked_log_is_noticed(folder: Path, tmp_path: Path, clock: SetClock) -> None:
    ledger = FileLedger(folder, KEYS, ORIGIN, clock)
    earlier = ledger.checkpoint().note
    shorter = FileLedger(tmp_path / "shorter", KEYS, ORIGIN, clock)
    shorter.append(entries(3))
    forked = FileLedger(tmp_path / "forked", KEYS, ORIGIN, clock)
    forked.append([*entries(699), b"forged", b"more"])
    ledger.append([b"honest"])
    assert verify_ledger(folder, KEYS.verifier, earlier=earlier).sound
    for copy in ("shorter", "forked"):
        assert verify_ledger(tmp_path / copy, KEYS.verifier).sound
        assert [each.path for each in verify_ledger(tmp_path / copy, KEYS.verifier, earlier=earlier).faults] == [
            "checkpoint"
        ]


def test_promise_4_a_checkpoint_with_a_wrong_key_is_refused(folder: Path) -> None:
    with pytest.raises(IntegrityError):
        verify_ledger(folder, MemoryKeys(ORIGIN, b"other").verifier)
    edit(folder / "checkpoint", lambda raw: raw.__setitem__(0, 0xFF))
    with pytest.raises(IntegrityError):
        verify_ledger(folder, KEYS.verifier)


def test_there_may_be_no_ledger_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        verify_ledger(tmp_path / "none", KEYS.verifier)
    assert list(tmp_path.iterdir()) == []


def test_the_public_names_are_there() -> None:
    from chengyi import trust

    assert all(getattr(trust, name) for name in trust.__all__)
    with pytest.raises(AttributeError):
        _ = trust.nothing
