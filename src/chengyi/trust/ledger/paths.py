"""Proofs from tiles: the inner hashes of tiles that were read last stay at hand.

Keeps promise 4: always witnessed, at a cost that does not grow with the log. Rules:

1. A full tile never changes, so the 510 hashes above and in it are computed once and kept while there is room for
   them; a partial tile is computed anew each time.
2. Nothing kept is believed: who asks verifies each proof against a signed root before he hands it out, and has
   everything forgotten where one does not fit.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from chengyi.trust.ledger.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    consistency_spans,
    inclusion_spans,
    node_hash,
    perfect_levels,
    root,
)
from chengyi.trust.ledger.tiles import WIDTH, Tile, cut_span

KEPT_TILES = 2_048


class Paths:
    """Audit paths, consistency proofs and roots of a log whose tiles `tile_of(level, number)` fetches."""

    def __init__(self, tile_of: Callable[[int, int], Tile], capacity: int = KEPT_TILES) -> None:
        self._tile_of = tile_of
        self._capacity = capacity
        self._kept: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` leaves."""
        return self.span(0, size) if size else EMPTY_ROOT

    def leaf(self, index: int) -> bytes:
        """Return the hash of one leaf."""
        return self._subtree(index, 0)

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the audit path of a leaf in the tree of `size`."""
        return tuple(self.span(*each) for each in inclusion_spans(index, size))

    def inclusions(self, indexes: Sequence[int], size: int) -> list[tuple[bytes, ...]]:
        """Return the audit paths of many leaves, in the order asked for; spans that they share are computed once."""
        ragged: dict[tuple[int, int], bytes] = {}
        paths = {}
        for index in sorted(set(indexes)):
            spans = inclusion_spans(index, size)
            for each in spans:
                if each[1] == size and each not in ragged:
                    ragged[each] = self.span(*each)
            paths[index] = tuple(ragged.get(each) or self._whole(*each) for each in spans)
        return [paths[index] for index in indexes]

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of `new` extends the tree of `old`."""
        return tuple(self.span(*each) for each in consistency_spans(old, new))

    def span(self, start: int, end: int) -> bytes:
        """Return the root over leaves ``[start, end)``."""
        parts = [self._subtree(at, height) for at, height in cut_span(start, end)]
        edge = parts.pop()
        while parts:
            edge = node_hash(parts.pop(), edge)
        return edge

    def forget(self) -> None:
        """Drop all that is kept."""
        self._kept.clear()

    def _whole(self, start: int, end: int) -> bytes:
        return self._subtree(start, (end - start).bit_length() - 1)

    def _subtree(self, start: int, height: int) -> bytes:
        level, inner = divmod(height, 8)
        number, offset = divmod(start >> 8 * level, WIDTH)
        kept = self._kept.get((level, number))
        if kept is None:
            tile = self._tile_of(level, number)
            if len(tile) < WIDTH:
                return root(tile[offset : offset + (1 << inner)])
            kept = self._keep(level, number, tile)
        at = (offset >> inner) * HASH_SIZE
        return kept[inner][at : at + HASH_SIZE]

    def _keep(self, level: int, number: int, tile: Tile) -> list[bytes]:
        kept = perfect_levels(b"".join(tile))
        self._kept[level, number] = kept
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return kept
