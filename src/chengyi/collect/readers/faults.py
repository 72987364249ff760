"""Why a whole file cannot be read, and how a file shows that it is something else than it claims."""

from collections import Counter
from collections.abc import Sequence

from chengyi.collect.readers.batch import MAX_COLUMNS
from chengyi.model.errors import BadInputError

_SIGNS = {
    b"PK\x03\x04": "ZIP/XLSX",
    b"\xd0\xcf\x11\xe0": "XLS/DOC (OLE2)",
    b"%PDF-": "PDF",
    b"SQLite format 3\0": "SQLite",
    b"PAR1": "Parquet",
    b"\x1f\x8b": "GZIP",
    b"\xfd7zXZ\0": "XZ",
}
_MARKUP = (b"<!doctype", b"<html", b"<table", b"<head", b"<?xml", b"<body", b"<meta", b"<style", b"<div")


def refuse(source: str, file: str, why: str, *, row: object = "-", column: object = "-") -> BadInputError:
    """Return the error by which a reader gives up a whole file."""
    return BadInputError(source=source, file=file, row=row, field=column, why=why)


def disguise(data: bytes) -> str | None:
    """Return what the first bytes say the file is, where that is certain: HTML/XML, ZIP/XLSX, PDF ..."""
    for sign, name in _SIGNS.items():
        if data.startswith(sign):
            return name
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").lstrip().lower()
    if start.startswith((b"\xff\xfe<", b"\xfe\xff<")):
        start = start[2:]
    return "HTML/XML" if start.startswith(_MARKUP) else None


def header_names(cells: Sequence[str | None], source: str, file: str, row: int) -> list[str]:
    """Return the column names of a header; a column without name becomes ``_n``; doubled names are refused."""
    names = [(cell or "").strip() or f"_{number}" for number, cell in enumerate(cells, 1)]
    if not any((cell or "").strip() for cell in cells):
        raise refuse(source, file, "没有表头 (there is no header)", row=row)
    if any("\0" in name for name in names):
        raise refuse(source, file, "表头含 NUL 字节 (the header holds a NUL byte)", row=row)
    if len(names) > MAX_COLUMNS:
        raise refuse(source, file, f"列数 {len(names)} 超过上限 {MAX_COLUMNS} (too many columns)", row=row)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise refuse(source, file, "表头中列名重复 (the header names a column twice)", row=row, column=twice[0])
    return names
