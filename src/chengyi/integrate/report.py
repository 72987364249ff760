"""What integration tells: what became of each source's deliveries, and what a linkage run changed."""

from dataclasses import dataclass

from chengyi.model.errors import ChengyiError
from chengyi.model.text import Text


@dataclass(frozen=True, slots=True)
class DatasetOutcome:
    """What one run did with one source.

    `packages` counts the new deliveries; of them `refused` were set aside whole and `superseded` came too late.
    `rows` went on, `quarantined` wait, `noted` went on without one of their values. `error` is what stopped the source.
    """

    dataset: str
    source: str
    version: int | None = None
    packages: int = 0
    refused: int = 0
    superseded: int = 0
    rows: int = 0
    quarantined: int = 0
    noted: int = 0
    drift: tuple[Text, ...] = ()
    error: ChengyiError | None = None


@dataclass(frozen=True, slots=True)
class IntegrateReport:
    """What one run did, source by source; sources with nothing new are left out."""

    sources: tuple[DatasetOutcome, ...]

    @property
    def rows(self) -> int:
        """Return how many rows went on."""
        return sum(each.rows for each in self.sources)

    @property
    def quarantined(self) -> int:
        """Return how many rows wait."""
        return sum(each.quarantined for each in self.sources)

    @property
    def changed(self) -> tuple[str, ...]:
        """Return the datasets that have a new version."""
        return tuple(sorted({each.dataset for each in self.sources if each.version is not None}))

    @property
    def errors(self) -> tuple[ChengyiError, ...]:
        """Return what stopped sources."""
        return tuple(each.error for each in self.sources if each.error is not None)


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What one linkage run did; nothing where the datasets were as before."""

    run: int
    mentions: int = 0
    dossiers: int = 0
    opened: int = 0
    merged: int = 0
    split: int = 0
    retired: int = 0
    changed: bool = False
