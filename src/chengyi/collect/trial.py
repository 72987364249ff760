"""Trying a source without taking anything, so that its settings can be put right before the first run."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

from chengyi.collect.connectors import connect
from chengyi.collect.delivery import Delivery, Refusal
from chengyi.collect.readers import RowBatch, read_table
from chengyi.collect.report import SourceCheck
from chengyi.collect.sources import ReaderSettings, Source
from chengyi.model.errors import ChengyiError
from chengyi.model.text import Text

_NAMES = 20
_ROWS = 5


def try_source(source: Source, home: Path) -> SourceCheck:
    """Return what a source has and how its first table reads; a ChengyiError is reported, not raised."""
    names: list[str] = []
    notes: list[Text] = []
    count, first = 0, None
    try:
        for item in connect(source.kind, source.connector, source.id, home).deliveries(_never):
            if isinstance(item, Refusal):
                notes.append(Text(f"{item.name}：{item.reason.zh}", f"{item.name}: {item.reason.en}"))
            elif isinstance(item, Delivery):
                count += 1
                names += [item.sequence] if len(names) < _NAMES else []
                notes += [item.fault] if item.fault is not None else []
                first = first or item
    except ChengyiError as fault:
        return SourceCheck(source.id, reachable=False, deliveries=count, names=tuple(names), error=fault)
    seen = SourceCheck(source.id, reachable=True, deliveries=count, names=tuple(names), notes=tuple(notes))
    return _with_rows(seen, source.reader, first) if first is not None and source.reader is not None else seen


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
