"""Where the records of a CSV text begin and end, found exactly; see the rules in `csv`.

Works on bytes in which delimiter, quote and line ends are what they seem (UTF-8, and GB18030 for most delimiters).
"""

import re
from typing import TYPE_CHECKING

from chengyi.collect.readers.batch import MAX_CELL_BYTES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

QUOTE = b'"'
MAX_UNCLOSED = 16
_LINE_END = re.compile(rb"\r\n|\n|\r")
Bad = tuple[int, bytes, str]


def header(data: bytes, delimiter: bytes, line: int) -> tuple[int, int, list[bytes]]:
    """Return the line of the header, where the first record starts, and the header's cells."""
    start = 0
    for _ in range(line - 1):
        start = _line(data, start)[1]
    end, after, code = record(data, start, delimiter)
    if code is not None:
        end, after = _line(data, start)
    return line, after, cells_of(data[start:end], delimiter)


def record(data: bytes, start: int, delimiter: bytes, reach: int | None = None) -> tuple[int, int, str | None]:
    """Return where the record at `start` ends, where the next one starts, and the fault of its quotes, if any.

    A quoted cell is looked for up to `reach` bytes ahead, or to the end of the data.
    """
    end, after = _line(data, start)
    if data.find(QUOTE, start, end) < 0:
        return end, after, None
    limit = len(data) if reach is None else min(len(data), start + reach)
    at = start
    while True:
        if data[at : at + 1] == QUOTE:
            at = _closing(data, at + 1, limit) + 1
            if at == 0:
                return end, after, "unclosed_quote"
        else:
            stop = re.compile(b"[\r\n]|" + re.escape(delimiter)).search(data, at)
            at = stop.start() if stop else len(data)
        if data.startswith(delimiter, at):
            at += len(delimiter)
            continue
        if at >= len(data) or data[at] in b"\r\n":
            return at, _line(data, at)[1], None
        return end, after, "bad_quote"


def cells_of(raw: bytes, delimiter: bytes) -> list[bytes]:
    """Return the cells of one well-formed record, quotes and all."""
    if QUOTE not in raw:
        return raw.split(delimiter)
    cell = re.compile(
        rb'("(?:[^"]|"")*"|(?:(?!' + re.escape(delimiter) + rb").)*)(" + re.escape(delimiter) + rb"|\Z)", re.DOTALL
    )
    cells, at = [], 0
    while True:
        found = cell.match(raw, at)
        if found is None:
            return raw.split(delimiter)
        cells.append(found[1])
        at = found.end()
        if not found[2]:
            return cells


def unquoted(cell: bytes) -> bytes:
    """Return what a cell says, without its quotes."""
    if len(cell) > 1 and cell.startswith(QUOTE) and cell.endswith(QUOTE):
        return cell[1:-1].replace(b'""', QUOTE)
    return cell


def sort_out(
    data: bytes, start: int, delimiter: bytes, columns: int
) -> tuple[list[bytes], "npt.NDArray[np.int64]", list[Bad]]:
    """Return the good records, their ordinals, and the bad ones (ordinal, raw bytes, code)."""
    import numpy as np

    good: list[bytes] = []
    numbers: list[int] = []
    bad: list[Bad] = []
    at, number, unclosed, last = start, 0, 0, len(data) - trailing(data, start)
    while at < last:
        number += 1
        end, after, code = record(data, at, delimiter, MAX_CELL_BYTES if unclosed > MAX_UNCLOSED else None)
        unclosed += code == "unclosed_quote"
        raw = data[at:end]
        code = code or record_fault(raw, delimiter, columns, last=end >= len(data))
        if code is None:
            good.append(raw)
            numbers.append(number)
        else:
            bad.append((number, raw, code))
        at = after
    return good, np.array(numbers, dtype=np.int64), bad


def record_fault(raw: bytes, delimiter: bytes, columns: int, *, last: bool) -> str | None:
    """Return the code of what is wrong with a record whose quotes are in order, or None."""
    if not raw:
        return "blank_row"
    if b"\0" in raw:
        return "nul_byte"
    if not _is_utf8(raw):
        return "bad_encoding"
    cells = len(cells_of(raw, delimiter)) if QUOTE in raw else raw.count(delimiter) + 1
    if cells != columns:
        return "extra_cells" if cells > columns else ("truncated" if last else "missing_cells")
    if len(raw) > MAX_CELL_BYTES and any(len(unquoted(cell)) > MAX_CELL_BYTES for cell in cells_of(raw, delimiter)):
        return "cell_too_big"
    return None


def quotes_are_regular(data: bytes, start: int, delimiter: bytes) -> bool:
    """Tell whether every quote opens a cell, closes one, or is doubled inside one."""
    import numpy as np

    body = np.frombuffer(data, dtype=np.uint8)[start:]
    at = np.flatnonzero(body == ord(QUOTE))
    if len(at) % 2:
        return False
    opening, closing = at[0::2], at[1::2]
    before = body[np.maximum(opening - 1, 0)]
    after = body[np.minimum(closing + 1, len(body) - 1)]
    edges = np.frombuffer(b"\r\n" + delimiter, dtype=np.uint8)
    doubled_before = np.concatenate(([False], opening[1:] == closing[:-1] + 1)) if len(opening) else opening > 0
    doubled_after = np.concatenate((closing[:-1] + 1 == opening[1:], [False])) if len(opening) else opening > 0
    opens = np.isin(before, edges) | (opening == 0) | doubled_before
    closes = np.isin(after, edges) | (closing == len(body) - 1) | doubled_after
    return bool(opens.all() and closes.all())


def trailing(data: bytes, start: int) -> int:
    """Return how many bytes of line ends follow the last record."""
    end = len(data)
    while end > start and data[end - 1] in b"\r\n":
        end -= 1
    return len(data) - end


def blank(data: bytes, start: int) -> bool:
    """Tell whether no record follows."""
    return start + trailing(data, start) >= len(data)


def _line(data: bytes, start: int) -> tuple[int, int]:
    found = _LINE_END.search(data, start)
    return (found.start(), found.end()) if found else (len(data), len(data))


def _closing(data: bytes, start: int, limit: int) -> int:
    """Return where the quoted cell that starts here is closed, or -1."""
    at = data.find(QUOTE, start, limit)
    while at >= 0 and data.startswith(QUOTE, at + 1):
        at = data.find(QUOTE, at + 2, limit)
    return at


def _is_utf8(raw: bytes) -> bool:
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
