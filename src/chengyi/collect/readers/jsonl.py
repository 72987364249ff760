"""JSON lines: one object a line.

Rules: columns are the union of all keys in the order of their first appearance; a key that a line lacks is null.
Numbers keep the digits as written; true and false become those words; a list or object becomes canonical JSON with
its numbers as text.
"""

import json
from typing import TYPE_CHECKING, Any

from chengyi.collect.readers import csv_encoding
from chengyi.collect.readers.batch import MAX_CELL_BYTES, MAX_COLUMNS, RowBatch, bad_row, finish
from chengyi.collect.readers.cells import cell_text
from chengyi.collect.readers.faults import disguise, refuse

if TYPE_CHECKING:
    import pyarrow as pa

    from chengyi.collect.sources import ReaderSettings


class _DoubledError(ValueError):
    pass


def read(data: bytes, settings: "ReaderSettings", file: str, source: str) -> RowBatch:
    """Read a file of JSON lines; see `readers.Reader`."""
    import numpy as np

    lines = _text(data, settings.encoding, file, source).split(b"\n")
    while lines and not lines[-1].strip():
        lines.pop()
    columns: dict[str, None] = {}
    good: list[dict[str, str | None]] = []
    numbers, bad = [], []
    for number, line in enumerate(lines, 1):
        code, cells = _cells(line, last=number == len(lines))
        fresh = set() if cells.keys() == columns.keys() else cells.keys() - columns.keys()
        if code is None and len(columns) + len(fresh) > MAX_COLUMNS:
            code = "too_many_columns"
        if code is not None:
            bad.append(bad_row(number, csv_encoding.shown(line.rstrip(b"\r")), code))
            continue
        if fresh:
            columns.update(dict.fromkeys(cells))
        good.append(cells)
        numbers.append(number)
    csv_encoding.refuse_most(bad, len(good), settings.encoding, file, source, data=data)
    if bad and not good:
        raise refuse(source, file, "没有一行是 JSON 对象 (no line is a JSON object)", row=1)
    table = _table(list(columns), good)
    return finish(
        table, np.array(numbers, dtype=np.int64), bad, lambda index: csv_encoding.shown(lines[numbers[index] - 1])
    )


def _text(data: bytes, encoding: str, file: str, source: str) -> bytes:
    if not data.strip():
        raise refuse(source, file, "文件为空 (the file is empty)")
    other = disguise(data)
    if other is not None:
        raise refuse(source, file, f"不是 JSON lines，实为 {other} (not JSON lines but {other})")
    data = csv_encoding.without_mark(data, encoding)
    csv_encoding.refuse_other(data, encoding, file, source)
    return csv_encoding.as_utf8(data, encoding, file, source)


def _cells(line: bytes, *, last: bool) -> tuple[str | None, dict[str, str | None]]:
    if not line.strip():
        return "blank_row", {}
    if b"\0" in line:
        return "nul_byte", {}
    try:
        value = _DECODER.decode(line.decode())
    except UnicodeDecodeError:
        return "bad_encoding", {}
    except _DoubledError:
        return "duplicate_key", {}
    except (ValueError, RecursionError):
        return ("truncated" if last else "bad_json"), {}
    if not isinstance(value, dict):
        return "bad_json", {}
    if not value:
        return "blank_row", {}
    return _texts(value, len(line), escaped=b"\\u" in line)


def _texts(value: dict[str, Any], size: int, *, escaped: bool) -> tuple[str | None, dict[str, str | None]]:
    cells = {name: cell if isinstance(cell, str) else cell_text(cell) for name, cell in value.items()}
    if size > MAX_CELL_BYTES and any(
        len((cell or "").encode("utf-8", "replace")) > MAX_CELL_BYTES for cell in cells.values()
    ):
        return "cell_too_big", {}
    code = _escape_fault("".join(filter(None, (*cells, *cells.values())))) if escaped else None
    return code, {} if code else cells


def _escape_fault(text: str) -> str | None:
    """Return the code of what only an escaped character can bring into a text, or None."""
    if "\0" in text:
        return "nul_byte"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "bad_encoding"
    return None


def _table(columns: list[str], rows: list[dict[str, str | None]]) -> "pa.Table":
    import pyarrow as pa

    arrays = [pa.array([row.get(name) for row in rows], pa.string()) for name in columns]
    return pa.Table.from_arrays(arrays, schema=pa.schema([(name, pa.string()) for name in columns]))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DoubledError
    return found


def _refuse_constant(text: str) -> None:
    raise ValueError(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=_refuse_constant)
