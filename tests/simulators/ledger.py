"""A ledger that lives in memory."""

from collections.abc import Sequence

from chengyi.model.errors import NotFoundError
from chengyi.trust.ledger.merkle import Tree, consistency, leaf_hash, root
from chengyi.trust.ledger.notes import Verifier, checkpoint_text, sign_note
from chengyi.trust.ports import Checkpoint, Keys
from simulators.keys import MemoryKeys


class MemoryLedger:
    """Implements `trust.ports.Ledger`; `witnessed` is what tests say was cosigned."""

    def __init__(self, keys: Keys | None = None, origin: str = "test.invalid/node") -> None:
        self._keys: Keys = keys or MemoryKeys(origin)
        self._entries: list[bytes] = []
        self._leaves: list[bytes] = []
        self.origin = origin
        self.witnessed: Checkpoint | None = None

    def append(self, entries: Sequence[bytes]) -> int:
        first = len(self._entries)
        self._entries.extend(entries)
        self._leaves.extend(map(leaf_hash, entries))
        return first

    def checkpoint(self) -> Checkpoint:
        size, top = len(self._leaves), root(self._leaves)
        note = sign_note(checkpoint_text(self.origin, size, top), Verifier.parse(self._keys.verifier), self._keys.sign)
        return Checkpoint(self.origin, size, top, note)

    def entry(self, index: int) -> bytes:
        if not 0 <= index < len(self._entries):
            raise NotFoundError(kind="账本条目 entry", id=index)
        return self._entries[index]

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        return Tree(self._leaves[:size]).inclusion(index)

    def inclusions(self, indexes: Sequence[int], size: int) -> list[tuple[bytes, ...]]:
        tree = Tree(self._leaves[:size])
        return [tree.inclusion(index) for index in indexes]

    def root(self, size: int) -> bytes:
        return root(self._leaves[:size])

    def cosigned(self) -> Checkpoint | None:
        return self.witnessed

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        return consistency(self._leaves[:new], old)
