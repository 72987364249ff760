"""CSV: a fast path for files without any oddity, and an exact path for the others; both give the same answer.

Rules (RFC 4180, read strictly where it matters and by records, not lines):

1. A record ends with LF, CRLF or CR outside quotes. Blank lines after the last record are no records.
2. A cell that starts with a quote ends with a quote before a delimiter or the record's end; ``""`` inside is a quote.
   A quote elsewhere is a plain character. An empty cell is null, a quoted empty cell is the empty text.
3. A quote that is never closed spoils only its own line. A record with too few or too many cells, a NUL, bytes
   outside the encoding, or a cell above 1 MiB is bad as a whole; nothing is cut or filled up.
4. The fast path is taken only where nothing of this can occur; any doubt leads to the exact path.
"""

from typing import TYPE_CHECKING

from chengyi.collect.readers import csv_encoding, csv_records
from chengyi.collect.readers.batch import MAX_CELL_BYTES, RowBatch, bad_row, finish, ordinals, text_table
from chengyi.collect.readers.content import content_faults
from chengyi.collect.readers.faults import disguise, header_names, refuse

if TYPE_CHECKING:
    import pyarrow as pa

    from chengyi.collect.sources import ReaderSettings

BLOCK = 1 << 22


def read(data: bytes, settings: "ReaderSettings", file: str, source: str) -> RowBatch:
    """Read a CSV file; see `readers.Reader`."""
    other = disguise(data)
    if other is not None:
        raise refuse(source, file, f"不是 CSV，实为 {other} (not CSV but {other})")
    if not data or data.isspace():
        raise refuse(source, file, "文件为空 (the file is empty)")
    data = csv_encoding.without_mark(data, settings.encoding)
    csv_encoding.refuse_other(data, settings.encoding, file, source)
    return read_fast(data, settings, file, source) or read_exact(data, settings, file, source)


def read_fast(data: bytes, settings: "ReaderSettings", file: str, source: str) -> RowBatch | None:
    """Read a file without oddities with Arrow, or return None where there may be any."""
    delimiter = settings.delimiter.encode()
    if not csv_encoding.splits_as_bytes(settings.encoding, delimiter) or b"\0" in data:
        return None
    start, end, cells = csv_records.header(data, delimiter, settings.header)
    quotes = data.find(b'"', end) >= 0
    if _odd_ends(data, end) or (quotes and not csv_records.quotes_are_regular(data, end, delimiter)):
        return None
    names = _decoded(cells, settings.encoding, file, source, start, data=data)
    columns = header_names(names, source, file, settings.header)
    if csv_records.blank(data, end):
        return finish(text_table(columns, []), ordinals(0), [])
    try:
        table = _parse(data, end, columns, settings, quotes=quotes, block=BLOCK, binary=True)
    except (ValueError, UnicodeError):
        return None
    if _holds_blank(table) or _too_big(table) or content_faults(table, rounded=b"+" in data):
        return None
    return RowBatch(table, ordinals(table.num_rows), [])


def read_exact(data: bytes, settings: "ReaderSettings", file: str, source: str) -> RowBatch:
    """Read any file record by record, and only the good ones with Arrow."""
    text = csv_encoding.as_utf8(data, settings.encoding, file, source)
    delimiter = settings.delimiter.encode()
    start, end, cells = csv_records.header(text, delimiter, settings.header)
    names = _decoded(cells, "utf-8", file, source, start, data=data)
    columns = header_names(names, source, file, settings.header)
    good, numbers, bad = csv_records.sort_out(text, end, delimiter, len(columns))
    faults = [bad_row(number, csv_encoding.shown(raw), code) for number, raw, code in bad]
    csv_encoding.refuse_most(faults, len(good), settings.encoding, file, source, data=data)
    if not good:
        return finish(text_table(columns, []), ordinals(0), faults)
    block = max(BLOCK, max(map(len, good)) + 1024)
    table = _parse(b"\n".join(good), 0, columns, settings, quotes=True, block=block, binary=False)
    return finish(table, numbers, faults, lambda index: csv_encoding.shown(good[index]))


def _decoded(cells: list[bytes], encoding: str, file: str, source: str, row: int, *, data: bytes) -> list[str | None]:
    try:
        return [csv_records.unquoted(cell).decode(encoding) for cell in cells]
    except UnicodeError as fault:
        why = f"表头不是 {encoding} 编码 (the header is not {encoding})" + csv_encoding.hint(data, encoding)
        raise refuse(source, file, why, row=row) from fault


def _odd_ends(data: bytes, start: int) -> bool:
    """Tell whether carriage returns stand alone anywhere."""
    return b"\r" in data and data.count(b"\r", start) != data.count(b"\r\n", start)


def _holds_blank(table: "pa.Table") -> bool:
    """Tell whether a row holds nothing at all, which Arrow makes of a blank line."""
    import pyarrow.compute as pc

    blank = None
    for column in table.columns:
        if not column.null_count:
            return False
        empty = pc.is_null(column)
        blank = empty if blank is None else pc.and_(blank, empty)
    return bool(pc.any(blank).as_py())


def _too_big(table: "pa.Table") -> bool:
    import pyarrow.compute as pc

    lengths = (pc.max(pc.binary_length(column)).as_py() or 0 for column in table.columns)
    return any(length > MAX_CELL_BYTES for length in lengths)


def _parse(
    data: bytes,
    start: int,
    columns: list[str],
    settings: "ReaderSettings",
    *,
    quotes: bool,
    block: int,
    binary: bool,
) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import csv

    other = binary and settings.encoding != "utf-8"
    kind = pa.binary() if other else pa.string()
    end = len(data) - csv_records.trailing(data, start)
    table = csv.read_csv(
        pa.py_buffer(memoryview(data)[start:end]),
        read_options=csv.ReadOptions(column_names=columns, block_size=block),
        parse_options=csv.ParseOptions(
            delimiter=settings.delimiter, newlines_in_values=quotes, ignore_empty_lines=False
        ),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(columns, kind),
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=False,
        ),
    )
    return csv_encoding.text_columns(table, settings.encoding) if other else table
