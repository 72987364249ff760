"""What the brain makes: figures, alerts, orders, answers, decisions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from chengyi.model.evidence import Completeness, Evidence
from chengyi.model.text import Text


class App(StrEnum):
    """The three applications of the brain."""

    LIVELIHOOD = "livelihood"
    TRAFFIC = "traffic"
    GOVERNANCE = "governance"


@dataclass(frozen=True, slots=True)
class Need:
    """What an indicator or rule needs to see: a dataset and its fields."""

    dataset: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indicator:
    """A declared, versioned definition of a figure.

    `rule` states the definition in words that a citizen can read; the program that computes it is the function
    registered under `id` and `version`, and a changed program must carry a new version.
    """

    id: str
    version: int
    app: App
    title: Text
    rule: Text
    unit: Text
    needs: tuple[Need, ...]
    purpose: Text
    legal_basis: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One computed value of one indicator, for one group, with the rows behind it.

    `value` is a decimal in text, so that it has a canonical form; it is empty where nothing could be
    counted, and `completeness.missing` then says why. `evidence` counts the rows that were
    counted; `root` is the Merkle root over their evidence, in order.
    """

    id: str
    indicator: str
    version: int
    group: str
    value: str
    computed_at: datetime
    evidence: int
    root: str
    completeness: Completeness
    entry: int


class Severity(StrEnum):
    """How urgent an alert is."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertState(StrEnum):
    """Where an alert stands in its handling."""

    RAISED = "raised"
    ORDERED = "ordered"
    ANSWERED = "answered"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that people should look at: a rule that fired, its reasons, and the rows behind it."""

    id: str
    app: App
    rule: str
    version: int
    subject: str
    title: Text
    reasons: tuple[Text, ...]
    severity: Severity
    state: AlertState
    raised_at: datetime
    figure: str | None
    evidence: tuple[Evidence, ...]
    entry: int


@dataclass(frozen=True, slots=True)
class Order:
    """A task that an operator gives to a department because of an alert, with a date to answer by."""

    id: str
    alert: str
    department: str
    task: str
    issued_by: str
    issued_at: datetime
    due: datetime
    entry: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the department did and found."""

    id: str
    order: str
    text: str
    answered_by: str
    answered_at: datetime
    entry: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided, on which ground; filed back into the archive as `package` once kept."""

    id: str
    alert: str
    outcome: str
    ground: str
    decided_by: str
    decided_at: datetime
    entry: int
    submission: str


class Filing(Protocol):
    """The port by which the brain hands its own records to collection, so that the loop closes."""

    def file(self, sequence: str, record: bytes, event_time: datetime) -> str:
        """File canonical JSON bytes as a delivery of the node's own source; return the submission id."""
        ...
