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
STRETCH = 1 << 16
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

    found = _Found(delimiter, columns, len(data))
    at, unclosed, last = start, 0, len(data) - trailing(data, start)
    while at < last:
        plain = _plain_until(data, at, last)
        if plain > at:
            found.lines(data[at:plain], plain)
            at = plain
            continue
        end, after, code = record(data, at, delimiter, MAX_CELL_BYTES if unclosed > MAX_UNCLOSED else None)
        unclosed += code == "unclosed_quote"
        found.add(data[at:end], code or record_fault(data[at:end], delimiter, columns, last=end >= len(data)))
        at = after
    return found.good, np.array(found.numbers, dtype=np.int64), found.bad


class _Found:
    """Records as they are found, good and bad, and counted."""

    def __init__(self, delimiter: bytes, columns: int, size: int) -> None:
        self.good: list[bytes] = []
        self.numbers: list[int] = []
        self.bad: list[Bad] = []
        self._delimiter, self._columns, self._size, self._count = delimiter, columns, size, 0

    def add(self, raw: bytes, code: str | None) -> None:
        """Add one record."""
        self._count += 1
        if code is None:
            self.good.append(raw)
            self.numbers.append(self._count)
        else:
            self.bad.append((self._count, raw, code))

    def lines(self, stretch: bytes, end: int) -> None:
        """Add the lines of a stretch without quotes, which ends at `end` of the data."""
        lines = stretch.splitlines()
        if self._all_good(stretch, lines):
            self.good += lines
            self.numbers += range(self._count + 1, self._count + len(lines) + 1)
            self._count += len(lines)
            return
        open_end = end >= self._size and not stretch.endswith((b"\r", b"\n"))
        for index, line in enumerate(lines, 1):
            last = open_end and index == len(lines)
            self.add(line, record_fault(line, self._delimiter, self._columns, last=last))

    def _all_good(self, stretch: bytes, lines: list[bytes]) -> bool:
        if b"\0" in stretch or not _is_utf8(stretch):
            return False
        delimiter, delimiters = self._delimiter, self._columns - 1
        if any(line.count(delimiter) != delimiters for line in lines) or max(map(len, lines)) > MAX_CELL_BYTES:
            return False
        return delimiters > 0 or all(lines)


def _plain_until(data: bytes, at: int, last: int) -> int:
    """Return where a stretch of whole lines without quotes ends, or `at` where the next line has one."""
    reach = min(last, at + STRETCH)
    quote = data.find(QUOTE, at, reach)
    if quote < 0 and reach == last:
        return last
    end = max(
        data.rfind(b"\n", at, reach if quote < 0 else quote), data.rfind(b"\r", at, reach if quote < 0 else quote)
    )
    if end < 0:
        return at
    return end + 2 if data[end : end + 2] == b"\r\n" else end + 1


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
