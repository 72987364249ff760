"""The rows that the SQL connector captured: a JSON array of column names, then one array of cells a line.

The form is ours and canonical, so that anything unexpected in it is damage and refuses the file.
"""

import json
from typing import TYPE_CHECKING, Any

from chengyi.collect.readers.batch import MAX_CELL_BYTES, RowBatch, bad_row, finish, raw_cells, text_table
from chengyi.collect.readers.faults import header_names, refuse

if TYPE_CHECKING:
    from chengyi.collect.sources import ReaderSettings


def read(data: bytes, settings: "ReaderSettings", file: str, source: str) -> RowBatch:  # noqa: ARG001
    """Read captured rows; see `readers.Reader`."""
    import numpy as np

    lines = data.split(b"\n")
    try:
        cells: list[list[Any]] = json.loads(b"[" + b",".join(lines[:-1]) + b"]")
        if not isinstance(cells[0], list):
            raise TypeError(cells[0])
        columns = header_names(cells[0], source, file, 1)
        whole = not lines[-1] and all(len(row) == len(columns) for row in cells)
    except (ValueError, IndexError, TypeError, AttributeError) as fault:
        raise refuse(source, file, "不是本系统收取的数据行 (not rows as captured by this system)") from fault
    if not whole:
        raise refuse(source, file, "数据行不完整 (the captured rows are not whole)")
    rows = cells[1:]
    faults = {number: code for number, row in enumerate(rows, 1) if (code := _fault(row, len(lines[number])))}
    bad = [bad_row(number, raw_cells(rows[number - 1]), code) for number, code in faults.items()]
    good = [row for number, row in enumerate(rows, 1) if number not in faults] if faults else rows
    numbers = np.array([number for number in range(1, len(rows) + 1) if number not in faults], dtype=np.int64)
    return finish(text_table(columns, good), numbers, bad)


def _fault(row: list[str | None], size: int) -> str | None:
    if size > MAX_CELL_BYTES and any(cell and len(cell.encode()) > MAX_CELL_BYTES for cell in row):
        return "cell_too_big"
    return "nul_byte" if any(cell and "\0" in cell for cell in row) else None
