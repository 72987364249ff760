"""Objects in a folder: one file a key, written whole or not at all.

Rules: bytes go to a temporary file, are flushed to the disk, and are then renamed; the folder entry is
flushed as well; a reader never sees a half-written object, whatever dies when.
"""

import errno
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from chengyi.model.errors import NotFoundError, StorageFullError, UsageError

_KEY = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*")
_PARTIAL = ".partial-"


class FolderObjects:
    """Keeps the port `store.ports.Objects` on a local file system."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, chunks: Iterable[bytes]) -> None:
        """Write an object durably and atomically; StorageFullError leaves nothing behind."""
        path = self._path(key)
        try:
            self._make_folder(path.parent)
            self._write(path, chunks)
        except OSError as fault:
            if fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise StorageFullError(path=str(path)) from fault
            raise

    def open(self, key: str) -> BinaryIO:
        """Open an object for reading; NotFoundError where it is absent."""
        try:
            return self._path(key).open("rb")
        except FileNotFoundError as fault:
            raise NotFoundError(kind="object", id=key) from fault

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

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise UsageError(why=f"object key {key!r}")
        return self.folder / key

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _flush(folder.parent)

    def _write(self, path: Path, chunks: Iterable[bytes]) -> None:
        partial = path.with_name(f"{_PARTIAL}{path.name}-{secrets.token_hex(4)}")
        try:
            with partial.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        _flush(path.parent)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
