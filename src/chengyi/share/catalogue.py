"""The catalogue: what may be asked for, on which terms.

Rules: an entry follows its dataset, so that nothing is offered that is not there; each new version is on record; what
the catalogue names is the version that is shared, even while the data centre is already working on the next.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, select

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json
from chengyi.model.codes import Sensitivity, SharingClass
from chengyi.model.dataset import Dataset, Field
from chengyi.model.errors import NotFoundError
from chengyi.model.grant import CatalogueEntry
from chengyi.model.text import Text
from chengyi.share import rows as tables
from chengyi.share.rules import offered
from chengyi.store.rows import Rows, upsert
from chengyi.trust.ports import Audit


class Catalogue:
    """The published entries, kept in rows."""

    def __init__(self, rows: Rows, audit: Audit) -> None:
        self._rows = rows
        self._audit = audit

    def publish(self, datasets: list[Dataset], actor: str) -> int:
        """Bring the entries up to date with the datasets; return how many changed."""
        known = {each.name: each for each in self.datasets()}
        changed = [each for each in datasets if known.get(each.name) != _published(each)]
        gone = set(known) - {each.name for each in datasets}
        if not changed and not gone:
            return 0
        entries = self._audit.record_all(
            [_act(each, actor) for each in changed] + [_withdrawal(name, actor) for name in sorted(gone)]
        )
        with self._rows.begin() as connection:
            upsert(connection, tables.catalogue, [_row(*pair) for pair in zip(changed, entries, strict=False)])
            connection.execute(delete(tables.catalogue).where(tables.catalogue.c.dataset.in_(gone)))
        return len(changed) + len(gone)

    def datasets(self) -> list[Dataset]:
        """List the datasets as they were published, by name."""
        with self._rows.read() as connection:
            return _datasets(connection)

    def dataset(self, name: str) -> Dataset:
        """Return one published dataset; NotFoundError."""
        for each in self.datasets():
            if each.name == name:
                return each
        raise NotFoundError(kind="数据集 dataset", id=name)

    def entry(self, name: str) -> CatalogueEntry:
        """Return one entry; NotFoundError."""
        return offered(self.dataset(name))


def matches(entry: CatalogueEntry, query: str) -> bool:
    """Tell whether every word of a query is in the entry's names, department or fields."""
    fields = (part for each in entry.fields for part in (each.name, each.title.zh, each.title.en))
    text = " ".join([entry.dataset, entry.title.zh, entry.title.en, entry.department, *fields]).casefold()
    return all(word in text for word in query.casefold().split())


def _published(dataset: Dataset) -> Dataset:
    return replace(dataset, entities=())


def _act(dataset: Dataset, actor: str) -> Act:
    detail: dict[str, Json] = {
        "version": dataset.version,
        "rows": dataset.rows,
        "sharing": dataset.sharing.value,
        "fields": [field.name for field in dataset.fields],
    }
    return Act(ActKind.CATALOGUED, actor, f"dataset:{dataset.name}", detail)


def _withdrawal(name: str, actor: str) -> Act:
    return Act(ActKind.CATALOGUED, actor, f"dataset:{name}", {"withdrawn": True})


def _row(dataset: Dataset, entry: int) -> dict[str, Any]:
    return {
        "dataset": dataset.name,
        "title": {"zh": dataset.title.zh, "en": dataset.title.en},
        "department": dataset.department,
        "sharing": dataset.sharing.value,
        "fields": [
            [each.name, each.title.zh, each.title.en, each.type, each.sensitivity.value, each.unit]
            for each in dataset.fields
        ],
        "packages": list(dataset.packages),
        "sources": list(dataset.sources),
        "rows": dataset.rows,
        "quarantined": dataset.quarantined,
        "version": dataset.version,
        "updated_at": dataset.updated_at,
        "entry": entry,
    }


def _datasets(connection: Connection) -> list[Dataset]:
    found = connection.execute(select(tables.catalogue).order_by(tables.catalogue.c.dataset)).mappings()
    return [_dataset(dict(row)) for row in found]


def _dataset(row: Mapping[str, Any]) -> Dataset:
    return Dataset(
        name=row["dataset"],
        title=Text(**row["title"]),
        department=row["department"],
        sharing=SharingClass(row["sharing"]),
        fields=tuple(_field(values) for values in row["fields"]),
        version=row["version"],
        rows=row["rows"],
        quarantined=row["quarantined"],
        updated_at=row["updated_at"],
        packages=tuple(row["packages"]),
        sources=tuple(row["sources"]),
    )


def _field(values: list[str]) -> Field:
    name, zh, en, kind, sensitivity, unit = values
    return Field(name, Text(zh, en), kind, Sensitivity(sensitivity), unit)
