"""Sources: one TOML file each, checked at the border, frozen inside.

Rules: every key is known or refused; a fault names the file and the key; no two sources share an id; the settings of a
connector belong to its own file under `connectors/`; the contract is kept as it stands, for integration to read.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from chengyi.collect.connectors import CONNECTOR_KINDS, settings_class
from chengyi.model.archival_code import is_fonds
from chengyi.model.codes import RecordClass, Retention, SharingClass
from chengyi.model.errors import ConfigError
from chengyi.model.text import Text

STRICT = ConfigDict(extra="forbid")
SOURCE_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
ReaderFormat = Literal["csv", "xlsx", "jsonl", "sqlite", "parquet", "rows"]
Changed = Literal["version", "quarantine"]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """The [source] part: who delivers, and how the record is classified."""

    __pydantic_config__: ClassVar = STRICT
    id: str = field(metadata={"help": "lower-case letters, digits and hyphens; unique in the node"})
    title: Text = field(metadata={"help": "what people call it, in both languages"})
    department: str = field(metadata={"help": "the department that delivers and owns it"})
    fonds: str = field(metadata={"help": "fonds number, one capital letter and three digits"})
    record_class: RecordClass = field(default=RecordClass.DATA, metadata={"help": "code of the record class"})
    retention: Retention = field(default=Retention.YEARS_30, metadata={"help": "Y, D30 or D10"})
    sharing: SharingClass = field(default=SharingClass.CONDITIONAL, metadata={"help": "terms of sharing"})
    changed: Changed | None = field(
        default=None, metadata={"help": "version | quarantine; default quarantine, version for sql"}
    )


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """The [reader] part: how a table file is read."""

    __pydantic_config__: ClassVar = STRICT
    format: ReaderFormat = field(metadata={"help": "csv | xlsx | jsonl | sqlite | parquet (rows is set by sql)"})
    encoding: str = field(default="utf-8", metadata={"help": "csv and jsonl: utf-8, gb18030, utf-16 ..."})
    delimiter: str = field(default=",", metadata={"help": "csv: one character between cells"})
    sheet: str = field(default="", metadata={"help": "xlsx: name of the sheet; the first where empty"})
    table: str = field(default="", metadata={"help": "sqlite: name of the table; the only one where empty"})
    header: Count = field(default=1, metadata={"help": "csv and xlsx: line of the header, from 1"})

    def mapping(self) -> dict[str, str]:
        """Return the settings as text, so that anyone can read the file the same way again."""
        return {name: str(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def parse(cls, mapping: Mapping[str, str]) -> "ReaderSettings":
        """Return the settings that `mapping` wrote down; ConfigError where they make no sense."""
        values: dict[str, Any] = {**mapping, "header": int(mapping.get("header", "1"))}
        settings: ReaderSettings = _validated(cls, values, Path("seal"), "reader")
        return settings


@dataclass(frozen=True, slots=True)
class Expected:
    """The [expected] part: what the source owes, as a number, as sequences, or as names of records."""

    __pydantic_config__: ClassVar = STRICT
    deliveries: Count | None = field(default=None, metadata={"help": "how many deliveries are owed"})
    sequences: tuple[str, ...] = field(default=(), metadata={"help": "the sequences that are owed"})
    names: tuple[str, ...] = field(default=(), metadata={"help": "names of records that must be among them"})


@dataclass(frozen=True, slots=True)
class Source:
    """One source of records, as its TOML file describes it."""

    id: str
    title: Text
    department: str
    fonds: str
    record_class: RecordClass
    retention: Retention
    sharing: SharingClass
    changed: Changed
    connector: Any
    reader: ReaderSettings | None
    contract: Mapping[str, Any]
    expected: Expected | None
    file: Path

    @property
    def kind(self) -> str:
        """Return the kind of the connector."""
        return str(self.connector.kind)


def load_sources(folder: Path, home: Path) -> list[Source]:
    """Read every ``*.toml`` of a folder, by name; ConfigError names the file and the key.

    `home` is what relative paths of connectors start from.
    """
    sources: dict[str, Source] = {}
    for file in sorted(folder.glob("*.toml")):
        source = load_source(file)
        if source.id in sources:
            why = f"与 {sources[source.id].file.name} 重复 (already used by that file)"
            raise ConfigError(file=str(file), key="source.id", why=why)
        _check_home(source, home)
        sources[source.id] = source
    return list(sources.values())


def load_source(file: Path) -> Source:
    """Read one source file; ConfigError names the file and the key."""
    try:
        return parse_source(file.read_bytes().decode(), file)
    except OSError as fault:
        raise ConfigError(file=str(file), key="-", why=str(fault.strerror)) from fault
    except UnicodeDecodeError as fault:
        raise ConfigError(file=str(file), key="-", why="须为 UTF-8 编码 (it has to be UTF-8)") from fault


def parse_source(text: str, file: Path) -> Source:
    """Return the source that a TOML text describes; `file` is only named in faults."""
    try:
        parts = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(file=str(file), key="-", why=f"不是有效的 TOML (not valid TOML: {fault})") from fault
    _refuse_unknown(parts, file)
    settings = _validated(SourceSettings, parts.get("source", {}), file, "source")
    _check_source(settings, file)
    connector = _connector(parts.get("connector", {}), file)
    reader = _reader(parts.get("reader"), connector.kind, file)
    expected = _validated(Expected, parts["expected"], file, "expected") if "expected" in parts else None
    contract = parts.get("contract", {})
    if contract and reader is None:
        raise ConfigError(file=str(file), key="reader", why="有契约就须说明如何读表 (a contract needs a reader)")
    changed = settings.changed or ("version" if connector.kind == "sql" else "quarantine")
    known = {name: getattr(settings, name) for name in SourceSettings.__slots__}
    known.update(changed=changed, connector=connector, reader=reader, contract=contract, expected=expected, file=file)
    return Source(**known)


def _connector(part: object, file: Path) -> Any:  # noqa: ANN401 - each connector has its own settings
    kind = part.get("kind") if isinstance(part, Mapping) else None
    if kind not in CONNECTOR_KINDS:
        raise ConfigError(file=str(file), key="connector.kind", why=f"须为 (one of) {' | '.join(CONNECTOR_KINDS)}")
    settings = _validated(settings_class(str(kind)), part, file, "connector")
    why = settings.fault()
    if why is not None:
        raise ConfigError(file=str(file), key=f"connector.{why[0]}", why=why[1])
    return settings


def _reader(part: object, kind: str, file: Path) -> ReaderSettings | None:
    if kind == "sql":
        if part is not None:
            raise ConfigError(file=str(file), key="reader", why="sql 来源不需要此项 (a sql source has none)")
        return ReaderSettings("rows")
    if part is None:
        return None
    settings: ReaderSettings = _validated(ReaderSettings, part, file, "reader")
    if settings.format == "csv" and (
        len(settings.delimiter) != 1 or not settings.delimiter.isascii() or settings.delimiter in '"\r\n\0'
    ):
        raise ConfigError(file=str(file), key="reader.delimiter", why="须为一个 ASCII 字符 (one ASCII character)")
    return replace(settings, encoding=_codec(settings.encoding, file))


def _codec(name: str, file: Path) -> str:
    import codecs

    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError) as fault:
        raise ConfigError(file=str(file), key="reader.encoding", why=f"未知编码 (unknown encoding) {name}") from fault
    return {"gbk": "gb18030", "gb2312": "gb18030", "cp936": "gb18030", "ascii": "utf-8", "utf-8-sig": "utf-8"}.get(
        found, found
    )


def _check_source(settings: SourceSettings, file: Path) -> None:
    faults = {
        "source.id": (SOURCE_ID.fullmatch(settings.id), "只用小写字母、数字、连字符 (use a-z, 0-9 and -)"),
        "source.fonds": (is_fonds(settings.fonds), "须为一个大写字母加三位数字 (one capital letter and three digits)"),
        "source.department": (settings.department.strip(), "不能为空 (it may not be empty)"),
    }
    for key, (good, why) in faults.items():
        if not good:
            raise ConfigError(file=str(file), key=key, why=why)


def _check_home(source: Source, home: Path) -> None:
    path = getattr(source.connector, "path", None)
    inside = ("vault", "ledger", "keys", "lake")
    if path is not None and any((home / path).absolute().is_relative_to(home.absolute() / name) for name in inside):
        raise ConfigError(
            file=str(source.file), key="connector.path", why="不得收集节点自身的目录 (the node's own folder)"
        )


def _refuse_unknown(parts: Mapping[str, object], file: Path) -> None:
    known: Sequence[str] = ("source", "connector", "expected", "reader", "contract")
    for name, part in parts.items():
        if name not in known or not isinstance(part, Mapping):
            raise ConfigError(
                file=str(file), key=name, why=f"未知的项，只有 (unknown, there are only) {', '.join(known)}"
            )


def _validated(kind: type[Any], value: object, file: Path, part: str) -> Any:  # noqa: ANN401 - as the kind says
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_context=False)[0]
        key = ".".join([part, *map(str, first["loc"])])
        raise ConfigError(file=str(file), key=key, why=_why(first["type"], first["msg"])) from fault


def _why(code: str, message: str) -> str:
    zh = {"missing": "缺少此项", "unexpected_keyword_argument": "未知的项"}.get(code, "值不合要求")
    return f"{zh} ({message})"
