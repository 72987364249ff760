"""What every reader returns, and the reasons it may give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chengyi.model.text import Text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

MAX_CELL_BYTES = 1 << 20
MAX_COLUMNS = 4096

REASONS = {
    "missing_cells": Text("单元格少于列数", "fewer cells than columns"),
    "extra_cells": Text("单元格多于列数", "more cells than columns"),
    "truncated": Text("文件在此处中断", "the file ends in the middle of this row"),
    "blank_row": Text("空行", "blank row"),
    "totals_row": Text("合计行，不是数据", "a totals row, not data"),
    "nul_byte": Text("含 NUL 字节", "holds a NUL byte"),
    "bad_encoding": Text("含不符合所声明编码的字节", "holds bytes that the declared encoding does not have"),
    "bad_quote": Text("引号使用有误", "a quoted cell is followed by something else"),
    "unclosed_quote": Text("引号未闭合", "a quoted cell is never closed"),
    "cell_too_big": Text("单元格超过 1 MiB", "a cell is larger than 1 MiB"),
    "id_lost_precision": Text(
        "长数字已被表格软件改为近似值（如 3.4E+17），原号码不可恢复",
        "a long number was rounded by a spreadsheet (such as 3.4E+17); the original cannot be recovered",
    ),
    "bad_json": Text("不是一个有效的 JSON 对象", "not a valid JSON object"),
    "duplicate_key": Text("同一对象中键名重复", "one object names a key twice"),
    "too_many_columns": Text("列数超过 4096", "more than 4,096 columns"),
    "error_cell": Text("单元格为公式错误值", "a cell holds a formula error"),
    "binary_cell": Text("单元格为二进制内容", "a cell holds binary content"),
}


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record that could not be read: its ordinal from 1, its raw text, a code, and the reason."""

    row: int
    raw: str
    code: str
    reason: Text


@dataclass(frozen=True, slots=True)
class RowBatch:
    """The rows of one table file.

    `table` holds the good rows as `pa.string()` columns under the sender's names, in the sender's order; `rows`
    (int64, ascending) holds the ordinal of each; `bad` the other records, ascending. Both together are all records.
    """

    table: "pa.Table"
    rows: "npt.NDArray[np.int64]"
    bad: list[BadRow]

    @property
    def total(self) -> int:
        """Return the number of records in the file, good and bad."""
        return len(self.rows) + len(self.bad)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the sender's column names."""
        return tuple(self.table.column_names)


def bad_row(row: int, raw: str, code: str) -> BadRow:
    """Return a bad row with the reason that belongs to its code."""
    return BadRow(row, raw, code, REASONS[code])


def ordinals(count: int) -> "npt.NDArray[np.int64]":
    """Return 1, 2, ... count."""
    import numpy as np

    return np.arange(1, count + 1, dtype=np.int64)


def text_table(columns: Sequence[str], cells: Sequence[Sequence[str | None]]) -> "pa.Table":
    """Return rows of text cells as a table."""
    import pyarrow as pa

    turned: Sequence[Sequence[str | None]] = list(zip(*cells, strict=True)) if cells else [()] * len(columns)
    arrays = [pa.array(column, pa.string()) for column in turned]
    return pa.Table.from_arrays(arrays, schema=pa.schema([(name, pa.string()) for name in columns]))


def finish(
    table: "pa.Table", rows: "npt.NDArray[np.int64]", bad: list[BadRow], raw: Callable[[int], str] | None = None
) -> RowBatch:
    """Set aside the rows whose content betrays them (totals, lost precision); `raw` gives a row's text by index."""
    from chengyi.collect.readers.content import content_faults

    faults = content_faults(table)
    if not faults:
        return RowBatch(table, rows, sorted(bad, key=_by_row))
    import numpy as np

    show = raw or (lambda index: raw_cells(row_cells(table, index)))
    found = [bad_row(int(rows[index]), show(index), code) for index, code in faults.items()]
    keep = np.ones(len(rows), dtype=bool)
    keep[list(faults)] = False
    import pyarrow as pa

    return RowBatch(table.filter(pa.array(keep)), rows[keep], sorted([*bad, *found], key=_by_row))


def row_cells(table: "pa.Table", index: int) -> list[str | None]:
    """Return the cells of one row."""
    return [column[index].as_py() for column in table.columns]


def raw_cells(cells: Sequence[object]) -> str:
    """Return the raw text of a row whose carrier has no text of its own: a JSON array."""
    import json

    return json.dumps([None if cell is None else str(cell) for cell in cells], ensure_ascii=False)


def _by_row(bad: BadRow) -> int:
    return bad.row
