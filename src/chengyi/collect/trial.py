"""Trying a source without taking anything, so that its settings can be put right before the first run."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

from chengyi.collect.connectors import connect
from chengyi.collect.delivery import Delivery, Item, Refusal
from chengyi.collect.readers import RowBatch, read_table
from chengyi.collect.report import SourceCheck
from chengyi.collect.sources import ReaderSettings, Source
from chengyi.model.errors import ChengyiError
from chengyi.model.text import Text

_NAMES = 20
_ROWS = 5


def try_source(source: Source, home: Path) -> SourceCheck:
    """Return what a source has and how its first table reads; a ChengyiError is reported, not raised."""
    seen = SourceCheck(source.id, reachable=True)
    try:
        for item in connect(source.kind, source.connector, source.id, home).deliveries(_never):
            seen = _seen(seen, item, source.reader)
    except ChengyiError as fault:
        return replace(seen, reachable=False, error=fault)
    return seen


def _seen(seen: SourceCheck, item: Item, reader: ReaderSettings | None) -> SourceCheck:
    if isinstance(item, Refusal):
        return replace(
            seen, notes=(*seen.notes, Text(f"{item.name}：{item.reason.zh}", f"{item.name}: {item.reason.en}"))
        )
    if not isinstance(item, Delivery):
        return seen
    first = seen.deliveries == 0
    names = (*seen.names, item.sequence)[:_NAMES]
    notes = seen.notes if item.fault is None else (*seen.notes, item.fault)
    seen = replace(seen, deliveries=seen.deliveries + 1, names=names, notes=notes)
    return _with_rows(seen, reader, item) if first and reader is not None else seen


def _never(name: str, mark: str) -> bool:  # noqa: ARG001 - as the port says
    return False


def _with_rows(seen: SourceCheck, reader: ReaderSettings, first: Delivery) -> SourceCheck:
    try:
        with first.open() as stream:
            batch = read_table(stream.read(), reader, first.path, seen.source)
    except ChengyiError as fault:
        return replace(seen, error=fault)
    return replace(
        seen,
        columns=batch.columns,
        rows=_head(batch),
        good=len(batch.rows),
        bad=len(batch.bad),
        notes=(*seen.notes, *(_reason(row, reason) for row, reason in _faults(batch))),
    )


def _head(batch: RowBatch) -> tuple[tuple[str | None, ...], ...]:
    return tuple(tuple(row.values()) for row in batch.table.slice(0, _ROWS).to_pylist())


def _faults(batch: RowBatch) -> list[tuple[int, Text]]:
    return [(bad.row, bad.reason) for bad in islice(batch.bad, _ROWS)]


def _reason(row: int, reason: Text) -> Text:
    return Text(f"第 {row} 行：{reason.zh}", f"row {row}: {reason.en}")
