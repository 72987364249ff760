"""What collection tells: outcomes of a run, the trial of a source, and the account of what was received."""

from dataclasses import dataclass

from chengyi.model.errors import ChengyiError
from chengyi.model.text import Text


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """What one run did with one source, in deliveries.

    `skipped` counts what was not taken this time, each with a note, and with its fault where there was one; `error` is
    what stopped the source.
    """

    source: str
    new: int = 0
    unchanged: int = 0
    changed: int = 0
    quarantined: int = 0
    skipped: int = 0
    error: ChengyiError | None = None
    notes: tuple[Text, ...] = ()
    faults: tuple[ChengyiError, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectReport:
    """What one run did, source by source."""

    sources: tuple[SourceOutcome, ...]

    @property
    def new(self) -> int:
        """Return how many deliveries entered: new ones, new versions, and those set aside."""
        return sum(each.new + each.changed + each.quarantined for each in self.sources)

    @property
    def errors(self) -> tuple[ChengyiError, ...]:
        """Return what stopped sources."""
        return tuple(each.error for each in self.sources if each.error is not None)

    @property
    def faults(self) -> tuple[ChengyiError, ...]:
        """Return why single deliveries were not taken this time."""
        return tuple(fault for each in self.sources for fault in each.faults)


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """A trial of a source that takes nothing: what is there, and how the first table would be read."""

    source: str
    reachable: bool
    deliveries: int = 0
    names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    good: int = 0
    bad: int = 0
    notes: tuple[Text, ...] = ()
    error: ChengyiError | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Submissions of one state: their number, their plain bytes, one digest over the sorted digests of their files."""

    count: int
    bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Account:
    """Every byte accounted for: received = archived + quarantined (+ what still waits for the archive)."""

    source: str
    received: Tally
    archived: Tally
    quarantined: Tally
    pending: Tally
    refused: int
    balanced: bool
