"""Columns: which column of a leaked table is which column of an export, whatever its headers say.

Rules:

1. A header that is a column's name or title, in either language, however spaced or cased, names it.
2. The other columns are told by what their values look like (how much of it is numbers or dates, how long, how many
   different, and the quantiles of the numbers), and by their place among the others where that decides nothing.
3. A row key has the last word: among the candidates for its columns, the one whose row codes the export knows.
4. The choice is made from headers, forms and row codes only, never from the marks: it cannot favour an accusation.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import islice, permutations
from typing import Any

import numpy as np

from chengyi.trust.marks.cells import row_codes
from chengyi.trust.marks.decoders import Array
from chengyi.trust.marks.policy import high_order
from chengyi.trust.marks.records import ExportColumn, ExportRecord
from chengyi.trust.marks.rowkeys import DATES, NUMBERS, numbers, row_keys, written

SKETCH = 1024
_SAMPLE = 400
_TRIES = 24
_PROBE = 20_000
_FAR = 1.5
_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)

Table = Mapping[str, Sequence[Any]]


def profile(values: Sequence[Any]) -> tuple[float, ...]:
    """Return what a column looks like: shares of numbers and dates, length, variety, quantiles of the numbers."""
    texts = [text for text in map(written, values[:_SAMPLE]) if text.strip()]
    if not texts:
        return ()
    amounts = numbers(texts, "decimal")
    amounts = amounts[np.isfinite(amounts)]
    days = float(np.isfinite(numbers(texts, "date")).mean())
    shares = (len(amounts) / len(texts), days, sum(map(len, texts)) / len(texts), len(set(texts)) / len(texts))
    quantiles = np.quantile(amounts, _QUANTILES) if len(amounts) else np.zeros(len(_QUANTILES))
    return (*shares, *(float(each) for each in quantiles))


def sketch(codes: Array) -> bytes:
    """Return the least row codes, by their first 8 bytes: enough to tell whether other rows are among these."""
    return np.sort(np.unique(_firsts(codes)))[:SKETCH].astype(">u8").tobytes()


def overlap(codes: Array, known: bytes, rows: int) -> tuple[int, float]:
    """Return how many of some row codes an export's sketch knows, and how many were to be expected of its own rows."""
    least = np.frombuffer(known, ">u8").astype(np.uint64)
    hits = int(np.isin(np.unique(_firsts(codes)), least).sum())
    return hits, len(codes) * min(1.0, len(least) / max(1, rows))


def match(table: Table, record: ExportRecord) -> dict[str, str]:
    """Return, for each export column that is recognised, the leaked table's column."""
    found = _by_header(table, record.columns)
    free = [name for name in table if name not in found.values()]
    looks = {name: profile(table[name]) for name in free}
    wanted = [each for each in record.columns if each.name not in found]
    keys = [high_order(part)[0] for part in record.policy.key]
    found |= _by_key(table, record, found, [each for each in wanted if each.name in keys], looks)
    rest = [each for each in wanted if each.name not in found]
    return found | _by_look(rest, {name: look for name, look in looks.items() if name not in found.values()})


def _by_header(table: Table, columns: Sequence[ExportColumn]) -> dict[str, str]:
    plain = {_plain(header): header for header in reversed(list(table))}
    found: dict[str, str] = {}
    for each in columns:
        names = [_plain(text) for text in (each.name, each.title.zh, each.title.en)]
        header = next((plain[name] for name in names if name in plain), None)
        if header is not None and header not in found.values():
            found[each.name] = header
    return found


def _by_key(
    table: Table,
    record: ExportRecord,
    found: Mapping[str, str],
    wanted: Sequence[ExportColumn],
    looks: Mapping[str, tuple[float, ...]],
) -> dict[str, str]:
    if not wanted or len(wanted) > len(looks):
        return {}
    best, most = {}, 0
    near = sorted(looks, key=lambda name: min(_distance(each, looks[name]) for each in wanted))
    for names in islice(permutations(near[:6], len(wanted)), _TRIES * len(wanted)):
        tried = dict(zip([each.name for each in wanted], names, strict=True))
        hits = _hits(table, record, {**found, **tried})
        if hits > most:
            best, most = tried, hits
    return best


def _hits(table: Table, record: ExportRecord, mapping: Mapping[str, str]) -> int:
    named = {high_order(part)[0] for part in record.policy.key}
    if not named <= set(mapping):
        return 0
    renamed = {name: table[mapping[name]][:_PROBE] for name in named}
    keys = [each for each in row_keys(renamed, record.policy.key) if each is not None]
    return overlap(row_codes(record.secrets.layout, keys), record.sketch, record.rows)[0] if keys else 0


def _by_look(wanted: Sequence[ExportColumn], looks: Mapping[str, tuple[float, ...]]) -> dict[str, str]:
    places = {name: at / max(1, len(looks) - 1) for at, name in enumerate(looks)}
    pairs = sorted(
        (_distance(each, look) + 0.1 * abs(places[name] - at / max(1, len(wanted) - 1)), each.name, name)
        for at, each in enumerate(wanted)
        for name, look in looks.items()
    )
    found: dict[str, str] = {}
    for distance, column, name in pairs:
        if distance < _FAR and column not in found and name not in found.values():
            found[column] = name
    return found


def _distance(column: ExportColumn, look: tuple[float, ...]) -> float:
    own = column.profile
    if not own or not look:
        return 2 * _FAR
    share = 1 if column.kind in DATES else 0
    apart = abs(own[share] - look[share]) + abs(own[3] - look[3]) / 2 + abs(own[2] - look[2]) / (own[2] + look[2] + 1)
    if column.kind in NUMBERS:
        left, right = np.array(own[4:]), np.array(look[4:])
        apart += float(np.mean(np.abs(left - right) / (np.abs(left) + np.abs(right) + 1e-9)))
    return float(apart)


def _plain(header: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKC", header).casefold() if each.isalnum())


def _firsts(codes: Array) -> Array:
    return np.ascontiguousarray(codes[:, :8]).view(">u8")[:, 0].astype(np.uint64)
