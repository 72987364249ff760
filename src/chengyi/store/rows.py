"""Rows: one relational database, SQLite by default and PostgreSQL where that is outgrown.

Rules: a write transaction is taken at once and alone (SQLite: BEGIN IMMEDIATE), so that two writers wait
for each other instead of failing at commit; what is committed survives a power cut (WAL, synchronous FULL);
every room declares its tables against the one `metadata`; times are UTC; documents are canonical JSON.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC as ZONE_UTC
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError

from chengyi.model.canonical import Json as JsonValue
from chengyi.model.canonical import canonical
from chengyi.model.errors import AccessError, BusyError, ConfigError, IntegrityError, StorageFullError

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UTC(TypeDecorator[datetime]):
    """A moment in UTC, kept as ISO 8601 text of fixed width so that text order is time order."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Write a timezone-aware datetime; a naive one is refused by ValueError."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        return value.astimezone(ZONE_UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Read it back, timezone-aware."""
        return None if value is None else datetime.fromisoformat(value)


class Json(TypeDecorator[JsonValue]):
    """A value kept as canonical JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: JsonValue, dialect: Dialect) -> str | None:
        """Write the canonical form."""
        return None if value is None else canonical(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> JsonValue:
        """Read the value back."""
        return None if value is None else json.loads(value)


class Rows:
    """A database of rows: transactions on it, and nothing else."""

    def __init__(self, url: str) -> None:
        try:
            self._url = make_url(url)
            self.engine = _engine(url)
        except Exception as fault:
            raise ConfigError(file="node.toml", key="rows.url", why=type(fault).__name__) from fault

    @property
    def dialect(self) -> str:
        """Return ``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a write transaction; it commits on leaving, or rolls back on any exception."""
        try:
            with self.engine.connect().execution_options(chengyi_write=True) as connection, connection.begin():
                yield connection
        except DatabaseError as fault:
            raise self._explain(fault) from fault

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a consistent view for reading."""
        try:
            with self.engine.connect() as connection, connection.begin():
                yield connection
        except DatabaseError as fault:
            raise self._explain(fault) from fault

    def create_all(self) -> None:
        """Create every declared table that is not there yet."""
        metadata.create_all(self.engine)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _explain(self, fault: DatabaseError) -> Exception:
        text = str(fault.orig).lower()
        if "full" in text or "no space" in text or "disk i/o" in text:
            return StorageFullError(path=self._url.database)
        if "locked" in text or "busy" in text:
            return BusyError(home=self._url.database, holder="?")
        if "readonly" in text or "unable to open" in text:
            return AccessError(path=self._url.database)
        if "malformed" in text or "not a database" in text:
            return IntegrityError(object=self._url.database, why="数据库已损坏 (the database is damaged)")
        return fault


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in bulk; a row whose key or unique columns are already there is left as it is."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), list(rows))


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in bulk; a row with the same primary key is replaced column by column."""
    if not rows:
        return
    insert = _insert(connection, table)
    keys = [column.name for column in table.primary_key]
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    statement = (
        insert.on_conflict_do_update(index_elements=keys, set_=changed) if changed else insert.on_conflict_do_nothing()
    )
    connection.execute(statement, list(rows))


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _engine(url: str) -> Engine:
    target = make_url(url)
    if target.get_backend_name() != "sqlite":
        return create_engine(target, pool_pre_ping=True)
    engine = create_engine(target, connect_args={"timeout": 30, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("chengyi_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
