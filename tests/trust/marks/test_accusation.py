from collections.abc import Callable
from itertools import product
from math import comb, exp, log

import numpy as np
import pytest

from chengyi.trust.marks.accusation import LIMIT, Chernoff, Judge, Reading
from chengyi.trust.marks.cells import cells, layout_key, row_codes
from chengyi.trust.marks.decoders import (
    TITLES,
    Array,
    Decoder,
    bank,
    coin,
    interleave,
    majority,
    minority,
    order_bank,
)

RECIPIENTS = 1_000
ATTACKS: dict[str, Callable[[int, int], float]] = {
    "interleaving": interleave,
    "majority": majority,
    "minority": minority,
    "coin": coin,
}


def places(marks: int, seed: int, half: float = 0.4) -> Array:
    layout = layout_key(bytes([seed]) * 32)
    return cells(layout, "c", row_codes(layout, map(str, range(marks))), half).biases


def forge(
    odds: Array, colluders: int, theta: Callable[[int, int], float], draw: np.random.Generator
) -> tuple[Array, Array]:
    """Return colluders' bits and what they show together."""
    bits = draw.random((colluders, len(odds))) < odds
    chance = np.array([theta(ones, colluders) for ones in range(colluders + 1)])
    return bits, draw.random(len(odds)) < chance[bits.sum(axis=0)]


def destroy(shown: Array, share: float, draw: np.random.Generator) -> Array:
    return np.where(draw.random(len(shown)) < share, draw.random(len(shown)) < 0.5, shown)


def test_the_parts_of_the_budget_add_up_to_one() -> None:
    assert sum(each.part for each in (*bank(), *order_bank())) == pytest.approx(1.0)
    assert all(each.part > 0 for each in bank())
    assert set(TITLES) == {each.name for each in (*bank(), *order_bank())}


def test_the_bound_is_never_below_the_exact_tail_for_coins() -> None:
    """All p = 1/2: the number of agreeing marks is binomial, its tail is known exactly."""
    marks = 60
    reading = Reading(np.full(marks, 0.5), np.ones(marks, bool))
    bound = Chernoff(reading, Decoder("one", 1, 1, interleave, 0.2))
    for agreeing in range(30, marks + 1, 3):
        score = float(bound.if_1[0]) * agreeing + float(bound.if_0[0]) * (marks - agreeing)
        tail = sum(comb(marks, k) for k in range(agreeing, marks + 1)) / 2**marks
        found = exp(bound.logarithm(score))
        assert tail <= found * (1 + 1e-9)
        assert found <= 12 * tail or agreeing <= 33


@pytest.mark.parametrize("decoder", bank(), ids=lambda each: each.name)
def test_the_bound_is_never_below_the_exact_tail_of_any_decoder(decoder: Decoder) -> None:
    """Twelve marks: every one of the 4,096 innocents is weighed, so the tail is exact."""
    draw = np.random.default_rng(11)
    odds = places(12, 5)
    reading = Reading(odds, draw.random(12) < 0.5)
    everyone = np.array(list(product([False, True], repeat=12)))
    weights = np.where(everyone, odds, 1 - odds).prod(axis=1)
    bound = Chernoff(reading, decoder)
    scores = everyone @ (bound.if_1 - bound.if_0) + bound.if_0.sum()
    for score in np.quantile(scores, [0.5, 0.8, 0.95, 0.99, 1.0]):
        tail = weights[scores >= score - 1e-12].sum()
        assert exp(bound.logarithm(float(score) - 1e-9)) >= tail * (1 - 1e-9)
        assert bound.roughly(np.array([score - 1e-9]))[0] >= bound.logarithm(float(score) - 1e-9) - 1e-9


def test_a_whole_leak_of_thirty_five_coins_names_its_leaker() -> None:
    draw = np.random.default_rng(2)
    odds = np.full(35, 0.5)
    bits = draw.random((RECIPIENTS, 35)) < odds
    verdicts = Judge(Reading(odds, bits[17].copy())).verdicts(bits)
    assert [at for at, each in enumerate(verdicts) if each.accused(RECIPIENTS)] == [17]
    assert verdicts[17].bound * RECIPIENTS <= LIMIT


@pytest.mark.slow
def test_one_leaker_is_named_from_two_hundred_marks_of_which_a_fifth_is_destroyed() -> None:
    draw = np.random.default_rng(3)
    named = 0
    for trial in range(100):
        odds = places(200, trial)
        bits = draw.random((1, 200)) < odds
        shown = destroy(bits[0], 0.2, draw)
        named += Judge(Reading(odds, shown)).verdicts(bits)[0].accused(RECIPIENTS)
    assert named >= 99


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_of_five_colluders_at_least_one_is_caught_by_three_thousand_marks(attack: str) -> None:
    draw = np.random.default_rng(4)
    for trial in range(25):
        odds = places(3_000, trial)
        bits, shown = forge(odds, 5, ATTACKS[attack], draw)
        assert any(each.accused(RECIPIENTS) for each in Judge(Reading(odds, shown)).verdicts(bits))


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_innocent_is_accused_among_a_hundred_thousand(attack: str) -> None:
    draw = np.random.default_rng(5)
    odds = places(1_500, 9)
    _, shown = forge(odds, 5, ATTACKS[attack], draw)
    judge = Judge(Reading(odds, shown))
    least = np.concatenate([judge.least(judge.scores(draw.random((5_000, 1_500)) < odds)) for _ in range(20)])
    assert least.min() + log(len(least)) > log(LIMIT)
    assert (least < log(0.01)).mean() <= 0.01


def test_nobody_is_accused_where_the_leak_is_of_nobody() -> None:
    draw = np.random.default_rng(6)
    odds = places(2_000, 3)
    bits = draw.random((300, 2_000)) < odds
    for shown in (draw.random(2_000) < 0.5, np.ones(2_000, bool), np.zeros(2_000, bool), odds > 0.5):
        assert not any(each.accused(300) for each in Judge(Reading(odds, shown)).verdicts(bits))


def test_without_marks_there_is_no_suspicion() -> None:
    verdict = Judge(Reading(np.zeros(0), np.zeros(0, bool))).verdicts(np.zeros((2, 0), bool))[0]
    assert (verdict.bound, verdict.agree, verdict.accused(1)) == (1.0, 0.0, False)


def test_more_recipients_need_more_evidence() -> None:
    draw = np.random.default_rng(7)
    odds = places(60, 1)
    bits = draw.random((1, 60)) < odds
    verdict = Judge(Reading(odds, bits[0])).verdicts(bits)[0]
    assert verdict.accused(1)
    assert not verdict.accused(10**12)


def test_the_symmetric_score_is_that_of_the_paper() -> None:
    """An innocent's mean is 0 and his variance 1 at each mark, whatever is shown."""
    odds = places(50, 2)
    shown = np.arange(50) % 2 == 0
    zero, one = Decoder("s", 1, 0, None).scores(odds, shown)
    assert (1 - odds) * zero + odds * one == pytest.approx(np.zeros(50), abs=1e-12)
    assert (1 - odds) * zero**2 + odds * one**2 == pytest.approx(np.ones(50))


def test_a_likelihood_score_has_mean_one_for_the_innocent() -> None:
    """The expectation of exp(score) over an innocent's bit is 1, averaged over what is shown by the model."""
    odds = places(50, 2)
    for decoder in bank():
        if decoder.theta is not None:
            for shown in (np.zeros(50, bool), np.ones(50, bool)):
                zero, one = decoder.scores(odds, shown)
                assert (1 - odds) * np.exp(zero) + odds * np.exp(one) == pytest.approx(np.ones(50))
