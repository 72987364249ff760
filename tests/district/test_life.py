import numpy as np

from chengyi.district.life import DESTITUTE, EDGE, LOW, NONE
from chengyi.district.world import World


def test_some_are_entitled_and_unserved(world: World) -> None:
    life = world.life
    entitled = np.isin(life.entitled, (LOW, DESTITUTE))
    unserved = entitled & (life.aid == NONE)
    assert 0.10 < unserved.sum() / entitled.sum() < 0.32
    assert np.any((life.entitled == EDGE) & (life.aid == NONE))


def test_some_are_served_who_are_not_entitled(world: World) -> None:
    life = world.life
    assert np.any((life.aid == LOW) & (life.entitled == NONE) & life.living())


def test_some_are_paid_after_death(world: World) -> None:
    life = world.life
    paid = (life.aid > NONE) & ~life.living() & np.isnat(life.aid_until)
    assert 10 < paid.sum() < 100
    assert np.all(life.aid_from[paid] < life.death[paid])


def test_the_poor_are_a_share_like_the_national_one(world: World) -> None:
    share = np.mean(np.isin(world.life.entitled, (LOW, DESTITUTE)))
    assert 0.02 < share < 0.045


def test_entitlement_follows_the_line(world: World) -> None:
    life, standard = world.life, world.settings.standard
    per_head = life.per_head[world.people.household]
    here = world.here()
    assert np.all(per_head[np.isin(life.entitled, (LOW, DESTITUTE))] < standard)
    assert np.all(life.entitled[here & (per_head >= 1.5 * standard)] == NONE)
    assert np.all(life.entitled[~here] == NONE)


def test_hazards_are_near_what_is_documented(world: World) -> None:
    life, age = world.life, world.people.age
    old = age >= 60
    assert abs(np.mean(life.illness[old] >= 0) - (1 - (1 - 0.006) ** 24)) < 0.02
    assert abs(np.mean(~np.isnat(life.lost_job[life.employed])) - 0.06) < 0.015
    assert np.mean(~life.living()[age >= 80]) > np.mean(~life.living()[age < 40]) * 10
    assert set(np.unique(life.struck)) == {-1, 0, 1, 2}
