"""A node's home folder: where everything is, and who works on it.

Rules: every path inside a home is relative to it, so a home can be moved or copied whole; one process at a
time brings it up to date, and the operating system lets go of the lock when that process dies.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chengyi.model.errors import BusyError, ConfigError, HomeError
from chengyi.model.text import Text
from chengyi.store.settings import Areas, HomeSettings, parse, parse_settings


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of a home folder."""

    path: Path

    @property
    def settings_file(self) -> Path:
        """Return the path of node.toml."""
        return self.path / "node.toml"

    @property
    def sources(self) -> Path:
        """Return the folder of source files, one a source."""
        return self.path / "sources"

    @property
    def keys(self) -> Path:
        """Return the folder of keys."""
        return self.path / "keys"

    @property
    def ledger(self) -> Path:
        """Return the folder of the ledger."""
        return self.path / "ledger"

    @property
    def witness(self) -> Path:
        """Return the folder of what this node knows as a witness of other ledgers, and of its own witnesses."""
        return self.path / "witness"

    @property
    def vault(self) -> Path:
        """Return the folder of stored objects."""
        return self.path / "vault"

    @property
    def lake(self) -> Path:
        """Return the folder of derived tables."""
        return self.path / "lake"

    @property
    def rows(self) -> Path:
        """Return the path of the embedded database."""
        return self.path / "node.db"

    @property
    def areas_file(self) -> Path:
        """Return the path of areas.toml, which may be absent."""
        return self.path / "areas.toml"

    def areas(self) -> dict[str, Text]:
        """Return the names of areas by their code, empty where none are given; ConfigError where they are wrong."""
        if not self.areas_file.exists():
            return {}
        found = parse(Areas, _text_of(self.areas_file), str(self.areas_file))
        return {code: Text(name.zh, name.en) for code, name in found.areas.items()}

    def create(self) -> None:
        """Make the folders of a new home; HomeError where something is there already."""
        if self.settings_file.exists():
            raise HomeError(home=self.path, why="已有节点 (there is a node already)")
        if self.path.exists() and not self.path.is_dir():
            raise HomeError(home=self.path, why="不是目录 (not a folder)")
        if (self.ledger / "checkpoint").exists():
            raise HomeError(home=self.path, why="已有账本，但缺少 node.toml (there is a ledger, but no node.toml)")
        for folder in (self.sources, self.keys, self.ledger, self.vault, self.lake):
            folder.mkdir(parents=True, exist_ok=True)
        self.keys.chmod(0o700)

    def settings(self) -> HomeSettings:
        """Read node.toml; HomeError where there is none, ConfigError where it is wrong."""
        try:
            return parse_settings(_text_of(self.settings_file), str(self.settings_file))
        except (FileNotFoundError, NotADirectoryError) as fault:
            raise HomeError(home=self.path, why="没有 node.toml (no node.toml)") from fault

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold this home alone; BusyError, with the holder's process number, where another does."""
        with (self.path / ".lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as fault:
                file.seek(0)
                raise BusyError(home=self.path, holder=file.read().strip() or "?") from fault
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as fault:
        raise ConfigError(file=str(file), key="-", why="须为 UTF-8 编码 (it has to be UTF-8)") from fault
