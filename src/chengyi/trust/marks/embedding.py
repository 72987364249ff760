"""Embedding: a bit goes into a value, and comes out again without the original.

Rules (dithered quantisation index modulation, Chen and Wornell, IEEE Trans. Inf. Theory 47(4), 2001, on whole steps):

1. A value is a number of steps u (rounded down; what is left over is kept). With a tolerance of T steps, bins are
   Q = 2 (T - m) steps wide, m = T // 3; the cell's dither shifts them, so that nobody sees where they are.
2. A value shows the parity of its bin. To show the other bit it moves to the nearest place in a neighbouring bin that
   is at least m steps from any edge; to show its own it moves inside by m. No move is longer than T, and since the
   dither is uniform the moves are symmetric: sums and means are kept without bias.
3. Noise or rounding of at most m steps (about a third of the tolerance) does not change the bit.
4. A value is marked only where both bounds of its domain are at least 2 T away, and read only where they are T away:
   so whatever is marked is read, the values at a bound, often many and equal, are neither, and no value leaves its
   domain. An absent or invalid value is never marked.
5. With a relative tolerance the domain is the band between two powers of two; with a high-order part in the row's key
   it is that part's band: so the tolerance, and the key, are the same before and after.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from chengyi.trust.marks.cells import Cells
from chengyi.trust.marks.decoders import Array
from chengyi.trust.marks.policy import ColumnPolicy

_FAR = np.int64(1) << 60
_MAX_UNITS = 1 << 50


@dataclass(frozen=True, slots=True)
class Lattice:
    """Values as whole steps, and for each its tolerance T and the bounds of its domain, int64; T = 0: not markable."""

    units: Array
    tolerance: Array
    low: Array
    high: Array

    def within(self, tolerances: int) -> Array:
        """Tell which values have their bounds at least so many tolerances away."""
        room = tolerances * self.tolerance
        found: Array = (self.tolerance > 0) & (self.units >= self.low + room) & (self.units <= self.high - room)
        return found


def lattice(values: Array, policy: ColumnPolicy, band: Decimal | None = None) -> Lattice:
    """Return values (float64, NaN where absent) as steps; `band` is the unit of a high-order part, if there is one."""
    valid = np.isfinite(values) & (np.abs(values) < _MAX_UNITS * float(policy.step))
    units = np.floor(np.where(valid, values, 0.0) / float(policy.step) + 1e-6).astype(np.int64)
    low, high = _bounds(units, policy)
    tolerance = np.full_like(units, policy.steps)
    if policy.percent is not None:
        floor = _power(units)
        tolerance = (floor * float(policy.percent) / 100).astype(np.int64)
        low, high = np.maximum(low, floor), np.minimum(high, 2 * floor - 1)
    if band is not None:
        width = max(1, int(band // policy.step))
        low = np.maximum(low, units // width * width)
        high = np.minimum(high, units // width * width + width - 1)
    return Lattice(units, np.where(valid, tolerance, 0), low, high)


def embed(place: Lattice, cells: Cells, bits: Array) -> tuple[Array, Array]:
    """Return by how many steps each value moves to show its bit (int64), and which values are marked (bool)."""
    marked = place.within(2)
    margin, width = _grid(place.tolerance)
    at = place.units + cells.dither.astype(np.int64) % (2 * width)
    offset = at % width
    inside = np.clip(offset, margin, width - 1 - margin) - offset
    down, up = -(offset + 1 + margin), width - offset + margin
    upward = (up < -down) | ((up == -down) & cells.upward)
    away = np.where(upward, up, down)
    moves = np.where(_parity(at, width) == bits, inside, away)
    return np.where(marked, moves, 0), marked


def extract(place: Lattice, cells: Cells) -> tuple[Array, Array]:
    """Return the bit that each value shows, and which values are to be read (bool)."""
    _, width = _grid(place.tolerance)
    return _parity(place.units + cells.dither.astype(np.int64) % (2 * width), width), place.within(1)


def _grid(tolerance: Array) -> tuple[Array, Array]:
    margin = tolerance // 3
    return margin, np.maximum(2 * (tolerance - margin), 2)


def _parity(at: Array, width: Array) -> Array:
    found: Array = (at // width) % 2 == 1
    return found


def _bounds(units: Array, policy: ColumnPolicy) -> tuple[Array, Array]:
    least = -_FAR if policy.least is None else np.int64(-(-policy.least // policy.step))
    most = _FAR if policy.most is None else np.int64(policy.most // policy.step)
    return np.full_like(units, least), np.full_like(units, most)


def _power(units: Array) -> Array:
    """Return the largest power of two that does not exceed each number, 0 for those below one."""
    _, exponent = np.frexp(units.astype(np.float64))
    return np.where(units >= 1, np.int64(1) << np.maximum(exponent.astype(np.int64) - 1, 0), 0)
