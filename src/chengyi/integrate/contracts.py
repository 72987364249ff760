"""Source contracts: which column of a sender holds which data element, what must be true, of whom a row speaks.

A contract of these values has been checked whole (`contract_checks`). The form follows the Open Data Contract
Standard in spirit: one file a source, written in TOML (docs/contracts.md explains every setting).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from chengyi.integrate.elements import Element
from chengyi.model.canonical import Json, digest
from chengyi.model.codes import SharingClass
from chengyi.model.dossier import EntityKind
from chengyi.model.text import Text

Snapshot = Literal["full", "delta"]
OnFault = Literal["row", "value"]
Rule = Literal["not_after", "in_range", "matches", "one_of", "unique"]

PERSON_ROLES = ("citizen_id", "name", "sex", "birth_date", "address", "phone", "household", "extra")
ROLES: Mapping[EntityKind, tuple[str, ...]] = MappingProxyType(
    {
        EntityKind.PERSON: PERSON_ROLES,
        EntityKind.HOUSEHOLD: ("household", "name", "address"),
        EntityKind.ORGANISATION: ("credit_code", "name", "address"),
    }
)
ROLE_ELEMENTS: Mapping[str, str] = MappingProxyType(
    {
        "citizen_id": "citizen_id",
        "name": "person_name",
        "sex": "sex",
        "birth_date": "birth_date",
        "address": "address",
        "phone": "phone",
        "household": "household_no",
        "credit_code": "credit_code",
    }
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column as its sender names it, the element it holds, and how it is read."""

    name: str
    element: Element
    required: bool
    format: str
    zone: str
    aliases: tuple[str, ...]
    empty: tuple[str, ...]
    synonyms: Mapping[str, str]
    nfkc: bool
    on_fault: OnFault


@dataclass(frozen=True, slots=True)
class RowCheck:
    """One declared condition on standardised values; a row with an empty value in it passes."""

    rule: Rule
    fields: tuple[str, ...]
    low: str | None = None
    high: str | None = None
    pattern: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntityMap:
    """One person, household or organisation that each row speaks of: role -> dataset column."""

    kind: EntityKind
    roles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contract:
    """What one source delivers into one dataset."""

    source: str
    file: str
    department: str
    sharing: SharingClass
    dataset: str
    title: Text
    snapshot: Snapshot
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    checks: tuple[RowCheck, ...]
    entities: tuple[EntityMap, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the names of the dataset's columns, in order."""
        return tuple(column.element.id for column in self.columns)

    def column(self, field: str) -> Column:
        """Return the column that holds a data element."""
        return next(column for column in self.columns if column.element.id == field)

    @property
    def digest(self) -> str:
        """Return a digest over everything in the contract that changes the rows it makes."""
        columns: list[Json] = []
        for c in self.columns:
            read: list[Json] = [c.name, c.element.id, c.element.type, c.required, c.format, c.zone, c.nfkc, c.on_fault]
            columns.append([*read, list(c.aliases), list(c.empty), dict(c.synonyms)])
        checks: list[Json] = [[c.rule, list(c.fields), c.low, c.high, c.pattern, list(c.values)] for c in self.checks]
        return digest([self.dataset, self.snapshot, list(self.key), columns, checks])
