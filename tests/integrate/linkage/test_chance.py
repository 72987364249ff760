import numpy as np

from chengyi.integrate.linkage.chance import cut, learn
from chengyi.integrate.linkage.columns import FIELDS, encode, understand
from chengyi.integrate.linkage.compare import FEATURES, PLACE, compare
from simulators.townspeople import make_town


def test_missing_everything_is_level_nought_everywhere() -> None:
    nothing = np.full((1, len(FEATURES)), np.nan, dtype=np.float16)
    nothing[:, [PLACE["name_bits"], PLACE["birth_bits"]]] = 0
    assert not cut(nothing).any()


def test_agreement_weighs_for_and_disagreement_against_and_absence_nothing() -> None:
    town = make_town(150)
    people = understand({field: encode(town.mentions[field].to_pylist()) for field in FIELDS})
    order = np.argsort(town.truth, kind="stable")
    near = (np.minimum(order[:-1], order[1:]), np.maximum(order[:-1], order[1:]))
    levels = cut(compare(people, *near))
    model = learn(people, levels)
    sexes, births = model.weights[2], model.weights[1]
    assert sexes[0] == births[0] == 0
    assert sexes[1] < 0 < sexes[2]
    assert births[1] < 0 < births[7]
    assert model.prior < 0
    truth = np.array(town.truth)
    odds = model.log_odds(levels)
    same = truth[near[0]] == truth[near[1]]
    assert odds[same].mean() > 4
    assert odds[~same].mean() < 0


def test_learning_is_repeatable() -> None:
    town = make_town(60)
    people = understand({field: encode(town.mentions[field].to_pylist()) for field in FIELDS})
    levels = cut(compare(people, np.arange(0, 100), np.arange(100, 200)))
    one, other = learn(people, levels), learn(people, levels)
    assert all((a == b).all() for a, b in zip(one.weights, other.weights, strict=True))
