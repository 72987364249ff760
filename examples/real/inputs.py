"""What lies in the input files, read without the platform: with Python's own readers and hash functions only.

The account is worth something because both sides of it are computed apart: the platform says what it received, and
this module looks at the files themselves. The two forms it relies on are those of the documentation:

1. A tally's digest is SHA-256 over the SHA-256 of every file, in hexadecimal, sorted, one a line.
2. A row's leaf is ``SHA-256(0x00 || row)``, where the row is the JSON array of its cells in the file's column order,
   text or null, without spaces, in UTF-8.
"""

import csv
import json
import sqlite3
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import IO

from chengyi.collect import Source
from chengyi.collect.report import Tally

Cells = list[str | None]


def files_of(source: Source, home: Path) -> list[Path]:
    """Return the input files of a source that collects one file or the files of a folder."""
    path = home / source.connector.path
    return sorted(path.glob(source.connector.pattern)) if path.is_dir() else [path]


def tally_of(source: Source, home: Path) -> Tally:
    """Return number, bytes and digest of what the source has to hand over, from the files themselves."""
    found = [_measure(file) for path in files_of(source, home) for file in _streams(path, source)]
    return Tally(len(found), sum(size for size, _ in found), digest_of(each for _, each in found))


def digest_of(files: Iterable[str]) -> str:
    """Return one digest for the SHA-256 of any number of files."""
    return sha256("\n".join(sorted(files)).encode()).hexdigest()


def count_rows(source: Source, home: Path) -> int:
    """Return how many rows the files of a source have."""
    return sum(1 for path in files_of(source, home) for _ in rows_in(path, source))


def leaves_of(path: Path, source: Source, rows: Iterable[int]) -> dict[int, str]:
    """Return the leaf hashes of some rows of a file, counted from 1; a row that is not there is left out."""
    wanted = set(rows)
    return {number: leaf(cells) for number, cells in enumerate(rows_in(path, source), 1) if number in wanted}


def leaf(cells: Cells) -> str:
    """Return the leaf hash of a row."""
    return sha256(b"\0" + json.dumps(cells, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def rows_in(path: Path, source: Source) -> Iterator[Cells]:
    """Yield the rows of a file, without its header."""
    if source.reader is None:
        return iter(())
    return _READERS[source.reader.format](path, source.reader.encoding)


def _csv(path: Path, encoding: str) -> Iterator[Cells]:
    with path.open(encoding=encoding, newline="") as file:
        lines = csv.reader(file)
        next(lines)
        for line in lines:
            yield [cell or None for cell in line]


def _xlsx(path: Path, _encoding: str) -> Iterator[Cells]:
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True)
    for line in book.worksheets[0].iter_rows(min_row=2, values_only=True):
        yield list(line)
    book.close()


def _jsonl(path: Path, encoding: str) -> Iterator[Cells]:
    with path.open(encoding=encoding) as file:
        for line in file:
            yield list(json.loads(line).values())


def _sqlite(path: Path, _encoding: str) -> Iterator[Cells]:
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    ((table,),) = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    for line in database.execute(f'SELECT * FROM "{table}" ORDER BY rowid'):
        yield list(line)
    database.close()


_READERS: Mapping[str, Callable[[Path, str], Iterator[Cells]]] = {
    "csv": _csv,
    "xlsx": _xlsx,
    "jsonl": _jsonl,
    "sqlite": _sqlite,
}


def _streams(path: Path, source: Source) -> Iterator[IO[bytes]]:
    """Yield the file, or each file inside it where the source unpacks archive files."""
    if source.kind != "documents":
        with path.open("rb") as file:
            yield file
        return
    with tarfile.open(path) as archive:
        for member in archive:
            entry = archive.extractfile(member) if member.isfile() else None
            if entry is not None:
                yield entry


def _measure(file: IO[bytes]) -> tuple[int, str]:
    digest, size = sha256(), 0
    while chunk := file.read(1 << 20):
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()
