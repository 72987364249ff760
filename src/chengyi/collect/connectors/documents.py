"""Documents: every file below a folder is one record, and so is every entry of an archive file found there.

Rules: archive files are .zip, .tar, .tar.gz and .tar.xz; those inside archive files are kept as they are, not opened.
An entry with an unacceptable name, a link, an encrypted or damaged entry is left inside; then the whole archive file is
taken as well and set aside with the reasons, so that nothing is lost. Bounds are in `unpack`.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict

from chengyi.collect.delivery import Delivery, Done, Item, Refusal, Unchanged, changed_at, lasting_mark, located
from chengyi.collect.rules import is_unfinished, media_type, name_fault, safe_path
from chengyi.collect.settled import open_settled
from chengyi.collect.unpack import Entry, Unpacking, is_archive
from chengyi.model.errors import UnreachableError
from chengyi.model.text import Text

_LINK = Text("是链接或特殊文件，未收", "a link or special file; not taken")
_CLOSED = Text("目录不可读，未收", "the folder cannot be read; not taken")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class DocumentsSettings:
    """A tree of documents, or one archive file of them."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")
    kind: Literal["documents"] = field(metadata={"help": "documents"})
    path: str = field(metadata={"help": "folder or archive file, absolute or relative to the home"})
    pattern: str = field(default="*", metadata={"help": "which file names in the tree, for example *.pdf"})
    unpack: bool = field(default=True, metadata={"help": "open archive files and take each entry as a record"})

    def fault(self) -> tuple[str, str] | None:
        """Return key and reason where the settings contradict each other."""
        return None if self.path else ("path", "不能为空 (it may not be empty)")


class DocumentsConnector:
    """Hands over each document of a tree, in the order of names."""

    def __init__(self, settings: DocumentsSettings, source: str, home: Path) -> None:
        self._settings, self._source = settings, source
        self._path = located(settings.path, home)

    def deliveries(self, unchanged: Unchanged) -> Iterator[Item]:
        """Yield each document; UnreachableError where the folder is absent."""
        try:
            mode = self._path.stat().st_mode
        except OSError as fault:
            raise UnreachableError(source=self._source, why=f"{self._path}: {fault.strerror}") from fault
        if not stat.S_ISDIR(mode):
            yield from self._file(self._path, self._path.name, unchanged)
            return
        for name in self._names():
            yield from [name] if isinstance(name, Refusal) else self._file(self._path / name, name, unchanged)

    def _names(self) -> Iterator[str | Refusal]:
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(self._path / folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError:
                yield Refusal(safe_path(folder), "folder_closed", _CLOSED)
                continue
            visible = [entry for entry in entries if not is_unfinished(entry.name)]
            folders = [f"{folder}{each.name}/" for each in visible if each.is_dir(follow_symlinks=False)]
            waiting.extend(reversed(folders))
            files = (each.name for each in visible if not each.is_dir(follow_symlinks=False))
            yield from (folder + name for name in files if self._wanted(name))

    def _wanted(self, name: str) -> bool:
        return fnmatchcase(name, self._settings.pattern) or (self._settings.unpack and is_archive(name))

    def _file(self, path: Path, name: str, unchanged: Unchanged) -> Iterator[Item]:
        try:
            status = path.lstat()
        except FileNotFoundError:
            return
        if not stat.S_ISREG(status.st_mode):
            yield Refusal(safe_path(name), "not_a_file", _LINK)
        elif self._settings.unpack and is_archive(name):
            yield from self._archive(path, name, status, unchanged)
        else:
            yield self._document(path, name, status, name_fault(name))

    def _document(self, path: Path, name: str, status: os.stat_result, fault: Text | None) -> Delivery:
        safe = safe_path(name)
        opener = partial(open_settled, path, self._source)
        return Delivery(safe, safe, media_type(name), changed_at(status), opener, lasting_mark(status), fault)

    def _archive(self, path: Path, name: str, status: os.stat_result, unchanged: Unchanged) -> Iterator[Item]:
        safe, mark = safe_path(name), lasting_mark(status)
        if unchanged(f"{safe}!/", mark):
            return
        count = 0
        with Unpacking(path, self._source) as unpacking:
            for entry in unpacking.entries():
                count += 1
                yield _entry(entry, safe)
            faults = unpacking.faults
        fault = name_fault(name) or (_summary(faults) if faults else None)
        if fault is not None:
            count += 1
            yield self._document(path, name, status, fault)
        yield Done(f"{safe}!/", mark, count)


def _entry(entry: Entry, archive: str) -> Delivery:
    return Delivery(f"{archive}!/{entry.path}", entry.path, media_type(entry.path), entry.changed_at, entry.open)


def _summary(faults: list[tuple[str, Text]]) -> Text:
    shown = faults[:_SHOWN]
    more = len(faults) - len(shown)
    zh = "；".join(f"{name}：{reason.zh}" for name, reason in shown) + (f"；另有 {more} 项" if more else "")
    en = "; ".join(f"{name}: {reason.en}" for name, reason in shown) + (f"; and {more} more" if more else "")
    return Text(f"归档包内有未收条目：{zh}", f"entries of the archive file were not taken: {en}")
