"""Parquet: every column as text.

Rules: dates and times become ISO 8601, whole floats lose their fraction, decimals keep all digits, lists and structs
become canonical JSON; bytes that are no text make their row bad. What would unfold beyond `MAX_UNFOLDED` is refused.
"""

from typing import TYPE_CHECKING, Any

from chengyi.collect.readers.batch import MAX_CELL_BYTES, RowBatch, bad_row, finish, ordinals, raw_cells, row_cells
from chengyi.collect.readers.cells import cell_text
from chengyi.collect.readers.faults import disguise, header_names, refuse

if TYPE_CHECKING:
    import pyarrow as pa

    from chengyi.collect.sources import ReaderSettings

MAX_UNFOLDED = 1 << 32
MAX_CELLS = 1 << 30
_BATCH = 1 << 16


def read(data: bytes, settings: "ReaderSettings", file: str, source: str) -> RowBatch:  # noqa: ARG001
    """Read a Parquet file; see `readers.Reader`."""
    import pyarrow as pa

    other = disguise(data)
    if other != "Parquet":
        name = other or "其他内容 (something else)"
        raise refuse(source, file, f"不是 Parquet，实为 {name} (not Parquet but {name})")
    try:
        table = _unfolded(data, file, source)
    except (pa.ArrowException, OSError, UnicodeError) as fault:
        raise refuse(source, file, "Parquet 已损坏或不完整 (the Parquet file is damaged or truncated)") from fault
    return _sorted_out(table)


def _unfolded(data: bytes, file: str, source: str) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import parquet

    book = parquet.ParquetFile(pa.BufferReader(data))
    schema = book.schema_arrow
    names = header_names(schema.names, source, file, 0)
    meta = book.metadata
    size = sum(meta.row_group(index).total_byte_size for index in range(meta.num_row_groups))
    if size > MAX_UNFOLDED or meta.num_rows * len(names) > MAX_CELLS:
        raise refuse(source, file, "展开后过大 (it unfolds beyond all bounds)")
    batches, taken = [], 0
    for batch in book.iter_batches(_BATCH):
        taken += batch.nbytes
        if taken > MAX_UNFOLDED:
            raise refuse(source, file, "展开后过大 (it unfolds beyond all bounds)")
        batches.append(batch)
    whole = pa.Table.from_batches(batches, schema)
    return pa.Table.from_arrays([_text_column(column) for column in whole.columns], names=names)


def _text_column(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return column
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_integer(kind):
        return column.cast(pa.string())
    if pa.types.is_date(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.string())
    coded = column.combine_chunks()
    return pa.chunked_array([_by_value(coded)], pa.string())


def _by_value(column: Any) -> "pa.Array":  # noqa: ANN401 - Arrow has no types
    """Turn each distinct value into text once."""
    import pyarrow as pa

    if pa.types.is_nested(column.type):
        return pa.array([cell_text(value) for value in column.to_pylist()], pa.string())
    coded = column.dictionary_encode()
    values = pa.array([_text(value) for value in coded.dictionary.to_pylist()], pa.string())
    return values.take(coded.indices)


def _text(value: object) -> str | None:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else cell_text(value)


def _sorted_out(table: "pa.Table") -> RowBatch:
    """Set aside rows with binary or oversized cells, and make what is left text."""
    import numpy as np
    import pyarrow as pa

    codes: dict[int, str] = {}
    for column in table.columns:
        codes.update(_column_faults(column))
    numbers = ordinals(table.num_rows)
    bad = [
        bad_row(index + 1, raw_cells([_text(cell) for cell in row_cells(table, index)]), code)
        for index, code in sorted(codes.items())
    ]
    if codes:
        keep = np.ones(table.num_rows, dtype=bool)
        keep[list(codes)] = False
        table, numbers = table.filter(pa.array(keep)), numbers[keep]
    schema = pa.schema([(name, pa.string()) for name in table.column_names])
    return finish(table.cast(schema), numbers, bad)


def _column_faults(column: "pa.ChunkedArray") -> dict[int, str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    big = pc.indices_nonzero(pc.fill_null(pc.greater(pc.binary_length(column), MAX_CELL_BYTES), False))
    codes = dict.fromkeys(big.to_pylist(), "cell_too_big")
    if pa.types.is_binary(column.type):
        try:
            column.cast(pa.string())
        except pa.ArrowInvalid:
            values = enumerate(column.to_pylist())
            codes.update({index: "binary_cell" for index, value in values if value is not None and not _is_text(value)})
    elif pc.any(pc.match_substring(column, "\0")).as_py():
        codes.update(dict.fromkeys(pc.indices_nonzero(pc.match_substring(column, "\0")).to_pylist(), "nul_byte"))
    return codes


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
