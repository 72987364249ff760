"""Tables of the lake: Delta Lake on disk, DuckDB as the engine, Ibis as the language.

Rules: a table is a folder in the open Delta format, so Spark or Trino can read it as it lies; each write is one
atomic version; reading never needs a DuckDB extension; memory is bounded, larger work spills to the lake's folder.
The lake is derived: it can be dropped and rebuilt from packages.
"""

import itertools
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from chengyi.model.errors import MemoryLimitError, NotFoundError, StorageFullError, UsageError
from chengyi.store.ports import WriteMode

_FULL = ("No space left", "os error 28", "File too large", "os error 27", "Disk quota", "os error 122")
_NAME = re.compile(r"[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)*")


class DuckTables:
    """Keeps the port `store.ports.Tables` with Delta, DuckDB and Ibis in one process."""

    def __init__(self, folder: Path, memory: str = "1GiB") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.engine = ibis.duckdb.connect(memory_limit=memory, temp_directory=str(folder / ".spill"))
        self._numbers = itertools.count()
        self._views: dict[tuple[str, int], ibis.Table] = {}
        self._lock = threading.RLock()
        self._writing = threading.RLock()

    def write(
        self,
        name: str,
        data: "pa.Table | pa.RecordBatchReader",
        mode: WriteMode = "append",
        *,
        replace: tuple[str, str] | None = None,
    ) -> int:
        """Write rows as a new version and return it; see the port."""
        path = self._path(name)
        table = self._open(name)
        options: dict[str, Any] = {"mode": mode}
        if table is not None:
            options["schema_mode"] = "overwrite" if mode == "overwrite" and replace is None else "merge"
        if table is not None and replace is not None:
            options |= {"mode": "overwrite", "predicate": _equals(*replace)}
        with self._writing:  # not the engine's lock: the rows may stream out of the engine, on the writer's own thread
            try:
                write_deltalake(table or str(path), data, **options)
            except (DeltaError, OSError) as fault:
                raise _explain(fault, path) from fault
        return DeltaTable(str(path)).version()

    def read(self, name: str, version: int | None = None) -> ibis.Table:
        """Return a table, at its latest or a given version, as an Ibis expression."""
        table = self._open(name, version)
        if table is None:
            raise NotFoundError(kind="table", id=name)
        key = (name, table.version())
        with self._lock:
            if key not in self._views:
                self._views[key] = self._expression(table)
            return self._views[key]

    def version(self, name: str) -> int | None:
        """Return the latest version of a table, or None where it is absent."""
        table = self._open(name)
        return None if table is None else table.version()

    def names(self) -> list[str]:
        """List the tables, in order."""
        logs = self.folder.rglob("_delta_log")
        return sorted(log.parent.relative_to(self.folder).as_posix() for log in logs)

    def drop(self, name: str) -> None:
        """Remove a table and all its versions."""
        with self._lock:
            self._views = {key: view for key, view in self._views.items() if key[0] != name}
            shutil.rmtree(self._path(name), ignore_errors=True)

    def view(self, data: "pa.Table | pa.RecordBatchReader") -> ibis.Table:
        """Put Arrow data before the engine without storing it."""
        table = data if isinstance(data, pa.Table) else data.read_all()
        return ibis.memtable(table)

    def arrow(self, expression: ibis.Table) -> pa.Table:
        """Run an expression and return its rows."""
        with self._lock:
            try:
                with _as_written():
                    return self.engine.to_pyarrow(expression)
            except duckdb.Error as fault:
                raise _explain(fault, self.folder) from fault

    def batches(self, expression: ibis.Table, rows: int = 65_536) -> "pa.RecordBatchReader":
        """Run an expression and stream its rows; the engine is busy until the reader is exhausted."""
        with self._lock:
            self.engine._run_pre_execute_hooks(expression)  # noqa: SLF001 - Ibis 12 cannot stream from DuckDB 2
            with _as_written():
                query = self.engine.compile(expression)
            return self.engine.con.sql(query).to_arrow_reader(rows)

    def close(self) -> None:
        """Let go of the engine."""
        self.engine.disconnect()

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise UsageError(why=f"table name {name!r}")
        return self.folder / name

    def _open(self, name: str, version: int | None = None) -> DeltaTable | None:
        try:
            return DeltaTable(str(self._path(name)), version=version)
        except TableNotFoundError:
            return None
        except DeltaError as fault:
            raise NotFoundError(kind="table version", id=f"{name}@{version}") from fault

    def _expression(self, table: DeltaTable) -> ibis.Table:
        files = table.file_uris()
        if not files:
            return ibis.memtable(pa.schema(table.schema().to_arrow()).empty_table())
        name = f"lake_{next(self._numbers)}"
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in sorted(files))
        self.engine.raw_sql(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}], union_by_name=true)")  # noqa: S608
        return self.engine.table(name)


@contextmanager
def _as_written() -> Iterator[None]:
    """Compile projections as they were staged: Ibis is slow at fusing long chains, and the engine does it anyway."""
    before = ibis.options.sql.fuse_selects
    ibis.options.sql.fuse_selects = False
    try:
        yield
    finally:
        ibis.options.sql.fuse_selects = before


def _equals(column: str, value: str) -> str:
    return f"{column} = '" + value.replace("'", "''") + "'"


def _explain(fault: Exception, path: Path) -> Exception:
    if any(sign in str(fault) for sign in _FULL):
        return StorageFullError(path=str(path))
    if "Out of Memory Error" in str(fault):
        return MemoryLimitError()
    return fault


def engine_version() -> str:
    """Return the engine's name and version, for reports and benchmarks."""
    return f"DuckDB {duckdb.__version__}, Ibis {ibis.__version__}"
