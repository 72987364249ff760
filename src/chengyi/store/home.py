"""A node's home folder: where everything is, and who works on it.

Rules: every path inside a home is relative to it, so a home can be moved or copied whole; one process at a
time brings it up to date, and the operating system lets go of the lock when that process dies.
"""

import fcntl
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from chengyi.model.errors import BusyError, ConfigError, HomeError
from chengyi.model.text import Text

_Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_Words = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TitleSettings(_Settings):
    """A name in both languages."""

    zh: _Words
    en: _Words


class NodeSettings(_Settings):
    """[node] Who this node is."""

    id: _Id
    """The node's name in the ledger and in addresses."""
    name: TitleSettings
    """The node's name for people."""
    department: _Words
    """The organisation that answers for this node."""
    fonds: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{3}$")] = "X001"
    """全宗号 of the node's own records."""
    demonstration: bool = False
    """True where every record is invented; every page then says so."""
    format: Literal[1] = 1
    """The version of the home's layout."""


class RowsSettings(_Settings):
    """[rows] Where rows are kept."""

    url: str = ""
    """A SQLAlchemy URL; empty means node.db in the home. ${NAME} is taken from the environment."""


class ObjectsSettings(_Settings):
    """[objects] Where stored bytes are kept."""

    kind: Literal["folder", "s3"] = "folder"
    """A folder in the home, or an S3-compatible store."""
    endpoint: str = ""
    """The S3 endpoint's address."""
    bucket: str = ""
    """The S3 bucket; it must exist."""
    access_key: str = ""
    """The S3 access key; write ${NAME} to take it from the environment."""
    secret_key: str = ""
    """The S3 secret key; write ${NAME} to take it from the environment."""


class TablesSettings(_Settings):
    """[tables] How tables are computed."""

    memory: Annotated[str, StringConstraints(pattern=r"^[0-9]+(MiB|GiB)$")] = "1GiB"
    """Memory that the engine may use; larger work spills to the home's disk."""


class HomeSettings(_Settings):
    """The whole of node.toml."""

    node: NodeSettings
    rows: RowsSettings = RowsSettings()
    objects: ObjectsSettings = ObjectsSettings()
    tables: TablesSettings = TablesSettings()


class _Areas(_Settings):
    """The whole of areas.toml: what people call the areas whose codes stand in the data."""

    areas: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{2,12}$")], TitleSettings] = {}


_Model = TypeVar("_Model", bound=_Settings)


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
        found = _parse(_Areas, _text_of(self.areas_file), str(self.areas_file))
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


def parse_settings(text: str, file: str) -> HomeSettings:
    """Return the settings that the text of a node.toml holds; ConfigError names the file and the key."""
    return _parse(HomeSettings, text, file)


def _parse(kind: type[_Model], text: str, file: str) -> _Model:
    try:
        return kind.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(file=file, key="-", why=f"不是有效的 TOML (not valid TOML: {fault})") from fault
    except ValidationError as fault:
        first = fault.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(file=file, key=key, why=first["msg"]) from fault


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as fault:
        raise ConfigError(file=str(file), key="-", why="须为 UTF-8 编码 (it has to be UTF-8)") from fault


def write_whole(path: Path, text: str) -> None:
    """Write a small file whole or not at all, whatever dies when."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
