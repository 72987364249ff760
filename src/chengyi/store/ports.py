"""The ports of storage: objects as bytes under keys, tables as versioned columns.

Rows need no port of their own: SQLAlchemy is one, and `store.rows` wires it.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

WriteMode = Literal["append", "overwrite"]


class Objects(Protocol):
    """Bytes under keys; a key is a relative path of lower-case letters, digits, ``-_./``."""

    def put(self, key: str, chunks: "Iterable[bytes | memoryview]", *, durable: bool = True) -> None:
        """Write an object durably and atomically: it is there whole or not at all. StorageFullError.

        Memory stays bounded; what `chunks` raises is raised, and then nothing is there. One that is not `durable` yet
        may be torn by a power cut until `sync` returns.
        """
        ...

    def sync(self) -> None:
        """Make durable what was put before."""
        ...

    def open(self, key: str) -> BinaryIO:
        """Open an object for reading and seeking, with bounded memory; NotFoundError where it is absent."""
        ...

    def part(self, key: str, start: int, size: int) -> bytes:
        """Return up to `size` bytes from `start` on, fewer only at the end; NotFoundError where it is absent."""
        ...

    def tail(self, key: str, size: int) -> tuple[bytes, int]:
        """Return the last bytes, up to `size`, and the size of the whole object; NotFoundError where it is absent."""
        ...

    def size(self, key: str) -> int | None:
        """Return the object's size in bytes, or None where it is absent."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; removing an absent one is no error."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """List the keys under a prefix, in order."""
        ...

    def sizes(self) -> Iterator[tuple[str, int]]:
        """List all keys with the size of each object, in order."""
        ...


class Tables(Protocol):
    """Versioned tables of the lake (Delta Lake), and the engine that reads them (Ibis)."""

    def write(
        self,
        name: str,
        data: "pa.Table | pa.RecordBatchReader",
        mode: WriteMode = "append",
        *,
        replace: tuple[str, str] | None = None,
    ) -> int:
        """Write rows as a new version and return it.

        With `replace=(column, value)` the rows where column = value are replaced in the same version.
        Columns that are new to the table are added to it.
        """
        ...

    def read(self, name: str, version: int | None = None) -> "ibis.Table":
        """Return a table as an Ibis expression over this engine; NotFoundError where it is absent."""
        ...

    def version(self, name: str) -> int | None:
        """Return the latest version of a table, or None where it is absent."""
        ...

    def names(self) -> list[str]:
        """List the tables, in order."""
        ...

    def drop(self, name: str) -> None:
        """Remove a table and all its versions; dropping an absent one is no error."""
        ...

    def view(self, data: "pa.Table | pa.RecordBatchReader") -> "ibis.Table":
        """Put Arrow data before the engine as an Ibis expression, without storing it."""
        ...

    def arrow(self, expression: "ibis.Table") -> "pa.Table":
        """Run an expression and return its rows."""
        ...

    def batches(self, expression: "ibis.Table", rows: int = 65_536) -> "pa.RecordBatchReader":
        """Run an expression and stream its rows with bounded memory."""
        ...
