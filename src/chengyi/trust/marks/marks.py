"""Marks at work: the registry of exports, and what a leaked table says by it.

Keeps promise 4: the commitments that an accusation rests on were in the ledger before any file left.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from chengyi.model.errors import NotFoundError
from chengyi.store.rows import Rows
from chengyi.trust.marks import rows as tables
from chengyi.trust.marks.bundle import write_bundle
from chengyi.trust.marks.columns import Table
from chengyi.trust.marks.identify import Finding, Suspect, identify
from chengyi.trust.marks.records import ExportRecord
from chengyi.trust.marks.registry import Registry
from chengyi.trust.ports import Audit, Keys

if TYPE_CHECKING:
    import pyarrow as pa

_LATE = 16
"""Exports of one family that were made at the same time may be on record in another order than they took places."""


class Marks:
    """Names the recipients that a leaked table leads to, and writes the evidence."""

    def __init__(self, rows: Rows, keys: Keys, audit: Audit) -> None:
        self.registry = Registry(rows, keys)
        self._keys = keys
        self._audit = audit

    def identify(self, table: "pa.Table | Path | Table", dataset: str = "") -> Finding:
        """Say which recipients a leaked table leads to; with `dataset`, among its exports only.

        BadInputError where a file is not a table or too large.
        """
        where = [tables.exports.c.dataset == dataset] if dataset else []
        exports = self.registry.records(*where)
        families = {each.family for each in exports}
        return identify(table, exports, {family: len(self.registry.codes(family)) for family in families})

    def write_bundle(self, path: Path, finding: Finding, recipient: str) -> Suspect:
        """Write the evidence against one of the accused; NotFoundError where he is not accused."""
        suspect = next((each for each in finding.accused if recipient in {each.recipient, each.code}), None)
        if suspect is None:
            raise NotFoundError(kind="被指认的领取人 accused recipient", id=recipient)
        export = suspect.exports[0]
        count, latest = self._roster(export)
        write_bundle(
            path,
            finding,
            suspect,
            codes=self.registry.codes(export.family)[:count],
            receipts=(self._audit.receipt(export.entry), self._audit.receipt(latest)),
            keys=self._keys,
        )
        return suspect

    def _roster(self, export: ExportRecord) -> tuple[int, int]:
        """Return the largest number of recipients that a late act of the family states, and that act's index."""
        table = tables.exports
        later = self.registry.records(table.c.family == export.family, table.c.entry >= export.entry)[:_LATE]
        chains = [(self._audit.entry(each.entry).act.detail["roster"], each.entry) for each in later]
        return max((int(chain["count"]), entry) for chain, entry in chains if isinstance(chain, dict))
