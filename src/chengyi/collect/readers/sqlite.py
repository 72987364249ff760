"""SQLite: one table of a database file, in the order of its row ids.

Rules: the file is opened from memory, so that no plain copy touches the disk; only a real table is read, never a view
or virtual table, and nothing that the file brings along is run; a damaged file gives the rows before the damage, and
one bad row where it begins.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from chengyi.collect.readers.batch import MAX_CELL_BYTES, BadRow, RowBatch, bad_row, finish, raw_cells, text_table
from chengyi.collect.readers.cells import float_text
from chengyi.collect.readers.faults import disguise, header_names, refuse

if TYPE_CHECKING:
    from chengyi.collect.sources import ReaderSettings

_WAL_FLAGS = slice(18, 20)
_LEGACY = b"\x01\x01"
_DEFENCES = ("trusted_schema=OFF", "query_only=ON", "cell_size_check=ON", "mmap_size=0")
Cell = bytes | int | float | None


def read(data: bytes, settings: "ReaderSettings", file: str, source: str) -> RowBatch:
    """Read one table of a database file; see `readers.Reader`."""
    import numpy as np

    other = disguise(data)
    if other != "SQLite":
        name = other or "其他内容 (something else)"
        raise refuse(source, file, f"不是 SQLite，实为 {name} (not SQLite but {name})")
    with closing(_opened(data, file, source)) as database:
        cursor, columns = _table(database, settings.table, file, source)
        good: list[list[str | None]] = []
        numbers: list[int] = []
        bad: list[BadRow] = []
        for number, cells, code in _rows(cursor):
            if code is None:
                good.append(cells)
                numbers.append(number)
            else:
                bad.append(bad_row(number, raw_cells(cells), code))
    return finish(text_table(columns, good), np.array(numbers, dtype=np.int64), bad)


def _opened(data: bytes, file: str, source: str) -> sqlite3.Connection:
    image = bytearray(data)
    image[_WAL_FLAGS] = _LEGACY
    database = sqlite3.connect(":memory:")
    try:
        database.deserialize(bytes(image))
        for pragma in _DEFENCES:
            database.execute(f"PRAGMA {pragma}")
        database.text_factory = bytes
    except sqlite3.Error as fault:
        database.close()
        raise refuse(source, file, f"SQLite 文件已损坏 (the SQLite file is damaged: {fault})") from fault
    return database


def _table(database: sqlite3.Connection, name: str, file: str, source: str) -> tuple[sqlite3.Cursor, list[str]]:
    try:
        names = _real_tables(database)
        table = name or (names[0] if len(names) == 1 else "")
        if table not in names:
            raise refuse(
                source,
                file,
                f"没有数据表“{table or '?'}”，现有 (no such table; there are): {', '.join(names)}",
            )
        cursor = database.execute(f"SELECT * FROM {_quoted(table)} ORDER BY {_order(database, table)}")  # noqa: S608
        columns = header_names([column[0] for column in cursor.description], source, file, 0)
    except sqlite3.Error as fault:
        raise refuse(source, file, f"SQLite 文件已损坏 (the SQLite file is damaged: {fault})") from fault
    return cursor, columns


def _real_tables(database: sqlite3.Connection) -> list[str]:
    listing = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return [
        name.decode()
        for name, sql in listing
        if not name.startswith(b"sqlite_") and sql and not sql.upper().startswith(b"CREATE VIRTUAL")
    ]


def _order(database: sqlite3.Connection, table: str) -> str:
    """Return the row id, or the first column of a table that has none."""
    try:
        database.execute(f"SELECT rowid FROM {_quoted(table)} LIMIT 0")  # noqa: S608
    except sqlite3.OperationalError:
        return "1"
    return "rowid"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _rows(cursor: sqlite3.Cursor) -> Iterator[tuple[int, list[str | None], str | None]]:
    number = 0
    while True:
        number += 1
        try:
            row: tuple[Cell, ...] | None = cursor.fetchone()
        except sqlite3.Error:
            yield number, [], "truncated"
            return
        if row is None:
            return
        yield number, *_texts(row)


def _texts(row: tuple[Cell, ...]) -> tuple[list[str | None], str | None]:
    cells: list[str | None] = []
    code: str | None = None
    for cell in row:
        text, fault = _text(cell)
        cells.append(text)
        code = code or fault
    return cells, code


def _text(cell: Cell) -> tuple[str | None, str | None]:
    if cell is None:
        return None, None
    if isinstance(cell, float):
        return float_text(cell), None
    if isinstance(cell, int):
        return str(cell), None
    if len(cell) > MAX_CELL_BYTES:
        return cell.decode(errors="backslashreplace"), "cell_too_big"
    try:
        return cell.decode(), "nul_byte" if b"\0" in cell else None
    except UnicodeDecodeError:
        return cell.decode(errors="backslashreplace"), "bad_encoding"
