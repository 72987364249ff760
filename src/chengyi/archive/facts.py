"""What is known about one submission when it is judged: values only, so that the rules stay pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chengyi.archive.formats import Format
from chengyi.model.submission import Component
from chengyi.model.text import Text


class ReadState(StrEnum):
    """How far a reader of ours came with a file."""

    READ = "read"
    PARTLY = "partly"
    UNREADABLE = "unreadable"
    NO_READER = "no_reader"


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a file gave: how far it came, what was found, and how many rows if it is a table."""

    state: ReadState
    finding: Text
    rows: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One component, and what its stored bytes turned out to be.

    `fault` says why the stored bytes could not be read back at all; then the other facts are empty.
    """

    component: Component
    sha256: str
    sha512: str
    size: int
    format: Format
    reading: Reading
    fault: Text | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One submission, as it is judged.

    `digest` is the submission digest as declared, `computed` the one over the stored bytes. `code` is empty until a
    number is taken; `holders` counts other units that bear the same code. `signed` tells whether a signature, seal or
    timestamp came along; `scanner` names an attached virus scanner.
    """

    title: str
    fonds: str
    record_class: str
    retention: str
    sharing: str
    department: str
    event_time: datetime
    captured_at: datetime
    digest: str
    computed: str
    files: tuple[FileFacts, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    declared_size: int = 0
    declared_count: int = 0
    code: str = ""
    holders: int = 0
    signed: bool = False
    scanner: str = ""
