"""Copies: granted rows on their way into a file, marked for their recipient.

Rules: rows come in batches and are never all in memory; control rows lie evenly over the whole copy; what the copy
will be known by (the least row codes, what its columns look like) is remembered on the way.
"""

import heapq
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chengyi.model.reporter import Reporter
from chengyi.model.text import Text
from chengyi.share.exportfiles import open_writer
from chengyi.share.exportorders import ExportOrder, control_rows
from chengyi.share.reading import Opened
from chengyi.trust.marks.canaries import invent, numbered
from chengyi.trust.marks.columns import SKETCH, profile
from chengyi.trust.marks.marker import Marker
from chengyi.trust.marks.records import ExportColumn
from chengyi.trust.marks.registry import Issue

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 65_536
_LOOKED_AT = 1_000


class Copy:
    """One copy under way: takes the rows out in batches, marks them, and remembers what it will be known by."""

    def __init__(self, opened: Opened, order: ExportOrder, issue: Issue, form: str) -> None:
        self.form = form
        self.rows = 0
        self.canaries: tuple[str, ...] = ()
        self.columns: tuple[ExportColumn, ...] = ()
        self._opened = opened
        self._order = order
        self._issue = issue
        self._marker = Marker(issue.secrets, issue.policy)
        self._least: list[int] = []
        self._wanted = control_rows(order, opened)
        self._taken = 0
        self._numbers: set[str] = set()

    @property
    def marks(self) -> int:
        """Return how many marks were written."""
        return self._marker.tally.marks

    @property
    def shift(self) -> Mapping[str, float]:
        """Return by how much the sum of each marked column changed."""
        return self._marker.tally.shift

    @property
    def sketch(self) -> bytes:
        """Return the least row codes of the real rows."""
        return np.sort(np.array([-each for each in self._least], np.uint64)).astype(">u8").tobytes()

    def write(self, path: Path, reporter: Reporter) -> None:
        """Write the file."""
        import pyarrow as pa

        opened = self._opened
        names = [each.name for each in opened.entry.fields]
        batches = opened.engine.batches(opened.rows.select(*names), _BATCH)
        writer = open_writer(path, self.form, batches.schema, bom=self._order.bom)
        with reporter.step(Text("导出", "Exporting"), opened.count) as step:
            try:
                for number, batch in enumerate(batches):
                    table = pa.table(batch)
                    writer.write(self._prepared(table, first=number == 0))
                    step.advance(table.num_rows)
            finally:
                writer.close()
        with path.open("rb") as file:
            os.fsync(file.fileno())

    def _prepared(self, table: "pa.Table", *, first: bool) -> "pa.Table":
        if not self._issue.policy.key:
            self.rows += table.num_rows
            return self._described(table) if first else table
        codes, keyed = self._marker.codes(table)
        self._remember(codes[keyed])
        if first:
            table = self._described(table)
        self._taken += table.num_rows
        table, codes, keyed = self._with_canaries(table, codes, keyed)
        table = self._marker.mark(table, codes, keyed)
        self.rows += table.num_rows
        return self._marker.order(table, codes)

    def _described(self, table: "pa.Table") -> "pa.Table":
        self.columns = tuple(
            ExportColumn(each.name, each.title, each.type, profile(table[each.name].slice(0, _LOOKED_AT).to_pylist()))
            for each in self._opened.entry.fields
        )
        return table

    def _with_canaries(
        self, table: "pa.Table", codes: np.ndarray, keyed: np.ndarray
    ) -> tuple["pa.Table", np.ndarray, np.ndarray]:
        """Add this batch's part of the control rows: they lie evenly over the whole copy."""
        import pyarrow as pa

        due = round(self._wanted * min(1.0, self._taken / max(1, self._opened.count))) - len(self.canaries)
        column = numbered(table, self._issue.policy.key) if due > 0 else ""
        if not column:
            return table, codes, keyed
        label = f"{self._issue.id} {self._taken}".encode()
        rows = invent(table, column, 2 * due, sha256(b"canaries" + self._issue.secrets.key + label).digest())
        rows = rows.filter(pa.array(self._unknown(column, rows[column].to_pylist()))).slice(0, due)
        own, own_keyed = self._marker.codes(rows)
        self.canaries = tuple(sorted({*self.canaries, *(bytes(code).hex() for code in own)}))
        both = pa.concat_tables([table, rows])
        return both, np.concatenate([codes, own]), np.concatenate([keyed, own_keyed])

    def _unknown(self, column: str, numbers: Sequence[str]) -> list[bool]:
        """Tell which numbers are in no row of the dataset, nor twice among the control rows."""
        raw = self._opened.raw
        found = self._opened.engine.arrow(raw.select(column).filter(raw[column].isin(list(numbers))).distinct())
        taken = set(found[column].to_pylist()) | self._numbers
        self._numbers.update(numbers)
        return [each not in taken and each not in numbers[:at] for at, each in enumerate(numbers)]

    def _remember(self, codes: np.ndarray) -> None:
        """Keep the least distinct row codes so far."""
        firsts = np.unique(np.ascontiguousarray(codes[:, :8]).view(">u8")).astype(np.uint64)[:SKETCH]
        known = set(self._least)
        for each in map(int, firsts):
            if -each in known:
                continue
            if len(self._least) < SKETCH:
                heapq.heappush(self._least, -each)
            elif -each > self._least[0]:
                heapq.heapreplace(self._least, -each)
