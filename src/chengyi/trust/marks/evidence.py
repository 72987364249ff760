"""Evidence: what a leaked table shows of the marks of one family.

Rules:

1. Each cell counts once: where a row stands several times in a leak, its copies vote, and a tie is no evidence.
2. The shown bits depend on the leak and the layout key only, never on a recipient's key.
3. Of very many cells a fixed number is used, those whose blocks come first: a choice that no recipient's bits touch.
4. The order of rows is read from pairs of neighbours, each row in one pair: for an innocent the pairs are
   independent coins. Rows that stand several times are left out of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chengyi.trust.marks.accusation import Judge, Reading, Verdict
from chengyi.trust.marks.cells import CODE_SIZE, biases, bits_of, cells, ranks, row_codes
from chengyi.trust.marks.decoders import Array, order_bank
from chengyi.trust.marks.embedding import extract, lattice
from chengyi.trust.marks.marker import band_of
from chengyi.trust.marks.policy import MarkPolicy
from chengyi.trust.marks.rowkeys import numbers

MOST_MARKS = 20_000
MOST_PAIRS = 4_000
_BLOCK = 200


@dataclass(frozen=True, slots=True)
class Evidence:
    """Distinct cells with their bias (as 65536 p), layer and shown bit, and the pairs of neighbouring rows."""

    blocks: Array
    odds: Array
    layer: Array
    shown: Array
    pairs: Array

    @property
    def reading(self) -> Reading:
        """Return what is scored."""
        return Reading(biases(self.odds), self.shown)

    @property
    def layers(self) -> tuple[int, int]:
        """Return the number of marks in each layer."""
        return int((self.layer == 1).sum()), int((self.layer == 2).sum())

    def digest_of_bits(self) -> str:
        """Return the shown bits as text of 0 and 1, in the order of the cells."""
        return "".join("1" if each else "0" for each in self.shown)


def gather(
    layout: bytes,
    policy: MarkPolicy,
    keys: Sequence[str | None],
    values: Mapping[str, Sequence[Any]],
    kinds: Mapping[str, str],
) -> Evidence:
    """Return the evidence of leaked rows.

    Args:
        layout: The family's layout key.
        policy: How its exports were marked.
        keys: Each row's virtual key, None where it has none.
        values: The cells of the marked columns that were recognised, by their name in the dataset.
        kinds: The types of these columns.
    """
    keyed = np.array([each is not None for each in keys], bool)
    codes = row_codes(layout, (each for each in keys if each is not None))
    found = []
    for column in policy.columns:
        if column.column not in values:
            continue
        amounts = numbers(values[column.column], kinds[column.column])[keyed]
        there = cells(layout, column.column, codes, policy.half)
        shown, read = extract(lattice(amounts, column, band_of(policy, column.column)), there)
        found.append((there.blocks[read], there.odds[read], there.layer[read], shown[read]))
    return _distinct(found, _pairs(codes))


def judge(evidence: Evidence, keys: Sequence[bytes]) -> list[Verdict]:
    """Return the verdict on each recipient, given their keys: the lesser bound of cells and row order."""
    count = len(evidence.pairs)
    rows = evidence.pairs.reshape(2 * count, CODE_SIZE)
    by_cells = Judge(evidence.reading)
    by_order = Judge(Reading(np.full(count, 0.5), np.ones(count, bool)), order_bank())
    verdicts: list[Verdict] = []
    for start in range(0, len(keys), _BLOCK):
        some = keys[start : start + _BLOCK]
        said = by_cells.verdicts(bits_of(some, evidence.blocks, evidence.odds))
        if count:
            order = np.stack([np.less(*ranks(key, rows).reshape(count, 2).T) for key in some])
            said = [_lesser(*each) for each in zip(said, by_order.verdicts(order), strict=True)]
        verdicts += said
    return verdicts


def _lesser(cells_say: Verdict, order_says: Verdict) -> Verdict:
    if order_says.logarithm < cells_say.logarithm:
        return Verdict(cells_say.score, cells_say.agree, order_says.logarithm, order_says.decoder)
    return cells_say


def _distinct(found: Sequence[tuple[Array, Array, Array, Array]], pairs: Array) -> Evidence:
    if not found:
        none = np.zeros(0, np.int64)
        return Evidence(np.zeros((0, 16), np.uint8), none, none, none.astype(bool), pairs)
    blocks, odds, layer, shown = (np.concatenate(part) for part in zip(*found, strict=True))
    _, first, place = np.unique(_wide(blocks), return_index=True, return_inverse=True)
    votes = np.bincount(place.ravel(), np.where(shown, 1.0, -1.0), len(first))
    order = np.argsort(first, kind="stable")
    first, votes = first[order], votes[order]
    clear = votes != 0
    first, votes = first[clear], votes[clear]
    kept = _lowest(blocks[first])
    places = first[kept]
    return Evidence(blocks[places], odds[places], layer[places], votes[kept] > 0, pairs)


def _lowest(blocks: Array) -> Array:
    """Return the places of the cells that are used, in their order."""
    if len(blocks) <= MOST_MARKS:
        return np.arange(len(blocks))
    return np.sort(np.argsort(_wide(blocks), kind="stable")[:MOST_MARKS])


def _pairs(codes: Array) -> Array:
    _, place, count = np.unique(_wide(codes), return_inverse=True, return_counts=True)
    alone = codes[count[place.ravel()] == 1]
    even = min(len(alone), MOST_PAIRS * 2) // 2 * 2
    found: Array = alone[:even].reshape(-1, 2, 16)
    return found


def _wide(blocks: Array) -> Array:
    """Return 16-byte blocks as one value each, to be sorted and counted."""
    found: Array = np.ascontiguousarray(blocks).view([("high", "<u8"), ("low", "<u8")])
    return found.reshape(len(blocks))
