"""A monitor of others' logs: it holds two checkpoints against each other and keeps what convicts.

Keeps promise 4: always witnessed. Rules:

1. Both checkpoints are signed by the log's key; receipts and cosigned checkpoints from anywhere will do.
2. Where one size is larger, a copy of that log's tiles gives the proof; the copy needs no trust, because a proof that
   does not lead to the signed roots convicts nobody.
3. Contradicting checkpoints are kept as evidence, put on record once with the witnesses that cosigned both, and raised.
"""

from collections.abc import Sequence
from pathlib import Path

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json
from chengyi.model.errors import IntegrityError, NotFoundError, SplitViewError
from chengyi.store.ports import Objects
from chengyi.trust.ledger.cosignatures import Cosigner
from chengyi.trust.ledger.evidence import SplitView, compare
from chengyi.trust.ledger.notes import Verifier, open_checkpoint
from chengyi.trust.ledger.paths import Paths
from chengyi.trust.ledger.tiles import WIDTH, Tile, split_hashes, tile_path
from chengyi.trust.ports import Audit

FOUND = "found"
_RECEIPT = "c2sp.org/tlog-proof@v1\n"


class LedgerCopy:
    """The tiles of a log of `size` entries in a folder, read only and not believed."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        self._size = size
        self._paths = Paths(self._tile)

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` entries; IntegrityError where a tile is missing or damaged."""
        return self._paths.root(size)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof from `old` to `new`; IntegrityError where a tile is missing or damaged."""
        return self._paths.consistency(old, new)

    def _tile(self, level: int, number: int) -> Tile:
        whole = self._size >> 8 * level
        width = min(WIDTH, whole - number * WIDTH)
        for path in (tile_path(level, number, width), tile_path(level, number)):
            if (self._folder / path).is_file():
                tile = split_hashes((self._folder / path).read_bytes()[: WIDTH * 32])[:width]
                if len(tile) == width and all(len(each) == 32 for each in tile):
                    return tile
        raise IntegrityError(object=str(self._folder), why=f"缺少或损坏的瓦片 {level}/{number} (a tile is missing)")


class Monitor:
    """Compares checkpoints of others' logs; `objects` keeps the evidence."""

    def __init__(self, objects: Objects, audit: Audit, *, actor: str) -> None:
        self._objects = objects
        self._audit = audit
        self._actor = actor

    def compare(
        self, one: str, other: str, verifier: Verifier, copy: Path | None = None, witnesses: Sequence[Cosigner] = ()
    ) -> None:
        """Return where two checkpoints (or receipts) agree; SplitViewError, with the evidence kept, where they do not.

        Args:
            one: The text of a checkpoint or a receipt.
            other: Another one.
            verifier: The log's key.
            copy: A folder with the log's tiles, needed where the sizes differ.
            witnesses: Whose cosignatures are looked for on both.

        Raises:
            IntegrityError: A text is not a checkpoint of this log.
            NotFoundError: The sizes differ and there is no copy.
            SplitViewError: They contradict each other; its `evidence` names the file.
        """
        first, second = sorted((open_checkpoint(_note(each), verifier) for each in (one, other)), key=lambda p: p.size)
        if first.size != second.size and first.size and copy is None:
            raise NotFoundError(kind="账本瓦片 tiles of the log", id=second.origin)
        found = compare(first, second, verifier, LedgerCopy(copy or Path(), second.size))
        if found is not None:
            raise self._convicted(found, found.culprits(witnesses))

    def _convicted(self, found: SplitView, culprits: Sequence[Cosigner]) -> SplitViewError:
        key, names = f"{FOUND}/{found.id}.json", [each.name for each in culprits]
        if self._objects.size(key) is None:
            self._objects.put(key, [found.render().encode()])
            detail: dict[str, Json] = {"evidence": found.id, "size": found.second.size, "witnesses": names}
            self._audit.record(Act(ActKind.COSIGNING_REFUSED, self._actor, f"log:{found.first.origin}", detail))
        both = "、".join(names) or "-"
        why = f"{found.first.size} 条与 {found.second.size} 条两面矛盾；两面都会签的：{both} (cosigned both: {both})"
        return SplitViewError(object=found.first.origin, why=why, evidence=key)


def _note(text: str) -> str:
    return text.partition("\n\n")[2] if text.startswith(_RECEIPT) else text
