"""Crashes of a real ledger in a real folder: a process killed at a random moment, and a power cut.

`FlushTrace` watches what a writer asks of the file system: which files it makes, renames and removes, and what it has
flushed. `FlushTrace.after_power_cut` then makes up a disk as a power cut may leave it: of each file, what was flushed
is there, and what was not is lost, torn or there; of each folder, the entries that were flushed are there, and of those
that were not, any may be there and any may be missing, in whatever order they were made.
"""

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class FlushTrace:
    """The operations on a folder, in order: ``make``, ``flush``, ``sync``, ``rename``, ``remove``, ``told``."""

    folder: Path
    steps: list[tuple[Any, ...]] = field(default_factory=list)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the system calls of this process until the end of the block; each is noted when it has returned."""
        watches: dict[str, Callable[..., None]] = {
            "fsync": self._fsync,
            "replace": self._replace,
            "mkdir": self._mkdir,
            "unlink": self._unlink,
        }
        real = {name: getattr(os, name) for name in watches}
        try:
            for name, watch in watches.items():
                setattr(os, name, _after(real[name], watch))
            yield
        finally:
            for name, call in real.items():
                setattr(os, name, call)

    def told(self, size: int) -> None:
        """Note that the writer was told that so many entries are safe."""
        self.steps.append(("told", size))

    def after_power_cut(self, cut: int, chance: random.Random) -> tuple[dict[str, bytes], int]:
        """Return the files that a cut after so many steps may leave, by path, and the size that was acknowledged."""
        disk = _Disk(chance)
        told = 0
        for step in self.steps[:cut]:
            if step[0] == "told":
                told = step[1]
            else:
                disk.do(*step)
        return disk.left(), told

    def _fsync(self, handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if not path.is_relative_to(self.folder):
            return
        name = self._name(path)
        self.steps.append(("sync", name) if path.is_dir() else ("flush", name, path.read_bytes()))

    def _replace(self, source: Any, target: Any) -> None:
        if Path(target).is_relative_to(self.folder):
            raw = Path(target).read_bytes()
            self.steps.append(("rename", self._name(source), self._name(target), raw))

    def _mkdir(self, path: Any, *_: object) -> None:
        if Path(path).is_relative_to(self.folder):
            self.steps.append(("make", self._name(path)))

    def _unlink(self, path: Any, **_: object) -> None:
        if Path(path).is_relative_to(self.folder):
            self.steps.append(("remove", self._name(path)))

    def _name(self, path: Any) -> str:
        name = Path(path).relative_to(self.folder).as_posix()
        return "" if name == "." else name


@dataclass
class _File:
    """A file whatever its name: what was written, and what of it is surely on the disk."""

    written: bytes = b""
    flushed: bytes | None = None


class _Disk:
    """What is surely on the disk, and what is only on its way there."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._seen: dict[str, _File] = {}
        self._entries: dict[str, _File | None] = {}
        self._pending: dict[str, list[tuple[str, str, _File | None]]] = {}

    def do(self, what: str, name: str, *more: Any) -> None:
        if what == "flush":
            if name not in self._seen:
                self._later(name, "", self._seen.setdefault(name, _File()))
            self._seen[name].written = self._seen[name].flushed = more[0]
        elif what == "rename":
            file = self._seen.pop(name, None) or _File()
            file.written = more[1]
            self._seen[more[0]] = file
            # one step that is done or not, where both names lie in one folder, as they always do here
            self._later(more[0], name, file)
        elif what == "make":
            self._later(name, "", None)
        elif what == "remove":
            self._seen.pop(name, None)
            self._later("", name, None, Path(name).parent)
        else:
            for pending in self._pending.pop(name, []):
                self._apply(*pending)

    def left(self) -> dict[str, bytes]:
        """Apply a random part of what was on its way, then return the files whose folders are all there."""
        for waiting in self._pending.values():
            kept = [each for each in waiting if self._chance.random() < 0.5]
            self._chance.shuffle(kept)
            for each in kept:
                self._apply(*each)
        return {
            name: self._content(file)
            for name, file in self._entries.items()
            if file is not None and all(str(each) in {*self._entries, "."} for each in Path(name).parents)
        }

    def _content(self, file: _File) -> bytes:
        """Return what was flushed; of what was not, all, nothing, or a part."""
        if file.flushed is not None and file.flushed == file.written:
            return file.flushed
        return file.written[: self._chance.choice([0, len(file.written), len(file.written) // 2])]

    def _later(self, name: str, replaced: str, file: _File | None, folder: Path | None = None) -> None:
        place = (folder or Path(name).parent).as_posix().removeprefix(".")
        self._pending.setdefault(place, []).append((name, replaced, file))

    def _apply(self, name: str, replaced: str, file: _File | None) -> None:
        self._entries.pop(replaced, None)
        if name:
            self._entries[name] = file


def _after(call: Callable[..., Any], watch: Callable[..., None]) -> Callable[..., Any]:
    def watched(*given: Any, **named: Any) -> Any:
        done = call(*given, **named)
        watch(*given, **named)
        return done

    return watched


def killed(work: Callable[[Callable[[int], None]], None], wait: float) -> int:
    """Fork a process that works and tells what is safe, kill it after a while, and return the last it told, or -1."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            work(lambda size: _tell(writing, size))
        finally:
            os._exit(1)
    os.close(writing)
    signal.sigtimedwait([], wait)
    os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    whole = len(told) - len(told) % 8
    return int.from_bytes(told[whole - 8 : whole], "big") if whole else -1


def _tell(pipe: int, size: int) -> None:
    os.write(pipe, size.to_bytes(8, "big"))
