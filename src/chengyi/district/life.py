"""What happened to the people in the last 24 months, and who is entitled to relief because of it.

Hazards (a month, unless said otherwise): illness 0.10 % below 40, 0.22 % to 60, 0.60 % above; loss of a job 0.25 % of
those employed; death 0.002 % at birth doubling every nine years of age; three disasters strike named villages once
each and hit a part of their households; school starts at 6, 12 and 15 each September. Income is wages, pensions and
farm income a head, scaled so that before shocks the poorest 2.6 % of people are below the district's line.

Entitled: a living resident whose household has less than the line a head (低保; 特困 for elderly people alone with
nothing), or less than 1.5 times the line (低保边缘). Served: what civil affairs actually pays. The difference is
the truth that targeting is scored against.
"""

from dataclasses import dataclass

import numpy as np

from chengyi.district.people import People
from chengyi.district.settings import Settings

MONTHS = 24
DISASTERS = (("暴雨洪涝", 5, 2, 14, 0.35), ("山体滑坡", 6, 4, 9, 0.22), ("大风冰雹", 7, 1, 5, 0.30))
ILLNESSES = ("恶性肿瘤", "脑卒中", "慢性肾衰竭", "冠心病", "重型精神障碍", "骨折", "肺炎", "糖尿病并发症")
SEVERITY = np.array((60_000, 28_000, 45_000, 24_000, 12_000, 9_000, 4_000, 8_000))
_ILLNESS_SHARES = np.array((0.10, 0.14, 0.05, 0.16, 0.04, 0.16, 0.20, 0.15))
NAT = np.datetime64("NaT", "D")
NONE, LOW, DESTITUTE, EDGE = range(4)
AID_KINDS = ("", "低保", "特困", "低保边缘")


@dataclass(frozen=True, slots=True)
class Life:
    """Events and means, one item a person unless `struck` (a household's disaster, or -1) or `per_head`."""

    death: np.ndarray
    ill_on: np.ndarray
    illness: np.ndarray
    paid: np.ndarray
    employed: np.ndarray
    lost_job: np.ndarray
    struck: np.ndarray
    struck_on: np.ndarray
    per_head: np.ndarray
    entitled: np.ndarray
    aid: np.ndarray
    aid_from: np.ndarray
    aid_until: np.ndarray

    def living(self) -> np.ndarray:
        """Tell who is alive."""
        return np.asarray(np.isnat(self.death))


def live(people: People, settings: Settings) -> Life:
    """Let the last 24 months happen."""
    rng = settings.stream("life")
    start = np.datetime64(settings.as_of) - MONTHS * 30
    death = _death(people, start, rng)
    ill_on, illness, paid = _illness(people, start, rng)
    employed = _employed(people, rng)
    lost_job = np.where(employed & (rng.random(len(people)) < 0.0025 * MONTHS), _days(people, start, rng), NAT)
    struck, struck_on = _disasters(people, settings, rng)
    income = _income(people, employed, settings, rng)
    income = np.where(np.isnat(lost_job), income, income * 0.15)
    alive_here = np.isnat(death) & np.isnat(people.gone)
    per_head = _per_head(people, np.where(alive_here, income, 0.0), alive_here, paid)
    entitled = _entitled(people, per_head, alive_here, settings)
    aid, aid_from, aid_until = _aid(people, entitled, per_head, death, settings=settings)
    return Life(
        death,
        ill_on,
        illness,
        paid,
        employed,
        lost_job,
        struck,
        struck_on,
        per_head,
        entitled,
        aid,
        aid_from,
        aid_until,
    )


def _days(people: People, start: np.datetime64, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(start + rng.integers(0, MONTHS * 30, len(people)))


def _death(people: People, start: np.datetime64, rng: np.random.Generator) -> np.ndarray:
    monthly = np.minimum(0.00002 * 2.0 ** (people.age / 9.0), 0.04)
    dies = rng.random(len(people)) < 1 - (1 - monthly) ** MONTHS
    return np.where(dies & (people.age > 0), _days(people, start, rng), NAT)


def _illness(
    people: People, start: np.datetime64, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    monthly = np.select([people.age < 40, people.age < 60], [0.0010, 0.0022], 0.0060)
    falls = rng.random(len(people)) < 1 - (1 - monthly) ** MONTHS
    bounds = np.cumsum(_ILLNESS_SHARES)
    kind = np.minimum(np.searchsorted(bounds, rng.random(len(people))), len(ILLNESSES) - 1)
    cost = SEVERITY[kind] * np.exp(rng.normal(0, 0.5, len(people)))
    share = np.clip(rng.normal(0.42, 0.12, len(people)), 0.1, 0.9)
    on = np.where(falls, _days(people, start, rng), NAT)
    return on, np.where(falls, kind, -1), np.where(falls, np.round(cost * share, 2), 0.0)


def _employed(people: People, rng: np.random.Generator) -> np.ndarray:
    rural = people.home.rural()[people.household]
    chance = np.where(rural, 0.38, 0.72)
    return (people.age >= 20) & (people.age < 60) & (rng.random(len(people)) < chance)


def _disasters(people: People, settings: Settings, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    count = people.places.households
    struck, on = np.full(count, -1), np.full(count, NAT)
    for number, (_, street, quarter, months_ago, share) in enumerate(DISASTERS):
        home = people.home
        near = (home.street == street) & (np.abs(home.quarter - quarter) <= 1) & (rng.random(count) < share)
        struck[near] = number
        on[near] = np.datetime64(settings.as_of) - months_ago * 30
    return struck, on


def _income(people: People, employed: np.ndarray, settings: Settings, rng: np.random.Generator) -> np.ndarray:
    rural = people.home.rural()[people.household]
    spread = np.exp(rng.normal(0, 0.45, len(people)))
    wage = np.where(rural, 3900, 5600) * spread
    pension = np.where(rural, 420, 3100) * spread
    farm = np.where(rural, 1900, 1500) * spread
    grown = (people.age >= 18) & ~employed & (rng.random(len(people)) < 0.62)
    income = np.select([employed, people.age >= 60, grown], [wage, pension, farm], 0.0)
    luck = np.exp(rng.normal(0, 0.4, people.places.households))[people.household]
    income = (income + 320 * np.exp(rng.normal(0, 0.7, len(people)))) * luck
    per_head = _sum(people, income) / _sum(people, np.ones(len(people)))
    return np.asarray(income * settings.standard / np.quantile(per_head[people.household], 0.026))


def _sum(people: People, values: np.ndarray) -> np.ndarray:
    return np.bincount(people.household, weights=values, minlength=people.places.households)


def _per_head(people: People, income: np.ndarray, here: np.ndarray, paid: np.ndarray) -> np.ndarray:
    total = _sum(people, income) - np.minimum(_sum(people, paid) / 24, 0.25 * _sum(people, income))
    return np.asarray(np.round(np.maximum(total, 0) / np.maximum(_sum(people, here.astype(float)), 1), 2))


def _entitled(people: People, per_head: np.ndarray, here: np.ndarray, settings: Settings) -> np.ndarray:
    mean = per_head[people.household]
    members = _sum(people, here.astype(float))[people.household]
    alone = (members == 1) & (people.age >= 60) & (mean < settings.standard)
    kind = np.select([alone, mean < settings.standard, mean < 1.5 * settings.standard], [DESTITUTE, LOW, EDGE], NONE)
    return np.where(here, kind, NONE)


def _aid(
    people: People, entitled: np.ndarray, per_head: np.ndarray, death: np.ndarray, *, settings: Settings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = settings.stream("aid")
    count = people.places.households
    luck = rng.random(count)[people.household]
    chance = np.select([entitled == EDGE, entitled > NONE], [settings.served_edge, settings.served], 0.0)
    aid = np.where(luck < chance, entitled, NONE)
    leaked = (rng.random(count) < settings.leaked)[people.household] & (
        per_head[people.household] > 1.5 * settings.standard
    )
    aid = np.where(leaked & (entitled == NONE) & np.isnat(death), LOW, aid)
    was = _dead_recipients(people, aid, death, rng)
    aid = np.where(was, LOW, aid)
    day = np.datetime64(settings.as_of)
    start = np.where(aid > NONE, day - (rng.random(count) * 1500).astype(np.int64)[people.household] - 40, NAT)
    start = np.where(was, np.minimum(start, death - 200), start)
    stopped = was & (rng.random(len(people)) < 0.45)
    return aid, start, np.where(stopped, np.minimum(death + 30, day), NAT)


def _dead_recipients(people: People, aid: np.ndarray, death: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Tell which of the dead were on the roll: household members of recipients, and one in fifteen of the rest."""
    served = _sum(people, (aid > NONE).astype(float))[people.household] > 0
    return np.asarray(~np.isnat(death) & (served | (rng.random(len(people)) < 0.07)))
