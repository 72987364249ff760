"""A town's table, and copies of it handed out: what the tests of marks are made of."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json
from chengyi.model.clock import SetClock
from chengyi.model.text import Text
from chengyi.store.rows import Rows
from chengyi.trust.marks.columns import profile, sketch
from chengyi.trust.marks.marker import Marker
from chengyi.trust.marks.marks import Marks
from chengyi.trust.marks.policy import ColumnPolicy, MarkPolicy
from chengyi.trust.marks.records import ExportColumn, ExportRecord
from chengyi.trust.marks.registry import Facts
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
KINDS = {"visit_no": "text", "ward": "text", "visit_date": "date", "cost": "decimal", "minutes": "integer"}
POLICY = MarkPolicy(
    (
        ColumnPolicy("cost", Decimal("0.1"), tolerance=Decimal(2), least=Decimal(0)),
        ColumnPolicy("minutes", Decimal(1), tolerance=Decimal(3), least=Decimal(0)),
    ),
    ("visit_no",),
)
Rewrite = Callable[[dict[str, list[Any]], random.Random], dict[str, list[Any]]]


def table(rows: int = 10_000, seed: int = 7) -> pa.Table:
    """Visits with costs of some hundred and durations of some dozen; every number is invented."""
    draw = np.random.default_rng(seed)
    cost = [Decimal(f"{each:.1f}") for each in draw.gamma(4, 120, rows) + 20]
    days = pa.array(20_000 + draw.integers(0, 700, rows).astype(np.int32)).cast(pa.date32())
    columns = {
        "visit_no": pa.array([f"JZ26{number:07d}" for number in range(rows)]),
        "ward": pa.array([f"W{number}" for number in draw.integers(1, 9, rows)]),
        "visit_date": days,
        "cost": pa.array(cost, pa.decimal128(18, 6)),
        "minutes": pa.array(draw.integers(15, 240, rows)),
    }
    return pa.table(columns)


class Office:
    """Hands out marked copies, with a real registry and a ledger in memory."""

    def __init__(self, data: pa.Table, policy: MarkPolicy = POLICY) -> None:
        self.data = data
        self.policy = policy
        self.rows = Rows("sqlite://")
        self.rows.create_all()
        self.keys = MemoryKeys()
        self.audit = MemoryAudit(SetClock(NOON))
        self.marks = Marks(self.rows, self.keys, self.audit)

    def hand_out(self, recipient: str, policy: MarkPolicy | None = None) -> tuple[ExportRecord, pa.Table]:
        """Return what is on record of a copy, and the copy."""
        issue = self.marks.registry.issue("visits", policy or self.policy, recipient)
        marker = Marker(issue.secrets, issue.policy)
        codes, keyed = marker.codes(self.data)
        copy = marker.order(marker.mark(self.data, codes, keyed), codes)
        detail: dict[str, Json] = {
            "export": issue.id,
            "family": issue.family,
            "recipient": issue.code,
            "commitment": issue.commitment(()),
            "roster": {"count": issue.recipients, "root": issue.root},
        }
        entry = self.audit.record(Act(ActKind.EXPORTED, recipient, "dataset:visits", detail, grant="grt-1"))
        facts = Facts(
            version=0,
            mode="marked",
            form="csv",
            grant="grt-1",
            actor=recipient,
            department="d",
            at=NOON,
            rows=copy.num_rows,
            marks=marker.tally.marks,
            columns=tuple(
                ExportColumn(
                    name, Text(f"列{name}", name.title()), KINDS[name], profile(self.data[name].to_pylist()[:1000])
                )
                for name in self.data.column_names
            ),
            canaries=(),
            sketch=sketch(codes[keyed]),
            file="0" * 64,
            entry=entry,
        )
        return self.marks.registry.enter(issue, facts), copy


def leak(copy: pa.Table, rows: int, seed: int = 1) -> dict[str, list[Any]]:
    """Return some rows of a copy as text, as a found file has them, in no order."""
    chosen = random.Random(seed).sample(range(copy.num_rows), rows)
    part = copy.take(chosen)
    return {name: ["" if each is None else str(each) for each in part[name].to_pylist()] for name in part.column_names}


def spoiled(found: dict[str, list[Any]], share: float, seed: int = 2) -> dict[str, list[Any]]:
    """Return a leak with a share of its marked values replaced by others drawn near them, far beyond tolerance."""
    draw = random.Random(seed)

    def noise(value: str, width: float) -> str:
        if draw.random() >= share:
            return value
        moved = max(1.0, float(value) + draw.uniform(-width, width))
        return f"{moved:.1f}" if "." in value else str(round(moved))

    return {
        **found,
        "cost": [noise(each, 60) for each in found["cost"]],
        "minutes": [noise(each, 60) for each in found["minutes"]],
    }


def write_csv(path: Path, found: Mapping[str, Sequence[Any]]) -> Path:
    """Write columns as a CSV file."""
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(found)
        writer.writerows(zip(*found.values(), strict=True))
    return path
