"""The integrate room: one standard for all sources, and one file for each person, household and organisation.

Keeps promise 1 (only archived packages are read), promise 5 (each row and fact carries its evidence), promise 6 (what
waits is counted) and promise 8 (bad input loses nothing). Rules: one bad source never stops the others; a run with
nothing new changes nothing.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, func, select

from chengyi.integrate import linking
from chengyi.integrate.contract_checks import contract_of
from chengyi.integrate.contracts import Contract
from chengyi.integrate.datasets import DatasetMaker
from chengyi.integrate.linking import Linker
from chengyi.integrate.ports import ContractedSource, Records
from chengyi.integrate.reading import DossierEvent, DossierHead, DossierReader
from chengyi.integrate.report import DatasetOutcome, IntegrateReport, LinkReport
from chengyi.integrate.rows import dataset_packages, datasets, row_faults
from chengyi.integrate.rules import QUARANTINE
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor, Permission
from chengyi.model.clock import Clock
from chengyi.model.codes import Sensitivity, SharingClass
from chengyi.model.dataset import Dataset, Field, RowFault
from chengyi.model.dossier import Dossier
from chengyi.model.errors import ChengyiError, NotFoundError
from chengyi.model.evidence import Evidence
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text
from chengyi.store.ports import Tables
from chengyi.store.rows import Rows
from chengyi.trust.ports import Audit, Keys

if TYPE_CHECKING:
    import ibis

__all__ = ["DossierHead", "Integrate", "IntegrateReport", "LinkReport"]


class Integrate:
    """The facade of the integrate room."""

    def __init__(  # noqa: PLR0917 - one port a parameter
        self,
        rows: Rows,
        tables: Tables,
        keys: Keys,
        audit: Audit,
        clock: Clock,
        archive: Records,
        sources: Sequence[ContractedSource],
    ) -> None:
        self.tables = tables
        self._rows = rows
        self._keys = keys
        self._audit = audit
        self._clock = clock
        self._archive = archive
        self._sources = tuple(sources)

    @cached_property
    def contracts(self) -> tuple[Contract, ...]:
        """The checked contracts of all sources that have one; ConfigError names the file and the key."""
        found = (contract_of(source) for source in self._sources)
        return tuple(contract for contract in found if contract is not None)

    def update(self, actor: Actor, reporter: Reporter) -> IntegrateReport:
        """Take every archived package not yet taken into its dataset; safe to repeat. Raises DeniedError, ConfigError.

        What stops one source stands in the report; the others go on.
        """
        actor.require(Permission.INTEGRATE)
        maker = DatasetMaker(
            self._rows, self.tables, self._audit, self._clock, archive=self._archive, contracts=self.contracts
        )
        outcomes: list[DatasetOutcome] = []
        with reporter.step(Text("统一标准", "Bring under one standard"), len(self.contracts)) as step:
            for contract in self.contracts:
                try:
                    while (outcome := maker.update(contract, actor)) is not None:
                        outcomes.append(outcome)
                except ChengyiError as fault:
                    outcomes.append(DatasetOutcome(contract.dataset, contract.source, error=fault))
                    step.note(Text(fault.message("zh"), fault.message("en")))
                step.advance()
        return IntegrateReport(tuple(outcomes))

    def link(self, actor: Actor, reporter: Reporter) -> LinkReport:
        """Link all rows into dossiers; nothing is done where the datasets are as before. DeniedError."""
        actor.require(Permission.INTEGRATE)
        linker = Linker(self._rows, self.tables, self._keys, self._audit, self._clock, contracts=self.contracts)
        return linker.link(actor, reporter)

    def datasets(self, actor: Actor | None = None) -> list[Dataset]:
        """List the datasets by name, each at its latest version; DeniedError."""
        if actor is not None:
            actor.require(Permission.SEE_DATASETS)
        with self._rows.read() as connection:
            return _datasets(connection, select(datasets).order_by(datasets.c.name))

    def dataset(self, name: str) -> Dataset:
        """Return one dataset; NotFoundError."""
        with self._rows.read() as connection:
            found = _datasets(connection, select(datasets).where(datasets.c.name == name))
        if not found:
            raise NotFoundError(kind="数据集 dataset", id=name)
        return found[0]

    def table(self, name: str, version: int | None = None) -> "ibis.Table":
        """Return a dataset's rows with their evidence columns, at the version on record or another; NotFoundError."""
        known = self.dataset(name)
        return self.tables.read(name, known.version if version is None else version)

    def quarantine(self, name: str) -> "ibis.Table | None":
        """Return the rows of a dataset that wait: evidence columns, `codes`, `reasons`, `cells` (JSON), or None."""
        self.dataset(name)
        table = QUARANTINE + name
        return None if self.tables.version(table) is None else self.tables.read(table)

    def faults(self, dataset: str = "", package: str = "", limit: int = 100, offset: int = 0) -> list[RowFault]:
        """List what is wrong with rows, in the order of packages and rows (at most 10,000 of each package)."""
        wanted = select(row_faults)
        wanted = wanted.where(row_faults.c.dataset == dataset) if dataset else wanted
        wanted = wanted.where(row_faults.c.package == package) if package else wanted
        ordered = wanted.order_by(row_faults.c.package, row_faults.c.row, row_faults.c.place)
        with self._rows.read() as connection:
            return [
                RowFault(f.dataset, f.package, f.row, f.column, f.value, f.code, Text(f.zh, f.en))
                for f in connection.execute(ordered.limit(limit).offset(offset))
            ]

    def fault_counts(self) -> dict[str, int]:
        """Return how many faults each dataset's present packages have, listed or not."""
        counted = (
            select(dataset_packages.c.dataset, func.sum(dataset_packages.c.faults))
            .where(dataset_packages.c.state != "superseded")
            .group_by(dataset_packages.c.dataset)
        )
        with self._rows.read() as connection:
            return {name: int(count) for name, count in connection.execute(counted)}

    def drift(self, dataset: str = "", package: str = "") -> dict[str, tuple[Text, ...]]:
        """Return, by package, how the delivered columns differ from the contract."""
        wanted = select(dataset_packages).where(dataset_packages.c.state != "superseded")
        wanted = wanted.where(dataset_packages.c.dataset == dataset) if dataset else wanted
        wanted = wanted.where(dataset_packages.c.package == package) if package else wanted
        with self._rows.read() as connection:
            found = connection.execute(wanted.order_by(dataset_packages.c.entry)).all()
        return {each.package: tuple(Text(*words) for words in each.drift) for each in found if each.drift}

    def dossiers(self, query: str, actor: Actor, limit: int = 50, offset: int = 0) -> list[DossierHead]:
        """List dossiers by part of their label, id or exact number; DeniedError."""
        actor.require(Permission.SEE_DOSSIERS)
        return self._reader.find(query, limit, offset)

    def dossier(self, id: str, actor: Actor) -> Dossier:
        """Return a dossier with its facts side by side, and put on record who read it; DeniedError, NotFoundError."""
        actor.require(Permission.SEE_DOSSIERS)
        found = self._reader.read(id)
        self._audit.record(Act(ActKind.READ, actor.id, f"dossier:{found.id}", {"members": len(found.members)}))
        return found

    def dossier_of(self, dataset: str, evidence: Evidence) -> list[str]:
        """Return the ids of the dossiers that a dataset row belongs to."""
        return self._reader.of_row(dataset, evidence)

    def dossier_events(self, id: str, actor: Actor) -> list[DossierEvent]:
        """Return the merges, splits and retirements of a dossier, oldest first; DeniedError."""
        actor.require(Permission.SEE_DOSSIERS)
        return self._reader.events(id)

    def counts(self) -> dict[str, int]:
        """Return how much there is: datasets, rows, rows that wait, rows at fault, dossiers by kind."""
        totals = select(
            func.coalesce(func.sum(dataset_packages.c.rows), 0),
            func.coalesce(func.sum(dataset_packages.c.quarantined), 0),
            func.coalesce(func.sum(dataset_packages.c.noted), 0),
        ).where(dataset_packages.c.state != "superseded")
        with self._rows.read() as connection:
            rows, quarantined, noted = (int(each) for each in connection.execute(totals).one())
            number = int(connection.execute(select(func.count()).select_from(datasets)).scalar_one())
            kinds = linking.counts(connection)
        return {
            "datasets": number,
            "rows": rows,
            "quarantined": quarantined,
            "noted": noted,
            "faults": quarantined + noted,
            "dossiers": sum(kinds.values()),
            "persons": kinds.get("person", 0),
            "households": kinds.get("household", 0),
            "organisations": kinds.get("organisation", 0),
        }

    @cached_property
    def _reader(self) -> DossierReader:
        return DossierReader(self._rows, self.tables, self._keys, self.contracts)


def _datasets(connection: Connection, wanted: Select[Any]) -> list[Dataset]:
    found = connection.execute(wanted).all()
    names = [each.name for each in found]
    ours = select(dataset_packages).where(
        dataset_packages.c.dataset.in_(names), dataset_packages.c.state != "superseded"
    )
    packages: dict[str, list[Any]] = {name: [] for name in names}
    for each in connection.execute(ours.order_by(dataset_packages.c.entry)):
        packages[each.dataset].append(each)
    return [_dataset(each, packages[each.name]) for each in found]


def _dataset(row: Any, packages: Sequence[Any]) -> Dataset:  # noqa: ANN401 - rows
    return Dataset(
        row.name,
        Text(*row.title),
        row.department,
        SharingClass(row.sharing),
        tuple(Field(f[0], Text(f[1], f[2]), f[3], Sensitivity(f[4]), f[5]) for f in row.fields),
        row.version,
        sum(each.rows for each in packages),
        sum(each.quarantined for each in packages),
        row.updated_at,
        tuple(each.package for each in packages if each.state == "in"),
        tuple(dict.fromkeys(each.source for each in packages)),
        tuple(row.entities),
    )
