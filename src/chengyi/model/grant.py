"""Who may see which fields of what, for which purpose, until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from chengyi.model.codes import SharingClass
from chengyi.model.dataset import Field
from chengyi.model.evidence import Completeness
from chengyi.model.text import Text

if TYPE_CHECKING:
    import pyarrow as pa


class RequestState(StrEnum):
    """Where a request for sharing stands."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One dataset as it is offered: its fields, sharing class and conditions."""

    dataset: str
    title: Text
    department: str
    sharing: SharingClass
    conditions: Text
    fields: tuple[Field, ...]
    rows: int
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Purpose:
    """What for: a purpose in words, its legal basis, and the case it serves."""

    text: str
    legal_basis: str
    case: str


@dataclass(frozen=True, slots=True)
class Request:
    """A department's request to use fields of a dataset; `due` is when an answer is owed."""

    id: str
    dataset: str
    fields: tuple[str, ...]
    requester: str
    department: str
    purpose: Purpose
    requested_at: datetime
    due: datetime
    state: RequestState = RequestState.OPEN
    reason: str = ""
    grant: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A signed permission: these fields, these rows, this purpose, until then; never passed on.

    `where` is a row filter as field -> allowed values; empty means every row. `clear` names the fields that are
    shown unmasked; the other granted fields are masked by sensitivity.
    """

    id: str
    dataset: str
    fields: tuple[str, ...]
    clear: tuple[str, ...]
    where: tuple[tuple[str, tuple[str, ...]], ...]
    grantor: str
    grantee: str
    department: str
    purpose: Purpose
    not_before: datetime
    expires: datetime
    entry: int
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What the grantee gets: masked rows with evidence columns, completeness, and a ledger entry."""

    grant: str
    dataset: str
    version: int
    rows: "pa.Table"
    masked: tuple[str, ...]
    completeness: Completeness
    entry: int
