"""Archived tables become datasets: one write a source and run, with every row accounted for.

Keeps promise 1 (only archived packages are read), promise 8 (bad input loses nothing) and promise 6 (rows + quarantined
= rows read). Rules: a full snapshot replaces its source's rows, and a later or corrected one always wins; a delta adds,
and a corrected delivery takes the place of the one it corrects; a delivery whose header cannot be read under the
contract waits whole, and what was there before stays. A write is announced in the row store first, so that a run after
a crash takes the same packages again and nothing is doubled.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from chengyi.integrate.contracts import Contract
from chengyi.integrate.deliveries import Delivery, outcome_of, package_row
from chengyi.integrate.ports import Records
from chengyi.integrate.quarantine import quarantine_schema, waiting
from chengyi.integrate.report import DatasetOutcome
from chengyi.integrate.rows import dataset_packages, dataset_sources, datasets, row_faults
from chengyi.integrate.rules import QUARANTINE, reason, strictest
from chengyi.integrate.standard import Standard, read_header
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor
from chengyi.model.clock import Clock
from chengyi.model.errors import NotFoundError
from chengyi.model.package import Package
from chengyi.store.ports import Tables
from chengyi.store.rows import Rows, insert_new, upsert
from chengyi.trust.ports import Audit

if TYPE_CHECKING:
    import pyarrow as pa

    from chengyi.integrate.loads import Load

LOAD_ROWS = 500_000
"""Rows of small deliveries that are scanned together."""

PORTION_ROWS = 2_000_000
"""Rows of delta deliveries that one write takes, so that memory stays bounded."""


class DatasetMaker:
    """Takes what is new of each source into its dataset."""

    def __init__(
        self, rows: Rows, tables: Tables, audit: Audit, clock: Clock, *, archive: Records, contracts: Sequence[Contract]
    ) -> None:
        self._rows = rows
        self._tables = tables
        self._audit = audit
        self._clock = clock
        self._archive = archive
        self._contracts = contracts

    def update(self, contract: Contract, actor: Actor) -> DatasetOutcome | None:
        """Take new packages of one source, or return None where there are none.

        A long backlog of a delta source is taken in portions of `PORTION_ROWS`: call again until None.
        """
        known = self._source(contract)
        fresh = known is None or known.contract != contract.digest
        after = -1 if known is None or fresh else int(known.entry)
        packages = _portion(contract, self._archive.since(contract.source, after))
        if not packages:
            return None
        if known is not None and known.writing:
            self._undo(contract, known.writing)
        deliveries = [Delivery(package) for package in packages]
        current = None if fresh else self._current(contract)
        chosen = self._choose(contract, deliveries, current)
        self._announce(contract, [each.package.ref for each in chosen], -1 if known is None else int(known.entry))
        version = self._write(contract, chosen, deliveries, whole=fresh) if chosen else None
        return self._settle(contract, deliveries, version, actor)

    def _source(self, contract: Contract) -> Any:  # noqa: ANN401 - a row
        with self._rows.read() as connection:
            found = select(dataset_sources).where(dataset_sources.c.source == contract.source)
            return connection.execute(found).first()

    def _current(self, contract: Contract) -> Any:  # noqa: ANN401 - a row
        ours = select(dataset_packages).where(
            dataset_packages.c.source == contract.source, dataset_packages.c.state == "in"
        )
        with self._rows.read() as connection:
            return connection.execute(ours.order_by(dataset_packages.c.entry.desc())).first()

    def _undo(self, contract: Contract, refs: Iterable[str]) -> None:
        """Take out what an interrupted run may have written; a full snapshot is replaced anyway."""
        if contract.snapshot == "delta":
            for ref in refs:
                self._take_out(contract.dataset, ref)
                self._take_out(QUARANTINE + contract.dataset, ref)

    def _take_out(self, table: str, ref: str) -> int | None:
        if self._tables.version(table) is None:
            return None
        held = self._tables.read(table)
        there = self._tables.arrow(held.filter(held["_package"] == ref).limit(1))
        if not there.num_rows:
            return None
        return self._tables.write(table, there.slice(0, 0), "append", replace=("_package", ref))

    def _choose(self, contract: Contract, deliveries: list[Delivery], current: Any) -> list[Delivery]:  # noqa: ANN401
        """Read headers and settle which deliveries go into the dataset; the others get their state."""
        latest = {each.package.id: each.package.version for each in deliveries}
        for each in deliveries:
            if latest[each.package.id] != each.package.version:
                each.state = "superseded"
        open_ = [each for each in deliveries if each.state == "in"]
        if contract.snapshot == "delta":
            return [each for each in open_ if self._readable(contract, each)]
        open_.sort(key=lambda each: (each.package.event_time, each.package.entry), reverse=True)
        chosen: list[Delivery] = []
        for each in open_:
            if chosen or _outdated(each.package, current):
                each.state = "superseded"
            elif self._readable(contract, each):
                chosen.append(each)
        return chosen

    def _readable(self, contract: Contract, delivery: Delivery) -> bool:
        """Open a delivery; where its header stops it, it is refused whole with the reason."""
        try:
            delivery.sealed = self._archive.table_of(delivery.package.ref)
        except NotFoundError:
            delivery.state = "refused"
            delivery.told(0, "", "", "unsealed", reason("unsealed", ""))
            return False
        delivery.header = read_header(contract, delivery.sealed.table.column_names)
        if delivery.header.stops:
            delivery.state = "refused"
            delivery.quarantined = delivery.sealed.table.num_rows + len(delivery.sealed.bad)
            for code, said in delivery.header.stops:
                delivery.told(0, "", "", code, said)
            delivery.sealed = None
            return False
        return True

    def _announce(self, contract: Contract, refs: list[str], entry: int) -> None:
        values = {
            "source": contract.source,
            "dataset": contract.dataset,
            "snapshot": contract.snapshot,
            "contract": "",
            "entry": entry,
            "writing": refs,
        }
        with self._rows.begin() as connection:
            insert_new(connection, dataset_sources, [values])
            ours = update(dataset_sources).where(dataset_sources.c.source == contract.source)
            connection.execute(ours.values(writing=refs))

    def _write(self, contract: Contract, chosen: list[Delivery], deliveries: list[Delivery], *, whole: bool) -> int:
        import pyarrow as pa

        from chengyi.integrate.loads import schema_of

        if contract.snapshot == "delta" and not whole:
            for ref in self._corrected(contract, chosen):
                self._take_out(contract.dataset, ref)
                self._take_out(QUARANTINE + contract.dataset, ref)
        loads = list(_loads(contract, chosen))
        schema = schema_of(contract)
        stream = (batch for load in loads for batch in load.batches(self._tables))
        rows = pa.RecordBatchReader.from_batches(schema, stream)
        replaces = whole or contract.snapshot == "full"
        version = self._put(contract, contract.dataset, rows, replaces=replaces)
        self._set_aside(contract, chosen, loads, replaces=replaces)
        return version

    def _put(self, contract: Contract, table: str, rows: "pa.RecordBatchReader", *, replaces: bool) -> int:
        if not replaces:
            return self._tables.write(table, rows)
        if self._shared(contract):
            return self._tables.write(table, rows, replace=("_source", contract.source))
        return self._tables.write(table, rows, "overwrite")

    def _shared(self, contract: Contract) -> bool:
        """Tell whether other sources feed the same dataset."""
        others = select(dataset_sources.c.source).where(
            dataset_sources.c.dataset == contract.dataset, dataset_sources.c.source != contract.source
        )
        with self._rows.read() as connection:
            return connection.execute(others).first() is not None

    def _corrected(self, contract: Contract, chosen: list[Delivery]) -> list[str]:
        """Return the packages in the dataset of which a later version has come."""
        ids = {each.package.id for each in chosen}
        ours = select(dataset_packages.c.package).where(
            dataset_packages.c.source == contract.source, dataset_packages.c.state == "in"
        )
        with self._rows.read() as connection:
            return [ref for ref in connection.execute(ours).scalars() if ref.rpartition("@")[0] in ids]

    def _set_aside(self, contract: Contract, chosen: list[Delivery], loads: "list[Load]", *, replaces: bool) -> None:
        """Count and list every fault, and lay the rows that wait into the quarantine table."""
        import pyarrow as pa

        table = QUARANTINE + contract.dataset
        by_ref = {each.package.ref: each for each in chosen}
        for load in loads:
            for ref, good in load.good.items():
                by_ref[ref].rows = good
        batches = waiting(contract, by_ref, loads)
        first = next(batches, None)
        if first is None and (not replaces or self._tables.version(table) is None):
            return
        stream = _chained(first, batches)
        self._put(contract, table, pa.RecordBatchReader.from_batches(quarantine_schema(), stream), replaces=replaces)

    def _settle(
        self, contract: Contract, deliveries: list[Delivery], version: int | None, actor: Actor
    ) -> DatasetOutcome:
        """Witness the run and record what became of each package, in one transaction."""
        outcome = outcome_of(contract, deliveries, version)
        refs = [each.package.ref for each in deliveries if each.state == "in"]
        detail = {
            "source": contract.source,
            "version": version,
            "packages": refs[:200],
            "count": len(refs),
            "refused": [each.package.ref for each in deliveries if each.state == "refused"][:200],
            "rows": outcome.rows,
            "quarantined": outcome.quarantined,
            "contract": contract.digest,
        }
        self._audit.record(Act(ActKind.STANDARDISED, actor.id, f"dataset:{contract.dataset}", detail))
        with self._rows.begin() as connection:
            self._supersede(connection, contract, deliveries)
            refs = [each.package.ref for each in deliveries]
            connection.execute(delete(row_faults).where(row_faults.c.package.in_(refs)))
            upsert(connection, dataset_packages, [package_row(contract, each) for each in deliveries])
            for each in deliveries:
                insert_new(connection, row_faults, [{**fault, "dataset": contract.dataset} for fault in each.listed])
            values = {"entry": max(each.package.entry for each in deliveries), "contract": contract.digest}
            ours = update(dataset_sources).where(dataset_sources.c.source == contract.source)
            connection.execute(ours.values(writing=None, dataset=contract.dataset, **values))
            if version is not None:
                upsert(connection, datasets, [self._dataset_row(contract, version)])
        return outcome

    def _supersede(self, connection: Any, contract: Contract, deliveries: list[Delivery]) -> None:  # noqa: ANN401
        """Mark the packages that gave way, and forget the list of their faults (their rows stay archived)."""
        ours = (dataset_packages.c.source == contract.source) & (dataset_packages.c.state != "superseded")
        held = connection.execute(select(dataset_packages.c.package).where(ours)).scalars().all()
        taken = [each for each in deliveries if each.state == "in"]
        ids = {each.package.id for each in taken}
        every = contract.snapshot == "full" and bool(taken)
        gone = [ref for ref in held if every or ref.rpartition("@")[0] in ids]
        for start in range(0, len(gone), 500):
            part = gone[start : start + 500]
            marked = update(dataset_packages).where(dataset_packages.c.package.in_(part))
            connection.execute(marked.values(state="superseded"))
            connection.execute(delete(row_faults).where(row_faults.c.package.in_(part)))

    def _dataset_row(self, contract: Contract, version: int) -> dict[str, Any]:
        feeding = [each for each in self._contracts if each.dataset == contract.dataset]
        fields = {column.element.id: column.element.field() for each in feeding for column in each.columns}
        return {
            "name": contract.dataset,
            "title": [feeding[0].title.zh, feeding[0].title.en],
            "department": "、".join(dict.fromkeys(each.department for each in feeding)),
            "sharing": strictest(each.sharing for each in feeding).value,
            "fields": [[f.name, f.title.zh, f.title.en, f.type, f.sensitivity.value, f.unit] for f in fields.values()],
            "entities": sorted({entity.kind.value for each in feeding for entity in each.entities}),
            "version": version,
            "updated_at": self._clock.now(),
        }


def _portion(contract: Contract, packages: list[Package]) -> list[Package]:
    if contract.snapshot == "full":
        return packages
    total = 0
    for place, each in enumerate(packages):
        total += each.seal.rows if each.seal is not None else 0
        if place and total > PORTION_ROWS:
            return packages[:place]
    return packages


def _outdated(package: Package, current: Any) -> bool:  # noqa: ANN401 - a row
    if current is None or current.package.rpartition("@")[0] == package.id:
        return False
    return bool((package.event_time, package.entry) < (current.event_time, current.entry))


def _loads(contract: Contract, chosen: list[Delivery]) -> "Iterator[Load]":
    """Group deliveries with the same header, so that many small ones make one scan."""
    from chengyi.integrate.loads import Load

    group: list[Delivery] = []
    for each in chosen:
        if group and (group[0].names != each.names or _rows_in([*group, each]) > LOAD_ROWS):
            yield _load(Load, contract, group)
            group = []
        group.append(each)
    if group:
        yield _load(Load, contract, group)


def _load(kind: "type[Load]", contract: Contract, group: list[Delivery]) -> "Load":
    header = group[0].header or read_header(contract, group[0].names)
    sealed = [each.sealed for each in group if each.sealed is not None]
    return kind(Standard(contract, header), [each.package.ref for each in group], sealed)


def _rows_in(group: list[Delivery]) -> int:
    return sum(each.sealed.table.num_rows for each in group if each.sealed is not None)


def _chained(first: "pa.RecordBatch | None", rest: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
    if first is not None:
        yield first
    yield from rest
