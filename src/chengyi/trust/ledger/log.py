"""The ledger: an append-only Merkle log in plain files that any C2SP tlog tool can read.

Keeps promises 2 (never altered) and 4 (always witnessed). Rules:

1. `append` returns only when the entries, the tiles over them and the signed checkpoint are on the disk,
   in this order; so a log that is cut off anywhere opens again at its last checkpoint, with every
   acknowledged entry, and what was never acknowledged is overwritten by the next append.
2. Appending and opening read and write O(log n) files, never the whole log.
3. Opening verifies the checkpoint's signature and that the right edge has its root.
4. Another process may append to the same folder: appends take turns by a file lock, and a newer
   checkpoint is accepted only when it extends the one this process knew.
5. A checkpoint that is shorter than one seen before, or leads elsewhere, is refused.
6. Entries and proofs are checked against the tree before they are handed out.
"""

import fcntl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chengyi.model.clock import Clock
from chengyi.model.errors import IntegrityError, NotFoundError
from chengyi.store.objects import FolderObjects
from chengyi.store.ports import Objects
from chengyi.trust.ledger.merkle import (
    consistency_spans,
    inclusion_spans,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from chengyi.trust.ledger.notes import Verifier, checkpoint_text, open_checkpoint, sign_note
from chengyi.trust.ledger.tiles import (
    ENTRIES,
    WIDTH,
    Edge,
    Tile,
    partial_prefix,
    span_root,
    split_bundle,
    split_hashes,
    tile_path,
)
from chengyi.trust.ports import Checkpoint, Keys

CHECKPOINT = "checkpoint"
_LOCK = "lock"


class FileLedger:
    """Keeps the port `trust.ports.Ledger` in a folder; an empty folder becomes a new, empty log."""

    def __init__(self, folder: Path, keys: Keys, origin: str, clock: Clock, objects: Objects | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._objects: Objects = objects or FolderObjects(folder)
        self._keys = keys
        self._verifier = Verifier.parse(keys.verifier)
        self._clock = clock
        self._origin = origin
        self._mutex = threading.RLock()
        self._lock_path = folder / _LOCK
        self._bundle: tuple[int, list[bytes]] = (-1, [])
        with self._locked():
            self._checkpoint, self._edge = self._start()

    @property
    def origin(self) -> str:
        """Return the log's name."""
        return self._origin

    def append(self, entries: Sequence[bytes]) -> int:
        """Append entries durably and return the index of the first.

        StorageFullError and a crash leave the log as it was; UsageError for an entry over 65,535 bytes.
        """
        with self._locked():
            self._refresh()
            first = self._checkpoint.size
            if entries:
                self._publish(self._edge.copy(), entries)
            return first

    def checkpoint(self) -> Checkpoint:
        """Return the latest signed checkpoint."""
        with self._mutex:
            if self._read(CHECKPOINT) != self._checkpoint.note.encode():
                with self._locked():
                    self._refresh()
            return self._checkpoint

    def entry(self, index: int) -> bytes:
        """Return one entry, checked against the tree; NotFoundError where there is none."""
        with self._mutex:
            if index >= self._checkpoint.size:
                self.checkpoint()
            if not 0 <= index < self._checkpoint.size:
                raise NotFoundError(kind="账本条目 ledger entry", id=index)
            number, offset = divmod(index, WIDTH)
            entry = self._entries(number)[offset]
            if leaf_hash(entry) != self._tile(0, number)[offset]:
                raise IntegrityError(object=f"{self._origin} #{index}", why="条目被改动 (the entry was changed)")
            return entry

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the audit path of an entry in the tree of `size`; it is verified before it is returned."""
        with self._mutex:
            self._reach(size)
            proof = self._span_roots(inclusion_spans(index, size))
            leaf = self._tile(0, index // WIDTH)[index % WIDTH]
            verify_inclusion(index, size, leaf, proof, self._root(size))
            return proof

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of `new` extends the tree of `old`; verified before it is returned."""
        with self._mutex:
            self._reach(new)
            proof = self._span_roots(consistency_spans(old, new))
            verify_consistency(old, new, proof, self._root(old), self._root(new))
            return proof

    def _start(self) -> tuple[Checkpoint, Edge]:
        if self._objects.size(CHECKPOINT) is not None:
            return self._load()
        if next(iter(self._objects.keys("tile/")), None) is not None:
            raise IntegrityError(object=self._origin, why="检查点缺失 (the checkpoint is missing)")
        return self._sign(Edge()), Edge()

    def _load(self) -> tuple[Checkpoint, Edge]:
        checkpoint = open_checkpoint(self._read(CHECKPOINT).decode(), self._verifier)
        if checkpoint.origin != self._origin:
            raise IntegrityError(object=self._origin, why=f"账本属于 {checkpoint.origin} (this is another log)")
        edge = Edge.load(checkpoint.size, self._read)
        if edge.root() != checkpoint.root:
            raise IntegrityError(object=self._origin, why="树根与检查点不符 (the tree does not have the signed root)")
        return checkpoint, edge

    def _refresh(self) -> None:
        if self._read(CHECKPOINT) == self._checkpoint.note.encode():
            return
        known = self._checkpoint
        checkpoint, edge = self._load()
        if checkpoint.size < known.size:
            raise IntegrityError(object=self._origin, why=f"账本由 {known.size} 条变短 (the log was shortened)")
        self._bundle = (-1, [])
        before, self._checkpoint, self._edge = (self._checkpoint, self._edge), checkpoint, edge
        try:
            self._check_extends(known, checkpoint)
        except IntegrityError:
            self._checkpoint, self._edge = before
            raise

    def _check_extends(self, known: Checkpoint, newer: Checkpoint) -> None:
        if known.size:
            proof = self._span_roots(consistency_spans(known.size, newer.size))
            verify_consistency(known.size, newer.size, proof, known.root, newer.root)

    def _publish(self, edge: Edge, entries: Sequence[bytes]) -> None:
        for path, raw in edge.extend(entries):
            self._objects.put(path, [raw])
        before = self._checkpoint.size
        self._checkpoint, self._edge = self._sign(edge), edge
        self._bundle = (-1, [])
        self._drop_partials(before, edge.size)

    def _sign(self, edge: Edge) -> Checkpoint:
        root = edge.root()
        text = checkpoint_text(self._origin, edge.size, root)
        note = sign_note(text, self._verifier, self._keys.sign, self._clock.now())
        self._objects.put(CHECKPOINT, [note.encode()])
        return Checkpoint(self._origin, edge.size, root, note)

    def _drop_partials(self, old: int, new: int) -> None:
        level = 0
        while old >> 8 * (level + 1) < new >> 8 * (level + 1):
            number = old >> 8 * (level + 1)
            for kind in (level, ENTRIES) if level == 0 else (level,):
                for path in list(self._objects.keys(partial_prefix(kind, number))):
                    self._objects.delete(path)
            level += 1

    def _reach(self, size: int) -> None:
        if size > self._checkpoint.size:
            self.checkpoint()
        if size > self._checkpoint.size:
            raise NotFoundError(kind="账本长度 ledger size", id=size)

    def _root(self, size: int) -> bytes:
        return self._checkpoint.root if size == self._checkpoint.size else span_root(0, size, self._tile)

    def _span_roots(self, spans: list[tuple[int, int]]) -> tuple[bytes, ...]:
        return tuple(span_root(start, end, self._tile) for start, end in spans)

    def _tile(self, level: int, number: int) -> Tile:
        if number == self._checkpoint.size >> 8 * (level + 1):
            return self._edge.tile(level)
        path = tile_path(level, number)
        return self._whole(path, split_hashes(self._read(path)))

    def _entries(self, number: int) -> Sequence[bytes]:
        if number == self._checkpoint.size // WIDTH:
            return self._edge.entries
        if self._bundle[0] != number:
            path = tile_path(ENTRIES, number)
            self._bundle = (number, list(self._whole(path, split_bundle(self._read(path), path))))
        return self._bundle[1]

    def _whole(self, path: str, parts: Tile) -> Tile:
        if len(parts) != WIDTH:
            raise IntegrityError(object=path, why="瓦片长度有误 (the tile has a wrong length)")
        return parts

    def _read(self, path: str) -> bytes:
        try:
            with self._objects.open(path) as file:
                return file.read()
        except NotFoundError as error:
            raise IntegrityError(object=path, why="文件缺失 (the file is missing)") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._mutex, self._lock_path.open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
