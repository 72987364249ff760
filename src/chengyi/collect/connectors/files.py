"""Files: one named file, or the files of a folder whose names match a pattern; each file is one delivery.

Rules: links and special files are named as refused, never followed; names that people's programs use for unfinished
work (a leading dot, ``~$``, ``.part``, ``.tmp``, ``.crdownload``) are left until they get their final name.
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

from chengyi.collect.delivery import Delivery, Item, Refusal, Unchanged, changed_at, lasting_mark, located
from chengyi.collect.rules import is_unfinished, media_type, name_fault, safe_path
from chengyi.collect.settled import open_settled
from chengyi.model.errors import UnreachableError
from chengyi.model.text import Text

_LINK = Text("是链接或特殊文件，未收", "a link or special file; not taken")


@dataclass(frozen=True, slots=True)
class FileSettings:
    """One file, delivered again and again under the same name."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")
    kind: Literal["file"] = field(metadata={"help": "file"})
    path: str = field(metadata={"help": "the file, absolute or relative to the home"})

    def fault(self) -> tuple[str, str] | None:
        """Return key and reason where the settings contradict each other."""
        return None if self.path else ("path", "不能为空 (it may not be empty)")


@dataclass(frozen=True, slots=True)
class FolderSettings:
    """The files of one folder, without its sub-folders."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")
    kind: Literal["folder"] = field(metadata={"help": "folder"})
    path: str = field(metadata={"help": "the folder, absolute or relative to the home"})
    pattern: str = field(default="*", metadata={"help": "which file names, for example *.csv"})

    def fault(self) -> tuple[str, str] | None:
        """Return key and reason where the settings contradict each other."""
        if not self.path:
            return ("path", "不能为空 (it may not be empty)")
        return ("pattern", "只匹配文件名，不含 / (it matches names, without /)") if "/" in self.pattern else None


class FileConnector:
    """Hands over one file."""

    def __init__(self, settings: FileSettings, source: str, home: Path) -> None:
        self._path, self._source = located(settings.path, home), source

    def deliveries(self, unchanged: Unchanged) -> Iterator[Item]:
        """Yield the file; UnreachableError where it is absent."""
        yield _item(self._path, self._source)


class FolderConnector:
    """Hands over the files of a folder, by name."""

    def __init__(self, settings: FolderSettings, source: str, home: Path) -> None:
        self._path, self._source, self._pattern = located(settings.path, home), source, settings.pattern

    def deliveries(self, unchanged: Unchanged) -> Iterator[Item]:
        """Yield each file whose name matches; UnreachableError where the folder is absent."""
        try:
            with os.scandir(self._path) as listing:
                names = sorted(entry.name for entry in listing if not entry.is_dir(follow_symlinks=False))
        except OSError as fault:
            raise UnreachableError(source=self._source, why=f"{self._path}: {fault.strerror}") from fault
        for name in names:
            if fnmatchcase(name, self._pattern) and not is_unfinished(name):
                yield _item(self._path / name, self._source)


def _item(path: Path, source: str) -> Item:
    try:
        status = path.lstat()
    except OSError as fault:
        raise UnreachableError(source=source, why=f"{path}: {fault.strerror}") from fault
    name = safe_path(path.name)
    if not stat.S_ISREG(status.st_mode):
        return Refusal(name, "not_a_file", _LINK)
    opener = partial(open_settled, path, source)
    return Delivery(
        name, name, media_type(name), changed_at(status), opener, lasting_mark(status), name_fault(path.name)
    )
