"""The seal over the rows of a table: one Merkle root, and a proof for every row.

Keeps promise 2: never altered, and promise 5: every number leads home. Rules:

1. A good row is the canonical JSON array of its cells in the sender's column order, text or null; a row that
   could not be parsed is the canonical JSON object ``{"raw": text}``. Both have a leaf.
2. A leaf is ``SHA-256(0x00 || row)``, a node ``SHA-256(0x01 || left || right)``; the tree is that of RFC 9162.
3. `canonical_row` and `chengyi.trust.ledger.merkle` are the definition. Large tables are hashed by DuckDB in chunks of
   bounded memory, and the tests hold both to the same bytes.
"""

import json
from binascii import unhexlify
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from chengyi.model.errors import IntegrityError
from chengyi.trust.ledger import merkle

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

HASH_SIZE = merkle.HASH_SIZE
CHUNK_ROWS = 1 << 17
CHUNK_BYTES = 1 << 27
BATCH_ROWS = 1 << 14
SMALL = 1 << 12
MEMORY = "512MB"
_ESCAPES = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


class Rejected(Protocol):
    """A record that could not be parsed: its ordinal from 1 and its raw text."""

    @property
    def row(self) -> int:
        """Return the ordinal."""
        ...

    @property
    def raw(self) -> str:
        """Return the raw text."""
        ...


@dataclass(frozen=True, slots=True)
class Leaves:
    """All leaf hashes of a table in record order, 32 bytes each, end to end."""

    hashes: bytes

    def __len__(self) -> int:
        return len(self.hashes) // HASH_SIZE

    def __getitem__(self, index: int) -> bytes:
        return self.hashes[index * HASH_SIZE : (index + 1) * HASH_SIZE]


def canonical_row(cells: Sequence[str | None]) -> bytes:
    """Return the byte form of a good row."""
    return json.dumps(list(cells), ensure_ascii=False, separators=(",", ":")).encode()


def canonical_rejected(raw: str) -> bytes:
    """Return the byte form of a row that could not be parsed; a lone surrogate is written as its escape."""
    form = json.dumps({"raw": raw}, ensure_ascii=False, separators=(",", ":"))
    return form.encode(errors="backslashreplace")


def leaves_of(table: "pa.Table") -> bytes:
    """Return the leaf hashes of a table of text columns, 32 bytes each, in row order."""
    table = _as_text(table)
    if table.num_rows <= SMALL or not table.num_columns:
        return b"".join(merkle.leaf_hash(canonical_row(row)) for row in _tuples(table))
    with _engine() as engine:
        return b"".join(_chunk_leaves(engine, chunk) for chunk in _chunks(table))


def place(good: bytes, rows: "pa.Array", rejected: Sequence[Rejected]) -> Leaves:
    """Put the leaves of good rows (at the ordinals `rows`) and of rejected ones in record order."""
    import numpy as np

    total = len(rows) + len(rejected)
    expected = np.arange(1, total + 1)
    ordinals = np.concatenate([rows.to_numpy(zero_copy_only=False), [each.row for each in rejected]]).astype(np.int64)
    if np.array_equal(ordinals, expected) and not rejected:
        return Leaves(good)
    if not np.array_equal(np.sort(ordinals), expected):
        raise IntegrityError(object="rows", why="记录序号不连续 (record ordinals are not 1 to n)")
    whole = np.empty((total, HASH_SIZE), np.uint8)
    bad = b"".join(merkle.leaf_hash(canonical_rejected(each.raw)) for each in rejected)
    whole[ordinals - 1] = np.frombuffer(good + bad, np.uint8).reshape(-1, HASH_SIZE)
    return Leaves(whole.tobytes())


def levels(leaves: Leaves) -> list[Leaves]:
    """Return every level of the tree, leaves first, root last; empty for no leaves."""
    found = [leaves] if len(leaves) else []
    if len(leaves) > SMALL:
        with _engine() as engine:
            while len(found[-1]) > SMALL:
                found.append(_parents_by_engine(engine, found[-1]))
    while found and len(found[-1]) > 1:
        found.append(_parents(found[-1]))
    return found


def root(leaves: Leaves) -> bytes:
    """Return the Merkle root; of an empty table the hash of the empty string."""
    found = levels(leaves)
    return found[-1].hashes if found else merkle.EMPTY_ROOT


def inclusion(found: Sequence[Leaves], index: int) -> tuple[bytes, ...]:
    """Return the audit path of the leaf at `index` (from 0) in the levels of its tree."""
    path = []
    for level in found[:-1]:
        if (sibling := index ^ 1) < len(level):
            path.append(level[sibling])
        index >>= 1
    return tuple(path)


def _parents(level: Leaves) -> Leaves:
    data, pair = level.hashes, 2 * HASH_SIZE
    whole = len(data) - len(data) % pair
    made = b"".join(sha256(b"\x01" + data[at : at + pair]).digest() for at in range(0, whole, pair))
    return Leaves(made + data[whole:])


def _parents_by_engine(engine: "duckdb.DuckDBPyConnection", level: Leaves) -> Leaves:
    import pyarrow as pa

    pair = 2 * HASH_SIZE
    pairs = len(level.hashes) // pair
    made = []
    for start in range(0, pairs, 1 << 20):
        count = min(1 << 20, pairs - start)
        part = pa.py_buffer(level.hashes).slice(start * pair, count * pair)
        column = pa.Array.from_buffers(pa.binary(pair), count, [None, part])
        made.append(_hashes(engine, pa.table({"pair": column}), "from_hex('01') || pair"))
    return Leaves(b"".join(made) + level.hashes[pairs * pair :])


def _engine() -> "duckdb.DuckDBPyConnection":
    import duckdb

    return duckdb.connect(config={"memory_limit": MEMORY, "preserve_insertion_order": True, "temp_directory": ""})


def _hashes(engine: "duckdb.DuckDBPyConnection", table: "pa.Table", expression: str) -> bytes:
    import pyarrow as pa

    source = pa.Table.from_batches(table.to_batches(max_chunksize=BATCH_ROWS), table.schema)
    engine.register("source", source)
    try:
        answer = engine.sql(f"SELECT sha256({expression}) AS hash FROM source").to_arrow_table()  # noqa: S608
    finally:
        engine.unregister("source")
    return b"".join(unhexlify(data) for data in _text_buffers(answer.column(0)))


def _chunk_leaves(engine: "duckdb.DuckDBPyConnection", chunk: "pa.Table") -> bytes:
    names = [f"c{at}" for at in range(chunk.num_columns)]
    parts: list[str] = []
    pending = "["
    for at, (name, column) in enumerate(zip(names, chunk.columns, strict=True)):
        pending += "," if at else ""
        text = _escaped(name, _specials(column))
        if column.null_count:
            parts += [_literal(pending), f"""coalesce('"' || {text} || '"', 'null')"""]
            pending = ""
        else:
            parts += [_literal(pending + '"'), text]
            pending = '"'
    parts.append(_literal(pending + "]"))
    return _hashes(engine, chunk.rename_columns(names), f"encode(concat(chr(0), {', '.join(parts)}))")


def _literal(text: str) -> str:
    return f"'{text}'"


def _escaped(name: str, specials: Sequence[int]) -> str:
    text = name
    for code in specials:
        text = f"replace({text}, chr({code}), '{_ESCAPES.get(code, f'{chr(92)}u{code:04x}')}')"
    return text


def _specials(column: "pa.ChunkedArray") -> list[int]:
    """Return the characters of a column that JSON escapes, the backslash first."""
    import numpy as np

    found: set[int] = set()
    for data in _text_buffers(column):
        bytes_ = np.frombuffer(data, np.uint8)
        found.update(code for code in (34, 92) if (bytes_ == code).any())
        control = bytes_ < 32
        if control.any():
            found.update(np.unique(bytes_[control]).tolist())
    return sorted(found, key=lambda code: (code != 92, code))


def _text_buffers(column: "pa.ChunkedArray") -> Iterator[Any]:
    import numpy as np
    import pyarrow as pa

    for chunk in column.chunks:
        if len(chunk):
            width = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
            _, offsets, data = chunk.buffers()
            ends = np.frombuffer(offsets, width)[chunk.offset : chunk.offset + len(chunk) + 1]
            if data is not None and ends[-1] > ends[0]:
                yield data.slice(int(ends[0]), int(ends[-1] - ends[0]))


def _chunks(table: "pa.Table") -> Iterator["pa.Table"]:
    rows = max(1, min(CHUNK_ROWS, CHUNK_BYTES * table.num_rows // max(1, table.nbytes)))
    for start in range(0, table.num_rows, rows):
        yield table.slice(start, rows)


def _as_text(table: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    if all(pa.types.is_string(kind) or pa.types.is_large_string(kind) for kind in table.schema.types):
        return table
    return table.cast(pa.schema([(field.name, pa.large_string()) for field in table.schema]))


def _tuples(table: "pa.Table") -> Iterator[Sequence[str | None]]:
    if not table.num_columns:
        return iter([()] * table.num_rows)
    return zip(*(column.to_pylist() for column in table.columns), strict=True)
