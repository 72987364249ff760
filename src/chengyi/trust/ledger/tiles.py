"""The shape of a tiled log: where its files lie and how the right edge grows (c2sp.org/tlog-tiles).

Keeps promise 2: never altered. Rules:

1. A tile holds up to 256 consecutive hashes of one level; level 0 holds leaf hashes, and each hash of a
   higher level is the root of a full tile below. An entry bundle holds the entries under one level-0 tile,
   each after its length as a big-endian 16-bit number.
2. A full tile is written once and never again; a partial one lies beside it under its width.
3. A partial tile may go when the full one is published, and not before.
4. Everything here is pure: `Edge.extend` says which files to write, the ledger writes them.
"""

from collections.abc import Callable, Iterator, Sequence

from chengyi.model.errors import IntegrityError, UsageError
from chengyi.trust.ledger.merkle import HASH_SIZE, Frontier, leaf_hash, root

WIDTH = 256
MAX_ENTRY = 0xFFFF
ENTRIES = "entries"

ReadFile = Callable[[str], bytes]
Tile = Sequence[bytes]


def tile_path(level: int | str, number: int, width: int = WIDTH) -> str:
    """Return the path of a tile, or of an entry bundle where `level` is `ENTRIES`."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{path}" + ("" if width == WIDTH else f".p/{width}")


def partial_prefix(level: int | str, number: int) -> str:
    """Return the prefix under which all partial forms of a tile lie."""
    return tile_path(level, number) + ".p/"


def split_hashes(raw: bytes) -> list[bytes]:
    """Return the hashes of a tile."""
    return [raw[at : at + HASH_SIZE] for at in range(0, len(raw), HASH_SIZE)]


def split_bundle(raw: bytes, path: str) -> list[bytes]:
    """Return the entries of a bundle; IntegrityError where it is cut short."""
    entries, at = [], 0
    while at < len(raw):
        start = at + 2
        at = start + int.from_bytes(raw[at:start], "big")
        entries.append(raw[start:at])
    if at != len(raw):
        raise IntegrityError(object=path, why="条目不完整 (an entry is cut short)")
    return entries


def join_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bundle of entries."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def levels(size: int) -> int:
    """Return how many levels of tiles a log of `size` entries has."""
    return -(-size.bit_length() // 8)


class Edge:
    """The right edge of a tiled log: for each level the last, partial tile; and the last entries."""

    __slots__ = ("_entries", "_tiles", "size")

    def __init__(self, size: int = 0, tiles: Sequence[Tile] = (), entries: Sequence[bytes] = ()) -> None:
        self.size = size
        self._tiles = [list(tile) for tile in tiles]
        self._entries = list(entries)

    @classmethod
    def load(cls, size: int, read: ReadFile) -> "Edge":
        """Read the right edge of a log of `size` entries, in O(log size) files."""
        tiles: list[Tile] = []
        for level in range(levels(size)):
            number, width = divmod(size >> 8 * level, WIDTH)
            tiles.append(split_hashes(read(tile_path(level, number, width))) if width else [])
        number, width = divmod(size, WIDTH)
        path = tile_path(ENTRIES, number, width)
        entries = split_bundle(read(path), path) if width else []
        if list(map(leaf_hash, entries)) != list(tiles[0] if tiles else []):
            raise IntegrityError(object=path, why="条目与哈希不符 (the entries do not match their hashes)")
        return cls(size, tiles, entries)

    def tile(self, level: int) -> Tile:
        """Return the hashes of the partial tile of a level."""
        return self._tiles[level] if level < len(self._tiles) else ()

    @property
    def entries(self) -> Sequence[bytes]:
        """Return the entries of the partial bundle."""
        return self._entries

    def root(self) -> bytes:
        """Return the root of the whole log."""
        return self._frontier().root()

    def extend(self, entries: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
        """Append entries, yielding each file to write: full tiles as they fill, partial ones at the end."""
        grown: set[int] = set()
        for entry in entries:
            if len(entry) > MAX_ENTRY:
                raise UsageError(why=f"账本条目超过 {MAX_ENTRY} 字节 (a ledger entry is too long)")
            self._entries.append(bytes(entry))
            self.size += 1
            yield from self._push(0, leaf_hash(entry), grown)
        for level in sorted(grown):
            yield from self._partial(level)

    def copy(self) -> "Edge":
        """Return another edge that stands at the same place."""
        return Edge(self.size, self._tiles, self._entries)

    def _push(self, level: int, value: bytes, grown: set[int]) -> Iterator[tuple[str, bytes]]:
        if level == len(self._tiles):
            self._tiles.append([])
        tile = self._tiles[level]
        tile.append(value)
        grown.add(level)
        if len(tile) < WIDTH:
            return
        number = (self.size >> 8 * (level + 1)) - 1
        yield tile_path(level, number), b"".join(tile)
        if level == 0:
            yield tile_path(ENTRIES, number), join_bundle(self._entries)
            self._entries = []
        self._tiles[level] = []
        yield from self._push(level + 1, root(tile), grown)

    def _partial(self, level: int) -> Iterator[tuple[str, bytes]]:
        tile = self._tiles[level]
        number = self.size >> 8 * (level + 1)
        if tile:
            yield tile_path(level, number, len(tile)), b"".join(tile)
        if tile and level == 0:
            yield tile_path(ENTRIES, number, len(tile)), join_bundle(self._entries)

    def _frontier(self) -> Frontier:
        return Frontier(self.size, [each for tile in reversed(self._tiles) for each in _subtrees(tile)])


def cut_span(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut leaves ``[start, end)`` into full subtrees, from the left: each by its first leaf and its height."""
    while start < end:
        height = min(_trailing_zeros(start), (end - start).bit_length() - 1)
        yield start, height
        start += 1 << height


def _subtrees(tile: Tile) -> Iterator[bytes]:
    start = 0
    for bit in reversed(range(8)):
        if len(tile) >> bit & 1:
            yield root(tile[start : start + (1 << bit)])
            start += 1 << bit


def _trailing_zeros(value: int) -> int:
    return (value & -value).bit_length() - 1 if value else 1 << 30
