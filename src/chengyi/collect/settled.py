"""Reading a file that may not change while it is read.

Keeps promise 8: bad input loses nothing. Rules: only a regular file is opened, and no link is followed; at the
end of the file its size and times must be what they were at the start, or UnsettledError is raised before the
reader has seen the end, so that a half-written file is never taken for a whole one.
"""

import io
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from chengyi.collect.delivery import mark_of
from chengyi.model.errors import BadInputError, UnreachableError, UnsettledError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER = 1 << 20


class SettledFile(io.RawIOBase):
    """The bytes of one file, as they were when it was opened."""

    def __init__(self, path: Path, source: str) -> None:
        self._path, self._source = path, source
        self._file = _open_regular(path, source)
        self._mark = mark_of(os.fstat(self._file))

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill a buffer; UnsettledError at the end of a file that changed."""
        try:
            count = os.readv(self._file, [buffer])
        except OSError as fault:
            raise UnreachableError(source=self._source, why=f"{self._path.name}: {fault.strerror}") from fault
        if count == 0:
            self._settle()
        return count

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            os.close(self._file)
        super().close()

    def _settle(self) -> None:
        try:
            there = mark_of(self._path.lstat())
        except OSError:
            there = ""
        if not self._mark == there == mark_of(os.fstat(self._file)):
            raise UnsettledError(source=self._source, file=self._path.name)


def open_settled(path: Path, source: str) -> io.BufferedReader:
    """Open a regular file for one stable reading."""
    return io.BufferedReader(SettledFile(path, source), BUFFER)


def _open_regular(path: Path, source: str) -> int:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as fault:
        raise UnreachableError(source=source, why=f"{path.name}: {fault.strerror}") from fault
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise BadInputError(source=source, file=path.name, row="-", field="-", why="不是普通文件 (not a regular file)")
