"""Tables read back from the vault with the leaf hash of every row; the last few stay at hand.

Keeps promise 5: every number leads home. The cache is bounded by bytes and holds only what can be read again.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chengyi.archive.seals import Leaves, canonical_rejected, canonical_row, inclusion, leaves_of, levels, place, root
from chengyi.model.errors import NotFoundError
from chengyi.model.package import RowSeal
from chengyi.model.submission import Component
from chengyi.trust.ports import Vault

if TYPE_CHECKING:
    import pyarrow as pa

    from chengyi.collect.readers import BadRow
    from chengyi.collect.sources import ReaderSettings

CACHE_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table of an archived package: its good rows, their ordinals and leaf hashes, and its bad rows.

    `table` has text columns under the sender's names; `rows` (int64) counts records from 1; `leaves` holds 32 bytes for
    each good row; `tree` holds the leaves of all records, good and bad, in record order.
    """

    table: "pa.Table"
    rows: "pa.Array"
    leaves: "pa.Array"
    bad: "tuple[BadRow, ...]"
    tree: Leaves

    @property
    def nbytes(self) -> int:
        """Return how much memory it holds, about."""
        return int(self.table.nbytes + self.rows.nbytes + 2 * len(self.tree.hashes))


@dataclass(frozen=True, slots=True)
class RowProof:
    """The proof that one record stands in a package: its canonical bytes, leaf, audit path, root, and tree size."""

    ref: str
    row: int
    canonical: bytes
    leaf: bytes
    hashes: tuple[bytes, ...]
    root: bytes
    rows: int


class SealedTables:
    """Reads tables through the vault; keeps the last ones, up to `CACHE_BYTES`."""

    def __init__(self, vault: Vault, capacity: int = CACHE_BYTES) -> None:
        self._vault = vault
        self._capacity = capacity
        self._kept: OrderedDict[tuple[str, tuple[tuple[str, str], ...]], SealedTable] = OrderedDict()

    def read(
        self, component: Component, reader: "ReaderSettings", data: bytes | None = None, source: str = "-"
    ) -> SealedTable:
        """Read one component as a table; BadInputError where it cannot be read, IntegrityError where it was changed.

        `data` is the component's bytes, where the caller has them already; `source` is named in faults.
        """
        key = (component.object, tuple(sorted(reader.mapping().items())))
        found = self._kept.pop(key, None) or self._read(component, reader, data, source)
        if found.nbytes <= self._capacity:
            self._kept[key] = found
        while sum(each.nbytes for each in self._kept.values()) > self._capacity:
            self._kept.popitem(last=False)
        return found

    def read_sealed(self, component: Component, seal: RowSeal) -> SealedTable:
        """Read a component by the reader that its seal names."""
        return self.read(component, reader_of(seal.reader))

    def _read(self, component: Component, reader: "ReaderSettings", data: bytes | None, source: str) -> SealedTable:
        import pyarrow as pa

        from chengyi.collect.readers import read_table

        plain = self._vault.read(component.object) if data is None else data
        batch = read_table(plain, reader, component.path, source)
        rows = pa.array(batch.rows, pa.int64())
        good = leaves_of(batch.table)
        leaves = pa.Array.from_buffers(pa.binary(32), len(rows), [None, pa.py_buffer(good)])
        return SealedTable(batch.table, rows, leaves, tuple(batch.bad), place(good, rows, batch.bad))


def reader_of(mapping: Mapping[str, str]) -> "ReaderSettings":
    """Return the reader that a seal wrote down."""
    from chengyi.collect.sources import ReaderSettings

    return ReaderSettings.parse(mapping)


def seal_of(component: Component, reader: "ReaderSettings", table: SealedTable) -> RowSeal:
    """Return the seal over a table."""
    columns = tuple(table.table.column_names)
    return RowSeal(component.path, reader.mapping(), columns, len(table.tree), len(table.bad), root(table.tree).hex())


def proofs(ref: str, table: SealedTable, rows: Sequence[int]) -> list[RowProof]:
    """Return the proofs of some records, in the order asked for; NotFoundError where there is no such record."""
    found = levels(table.tree)
    bad = {each.row: canonical_rejected(each.raw) for each in table.bad}
    made = []
    for row in rows:
        if not 1 <= row <= len(table.tree):
            raise NotFoundError(kind="行 row", id=f"{ref}#{row}")
        form = bad[row] if row in bad else canonical_row(_cells(table, row))
        path = inclusion(found, row - 1)
        made.append(RowProof(ref, row, form, table.tree[row - 1], path, found[-1].hashes, len(table.tree)))
    return made


def _cells(table: SealedTable, row: int) -> list[Any]:
    import numpy as np

    at = int(np.searchsorted(table.rows.to_numpy(zero_copy_only=False), row))
    return [column[at].as_py() for column in table.table.columns]
