"""Bodies of acts as they lie in the rows, each compared with its ledger entry before it is believed.

Keeps promise 4: always witnessed. Rules:

1. The SHA-256 of a body is its ledger entry; the columns that an act is found by say what the body says.
2. A body may be absent only where an act of erasure, itself on record, names this entry; then nothing of the act is
   left but index, time and kind, and these are the ones that the act of erasure states.
3. A body that is there although it was erased is refused: it was put back.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from chengyi.model.act import Act, ActKind, Entry, Erasure
from chengyi.model.errors import ErasedError, IntegrityError, NotFoundError
from chengyi.store.rows import Rows
from chengyi.trust.audit.erasure import erased_object, erasure_of
from chengyi.trust.audit.rows import acts
from chengyi.trust.body import entry_bytes, parse_body
from chengyi.trust.ports import Ledger

Row = Mapping[str, Any]
_FOUND_BY = ("actor", "object", "session", "certificate")


class Bodies:
    """Reads rows of acts and believes none of them."""

    def __init__(self, rows: Rows, ledger: Ledger) -> None:
        self._rows = rows
        self._ledger = ledger

    def select(self, query: Select[Any]) -> list[Row]:
        """Return the rows of a query, as they lie."""
        with self._rows.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def row(self, index: int) -> Row:
        """Return the row of one entry; NotFoundError."""
        found = self.select(select(acts).where(acts.c.entry == index))
        if not found:
            raise NotFoundError(kind="行为 act", id=index)
        return found[0]

    def since(self, at: datetime) -> int:
        """Return from which entry on acts are of `at` or later, by halving; time goes up with the entries.

        Where the clock was set back, it is right for moments that lie that much apart from the setting.
        """
        entry, low = acts.c.entry, 0
        high = int(self.select(select(func.coalesce(func.max(entry), -1).label("last")))[0]["last"]) + 1
        while low < high:
            middle = (low + high) // 2
            found = self.select(select(entry, acts.c.at).where(entry >= middle).order_by(entry).limit(1))
            if not found or found[0]["at"] >= at:
                high = middle
            else:
                low = found[0]["entry"] + 1
        return low

    def body(self, row: Row) -> bytes:
        """Return a verified body; IntegrityError, or ErasedError where it was erased lawfully."""
        entry = self.entry(row)
        if (gone := entry.erased) is None:
            return str(row["body"]).encode()
        raise ErasedError(
            index=entry.index,
            at=gone.at.isoformat(timespec="seconds"),
            by=gone.by,
            approved_by=gone.approved_by,
            reason=gone.reason,
            basis=gone.basis,
            entry=gone.entry,
        )

    def entry(self, row: Row) -> Entry:
        """Return a verified entry; of an erased one, what is left of it."""
        if row["erased"] is not None or not row["body"]:
            return self._erased(row)
        entry = stated(row)
        if entry_bytes(row["body"].encode()) != self._ledger.entry(row["entry"]):
            raise _changed(row, "行为记录被改动 (the act was changed)")
        return entry

    def erasure(self, index: int) -> Erasure:
        """Return the erasure of an entry; IntegrityError where it is not erased."""
        erased = self.entry(self.row(index)).erased
        if erased is None:
            raise IntegrityError(object=f"act {index}", why="内容未被清除 (the body is not erased)")
        return erased

    def check(self, row: Row) -> str:
        """Return why a row is not what it should be, or nothing."""
        try:
            entry = self.entry(row)
            if entry.act.kind is ActKind.ERASED:
                self._check_gone(entry)
        except (IntegrityError, NotFoundError) as error:
            return str(error.facts.get("why") or error.message("zh"))
        return ""

    def _erased(self, row: Row) -> Entry:
        index = int(row["entry"])
        if row["body"]:
            raise _changed(row, "已清除的内容又出现 (an erased body was put back)")
        if row["erased"] is None or any(row[name] for name in _FOUND_BY):
            raise _changed(row, "内容缺失而无清除记录 (the body is gone without an act of erasure)")
        try:
            gone, at, kind, digest = erasure_of(index, stated(self.row(row["erased"])))
        except (NotFoundError, IntegrityError) as error:
            raise _changed(row, "内容缺失而无清除记录 (the body is gone without an act of erasure)") from error
        if entry_bytes(self.row(gone.entry)["body"].encode()) != self._ledger.entry(gone.entry):
            raise _changed(row, "清除记录被改动 (the act of erasure was changed)")
        if (at, kind.value, digest) != (row["at"], row["kind"], self._ledger.entry(index).hex()):
            raise _changed(row, "行为索引被改动 (the act's index was changed)")
        return Entry(index, at, "", Act(kind, "", ""), gone)

    def _check_gone(self, erasing: Entry) -> None:
        """Check that what an act of erasure names is gone."""
        index = int(erasing.act.object.removeprefix(erased_object("")))
        if self.row(index)["erased"] != erasing.index:
            raise IntegrityError(object=f"act {index}", why="已清除的内容又出现 (an erased body was put back)")


def stated(row: Row) -> Entry:
    """Return what a body states, where the columns beside it agree; the ledger is not asked."""
    entry = parse_body(row["entry"], row["body"].encode())
    act = entry.act
    said: tuple[datetime, str, str, str, str | None, str | None, int | None] = (
        entry.at,
        act.kind.value,
        act.actor,
        act.object,
        act.session or None,
        act.certificate or None,
        None,
    )
    columns = ("at", "kind", "actor", "object", "session", "certificate", "erased")
    if said != tuple(row[name] for name in columns):
        raise _changed(row, "行为索引被改动 (the act's index was changed)")
    return entry


def _changed(row: Row, why: str) -> IntegrityError:
    return IntegrityError(object=f"act {row['entry']}", why=why)
