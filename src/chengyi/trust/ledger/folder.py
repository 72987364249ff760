"""The log's folder: many small files made durable together, and one that follows them.

Keeps promise 4: always witnessed, at the speed of the disk. Rules:

1. The files of a group are written, get their names, and are flushed with their folders all at once: a journal takes
   flushes that wait together in one commit. What a power cut leaves of them before that is of no account, for nothing
   refers to them yet, and none of them replaces a file that something refers to.
2. The last file does refer to them: its draft is flushed with the last group, and only then gets its name. When
   `put_all` returns, that is on the disk as well. So a batch waits for the disk twice, however many files it has.
3. A group that fails leaves no draft behind.
"""

import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from chengyi.model.errors import StorageFullError
from chengyi.store.files import flush_folder
from chengyi.store.objects import FolderObjects

_GROUP = 128
_TOGETHER = 8
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_Draft = tuple[Path, Path]


class LogFolder(FolderObjects):
    """A folder of objects that takes many at once."""

    def put_all(self, files: Iterable[tuple[str, bytes]], last: Callable[[], tuple[str, bytes]]) -> None:
        """Write objects durably, then the one that `last` returns; StorageFullError where the disk is full.

        `last` is asked when all others have been taken from `files`.
        """
        todo = iter(files)
        group = list(islice(todo, _GROUP))
        while following := list(islice(todo, _GROUP)):
            self._guarded(group, None)
            group = following
        self._guarded(group, last())

    def _guarded(self, group: Sequence[tuple[str, bytes]], last: tuple[str, bytes] | None) -> None:
        drafts: list[_Draft] = []
        try:
            self._put_group(group, last, drafts)
        except OSError as fault:
            if fault.errno in _FULL:
                raise StorageFullError(path=str(self.folder)) from fault
            raise
        finally:
            for draft, _ in drafts:
                draft.unlink(missing_ok=True)

    def _put_group(
        self, group: Sequence[tuple[str, bytes]], last: tuple[str, bytes] | None, drafts: list[_Draft]
    ) -> None:
        touched: dict[Path, None] = {}
        handles: list[int] = []
        try:
            for key, raw in group:
                touched.update(dict.fromkeys(_made((self.folder / key).parent)))
                handles.append(self._draft(key, raw, drafts))
                _name(drafts)
            if last is not None:
                handles.append(self._draft(*last, drafts))
            handles += [os.open(folder, os.O_RDONLY) for folder in touched]
            _flush_all(handles)
        finally:
            for handle in handles:
                os.close(handle)
        if last is not None:
            _name(drafts)
            flush_folder(self.folder)

    def _draft(self, key: str, raw: bytes, drafts: list[_Draft]) -> int:
        path = self.folder / key
        draft = path.with_name(f".partial-{path.name}-{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        drafts.append((draft, path))
        try:
            rest = memoryview(raw)
            while rest:
                rest = rest[os.write(handle, rest) :]
        except BaseException:
            os.close(handle)
            raise
        return handle


def _made(folder: Path) -> Iterator[Path]:
    """Make a folder where it is absent, and return each folder that gets an entry, the uppermost first."""
    if not folder.is_dir():
        yield from _made(folder.parent)
        folder.mkdir(exist_ok=True)
    yield folder


def _name(drafts: list[_Draft]) -> None:
    """Give the newest draft its name."""
    draft, path = drafts[-1]
    draft.replace(path)
    drafts.pop()


def _flush_all(handles: Sequence[int]) -> None:
    with ThreadPoolExecutor(_TOGETHER) as pool:
        list(pool.map(os.fsync, handles))
