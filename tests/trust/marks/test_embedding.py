from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.trust.marks.cells import cells, layout_key, row_codes
from chengyi.trust.marks.embedding import embed, extract, lattice
from chengyi.trust.marks.policy import ColumnPolicy

LAYOUT = layout_key(b"s" * 32)
ROWS = 4_000
CELLS = cells(LAYOUT, "cost", row_codes(LAYOUT, map(str, range(ROWS))), 0.4)
DRAW = np.random.default_rng(3)
WANTED = DRAW.random(ROWS) < 0.5


def spread(tolerance: int) -> np.ndarray:
    return DRAW.integers(10 * tolerance, 500 * tolerance, ROWS).astype(np.float64)


@pytest.mark.parametrize("tolerance", [1, 2, 3, 5, 10, 37])
def test_a_bit_comes_out_as_it_went_in_and_no_value_leaves_its_tolerance(tolerance: int) -> None:
    policy = ColumnPolicy("cost", Decimal(1), tolerance=Decimal(tolerance), least=Decimal(0))
    values = spread(tolerance)
    moves, marked = embed(lattice(values, policy), CELLS, WANTED)
    assert marked.all()
    assert np.abs(moves).max() <= tolerance
    shown, read = extract(lattice(values + moves, policy), CELLS)
    assert read.all()
    assert (shown == WANTED).all()


@given(
    st.integers(1, 60),
    st.decimals("0.01", "10", places=2),
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    st.one_of(st.none(), st.integers(-1000, 1000)),
)
def test_whatever_is_marked_is_read_and_stays_in_its_domain(
    tolerance: int, step: Decimal, found: list[float], least: int | None
) -> None:
    bound = None if least is None else Decimal(least)
    policy = ColumnPolicy("cost", step, tolerance=tolerance * step, least=bound)
    units = np.floor(np.array(found) / float(step) + 1e-6)
    values = units * float(step)
    there = cells(LAYOUT, "cost", row_codes(LAYOUT, map(str, range(len(found)))), 0.4)
    wanted = np.arange(len(found)) % 2 == 0
    moves, marked = embed(lattice(values, policy), there, wanted)
    assert (np.abs(moves) <= tolerance).all()
    assert (moves[~marked] == 0).all()
    after = values + moves * float(step)
    if least is not None:
        assert (after[marked] >= least).all()
    shown, read = extract(lattice(after, policy), there)
    assert read[marked].all()
    assert (shown[marked] == wanted[marked]).all()


def test_noise_and_rounding_within_a_third_of_the_tolerance_change_no_bit() -> None:
    policy = ColumnPolicy("cost", Decimal(1), tolerance=Decimal(12))
    values = spread(12)
    moves, _ = embed(lattice(values, policy), CELLS, WANTED)
    after = values + moves
    for attacked in (after + DRAW.integers(-4, 5, ROWS), np.round(after / 8) * 8):
        shown, _ = extract(lattice(attacked, policy), CELLS)
        assert (shown == WANTED).all()


def test_noise_far_beyond_the_tolerance_leaves_a_coin() -> None:
    policy = ColumnPolicy("cost", Decimal(1), tolerance=Decimal(3))
    values = spread(30)
    moves, _ = embed(lattice(values, policy), CELLS, WANTED)
    shown, _ = extract(lattice(values + moves + DRAW.integers(-40, 41, ROWS), policy), CELLS)
    assert (shown == WANTED).mean() == pytest.approx(0.5, abs=0.04)


def test_moves_are_symmetric_so_that_sums_are_kept() -> None:
    policy = ColumnPolicy("cost", Decimal(1), tolerance=Decimal(10))
    moves, _ = embed(lattice(spread(10), policy), CELLS, WANTED)
    assert abs(moves.mean()) < 5 * moves.std() / np.sqrt(ROWS)
    assert (moves > 0).mean() == pytest.approx((moves < 0).mean(), abs=0.04)


def test_values_at_a_bound_and_absent_ones_are_never_marked_nor_read() -> None:
    policy = ColumnPolicy("cost", Decimal(1), tolerance=Decimal(5), least=Decimal(0), most=Decimal(100))
    values = np.array([0, 4, 9, 10, 50, 90, 91, 100, np.nan, np.inf])
    there = cells(LAYOUT, "cost", row_codes(LAYOUT, map(str, range(10))), 0.4)
    place = lattice(values, policy)
    moves, marked = embed(place, there, np.ones(10, bool))
    assert marked.tolist() == [False, False, False, True, True, True, False, False, False, False]
    assert not moves[~marked].any()
    _, read = extract(place, there)
    assert not read[[0, 1, 7, 8, 9]].any()


def test_a_relative_tolerance_is_known_without_the_original() -> None:
    policy = ColumnPolicy("cost", Decimal("0.01"), percent=Decimal(1), least=Decimal(0))
    values = np.round(DRAW.lognormal(6, 2, ROWS), 2)
    moves, marked = embed(lattice(values, policy), CELLS, WANTED)
    assert marked.mean() > 0.85
    assert (np.abs(moves * 0.01) <= 0.0101 * values + 1e-9).all()
    shown, read = extract(lattice(values + moves * 0.01, policy), CELLS)
    assert read[marked].all()
    assert (shown == WANTED)[marked].all()


def test_a_high_order_part_is_never_left() -> None:
    policy = ColumnPolicy("cost", Decimal(1), tolerance=Decimal(20))
    values = DRAW.integers(0, 100_000, ROWS).astype(np.float64)
    band = Decimal(1000)
    moves, marked = embed(lattice(values, policy, band), CELLS, WANTED)
    assert marked.mean() > 0.85
    assert ((values + moves) // 1000 == values // 1000).all()


def test_two_recipients_copies_differ_only_where_their_bits_do() -> None:
    policy = ColumnPolicy("cost", Decimal(1), tolerance=Decimal(9))
    place = lattice(spread(9), policy)
    other = WANTED ^ (DRAW.random(ROWS) < 0.3)
    one, two = (embed(place, CELLS, each)[0] for each in (WANTED, other))
    assert ((one != two) == (other != WANTED)).all()
