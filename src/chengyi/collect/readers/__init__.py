"""Readers: a table file becomes text cells under the sender's own column names, and a list of rows that could not.

Keeps promise 8: the good part goes on, the bad part waits with its reason. A reader never guesses a type, drops a
row or repairs a cell; row numbers are the 1-based ordinals of the records in the file, good and bad alike.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from chengyi.collect.readers.batch import BadRow, RowBatch
from chengyi.model.submission import Component

if TYPE_CHECKING:
    from chengyi.collect.sources import ReaderSettings
    from chengyi.trust.ports import Vault

__all__ = ["BadRow", "Reader", "RowBatch", "read_rows", "read_table"]

_REGISTRY = {"csv": "csv", "xlsx": "xlsx", "jsonl": "jsonl", "sqlite": "sqlite", "parquet": "parquet", "rows": "ndjson"}


class Reader(Protocol):
    """Reads the bytes of one table file."""

    def __call__(self, data: bytes, settings: "ReaderSettings", file: str, source: str) -> RowBatch:
        """Return the rows; BadInputError where the file as a whole cannot be read as what it claims to be."""
        ...


def read_rows(vault: "Vault", component: Component, settings: "ReaderSettings", source: str = "-") -> RowBatch:
    """Read an archived or captured table from the vault.

    Returns good rows as text columns (`pa.string()`, null where the carrier has none) and bad rows with reasons.
    Raises BadInputError (source, file, row, field, why) where nothing of the file can be read.
    """
    with vault.open(component.object) as stream:
        data = stream.read()
    return read_table(data, settings, component.path, source)


def read_table(data: bytes, settings: "ReaderSettings", file: str, source: str = "-") -> RowBatch:
    """Read the bytes of one table file; see `read_rows`."""
    reader: Reader = import_module(f"{__name__}.{_REGISTRY[settings.format]}").read
    return reader(data, settings, file, source)
