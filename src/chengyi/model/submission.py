"""What a source handed over, byte for byte."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SubmissionState(StrEnum):
    """Where a submission stands: waiting for the archive, kept by it, or set aside with a reason."""

    RECEIVED = "received"
    ARCHIVED = "archived"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Component:
    """One file of a submission or package.

    `path` is relative, with forward slashes, NFC, and never climbs out; `object` names the vault
    object that holds the bytes; `sha256` and `size` are of the plain bytes.
    """

    path: str
    size: int
    sha256: str
    media_type: str
    object: str


@dataclass(frozen=True, slots=True)
class Submission:
    """One delivery of one source.

    `sequence` is the source's own name for the delivery (a file name, a batch number); together with
    `digest` it tells a repeat from a change. `prior` names the submission that this one corrects.
    """

    id: str
    source: str
    sequence: str
    digest: str
    components: tuple[Component, ...]
    event_time: datetime
    captured_at: datetime
    prior: str | None = None
    state: SubmissionState = SubmissionState.RECEIVED
    reason: str = ""

    @property
    def size(self) -> int:
        """Return the number of bytes handed over."""
        return sum(component.size for component in self.components)


def submission_digest(components: tuple[Component, ...]) -> str:
    """Return one SHA-256 over the paths and digests of all components, in path order."""
    whole = hashlib.sha256()
    for component in sorted(components, key=lambda each: each.path):
        whole.update(f"{component.sha256}  {component.path}\n".encode())
    return whole.hexdigest()


def submission_id(source: str, sequence: str, digest: str) -> str:
    """Return the identifier of a delivery: the same delivery always has the same one."""
    return "sub-" + hashlib.sha256(f"{source}\0{sequence}\0{digest}".encode()).hexdigest()[:24]
