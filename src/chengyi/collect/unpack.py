"""Reading archive files from outside (.zip, .tar, .tar.gz, .tar.xz) without trusting them.

Keeps promise 8: bad input loses nothing. Rules: nothing is written to the disk; names obey `rules.name_fault`; only
plain files are taken, no links, devices or encrypted entries; an archive with more than `MAX_ENTRIES` entries, or that
unfolds beyond `MAX_UNFOLDED` bytes or `MAX_RATIO` times its size, is not read further. What was left is in `faults`.
"""

import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from gzip import GzipFile
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, BinaryIO, Self, cast

from chengyi.collect.delivery import mark_of
from chengyi.collect.rules import name_fault, safe_path
from chengyi.model.errors import BadInputError, UnreachableError, UnsettledError
from chengyi.model.text import Text

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_ENTRIES = 100_000
MAX_UNFOLDED = 1 << 34
MAX_RATIO = 250
RATIO_FLOOR = 64 << 20
MAX_DIRECTORY = 64 << 20
MAX_READ = 16 << 20

_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)
_TOO_MANY = Text(f"条目超过 {MAX_ENTRIES}", f"more than {MAX_ENTRIES} entries")
_BOMB = Text("展开后过大，疑为压缩炸弹", "it unfolds beyond all bounds, as a zip bomb does")
_DAMAGED = Text("已损坏或不完整", "damaged or truncated")
_NOT_FILE = Text("是链接或特殊文件", "a link or special file")
_LOCKED = Text("已加密", "encrypted")
_TWICE = Text("名称重复", "the name occurs twice")
_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz")


class _BombError(ValueError):
    pass


@dataclass(frozen=True, slots=True)
class Entry:
    """One file inside an archive file; `open` may be called until the next entry is asked for."""

    path: str
    changed_at: datetime
    open: Callable[[], BinaryIO]


def is_archive(name: str) -> bool:
    """Tell whether a name is that of an archive file that can be opened."""
    return name.lower().endswith(_SUFFIXES)


class Unpacking:
    """One archive file while it is read; `faults` says what was not taken, by name."""

    def __init__(self, path: Path, source: str) -> None:
        self._path, self._source = path, source
        self.faults: list[tuple[str, Text]] = []
        self._seen: set[str] = set()
        try:
            self._file = path.open("rb")
        except OSError as fault:
            raise UnreachableError(source=source, why=f"{path.name}: {fault.strerror}") from fault
        self._status = path.stat()
        self._bound = min(MAX_UNFOLDED, max(RATIO_FLOOR, self._status.st_size * MAX_RATIO))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def entries(self) -> Iterator[Entry]:
        """Yield the entries that may be taken, in the order of the archive file."""
        try:
            yield from self._zip() if self._path.name.lower().endswith(".zip") else self._tar()
        except _BombError:
            self._leave(self._path.name, _BOMB)
        except _BROKEN:
            self.settle()
            self._leave(self._path.name, _DAMAGED)

    def settle(self) -> None:
        """Raise UnsettledError where the archive file changed since it was opened."""
        if mark_of(self._path.stat()) != mark_of(self._status):
            raise UnsettledError(source=self._source, file=self._path.name)

    def spoiled(self, name: str) -> BadInputError:
        """Note that an entry broke while it was read, and return the error for it."""
        self._leave(name, _DAMAGED)
        why = f"归档包内条目 {name} 已损坏 (an entry is damaged)"
        return BadInputError(source=self._source, file=self._path.name, row="-", field="-", why=why)

    def _zip(self) -> Iterator[Entry]:
        if _directory_size(self._file) > MAX_DIRECTORY:
            self._leave(self._path.name, _TOO_MANY)
            return
        with zipfile.ZipFile(self._file) as archive:
            listing = archive.infolist()
            if len(listing) > MAX_ENTRIES:
                self._leave(self._path.name, _TOO_MANY)
                return
            if sum(each.file_size for each in listing) > self._bound:
                raise _BombError
            for each in listing:
                if not each.is_dir() and self._accept(each.filename, _zip_fault(each)):
                    yield self._entry(
                        each.filename, _zip_time(each, self._status.st_mtime), partial(archive.open, each)
                    )

    def _tar(self) -> Iterator[Entry]:
        count, unfolded = 0, 0
        with tarfile.open(fileobj=_Bounded(_decompressed(self._path, self._file), self._bound), mode="r:") as archive:
            while (each := archive.next()) is not None:
                count, unfolded = count + 1, unfolded + each.size
                if count > MAX_ENTRIES:
                    self._leave(self._path.name, _TOO_MANY)
                    return
                if unfolded > self._bound:
                    raise _BombError
                if not each.isdir() and self._accept(each.name, None if each.isreg() else _NOT_FILE):
                    changed = _moment(each.mtime, self._status.st_mtime)
                    yield self._entry(each.name, changed, partial(archive.extractfile, each))

    def _accept(self, name: str, fault: Text | None) -> bool:
        fault = fault or name_fault(name)
        path = safe_path(name)
        if fault is None and path in self._seen:
            fault = _TWICE
        if fault is not None:
            self._leave(path, fault)
            return False
        self._seen.add(path)
        return True

    def _entry(self, name: str, changed: datetime, opener: Callable[[], IO[bytes] | None]) -> Entry:
        path = safe_path(name)
        return Entry(path, changed, lambda: io.BufferedReader(_EntryBytes(self, path, opener), 1 << 18))

    def _leave(self, name: str, reason: Text) -> None:
        self.faults.append((name, reason))


class _EntryBytes(io.RawIOBase):
    """The bytes of one entry; what breaks while they are read is noted with the archive file."""

    def __init__(self, unpacking: Unpacking, name: str, opener: Callable[[], IO[bytes] | None]) -> None:
        self._unpacking, self._name = unpacking, name
        try:
            self._stream = opener()
        except _BROKEN as fault:
            raise self._broken() from fault

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        try:
            data = self._stream.read(min(len(view), 1 << 20)) if self._stream else b""
        except _BROKEN as fault:
            raise self._broken() from fault
        if not data:
            self._unpacking.settle()
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed and getattr(self, "_stream", None):
            self._stream.close()  # type: ignore[union-attr]
        super().close()

    def _broken(self) -> BadInputError:
        self._unpacking.settle()
        return self._unpacking.spoiled(self._name)


class _Bounded(io.RawIOBase):
    """An unfolding stream that gives up beyond a bound, and never reads much at once."""

    def __init__(self, stream: IO[bytes], bound: int) -> None:
        self._stream, self._bound = stream, bound + (1 << 20)

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_READ:
            raise _BombError
        data = self._stream.read(size)
        if self._stream.tell() > self._bound:
            raise _BombError
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence != 0 or offset > self._bound:
            raise _BombError
        return self._stream.seek(offset)

    def tell(self) -> int:
        return self._stream.tell()


def _decompressed(path: Path, file: BinaryIO) -> IO[bytes]:
    name = path.name.lower()
    if name.endswith((".gz", ".tgz")):
        return cast("IO[bytes]", GzipFile(fileobj=file))
    return lzma.LZMAFile(file) if name.endswith((".xz", ".txz")) else file


def _directory_size(file: BinaryIO) -> int:
    """Return how large the ZIP directory says it is (APPNOTE 4.3.16), or 0 where there is none."""
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    return int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0


def _zip_fault(entry: zipfile.ZipInfo) -> Text | None:
    if entry.flag_bits & 1:
        return _LOCKED
    mode = entry.external_attr >> 16
    return None if not mode or not stat.S_IFMT(mode) or stat.S_ISREG(mode) else _NOT_FILE


def _zip_time(entry: zipfile.ZipInfo, otherwise: float) -> datetime:
    try:
        return datetime(*entry.date_time, tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(otherwise, UTC)


def _moment(seconds: float, otherwise: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(otherwise, UTC)
