"""XLSX (and XLS): the cells of one sheet as text.

Rules: dates become ISO 8601, whole numbers lose the ``.0`` that the file format gives them; a number from 2^53 on has
lost digits and makes its row bad; rows below the last filled one are no records. A file that is no workbook, or that
would unfold beyond `MAX_UNFOLDED`, is refused before anything is unfolded into memory.
"""

import io
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chengyi.collect.readers.batch import MAX_CELL_BYTES, RowBatch, bad_row, finish, raw_cells, text_table
from chengyi.collect.readers.cells import cell_text
from chengyi.collect.readers.faults import disguise, header_names, refuse

if TYPE_CHECKING:
    from chengyi.collect.sources import ReaderSettings

MAX_UNFOLDED = 1 << 30
MAX_RATIO = 1032
_OLE = b"\xd0\xcf\x11\xe0"
_CHUNK = 1 << 20


def read(data: bytes, settings: "ReaderSettings", file: str, source: str) -> RowBatch:
    """Read one sheet of a workbook; see `readers.Reader`."""
    import numpy as np

    _refuse_other(data, file, source)
    lines = _lines(data, settings, file, source)
    if len(lines) < settings.header:
        raise refuse(source, file, "没有表头 (there is no header)", row=settings.header)
    body = [_texts(line) for line in lines[settings.header :]]
    columns = header_names(_header(_texts(lines[settings.header - 1])), source, file, settings.header)
    errors = _error_lines(data, settings.sheet)
    while body and not any(body[-1]) and len(body) + settings.header not in errors:
        body.pop()
    good: list[list[str | None]] = []
    numbers, bad = [], []
    for number, cells in enumerate(body, 1):
        code = "error_cell" if number + settings.header in errors else _fault(cells, len(columns))
        if code is None:
            good.append([*cells[: len(columns)], *[None] * (len(columns) - len(cells))])
            numbers.append(number)
        else:
            bad.append(bad_row(number, raw_cells(cells), code))
    return finish(text_table(columns, good), np.array(numbers, dtype=np.int64), bad)


def _refuse_other(data: bytes, file: str, source: str) -> None:
    if not data:
        raise refuse(source, file, "文件为空 (the file is empty)")
    if data.startswith(_OLE):
        return
    other = disguise(data)
    if other != "ZIP/XLSX":
        name = other or "其他内容 (something else)"
        raise refuse(source, file, f"不是 XLSX，实为 {name} (not XLSX but {name})")
    try:
        _refuse_bomb(data, file, source)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as fault:
        raise refuse(source, file, "XLSX 已损坏或不完整 (the XLSX is damaged or truncated)") from fault


def _refuse_bomb(data: bytes, file: str, source: str) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        if sum(entry.file_size for entry in book.infolist()) > MAX_UNFOLDED:
            raise refuse(source, file, "展开后超过 1 GiB (it unfolds beyond 1 GiB)")
        if len(data) * MAX_RATIO > MAX_UNFOLDED:
            _measure(book)


def _measure(book: zipfile.ZipFile) -> None:
    """Unfold every entry once without keeping it: `zipfile` fails where more comes out than was declared."""
    for entry in book.infolist():
        with book.open(entry) as stream:
            while stream.read(_CHUNK):
                pass


def _lines(data: bytes, settings: "ReaderSettings", file: str, source: str) -> list[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        name = settings.sheet or book.sheet_names[0]
        lines: list[list[Any]] = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except WorksheetNotFound as fault:
        why = f"没有名为“{settings.sheet}”的工作表 (there is no sheet of that name)"
        raise refuse(source, file, why) from fault
    except (CalamineError, OSError, ValueError, IndexError) as fault:
        raise refuse(source, file, "XLSX 已损坏或不完整 (the XLSX is damaged or truncated)") from fault
    return lines


def _texts(line: Sequence[Any]) -> list[str | None]:
    return [_text(cell) for cell in line]


def _text(cell: object) -> str | None:
    if isinstance(cell, str):
        return cell or None
    return str(cell).upper() if isinstance(cell, bool) else cell_text(cell)


def _header(cells: list[str | None]) -> list[str | None]:
    """Return the header up to its last name."""
    return cells[: max((number for number, cell in enumerate(cells, 1) if cell), default=0)]


def _error_lines(data: bytes, name: str) -> frozenset[int]:
    """Return the lines (from 1) that hold a formula error, which the fast reader takes for an empty cell."""
    if data.startswith(_OLE) or not _holds_errors(data):
        return frozenset()
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    sheet = book[name] if name else book.worksheets[0]
    found = frozenset(cell.row for line in sheet.iter_rows() for cell in line if getattr(cell, "data_type", "") == "e")
    book.close()
    return found


def _holds_errors(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return any(b't="e"' in book.read(entry) for entry in book.namelist() if entry.startswith("xl/worksheets/sheet"))


def _fault(cells: list[str | None], columns: int) -> str | None:
    if not any(cell is not None for cell in cells):
        return "blank_row"
    if any(cell is not None for cell in cells[columns:]):
        return "extra_cells"
    for cell in cells:
        if cell is None:
            continue
        if len(cell) > MAX_CELL_BYTES // 4 and len(cell.encode()) > MAX_CELL_BYTES:
            return "cell_too_big"
        if "\0" in cell:
            return "nul_byte"
    return None
