"""Rows under one data-element standard, each with its evidence."""

from dataclasses import dataclass
from datetime import datetime

from chengyi.model.codes import Sensitivity, SharingClass
from chengyi.model.text import Text

EVIDENCE_COLUMNS = ("_package", "_row", "_leaf", "_source")


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a dataset: the data element it holds."""

    name: str
    title: Text
    type: str
    sensitivity: Sensitivity
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One table of the data centre, at one version.

    Every row carries `EVIDENCE_COLUMNS`: package ref (text), row (int64, from 1), leaf (32 bytes) and source id.
    `rows` + `quarantined` = rows read from the archived packages that feed it.
    """

    name: str
    title: Text
    department: str
    sharing: SharingClass
    fields: tuple[Field, ...]
    version: int
    rows: int
    quarantined: int
    updated_at: datetime
    packages: tuple[str, ...]
    sources: tuple[str, ...]
    entities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowFault:
    """One reason why one row waits in quarantine, in the sender's own column name."""

    dataset: str
    package: str
    row: int
    column: str
    value: str
    code: str
    reason: Text
