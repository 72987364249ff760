"""What sharing needs of the rooms before it, and the ports of trust that it hands on to the brain."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from chengyi.model.actor import Actor
from chengyi.model.dataset import Dataset
from chengyi.model.evidence import Completeness
from chengyi.model.package import Package
from chengyi.store.ports import Tables

if TYPE_CHECKING:
    import ibis

Gaps = Callable[[str], Completeness]
"""Tells how complete a source is: what it declared, what came, which deliveries are missing."""


class Datasets(Protocol):
    """The data centre, as sharing uses it; `chengyi.integrate` keeps it."""

    @property
    def tables(self) -> Tables:
        """Return the engine."""
        ...

    def datasets(self) -> list[Dataset]:
        """List all datasets, each at its latest version."""
        ...

    def table(self, name: str, version: int | None = None) -> "ibis.Table":
        """Return a dataset's rows, with their evidence columns."""
        ...


class RowProof(Protocol):
    """The proof that a row stands in an archived package."""

    @property
    def row(self) -> int:
        """Return the row's number, from 1."""
        ...

    @property
    def leaf(self) -> bytes:
        """Return the row's leaf hash."""
        ...

    @property
    def hashes(self) -> Sequence[bytes]:
        """Return the audit path."""
        ...

    @property
    def root(self) -> bytes:
        """Return the root over all rows of the package."""
        ...

    @property
    def rows(self) -> int:
        """Return the number of rows under the root."""
        ...


class Records(Protocol):
    """The archive, as sharing uses it; `chengyi.archive` keeps it."""

    def package(self, ref: str, actor: Actor) -> Package:
        """Return a package; NotFoundError."""
        ...

    def row_proofs(self, ref: str, rows: Sequence[int]) -> Sequence[RowProof]:
        """Return the proofs of some rows of a package, in the order asked for."""
        ...
