"""Leaked files: a table as it was found, read without trusting it.

Rules: CSV (UTF-8, UTF-16 or GB 18030; comma, semicolon, tab or bar), XLSX (its first sheet) and Parquet; bounded in
bytes, rows, columns and length of a cell before anything is built from it; cells stay as they are, nothing is repaired.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from chengyi.model.errors import BadInputError, NotFoundError

MOST_BYTES = 256 << 20
MOST_UNPACKED = 1 << 30
MOST_ROWS = 2_000_000
MOST_COLUMNS = 512
_MOST_CELL = 1 << 16
_DELIMITERS = ",\t;|"


def read_leak(path: Path) -> Mapping[str, Sequence[Any]]:
    """Return a file's columns by header; BadInputError where it is not a table or too large, NotFoundError."""
    if not path.is_file():
        raise NotFoundError(kind="文件 file", id=path)
    if path.stat().st_size > MOST_BYTES:
        raise _refused(path, f"文件大于 {MOST_BYTES >> 20} MiB (the file is too large)")
    with path.open("rb") as file:
        head = file.read(4)
    try:
        if head == b"PAR1":
            return _parquet(path)
        return _columns(_xlsx(path) if head.startswith(b"PK") else _csv(path), path)
    except BadInputError:
        raise
    except Exception as fault:  # the parsers of foreign files raise whatever they like
        raise _refused(path, f"无法读取 (cannot be read: {type(fault).__name__})") from fault


def _columns(rows: Iterable[Sequence[Any]], path: Path) -> Mapping[str, Sequence[Any]]:
    source = iter(rows)
    names = _headers(next(source, ()), path)
    body = list(islice(source, MOST_ROWS + 1))
    if len(body) > MOST_ROWS:
        raise _refused(path, f"多于 {MOST_ROWS} 行 (too many rows)")
    return {name: [row[at] if at < len(row) else None for row in body] for at, name in enumerate(names)}


def _headers(found: Sequence[Any], path: Path) -> list[str]:
    if not found or len(found) > MOST_COLUMNS:
        raise _refused(path, f"须有 1 至 {MOST_COLUMNS} 列 (1 to {MOST_COLUMNS} columns)")
    names: list[str] = []
    for at, each in enumerate(found, 1):
        name = str(each or "").strip()[:200] or f"#{at}"
        names.append(name if name not in names else f"{name}#{at}")
    return names


def _csv(path: Path) -> Iterable[Sequence[str]]:
    text = _decoded(path.read_bytes(), path)
    first = text[: 1 << 16].partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(_MOST_CELL)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)


def _decoded(raw: bytes, path: Path) -> str:
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _refused(path, "不是文本 (not text)")


def _xlsx(path: Path) -> Iterable[Sequence[Any]]:
    import openpyxl

    with zipfile.ZipFile(path) as archive:
        if sum(each.file_size for each in archive.infolist()) > MOST_UNPACKED:
            raise _refused(path, "解压后过大 (too large when unpacked)")
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        sheet = book.worksheets[0]
        yield from sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS)
    finally:
        book.close()


def _parquet(path: Path) -> Mapping[str, Sequence[Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        found = file.metadata
        unpacked = sum(found.row_group(at).total_byte_size for at in range(found.num_row_groups))
        if found.num_rows > MOST_ROWS or found.num_columns > MOST_COLUMNS or unpacked > MOST_UNPACKED:
            raise _refused(path, "行、列或字节过多 (too many rows, columns or bytes)")
        table = file.read()
    return {name: table[name].to_pylist() for name in table.column_names}


def _refused(path: Path, why: str) -> BadInputError:
    return BadInputError(source="-", file=path.name, row="-", field="-", why=why)
