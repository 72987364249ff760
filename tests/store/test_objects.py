"""One suite for every object store."""

import errno
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chengyi.model.errors import NotFoundError, StorageFullError, UsageError
from chengyi.store.objects import FolderObjects
from chengyi.store.ports import Objects


def test_what_was_put_is_read_back(objects: Objects) -> None:
    objects.put("ab/cd/one", [b"hello ", b"world"])
    with objects.open("ab/cd/one") as stream:
        assert stream.read() == b"hello world"
    assert objects.size("ab/cd/one") == 11


def test_an_empty_object_is_an_object(objects: Objects) -> None:
    objects.put("empty", [])
    assert objects.size("empty") == 0
    with objects.open("empty") as stream:
        assert stream.read() == b""


def test_a_large_object_goes_through_in_chunks(objects: Objects) -> None:
    chunk = os.urandom(1 << 20)
    objects.put("large", (chunk for _ in range(12)))
    with objects.open("large") as stream:
        for _ in range(12):
            assert stream.read(1 << 20) == chunk
        assert stream.read() == b""


def test_reading_can_seek(objects: Objects) -> None:
    objects.put("seek", [b"0123456789"])
    with objects.open("seek") as stream:
        stream.seek(-3, io.SEEK_END)
        assert stream.read() == b"789"


def test_parts_and_tails_are_read_without_the_rest(objects: Objects) -> None:
    objects.put("ab/range", [b"01234", memoryview(b"56789")])
    assert [objects.part("ab/range", *span) for span in ((0, 3), (7, 50), (4, 0), (10, 5), (99, 1))] == [
        b"012",
        b"789",
        b"",
        b"",
        b"",
    ]
    assert [objects.tail("ab/range", size) for size in (3, 10, 99)] == [
        (b"789", 10),
        (b"0123456789", 10),
        (b"0123456789", 10),
    ]
    objects.put("nothing-in-it", [])
    assert objects.tail("nothing-in-it", 5) == (b"", 0)
    assert objects.part("nothing-in-it", 0, 5) == b""


def test_what_its_source_raises_leaves_no_object(objects: Objects) -> None:
    def breaks() -> Iterator[bytes]:
        for _ in range(6):
            yield bytes(1 << 20)
        raise RuntimeError("the line went dead")

    with pytest.raises(RuntimeError, match="dead"):
        objects.put("ab/broken", breaks())
    assert list(objects.keys()) == []


def test_an_absent_object_is_not_found(objects: Objects) -> None:
    assert objects.size("nothing") is None
    for read in (lambda: objects.part("nothing", 0, 1), lambda: objects.tail("nothing", 1)):
        with pytest.raises(NotFoundError):
            read()
    with pytest.raises(NotFoundError):
        objects.open("nothing").read()


def test_keys_are_listed_in_order_under_a_prefix(objects: Objects) -> None:
    for key in ("b/2", "a/1", "b/1", "bc"):
        objects.put(key, [b"x"])
    assert list(objects.keys()) == ["a/1", "b/1", "b/2", "bc"]
    assert list(objects.keys("b/")) == ["b/1", "b/2"]
    assert list(objects.sizes()) == [("a/1", 1), ("b/1", 1), ("b/2", 1), ("bc", 1)]


def test_deleting_twice_is_no_error(objects: Objects) -> None:
    objects.put("gone", [b"x"])
    objects.delete("gone")
    objects.delete("gone")
    assert objects.size("gone") is None


@pytest.mark.parametrize("key", ["../out", "/root", "a//b", "", "a/../b", "A", "空", "a\0b", ".hidden"])
def test_a_key_never_leaves_its_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(UsageError):
        FolderObjects(tmp_path).put(key, [b"x"])


def test_many_objects_are_made_durable_at_once(objects: Objects) -> None:
    for number in range(5):
        objects.put(f"ab/{number}", [b"x"], durable=False)
    assert len(list(objects.keys())) == 5
    objects.sync()
    objects.sync()
    assert objects.part("ab/4", 0, 9) == b"x"


@pytest.mark.parametrize("has_syncfs", [True, False])
def test_what_was_put_loosely_is_flushed_by_whatever_the_system_has(
    has_syncfs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    whole: list[Path] = []
    monkeypatch.setattr("chengyi.store.objects.flush_folder", flushed.append)

    def sync_all(folder: Path) -> bool:
        whole.append(folder)
        return has_syncfs

    monkeypatch.setattr("chengyi.store.objects._sync_all", sync_all)
    objects = FolderObjects(tmp_path)
    objects.put("ab/one", [b"x"], durable=False)
    assert (flushed, whole) == ([], [])
    objects.sync()
    assert whole == [tmp_path]
    assert set(flushed) == (set() if has_syncfs else {tmp_path, tmp_path / "ab", tmp_path / "ab" / "one"})


def test_a_disk_that_fills_up_while_flushing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("chengyi.store.objects._sync_all", full)
    objects = FolderObjects(tmp_path)
    objects.put("ab/one", [b"x"], durable=False)
    with pytest.raises(StorageFullError):
        objects.sync()


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    def fills_up() -> Iterator[bytes]:
        yield b"some"
        raise OSError(errno.ENOSPC, "No space left on device")

    objects = FolderObjects(tmp_path)
    with pytest.raises(StorageFullError):
        objects.put("a/b", fills_up())
    assert list(objects.keys()) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_promise_8_a_killed_writer_leaves_no_half_object(tmp_path: Path) -> None:
    program = """
import sys, time
from pathlib import Path
from chengyi.store.objects import FolderObjects
def chunks():
    yield b"x" * 1000
    print("writing", flush=True)
    time.sleep(60)
FolderObjects(Path(sys.argv[1])).put("a/half", chunks())
"""
    writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    objects = FolderObjects(tmp_path)
    assert list(objects.keys()) == []
    objects.put("a/half", [b"whole"])
    with objects.open("a/half") as stream:
        assert stream.read() == b"whole"
