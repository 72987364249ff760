import numpy as np
import pytest

from chengyi.trust.marks.cells import (
    CUT,
    biases,
    bits,
    bits_of,
    cells,
    column_key,
    layout_key,
    ranks,
    recipient_key,
    row_codes,
)

SECRET = bytes(range(32))
LAYOUT = layout_key(SECRET)
KEYS = [f"JZ{number:06d}" for number in range(20_000)]
CODES = row_codes(LAYOUT, KEYS)
THERE = cells(LAYOUT, "cost", CODES, 0.4)


def test_what_was_derived_once_is_derived_for_ever() -> None:
    """Bundles of years ago have to be recomputed: these values may never change."""
    codes = row_codes(LAYOUT, ["JZ000000", "汀"])
    there = cells(LAYOUT, "cost", codes, 0.4)
    key = recipient_key(SECRET, "区医保局/clerk-1")
    assert LAYOUT.hex()[:16] == "6943a542c185f531"
    assert codes[0].tobytes().hex() == "5ddcc171632477673ad1abf4ac030eb1"
    assert there.blocks[1].tobytes().hex() == "0a9d312b32f5a4a3457f305c521f9ed7"
    assert there.odds.tolist() == [23777, 32768]
    assert key.hex()[:16] == "5d49d7a9c9dab548"
    assert bits(key, there.blocks, there.odds).tolist() == [False, True]


def test_keys_of_one_purpose_say_nothing_of_another() -> None:
    derived = {LAYOUT, recipient_key(SECRET, "a"), recipient_key(SECRET, "b"), column_key(LAYOUT, "a"), SECRET}
    assert len(derived) == 5
    assert layout_key(b"x" * 32) != LAYOUT


def test_layers_have_their_share_and_their_biases() -> None:
    first = THERE.layer == 1
    assert first.mean() == pytest.approx(0.4, abs=0.02)
    assert (THERE.odds[first] == 1 << 15).all()
    second = THERE.biases[~first]
    assert second.min() >= CUT - 1e-4
    assert second.max() <= 1 - CUT + 1e-4
    least = np.arcsin(np.sqrt(CUT))
    angle = np.arcsin(np.sqrt(second))
    uniform = (angle - least) / (np.pi / 2 - 2 * least)
    assert np.histogram(uniform, 10, (0, 1))[0].std() / len(uniform) < 0.006


def test_bits_follow_the_bias_and_recipients_are_independent() -> None:
    keys = [recipient_key(SECRET, f"r{number}") for number in range(40)]
    found = bits_of(keys, THERE.blocks, THERE.odds)
    assert abs(found.mean(axis=0) - THERE.biases).mean() < 0.06
    centred = (found - THERE.biases) / np.sqrt(THERE.biases * (1 - THERE.biases))
    together = centred @ centred.T / len(THERE.odds)
    assert np.abs(together - np.diag(np.diag(together))).max() < 5 / np.sqrt(len(THERE.odds))


def test_another_column_or_secret_is_another_place() -> None:
    other = cells(LAYOUT, "minutes", CODES, 0.4)
    assert (other.odds != THERE.odds).mean() > 0.5
    foreign = cells(layout_key(b"x" * 32), "cost", CODES, 0.4)
    assert (foreign.odds != THERE.odds).mean() > 0.5


def test_ranks_order_rows_for_one_recipient_only() -> None:
    one, two = (np.argsort(ranks(recipient_key(SECRET, each), CODES)) for each in "ab")
    assert sorted(one) == list(range(len(CODES)))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03


def test_nobody_and_nothing_are_no_error() -> None:
    none = row_codes(LAYOUT, [])
    assert none.shape == (0, 16)
    assert len(cells(LAYOUT, "cost", none, 0.4).odds) == 0
    assert bits_of([], THERE.blocks, THERE.odds).shape == (0, len(THERE.odds))
    assert biases(np.array([1 << 15])) == [0.5]
