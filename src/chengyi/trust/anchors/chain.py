"""What the ledger asks of a chain: keep the latest checkpoint of a log, and say which it has.

Rules: a chain is named by its id and the contract's address; `anchor` may be called again with the same checkpoint,
and returns the proof of the first time; a chain that holds a longer log, or another root, refuses.
"""

from dataclasses import dataclass
from typing import Protocol

from chengyi.trust.ports import Checkpoint


@dataclass(frozen=True, slots=True)
class Head:
    """What a chain holds of a log: the latest anchored size and root, and the block that took it in."""

    size: int
    root: bytes
    block: int


@dataclass(frozen=True, slots=True)
class AnchorProof:
    """Where a checkpoint stands on a chain; `receipt` is the transaction's receipt as canonical JSON.

    `transaction` and `receipt` are empty where the chain held the checkpoint already and its log was not found.
    """

    origin: str
    size: int
    root: str
    chain: int
    contract: str
    transaction: str
    block: int
    block_hash: str
    receipt: str


class AnchorChain(Protocol):
    """A chain that keeps checkpoints."""

    @property
    def name(self) -> str:
        """Return what people call the chain: host, chain id."""
        ...

    def anchor(self, checkpoint: Checkpoint) -> AnchorProof:
        """Anchor a checkpoint and return its proof.

        UnreachableError, AnchorError: try again later. IntegrityError: the chain holds a longer log or another root.
        """
        ...

    def latest(self, origin: str) -> Head | None:
        """Return what the chain holds of a log, or None."""
        ...
