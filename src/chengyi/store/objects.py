"""Objects in a folder: one file a key, written whole or not at all.

Rules: bytes go to a temporary file, are flushed to the disk, and are then renamed; the folder entry is
flushed as well; a reader never sees a half-written object, whatever dies when. Many small objects may share one
flush of the file system (`sync`); until then they are there for readers, but not after a power cut.
"""

import ctypes
import errno
import os
import re
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from chengyi.model.errors import NotFoundError, StorageFullError, UsageError
from chengyi.store.files import flush_folder

_KEY = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*")
_PARTIAL = ".partial-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FolderObjects:
    """Keeps the port `store.ports.Objects` on a local file system."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loose: list[Path] = []
        self._noting = threading.Lock()
        self._flushing = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, chunks: Iterable[bytes | memoryview], *, durable: bool = True) -> None:
        """Write an object atomically, and durably unless `sync` is to come; StorageFullError leaves nothing behind."""
        path = self._path(key)
        try:
            self._make_folder(path.parent, durable=durable)
            self._write(path, chunks, durable=durable)
        except OSError as fault:
            if fault.errno in _FULL:
                raise StorageFullError(path=str(path)) from fault
            raise

    def sync(self) -> None:
        """Make durable what was put before: all of it with one call where the system has syncfs(2)."""
        with self._flushing:  # who comes second waits, as some of the first one's work may be his
            with self._noting:
                loose, self._loose = self._loose, []
            try:
                if loose and not _sync_all(self.folder):
                    for path in dict.fromkeys([*loose, *(path.parent for path in loose)]):
                        flush_folder(path)
            except OSError as fault:
                if fault.errno in _FULL:
                    raise StorageFullError(path=str(self.folder)) from fault
                raise

    def open(self, key: str) -> BinaryIO:
        """Open an object for reading; NotFoundError where it is absent."""
        try:
            return self._path(key).open("rb")
        except FileNotFoundError as fault:
            raise NotFoundError(kind="object", id=key) from fault

    def part(self, key: str, start: int, size: int) -> bytes:
        """Return up to `size` bytes from `start` on; NotFoundError where the object is absent."""
        with self._opened(key) as handle:
            return os.pread(handle, size, start)

    def tail(self, key: str, size: int) -> tuple[bytes, int]:
        """Return the last bytes, up to `size`, and the size of the whole; NotFoundError where the object is absent."""
        with self._opened(key) as handle:
            whole = os.fstat(handle).st_size
            return os.pread(handle, size, max(0, whole - size)), whole

    def size(self, key: str) -> int | None:
        """Return the object's size in bytes, or None where it is absent."""
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        """Remove an object; removing an absent one is no error."""
        self._path(key).unlink(missing_ok=True)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """List the keys under a prefix, in order; left-overs of interrupted writes are not keys."""
        start = self.folder / prefix if prefix.endswith("/") or not prefix else self.folder
        found = (path.relative_to(self.folder).as_posix() for path in start.rglob("*") if path.is_file())
        yield from sorted(key for key in found if key.startswith(prefix) and _PARTIAL not in key)

    def sizes(self) -> Iterator[tuple[str, int]]:
        """List all keys with the size of each object, in order."""
        for key in self.keys():
            size = self.size(key)
            if size is not None:
                yield key, size

    @contextmanager
    def _opened(self, key: str) -> Iterator[int]:
        try:
            handle = os.open(self._path(key), os.O_RDONLY)
        except FileNotFoundError as fault:
            raise NotFoundError(kind="object", id=key) from fault
        try:
            yield handle
        finally:
            os.close(handle)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise UsageError(why=f"object key {key!r}")
        return self.folder / key

    def _make_folder(self, folder: Path, *, durable: bool) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent, durable=durable)
        folder.mkdir(exist_ok=True)
        if durable:
            flush_folder(folder.parent)
        else:
            self._note(folder)

    def _write(self, path: Path, chunks: Iterable[bytes | memoryview], *, durable: bool) -> None:
        partial = path.with_name(f"{_PARTIAL}{path.name}-{secrets.token_hex(4)}")
        try:
            with partial.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        if durable:
            flush_folder(path.parent)
        else:
            self._note(path)

    def _note(self, path: Path) -> None:
        with self._noting:
            self._loose.append(path)


def _sync_all(folder: Path) -> bool:
    """Flush the whole file system that a folder is on; False where the system cannot, OSError where writing failed."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        return False
    handle = os.open(folder, os.O_RDONLY)
    try:
        if call(handle):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    finally:
        os.close(handle)
    return True
