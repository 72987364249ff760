"""SQL: one table or query of any database that SQLAlchemy reaches, streamed as canonical rows.

Rules: the form is one JSON array of column names, then one JSON array of text-or-null cells a row, each on a line;
rows are fetched in portions, so that memory stays bounded; passwords come from the environment or a file, and are never
repeated in a message; nothing is written to the database.
"""

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import ConfigDict

from chengyi.collect.delivery import Delivery, Item, Unchanged
from chengyi.collect.readers.cells import cell_text
from chengyi.model.errors import UnreachableError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from sqlalchemy import Engine, Executable

MEDIA_TYPE = "application/x-ndjson"
_PORTION = 5000


@dataclass(frozen=True, slots=True)
class SqlSettings:
    """One table or query of a database."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")
    kind: Literal["sql"] = field(metadata={"help": "sql"})
    url: str = field(default="", metadata={"help": "SQLAlchemy URL; a relative sqlite path starts at the home"})
    url_env: str = field(default="", metadata={"help": "environment variable that holds the URL, instead of url"})
    table: str = field(default="", metadata={"help": "the table (schema.table), or use query"})
    query: str = field(default="", metadata={"help": "a SELECT, instead of table"})
    order_by: str = field(default="", metadata={"help": "column that orders the rows, so that a repeat is the same"})

    def fault(self) -> tuple[str, str] | None:
        """Return key and reason where the settings contradict each other."""
        if bool(self.url) == bool(self.url_env):
            return ("url", "url 与 url_env 须且只须有一项 (give either url or url_env)")
        if bool(self.table) == bool(self.query):
            return ("table", "table 与 query 须且只须有一项 (give either table or query)")
        if self.table and not self.order_by:
            return ("order_by", "须指明排序列，否则无从判断是否重复 (a table needs an order)")
        return None


class SqlConnector:
    """Hands over the present rows as one delivery."""

    def __init__(self, settings: SqlSettings, source: str, home: Path) -> None:
        self._settings, self._source, self._home = settings, source, home

    def deliveries(self, unchanged: Unchanged) -> Iterator[Item]:
        """Yield one delivery; UnreachableError where the database cannot be reached."""
        from datetime import UTC, datetime

        name = (self._settings.table or "query") + ".ndjson"
        ready = [_open(self._settings, self._source, self._home)]
        try:
            opener = partial(_again, ready, self._settings, self._source, self._home)
            yield Delivery(name, name, MEDIA_TYPE, datetime.now(UTC), opener)
        finally:
            while ready:
                ready.pop().close()


class _Lines(io.RawIOBase):
    """Bytes that are made while they are read."""

    def __init__(self, lines: Iterator[bytes], engine: "Engine") -> None:
        self._lines, self._engine, self._rest = lines, engine, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        if not self._rest:
            self._rest = next(self._lines, b"")
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._lines.close()  # type: ignore[attr-defined]  # a generator
            self._engine.dispose()
        super().close()


def _again(ready: list[io.BufferedReader], settings: SqlSettings, source: str, home: Path) -> io.BufferedReader:
    return ready.pop() if ready else _open(settings, source, home)


def _open(settings: SqlSettings, source: str, home: Path) -> io.BufferedReader:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = _engine(settings, source, home)
        lines = _lines(engine, _statement(settings), source)
        first = next(lines)
    except SQLAlchemyError as fault:
        raise _unreachable(source, fault) from fault
    except ImportError as fault:
        raise UnreachableError(source=source, why=f"缺少数据库驱动 (driver not installed): {fault.name}") from fault
    return io.BufferedReader(_Lines(_chained(first, lines), engine), 1 << 20)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _engine(settings: SqlSettings, source: str, home: Path) -> "Engine":
    from sqlalchemy import create_engine, make_url

    text = settings.url or os.environ.get(settings.url_env, "")
    if not text:
        raise UnreachableError(source=source, why=f"环境变量 {settings.url_env} 未设置 (it is not set)")
    url = make_url(text)
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith((":", "file:")):
        path = home / url.database
        if not path.is_file():
            raise UnreachableError(source=source, why=f"没有数据库文件 (there is no database file) {path}")
        url = url.set(database=str(path))
    return create_engine(url)


def _statement(settings: SqlSettings) -> "Executable":
    from sqlalchemy import column, literal_column, select, table, text

    if settings.query:
        return text(settings.query)
    schema, _, name = settings.table.rpartition(".")
    return (
        select(literal_column("*")).select_from(table(name, schema=schema or None)).order_by(column(settings.order_by))
    )


def _lines(engine: "Engine", statement: "Executable", source: str) -> Iterator[bytes]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with engine.connect().execution_options(stream_results=True, yield_per=_PORTION) as connection:
            result = connection.execute(statement)
            yield _line(list(result.keys()))
            for portion in result.partitions():
                yield b"".join(_line([_text(cell) for cell in row]) for row in portion)
    except SQLAlchemyError as fault:
        raise _unreachable(source, fault) from fault


def _line(cells: list[Any]) -> bytes:
    return json.dumps(cells, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


def _text(cell: object) -> str | None:
    return "\\x" + bytes(cell).hex() if isinstance(cell, (bytes, memoryview)) else cell_text(cell)


def _unreachable(source: str, fault: Exception) -> UnreachableError:
    cause = getattr(fault, "orig", None)
    why = str(cause).splitlines()[0] if cause is not None and str(cause) else type(fault).__name__
    return UnreachableError(source=source, why=why)
