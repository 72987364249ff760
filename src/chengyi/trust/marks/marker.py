"""The marker: writes one recipient's marks into the rows that go out, a batch at a time.

Rules:

1. Only columns that the policy declares, that are of a markable type, and whose row has a key are touched.
2. A mark that would break a declared row-wise relation (`below`) is left out; a column that `follows` moves along.
3. Rows leave in the order of the recipient's ranks within a batch: a fingerprint of its own, while it lasts.
4. What was changed is counted: marks, and for each column the sum before and after.
"""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from chengyi.trust.marks.cells import bits, cells, ranks, row_codes
from chengyi.trust.marks.decoders import Array
from chengyi.trust.marks.embedding import embed, lattice
from chengyi.trust.marks.policy import ColumnPolicy, MarkPolicy, high_order
from chengyi.trust.marks.records import Secrets
from chengyi.trust.marks.rowkeys import row_keys

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(slots=True)
class Tally:
    """What was written: rows, marks, and by column how many values moved and by how much in all."""

    rows: int = 0
    marks: int = 0
    moved: Counter[str] = field(default_factory=Counter)
    shift: dict[str, float] = field(default_factory=dict)


class Marker:
    """Marks tables for one recipient; `tally` says what was done so far."""

    def __init__(self, secrets: Secrets, policy: MarkPolicy) -> None:
        self._secrets = secrets
        self._policy = policy
        self.tally = Tally()

    def codes(self, table: "pa.Table") -> tuple[Array, Array]:
        """Return the row codes of a table (uint8, shape (n, 16)), and which rows have a key (bool)."""
        names = dict.fromkeys(high_order(part)[0] for part in self._policy.key)
        keys = row_keys({name: table[name].to_pylist() for name in names}, self._policy.key)
        keyed = np.fromiter((each is not None for each in keys), bool, len(keys))
        return row_codes(self._secrets.layout, (each or "" for each in keys)), keyed

    def mark(self, table: "pa.Table", codes: Array, keyed: Array) -> "pa.Table":
        """Return the table with the marks in it."""
        self.tally.rows += table.num_rows
        for column in self._policy.columns:
            if column.column in table.column_names:
                table = self._mark(table, column, codes, keyed)
        return table

    def order(self, table: "pa.Table", codes: Array) -> "pa.Table":
        """Return the rows in the order of the recipient's ranks."""
        return table.take(np.argsort(ranks(self._secrets.key, codes), kind="stable"))

    def _mark(self, table: "pa.Table", column: ColumnPolicy, codes: Array, keyed: Array) -> "pa.Table":
        values = amounts(table[column.column])
        place = lattice(values, column, band_of(self._policy, column.column))
        there = cells(self._secrets.layout, column.column, codes, self._policy.half)
        moves, marked = embed(place, there, bits(self._secrets.key, there.blocks, there.odds))
        kept = keyed & marked & self._stays_below(table, column, values, moves)
        moves = np.where(kept, moves, 0)
        self._count(column, kept, moves)
        for name, factor in ((column.column, 1), *column.follows):
            if name in table.column_names:
                at = table.column_names.index(name)
                table = table.set_column(at, table.schema.field(at), moved(table[name], moves * factor, column.step))
        return table

    def _stays_below(self, table: "pa.Table", column: ColumnPolicy, values: Array, moves: Array) -> Array:
        if not column.below or column.below not in table.column_names:
            return np.ones(len(values), bool)
        found: Array = ~(values + moves * float(column.step) > amounts(table[column.below]))
        return found

    def _count(self, column: ColumnPolicy, kept: Array, moves: Array) -> None:
        self.tally.marks += int(kept.sum())
        self.tally.moved[column.column] += int(np.count_nonzero(moves))
        before = self.tally.shift.get(column.column, 0.0)
        self.tally.shift[column.column] = before + float(moves.sum()) * float(column.step)


def band_of(policy: MarkPolicy, column: str) -> Decimal | None:
    """Return the unit of the high-order part by which a column is in the row key, or None."""
    return next((unit for name, unit in map(high_order, policy.key) if name == column and unit is not None), None)


def amounts(column: "pa.ChunkedArray") -> Array:
    """Return a column as float64, NaN where absent: dates in days, moments in seconds since 1970."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_date(kind):
        column = pc.cast(pc.cast(column, pa.date32()), pa.int32())
    elif pa.types.is_timestamp(kind):
        column = pc.divide(pc.cast(pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64()), pa.float64()), 1e6)
    found: Array = pc.cast(column, pa.float64(), safe=False).to_numpy()
    return found


def moved(column: "pa.ChunkedArray", moves: Array, step: Decimal) -> Any:  # noqa: ANN401 - an Arrow array
    """Return a column with so many steps added to each value; its type stays."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_decimal(kind):
        return _moved_decimal(column.combine_chunks(), moves * int(step.scaleb(kind.scale)))
    if pa.types.is_floating(kind):
        return pc.round(pc.add(column, pa.array(moves * float(step), kind)), ndigits=_digits(step))
    if pa.types.is_integer(kind):
        return pc.add(column, pa.array(moves * int(step), kind))
    if pa.types.is_date(kind):
        return pc.cast(pc.add(pc.cast(column, pa.int32()), pa.array(moves * int(step), pa.int32())), kind)
    ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
    return pc.cast(pc.add(pc.cast(column, pa.int64()), pa.array(moves * int(step) * ticks, pa.int64())), kind)


def _moved_decimal(column: Any, steps: Array) -> Any:  # noqa: ANN401 - an Arrow array
    """Add whole numbers of the last place to decimals that fit in 64 bits, in their own bytes."""
    import pyarrow as pa

    raw = np.frombuffer(column.buffers()[1], "<i8").reshape(-1, 2)[column.offset : column.offset + len(column)].copy()
    raw[:, 0] += steps
    raw[:, 1] = raw[:, 0] >> 63
    absent = column.is_null().to_numpy(zero_copy_only=False)
    valid = pa.py_buffer(np.packbits(~absent, bitorder="little").tobytes())
    return pa.Array.from_buffers(column.type, len(column), [valid, pa.py_buffer(raw.tobytes())])


def _digits(step: Decimal) -> int:
    return max(0, -int(step.normalize().as_tuple().exponent))
