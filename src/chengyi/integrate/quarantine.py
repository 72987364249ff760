"""The rows that wait: every fault told to its delivery, and the rows at fault as batches of the quarantine table."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from chengyi.integrate.contracts import Contract
from chengyi.integrate.deliveries import Delivery
from chengyi.integrate.rules import veiled
from chengyi.model.codes import Sensitivity
from chengyi.model.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

    from chengyi.integrate.loads import FaultyRow, Load

_SPILL = 20_000


def waiting(contract: Contract, by_ref: dict[str, Delivery], loads: "list[Load]") -> "Iterator[pa.RecordBatch]":
    """Tell every fault to its delivery, and yield the rows that wait as batches of the quarantine table."""
    part: list[tuple[Any, ...]] = []
    for each in _all_waiting(contract, by_ref, loads):
        part.append(each)
        if len(part) >= _SPILL:
            yield _quarantine_batch(part)
            part = []
    if part:
        yield _quarantine_batch(part)


def _all_waiting(contract: Contract, by_ref: dict[str, Delivery], loads: "list[Load]") -> Iterator[tuple[Any, ...]]:
    for load in loads:
        for faulty in load.faulty():
            _tell(contract, by_ref[faulty.package], faulty)
            if faulty.waits:
                codes = [kind.code for kind in faulty.kinds]
                reasons = [[kind.said.zh, kind.said.en] for kind in faulty.kinds]
                yield faulty.package, faulty.row, faulty.leaf, contract.source, codes, reasons, faulty.cells
    for ref, delivery in by_ref.items():
        for unread in delivery.sealed.bad if delivery.sealed is not None else ():
            delivery.quarantined += 1
            said = Text(f"此行无法解析：{unread.reason.zh}", f"The row could not be read: {unread.reason.en}")
            delivery.told(unread.row, "", "", f"unreadable.{unread.code}", said)
            leaf = delivery.sealed.tree[unread.row - 1] if delivery.sealed is not None else b""
            yield ref, unread.row, leaf, contract.source, [unread.code], [[said.zh, said.en]], {"raw": unread.raw}


def _tell(contract: Contract, delivery: Delivery, faulty: "FaultyRow") -> None:
    delivery.quarantined += faulty.waits
    delivery.noted += not faulty.waits
    for kind in faulty.kinds:
        value = faulty.cells.get(kind.column) or ""
        sensitivity = contract.column(kind.field).element.sensitivity if kind.field else Sensitivity.SENSITIVE
        delivery.told(faulty.row, kind.column, veiled(value, sensitivity), kind.code, kind.said)


def quarantine_schema() -> "pa.Schema":
    """Return the columns of a quarantine table: the row's evidence, its source, and what is wrong with it."""
    import pyarrow as pa

    evidence = [("_package", pa.string()), ("_row", pa.int64()), ("_leaf", pa.binary()), ("_source", pa.string())]
    return pa.schema([*evidence, ("codes", pa.string()), ("reasons", pa.string()), ("cells", pa.string())])


def _quarantine_batch(rows: Sequence[tuple[Any, ...]]) -> "pa.RecordBatch":
    import pyarrow as pa

    columns = list(zip(*rows, strict=True))
    texts = [[json.dumps(value, ensure_ascii=False) for value in column] for column in columns[4:]]
    schema = quarantine_schema()
    arrays = [pa.array(column, each.type) for column, each in zip([*columns[:4], *texts], schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
