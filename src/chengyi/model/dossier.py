"""One person, household, organisation or place, with every fact beside its evidence."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chengyi.model.evidence import Evidence
from chengyi.model.text import Text


class EntityKind(StrEnum):
    """What a dossier is about."""

    PERSON = "person"
    HOUSEHOLD = "household"
    ORGANISATION = "organisation"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Member:
    """One row that belongs to a dossier, with the probability of the link and the reasons for it."""

    dataset: str
    evidence: Evidence
    probability: float
    reasons: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of one data element, and the row that says so."""

    field: str
    title: Text
    value: str
    dataset: str
    department: str
    evidence: Evidence
    event_time: datetime | None
    preferred: bool


@dataclass(frozen=True, slots=True)
class Dossier:
    """A linked file: members, facts grouped by field, and the fields on which sources disagree."""

    id: str
    kind: EntityKind
    label: str
    members: tuple[Member, ...]
    facts: tuple[Fact, ...]
    conflicts: tuple[str, ...]
    weakest: float
