"""The four ports of trust; every other room knows only these.

`Vault` is the only door to stored bytes, `Ledger` the witness of what was done, `Keys` the holder of
secrets, `Audit` the one way to put an act on record.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from chengyi.model.act import Act, Entry, Seat


@dataclass(frozen=True, slots=True)
class Stored:
    """What the vault keeps of an object: id, size and SHA-256 of the plain bytes, SHA-256 of the signed manifest."""

    object: str
    size: int
    sha256: str
    manifest: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement of the log's size and root (C2SP tlog-checkpoint); `note` is its exact text."""

    origin: str
    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """An offline-checkable proof that an act is in the ledger (C2SP tlog-proof, with the act itself).

    `body` is the canonical JSON of the salted act, whose SHA-256 is the log entry.
    """

    index: int
    body: bytes
    hashes: tuple[bytes, ...]
    checkpoint: Checkpoint


class Vault(Protocol):
    """The only door to stored bytes: encrypted, verified on every read, never overwritten.

    Several threads may put at once: each waits for its own bytes to be durable.
    """

    def put(self, source: BinaryIO, *, durable: bool = True) -> Stored:
        """Store all bytes of `source` durably before returning; StorageFullError leaves nothing behind.

        One that is not `durable` yet must not be named by anything before `sync` has returned.
        """
        ...

    def put_bytes(self, plain: bytes, *, durable: bool = True) -> Stored:
        """Store a small object."""
        ...

    def sync(self) -> None:
        """Make durable all that was put before, by one flush."""
        ...

    def open(self, object: str) -> BinaryIO:
        """Open the plain bytes for reading; IntegrityError where anything was changed."""
        ...

    def read(self, object: str) -> bytes:
        """Read a small object whole."""
        ...

    def manifest(self, object: str) -> str:
        """Return the SHA-256 of the object's signed manifest, as an act on record names it; errors as of `open`."""
        ...

    def verify(self, object: str) -> None:
        """Read and check every stored byte; IntegrityError where anything was changed or is missing."""
        ...

    def objects(self) -> Iterator[str]:
        """List all object ids."""
        ...


class Ledger(Protocol):
    """An append-only Merkle log (RFC 9162 hashing) with signed checkpoints."""

    @property
    def origin(self) -> str:
        """Return the log's name."""
        ...

    def append(self, entries: Sequence[bytes]) -> int:
        """Append entries durably and return the index of the first."""
        ...

    def checkpoint(self) -> Checkpoint:
        """Return the latest signed checkpoint."""
        ...

    def entry(self, index: int) -> bytes:
        """Return one entry."""
        ...

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the audit path of an entry in the tree of `size`."""
        ...

    def inclusions(self, indexes: Sequence[int], size: int) -> list[tuple[bytes, ...]]:
        """Return the audit paths of many entries in the tree of `size`, in the order asked for."""
        ...

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of `new` extends the tree of `old`."""
        ...

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` entries."""
        ...

    def cosigned(self) -> Checkpoint | None:
        """Return the latest checkpoint that witnesses cosigned, or None where there is none."""
        ...


class Keys(Protocol):
    """Holds the node's secrets; a secret never leaves this port in the clear."""

    @property
    def verifier(self) -> str:
        """Return the public verifier key of the node (C2SP signed-note vkey)."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign with the node's Ed25519 key."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a data key so that it can be stored beside its object."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Recover a data key; IntegrityError where it was changed or belongs to another object."""
        ...

    def code(self, value: str, purpose: str) -> str:
        """Return a keyed code (HMAC-SHA-256) of a value, for working copies that must not hold it."""
        ...


class Audit(Protocol):
    """Puts acts on record: body in rows, salted digest in the ledger."""

    def record(self, act: Act) -> int:
        """Put one act on record durably and return its ledger index."""
        ...

    def acting(self, seat: Seat) -> AbstractContextManager[None]:
        """Let what is recorded meanwhile, in this thread or task, carry a session, certificate and address."""
        ...

    def record_all(self, acts: Iterable[Act]) -> list[int]:
        """Put many acts on record with one flush, and return their ledger indexes."""
        ...

    def entries(
        self, *, object: str = "", actor: str = "", kind: str = "", limit: int = 100, before: int | None = None
    ) -> list[Entry]:
        """Return entries, newest first, filtered by exact object, actor or kind (prefix)."""
        ...

    def entry(self, index: int) -> Entry:
        """Return one entry; NotFoundError where there is none."""
        ...

    def receipt(self, index: int) -> Receipt:
        """Return the receipt of one entry under the latest checkpoint."""
        ...
