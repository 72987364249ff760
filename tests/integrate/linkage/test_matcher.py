import numpy as np

from chengyi.integrate.linkage.columns import Bools, Halves, Ints
from chengyi.integrate.linkage.compare import FEATURES
from chengyi.integrate.linkage.matcher import sample, train


def lesson(size: int = 3_000) -> tuple[Halves, Bools, Ints]:
    dice = np.random.default_rng(5)
    features = np.full((size, len(FEATURES)), np.nan, dtype=np.float16)
    features[:, 0] = dice.random(size)
    same = dice.random(size) < features[:, 0].astype(np.float64)
    return features, same, np.arange(size) // 3


def test_probabilities_are_calibrated() -> None:
    features, same, persons = lesson()
    odds = train(features, same, persons).log_odds(features).astype(np.float64)
    likely = 1 / (1 + np.exp2(-odds))
    for low, high in ((0.0, 0.33), (0.33, 0.66), (0.66, 1.0)):
        band = (likely >= low) & (likely <= high)
        assert abs(likely[band].mean() - same[band].mean()) < 0.12


def test_without_calibration_the_trees_speak_for_themselves() -> None:
    features, same, persons = lesson(600)
    matcher = train(features, same, persons, calibrate=False)
    assert matcher.curve is None
    odds = matcher.log_odds(features)
    assert odds[same].mean() > odds[~same].mean()


def test_training_is_repeatable() -> None:
    features, same, persons = lesson(900)
    one, other = (train(features, same, persons).log_odds(features) for _ in range(2))
    assert (one == other).all()


def test_a_sample_is_all_or_a_fixed_part_in_order() -> None:
    assert sample(10).tolist() == list(range(10))
    assert len(sample(200_000)) < 200_000
    assert (np.diff(sample(200_000)) > 0).all()
