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


def test_an_absent_object_is_not_found(objects: Objects) -> None:
    assert objects.size("nothing") is None
    with pytest.raises(NotFoundError):
        objects.open("nothing").read()


def test_keys_are_listed_in_order_under_a_prefix(objects: Objects) -> None:
    for key in ("b/2", "a/1", "b/1", "bc"):
        objects.put(key, [b"x"])
    assert list(objects.keys()) == ["a/1", "b/1", "b/2", "bc"]
    assert list(objects.keys("b/")) == ["b/1", "b/2"]


def test_deleting_twice_is_no_error(objects: Objects) -> None:
    objects.put("gone", [b"x"])
    objects.delete("gone")
    objects.delete("gone")
    assert objects.size("gone") is None


@pytest.mark.parametrize("key", ["../out", "/root", "a//b", "", "a/../b", "A", "空", "a\0b", ".hidden"])
def test_a_key_never_leaves_its_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(UsageError):
        FolderObjects(tmp_path).put(key, [b"x"])


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
