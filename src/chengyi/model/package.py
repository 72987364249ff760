"""An archived unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chengyi.model.codes import RecordClass, Retention, SharingClass
from chengyi.model.submission import Component
from chengyi.model.text import Text


class Property(StrEnum):
    """四性: the four properties that the archive checks (DA/T 70-2018)."""

    AUTHENTICITY = "authenticity"
    INTEGRITY = "integrity"
    USABILITY = "usability"
    SECURITY = "security"


class Verdict(StrEnum):
    """The result of one check; what a program cannot judge is left to a person, never passed."""

    PASS = "pass"
    FAIL = "fail"
    MANUAL = "manual"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one item: its code, property, verdict, and what was found."""

    code: str
    property: Property
    title: Text
    verdict: Verdict
    finding: Text


@dataclass(frozen=True, slots=True)
class RowSeal:
    """The proof over the rows of a table: their number, their columns, and the Merkle root.

    `component` is the path of the table's file; `reader` is how the file was read, so that anyone can read
    it again; `rejected` counts the rows that could not be parsed (they have leaves as well).
    """

    component: str
    reader: Mapping[str, str]
    columns: tuple[str, ...]
    rows: int
    rejected: int
    root: str


@dataclass(frozen=True, slots=True)
class Package:
    """One version of an archived unit, content-addressed by the digest of its inventory.

    `id` names the unit through all versions; `ref` is ``id@version``. `entry` is the index of the
    archiving act in the ledger.
    """

    id: str
    version: int
    archival_code: str
    title: str
    source: str
    department: str
    fonds: str
    record_class: RecordClass
    retention: Retention
    sharing: SharingClass
    submission: str
    components: tuple[Component, ...]
    metadata: Mapping[str, str]
    checks: tuple[Check, ...]
    seal: RowSeal | None
    event_time: datetime
    archived_at: datetime
    inventory: str
    entry: int

    @property
    def ref(self) -> str:
        """Return the name of this version."""
        return f"{self.id}@{self.version}"
