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
from chengyi.store.files import flush_folder
from chengyi.store.ports import Objects
from chengyi.trust.ledger.folder import LogFolder
from chengyi.trust.ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from chengyi.trust.ledger.notes import Verifier, checkpoint_text, open_checkpoint, parse_checkpoint, sign_note
from chengyi.trust.ledger.paths import Paths
from chengyi.trust.ledger.tiles import (
    ENTRIES,
    WIDTH,
    Edge,
    Tile,
    partial_prefix,
    split_bundle,
    split_hashes,
    tile_path,
)
from chengyi.trust.ports import Checkpoint, Keys

CHECKPOINT = "checkpoint"
COSIGNED = "cosigned"
_LOCK = "lock"


class FileLedger:
    """Keeps the port `trust.ports.Ledger` in a folder; an empty folder becomes a new, empty log."""

    def __init__(self, folder: Path, keys: Keys, origin: str, clock: Clock, objects: Objects | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._objects: Objects = objects or LogFolder(folder)
        self._keys = keys
        self._verifier = Verifier.parse(keys.verifier)
        self._clock = clock
        self._origin = origin
        self._mutex = threading.RLock()
        self._lock_path = folder / _LOCK
        self._bundle: tuple[int, list[bytes]] = (-1, [])
        self._paths = Paths(self._tile)
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

    def durable_checkpoint(self) -> Checkpoint:
        """Return the latest checkpoint once it outlives a power cut, even if the process that wrote it died early."""
        checkpoint = self.checkpoint()
        flush_folder(self._folder)
        return checkpoint

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
        return self.inclusions([index], size)[0]

    def inclusions(self, indexes: Sequence[int], size: int) -> list[tuple[bytes, ...]]:
        """Return the audit paths of many entries in the tree of `size`; each is verified before it is returned.

        A tile is read once, and the root of a span is computed once, however many paths need it.
        """
        with self._mutex, self._believing_nothing():
            self._reach(size)
            proofs, top = self._paths.inclusions(indexes, size), self._root(size)
            for index, proof in zip(indexes, proofs, strict=True):
                verify_inclusion(index, size, self._paths.leaf(index), proof, top)
            return proofs

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of `new` extends the tree of `old`; verified before it is returned."""
        with self._mutex, self._believing_nothing():
            self._reach(new)
            proof = self._paths.consistency(old, new)
            verify_consistency(old, new, proof, self._root(old), self._root(new))
            return proof

    def root(self, size: int) -> bytes:
        """Return the root that this log has over its first `size` entries; NotFoundError where it is shorter."""
        with self._mutex:
            self._reach(size)
            return self._root(size)

    def cosigned(self) -> Checkpoint | None:
        """Return the latest checkpoint that witnesses cosigned, or None; IntegrityError where it is not this log's."""
        if self._objects.size(COSIGNED) is None:
            return None
        checkpoint = open_checkpoint(self.cosigned_note(), self._verifier)
        if checkpoint.origin != self._origin or checkpoint.size > self.checkpoint().size:
            raise IntegrityError(object=self._origin, why="会签检查点不属于本账本 (the cosigned checkpoint is foreign)")
        if self.root(checkpoint.size) != checkpoint.root:
            raise IntegrityError(object=self._origin, why="账本与会签检查点分叉 (it forked from what was cosigned)")
        return checkpoint

    def cosigned_note(self) -> str:
        """Return the note of the checkpoint kept as cosigned, unbelieved; IntegrityError where there is none."""
        return self._text(COSIGNED)

    def keep_cosigned(self, note: str) -> None:
        """Keep a cosigned checkpoint of this log durably beside it, unless a larger one is there.

        The caller has judged its cosignatures.
        """
        checkpoint = open_checkpoint(note, self._verifier)
        with self._locked():
            kept = parse_checkpoint(self.cosigned_note()).size if self._objects.size(COSIGNED) is not None else 0
            if checkpoint.size >= kept:
                self._objects.put(COSIGNED, [note.encode()])

    def _start(self) -> tuple[Checkpoint, Edge]:
        if self._objects.size(CHECKPOINT) is not None:
            return self._load()
        if next(iter(self._objects.keys("tile/")), None) is not None:
            raise IntegrityError(object=self._origin, why="检查点缺失 (the checkpoint is missing)")
        checkpoint = self._signed(Edge())
        self._objects.put(CHECKPOINT, [checkpoint.note.encode()])
        return checkpoint, Edge()

    def _load(self) -> tuple[Checkpoint, Edge]:
        checkpoint = open_checkpoint(self._text(CHECKPOINT), self._verifier)
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
        self._paths.forget()
        before, self._checkpoint, self._edge = (self._checkpoint, self._edge), checkpoint, edge
        try:
            self._check_extends(known, checkpoint)
        except IntegrityError:
            self._checkpoint, self._edge = before
            raise

    def _check_extends(self, known: Checkpoint, newer: Checkpoint) -> None:
        if known.size:
            proof = self._paths.consistency(known.size, newer.size)
            verify_consistency(known.size, newer.size, proof, known.root, newer.root)

    def _publish(self, edge: Edge, entries: Sequence[bytes]) -> None:
        files, made = edge.extend(entries), list[Checkpoint]()

        def last() -> tuple[str, bytes]:
            made.append(self._signed(edge))
            return CHECKPOINT, made[0].note.encode()

        if isinstance(self._objects, LogFolder):
            self._objects.put_all(files, last)
        else:
            for path, raw in files:
                self._objects.put(path, [raw])
            path, raw = last()
            self._objects.put(path, [raw])
        before = self._checkpoint.size
        self._checkpoint, self._edge = made[0], edge
        self._bundle = (-1, [])
        self._drop_partials(before, edge.size)

    def _signed(self, edge: Edge) -> Checkpoint:
        root = edge.root()
        text = checkpoint_text(self._origin, edge.size, root)
        note = sign_note(text, self._verifier, self._keys.sign, self._clock.now())
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
        return self._checkpoint.root if size == self._checkpoint.size else self._paths.root(size)

    @contextmanager
    def _believing_nothing(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            self._paths.forget()
            raise

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

    def _text(self, path: str) -> str:
        try:
            return self._read(path).decode()
        except UnicodeDecodeError as error:
            raise IntegrityError(object=path, why="不是 UTF-8 文本 (not UTF-8 text)") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._mutex, self._lock_path.open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
