"""What integration needs of the rooms before it: archived tables in ledger order, and sources' contracts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from chengyi.model.package import Package
from chengyi.model.text import Text

if TYPE_CHECKING:
    import pyarrow as pa


class ContractedSource(Protocol):
    """A source that declares, or does not declare, a contract; `chengyi.collect.Source` is one."""

    @property
    def id(self) -> str:
        """Return the source's id."""
        ...

    @property
    def title(self) -> Text:
        """Return what the source is called."""
        ...

    @property
    def department(self) -> str:
        """Return whose records they are."""
        ...

    @property
    def sharing(self) -> str:
        """Return on which terms they are shared (SharingClass)."""
        ...

    @property
    def contract(self) -> Mapping[str, Any]:
        """Return the contract as it stands in the source's file; empty where there is none."""
        ...


class Unread(Protocol):
    """A record that could not be read as a row."""

    @property
    def row(self) -> int:
        """Return the record's number, from 1."""
        ...

    @property
    def raw(self) -> str:
        """Return its text as it came."""
        ...

    @property
    def code(self) -> str:
        """Return the reason's code."""
        ...

    @property
    def reason(self) -> Text:
        """Return the reason."""
        ...


class LeafHashes(Protocol):
    """Leaf hashes in record order, 32 bytes each."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> bytes: ...


class Sealed(Protocol):
    """A table of an archived package: good rows, their numbers and leaves, and the records that could not be read."""

    @property
    def table(self) -> "pa.Table":
        """Return the good rows: text columns under the sender's names."""
        ...

    @property
    def rows(self) -> "pa.Array":
        """Return the number of each good row, from 1, ascending."""
        ...

    @property
    def leaves(self) -> "pa.Array":
        """Return the leaf hash of each good row, 32 bytes."""
        ...

    @property
    def bad(self) -> Sequence[Unread]:
        """Return the records that could not be read."""
        ...

    @property
    def tree(self) -> LeafHashes:
        """Return the leaves of all records in order, good and bad."""
        ...


class Records(Protocol):
    """The archive, as integration uses it; `chengyi.archive.Archive` keeps it."""

    def since(self, source: str, after_entry: int) -> list[Package]:
        """Return the packages of a source that were kept after a ledger entry, in ledger order."""
        ...

    def table_of(self, ref: str) -> Sealed:
        """Return the sealed table of a package; NotFoundError where it holds none."""
        ...
