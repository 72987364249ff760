"""Reading under a grant: admitted or refused, and on record either way.

Keeps promise 4: always witnessed. The act of a reading is on record before the first row leaves this room; where it
cannot be recorded, nothing leaves.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chengyi.model.act import Act, ActKind, ActResult
from chengyi.model.actor import Actor
from chengyi.model.canonical import Json
from chengyi.model.clock import Clock
from chengyi.model.codes import SharingClass
from chengyi.model.errors import ChengyiError
from chengyi.model.evidence import Completeness
from chengyi.model.grant import CatalogueEntry, Grant, View
from chengyi.share import exchange, rules
from chengyi.share.catalogue import Catalogue
from chengyi.share.errors import OutsideGrantError
from chengyi.share.exchange import SharedTable
from chengyi.share.grants import Grants
from chengyi.share.ports import Datasets, Gaps
from chengyi.share.rules import Use
from chengyi.store.ports import Tables
from chengyi.trust.ports import Audit, Keys

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True, slots=True)
class Opened:
    """What an admitted use may take out: masked rows as an expression, in the order of their evidence."""

    grant: Grant
    entry: CatalogueEntry
    rows: "ibis.Table"
    raw: "ibis.Table"
    masked: tuple[str, ...]
    count: int
    completeness: Completeness
    engine: Tables


class ReadingRoom:
    """Lets people and programs read what was granted to them."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        grants: Grants,
        datasets: Datasets,
        keys: Keys,
        audit: Audit,
        clock: Clock,
        gaps: Gaps | None,
    ) -> None:
        self._catalogue = catalogue
        self._grants = grants
        self._datasets = datasets
        self._keys = keys
        self._audit = audit
        self._clock = clock
        self._gaps = gaps

    def view(self, actor: Actor, grant_id: str, use: Use, limit: int | None) -> View:
        """Return masked rows, in the order of their evidence."""
        grant, entry = self._admit(actor, grant_id, use)
        rows = exchange.matching(self._table(entry), grant, use.filters)
        shown = exchange.masked(rows, entry.fields, grant).order_by("_package", "_row")
        data = self._datasets.tables.arrow(shown if limit is None else shown.limit(max(0, limit)))
        matched = data.num_rows if limit is None else self._count(rows)
        dataset = self._catalogue.dataset(grant.dataset)
        return View(
            grant=grant.id,
            dataset=grant.dataset,
            version=entry.version,
            rows=data,
            masked=exchange.masked_names(entry.fields, grant),
            completeness=exchange.completeness_of(dataset, matched, data.num_rows, self._gaps),
            entry=self._record(actor, grant, entry, use, data.num_rows),
        )

    def read(self, actor: Actor, grant_id: str, use: Use) -> SharedTable:
        """Return an expression over the granted fields."""
        grant, entry = self._admit(actor, grant_id, use)
        rows = exchange.matching(self._table(entry), grant, use.filters)
        count = self._count(rows)
        index = self._record(actor, grant, entry, use, count)
        engine = self._datasets.tables
        dataset = self._catalogue.dataset(grant.dataset)
        return SharedTable(
            dataset=grant.dataset,
            version=entry.version,
            grant=grant.id,
            table=exchange.coded(rows, entry.fields, grant, engine, self._keys),
            engine=engine,
            entry=entry,
            completeness=exchange.completeness_of(dataset, count, count, self._gaps),
            access=index,
        )

    def open(self, actor: Actor, grant_id: str, use: Use) -> Opened:
        """Admit an export and return its rows unread; whoever takes them puts that on record first."""
        grant, entry = self._admit(actor, grant_id, use)
        rows = exchange.matching(self._table(entry), grant, use.filters)
        count = self._count(rows)
        dataset = self._catalogue.dataset(grant.dataset)
        return Opened(
            grant=grant,
            entry=entry,
            rows=exchange.masked(rows, entry.fields, grant).order_by("_package", "_row"),
            raw=self._table(entry),
            masked=exchange.masked_names(entry.fields, grant),
            count=count,
            completeness=exchange.completeness_of(dataset, count, count, self._gaps),
            engine=self._datasets.tables,
        )

    def denied(self, actor: Actor, object: str, error: ChengyiError, use: Use | None = None) -> ChengyiError:
        """Put a refusal on record and return the error to raise."""
        detail: dict[str, Json] = {"why": error.message("zh"), "error": type(error).__name__}
        if use is not None:
            detail |= {"case": use.case, "filters": [name for name, _ in use.filters]}
        grant = object.removeprefix("grant:") if object.startswith("grant:") else ""
        act = Act(ActKind.DENIED, actor.id, object, detail, grant=grant, result=ActResult.DENIED.value)
        self._audit.record(act)
        return error

    def _admit(self, actor: Actor, grant_id: str, use: Use) -> tuple[Grant, CatalogueEntry]:
        try:
            grant = self._grants.grant(grant_id)
            refused = rules.refusal(grant, actor, use, self._clock.now())
            if refused is not None:
                raise refused
            entry = self._catalogue.entry(grant.dataset)
            if entry.sharing is SharingClass.WITHHELD:
                raise rules.withheld(entry)
            if rules.blind_filters(grant, entry.fields, use):
                raise OutsideGrantError(grant=grant.id, why="不得按脱敏字段筛选 (no filter on a masked field)")
        except ChengyiError as error:
            raise self.denied(actor, f"grant:{grant_id}", error, use) from error
        return grant, rules.narrowed(entry, grant)

    def _record(self, actor: Actor, grant: Grant, entry: CatalogueEntry, use: Use, rows: int) -> int:
        detail: dict[str, Json] = {
            "grant": grant.id,
            "case": use.case,
            "filters": [[name, self._keys.code(value, "share.filter")] for name, value in use.filters],
            "rows": rows,
            "version": entry.version,
        }
        act = Act(
            ActKind.READ,
            actor.id,
            f"dataset:{grant.dataset}",
            detail,
            fields=tuple(each.name for each in entry.fields),
            purpose=grant.purpose.text,
            grant=grant.id,
            result=ActResult.ALLOWED.value,
        )
        index = self._audit.record(act)
        self._grants.add_access(
            {
                "entry": index,
                "grant_id": grant.id,
                "dataset": grant.dataset,
                "version": entry.version,
                "actor": actor.id,
                "case_no": use.case,
                "rows": rows,
                "at": self._clock.now(),
            }
        )
        return index

    def _table(self, entry: CatalogueEntry) -> "ibis.Table":
        return self._datasets.table(entry.dataset, entry.version)

    def _count(self, table: "ibis.Table") -> int:
        counted = self._datasets.tables.arrow(table.aggregate(rows=table.count()))
        return int(counted["rows"][0].as_py())
