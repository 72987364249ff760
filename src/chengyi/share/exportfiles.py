"""Export files: rows become CSV, XLSX or Parquet, a batch at a time.

Rules:

1. Memory is bounded by a batch: no format holds the whole table.
2. A spreadsheet must not run what a record says: in CSV a text that begins with ``= + - @``, a tab or a return gets an
   apostrophe before it (OWASP, CSV Injection); in XLSX every text is stored as text, and only control characters, which
   that format cannot hold, are left out. Numbers and dates are written as such. The apostrophe is no part of a row's
   key when a copy is examined.
3. A decimal is written without trailing zeros, a moment as local text ``YYYY-MM-DD HH:MM:SS``, an absent value as
   nothing.
"""

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from chengyi.model.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

FORMS = ("csv", "xlsx", "parquet")
XLSX_ROWS = 1_048_575
_FORMULA = r"^[=+\-@\t\r]"


class Writer(Protocol):
    """Takes batches of one schema, then is closed."""

    @abstractmethod
    def write(self, table: "pa.Table") -> None:
        """Write a batch."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""


def form_of(path: Path) -> str:
    """Return the form that a file's name asks for; UsageError for another."""
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise UsageError(why=f"文件名须以 .csv、.xlsx 或 .parquet 结尾 ({path.name}: csv, xlsx or parquet)")
    return form


def open_writer(path: Path, form: str, schema: "pa.Schema", *, bom: bool = True) -> Writer:
    """Open a file for writing; `bom` puts a byte order mark before CSV, so that spreadsheets read it as UTF-8."""
    if form == "parquet":
        return _Parquet(path, schema)
    return _Xlsx(path, schema) if form == "xlsx" else _Csv(path, schema, bom=bom)


class _Parquet:
    def __init__(self, path: Path, schema: "pa.Schema") -> None:
        import pyarrow.parquet as pq

        self._file = pq.ParquetWriter(path, schema)

    def write(self, table: "pa.Table") -> None:
        self._file.write_table(table)

    def close(self) -> None:
        self._file.close()


class _Csv:
    def __init__(self, path: Path, schema: "pa.Schema", *, bom: bool) -> None:
        import pyarrow as pa
        from pyarrow import csv

        self._sink = path.open("wb")
        self._sink.write(b"\xef\xbb\xbf" if bom else b"")
        texts = pa.schema([pa.field(name, pa.string()) for name in schema.names])
        self._file = csv.CSVWriter(self._sink, texts)

    def write(self, table: "pa.Table") -> None:
        import pyarrow as pa

        columns = [as_text(table[name]) for name in table.column_names]
        self._file.write_table(pa.table(columns, names=table.column_names))

    def close(self) -> None:
        self._file.close()
        self._sink.close()


class _Xlsx:
    def __init__(self, path: Path, schema: "pa.Schema") -> None:
        import openpyxl

        self._path = path
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet("data")
        self._rows = 0
        self._sheet.append([self._cell(name) for name in schema.names])

    def write(self, table: "pa.Table") -> None:
        self._rows += table.num_rows
        if self._rows > XLSX_ROWS:
            raise UsageError(why=f"XLSX 至多 {XLSX_ROWS} 行，请用 CSV 或 Parquet (too many rows for XLSX)")
        for row in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
            self._sheet.append([self._cell(value) for value in row])

    def close(self) -> None:
        self._book.save(self._path)

    def _cell(self, value: Any) -> Any:  # noqa: ANN401 - a cell of any type
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        if not isinstance(value, str):
            return value
        text = ILLEGAL_CHARACTERS_RE.sub("", value)
        if not text.startswith("="):
            return text
        cell = WriteOnlyCell(self._sheet, value=text)
        cell.data_type = "s"
        return cell


def as_text(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Return a column as CSV shows it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_timestamp(kind):
        return pc.strftime(pc.cast(column, pa.timestamp("s"), safe=False), format="%Y-%m-%d %H:%M:%S")
    if pa.types.is_decimal(kind) and kind.scale > 0:
        return pc.utf8_rtrim(pc.utf8_rtrim(pc.cast(column, pa.string()), "0"), ".")
    texts = pc.cast(column, pa.string())
    if not pa.types.is_string(kind):
        return texts
    guarded = pc.binary_join_element_wise("'", texts, "")
    return pc.if_else(pc.match_substring_regex(texts, _FORMULA), guarded, texts)
