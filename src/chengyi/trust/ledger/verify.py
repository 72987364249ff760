"""Offline verification: with the verifier key and a copy of the files, no trust in the node is needed.

Keeps promises 2 (never altered) and 4 (always witnessed). Checking a ledger folder (fsck) follows these steps:

1. The checkpoint is signed by the trusted key.
2. Every entry of every bundle has the leaf hash that its level-0 tile holds.
3. Every tile of a higher level holds the roots of the full tiles below it.
4. The root over all leaves is the signed root.
5. Where an earlier checkpoint is at hand, the log extends it: nothing was shortened or rewritten since.

Nothing is written, repaired or created.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chengyi.model.act import Entry
from chengyi.model.errors import IntegrityError, NotFoundError
from chengyi.model.reporter import Reporter, SilentReporter, Step
from chengyi.model.text import Text
from chengyi.trust.ledger.log import CHECKPOINT
from chengyi.trust.ledger.merkle import Frontier, leaf_hash, root
from chengyi.trust.ledger.notes import Verifier, note_date, open_checkpoint
from chengyi.trust.ledger.policy import Policy
from chengyi.trust.ledger.receipts import parse, verify
from chengyi.trust.ledger.tiles import ENTRIES, WIDTH, split_bundle, split_hashes, tile_path
from chengyi.trust.ports import Checkpoint


@dataclass(frozen=True, slots=True)
class Fault:
    """One file of a ledger that is not what it should be."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """What was found in a ledger folder; it is sound where `faults` is empty.

    `signed_at` is the moment that the checkpoint's own cosignature states, if it has one.
    """

    origin: str
    size: int
    signed_at: datetime | None
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        """Tell whether nothing was found wrong."""
        return not self.faults


def verify_receipt(text: str, verifier_key: str, origin: str = "", policy: Policy | None = None) -> Entry:
    """Verify the text of a receipt and return the act it proves; IntegrityError where any step fails."""
    return verify(parse(text), verifier_key, origin, policy)


def verify_ledger(folder: Path, verifier_key: str, reporter: Reporter | None = None, earlier: str = "") -> LedgerCheck:
    """Recompute a whole ledger folder and compare it with its signed checkpoint.

    Args:
        folder: A ledger, or a copy of one.
        verifier_key: The vkey of the log, from a place the reader trusts.
        reporter: Told of each bundle as it is checked.
        earlier: The note of an older checkpoint, to see that the log extends it; may be empty.

    Raises:
        NotFoundError: There is no ledger in the folder.
        IntegrityError: A checkpoint is not signed by this key; nothing else can be said then.
    """
    verifier = Verifier.parse(verifier_key)
    # 1. signed by the trusted key
    checkpoint = open_checkpoint(_note(folder), verifier)
    known = open_checkpoint(earlier, verifier) if earlier else None
    walk = _Walk(folder, checkpoint, known)
    title = Text("核验账本", "Checking the ledger")
    with (reporter or SilentReporter()).step(title, -(-checkpoint.size // WIDTH)) as step:
        walk.run(step)
    return LedgerCheck(checkpoint.origin, checkpoint.size, note_date(checkpoint.note, verifier), tuple(walk.faults))


class _Walk:
    """Goes once over all files of a log, from left to right and from the leaves up."""

    def __init__(self, folder: Path, checkpoint: Checkpoint, earlier: Checkpoint | None) -> None:
        self.faults: list[Fault] = []
        self._folder = folder
        self._checkpoint = checkpoint
        self._earlier = earlier
        self._frontier = Frontier()

    def run(self, step: Step) -> None:
        roots = self._leaves(step)
        level = 1
        while roots:
            roots = self._tiles(level, roots)
            level += 1
        # 4. the signed root
        if self._frontier.root() != self._checkpoint.root:
            self._fault(CHECKPOINT, "树根与签名不符 (the root is not the signed one)")
        if self._earlier is not None and self._earlier.size > self._checkpoint.size:
            self._fault(CHECKPOINT, f"短于先前的 {self._earlier.size} 条 (shorter than an earlier checkpoint)")

    def _leaves(self, step: Step) -> list[bytes]:
        roots = []
        for number, width in _widths(self._checkpoint.size):
            # 2. entries match their hashes
            hashes = self._bundle(number, width)
            tile = self._hashes(tile_path(0, number, width), width)
            if hashes and tile and hashes != tile:
                self._fault(tile_path(0, number, width), "哈希与条目不符 (the hashes do not match the entries)")
            leaves = hashes or tile or [b"\0" * 32] * width
            for leaf in leaves:
                self._grow(leaf)
            if width == WIDTH:
                roots.append(root(leaves))
            step.advance()
        return roots

    def _bundle(self, number: int, width: int) -> list[bytes]:
        path = tile_path(ENTRIES, number, width)
        hashes = self._checked(path, lambda raw: [leaf_hash(entry) for entry in split_bundle(raw, path)])
        if hashes and len(hashes) != width:
            self._fault(path, f"应有 {width} 条，实有 {len(hashes)} 条 (wrong number of entries)")
            return []
        return hashes

    def _tiles(self, level: int, below: list[bytes]) -> list[bytes]:
        roots = []
        for number, width in _widths(len(below)):
            # 3. roots of the tiles below
            expected = below[number * WIDTH : number * WIDTH + width]
            path = tile_path(level, number, width)
            tile = self._hashes(path, width)
            if tile and tile != expected:
                self._fault(path, "哈希与下层不符 (the hashes do not match the level below)")
            if width == WIDTH:
                roots.append(root(expected))
        return roots

    def _hashes(self, path: str, width: int) -> list[bytes]:
        hashes = self._checked(path, split_hashes)
        if hashes and (len(hashes) != width or len(hashes[-1]) != 32):
            self._fault(path, "瓦片长度有误 (the tile has a wrong length)")
            return []
        return hashes

    def _checked(self, path: str, split: Callable[[bytes], list[bytes]]) -> list[bytes]:
        try:
            parts = split((self._folder / path).read_bytes())
        except FileNotFoundError:
            self._fault(path, "文件缺失 (the file is missing)")
            return []
        except IntegrityError as error:
            self._fault(path, str(error.facts["why"]))
            return []
        if not parts:
            self._fault(path, "文件为空 (the file is empty)")
        return parts

    def _grow(self, leaf: bytes) -> None:
        self._frontier.append(leaf)
        # 5. it passes through the earlier checkpoint
        known = self._earlier
        if known is not None and self._frontier.size == known.size and self._frontier.root() != known.root:
            self._fault(CHECKPOINT, f"与先前第 {known.size} 条处的检查点分叉 (it forked from an earlier checkpoint)")

    def _fault(self, path: str, why: str) -> None:
        self.faults.append(Fault(path, why))


def _widths(count: int) -> list[tuple[int, int]]:
    full, rest = divmod(count, WIDTH)
    return [(number, WIDTH) for number in range(full)] + ([(full, rest)] if rest else [])


def _note(folder: Path) -> str:
    try:
        return (folder / CHECKPOINT).read_bytes().decode()
    except FileNotFoundError as error:
        raise NotFoundError(kind="账本 ledger", id=folder) from error
    except UnicodeDecodeError as error:
        raise IntegrityError(object=CHECKPOINT, why="不是 UTF-8 文本 (not UTF-8 text)") from error
