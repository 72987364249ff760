"""Homes, work, fields and enterprises."""

import numpy as np

from chengyi.district.households import HEAD
from chengyi.district.life import NONE
from chengyi.district.table import Table, blank_unless, calendar, cells, chosen, constant, numbered, written
from chengyi.district.world import World

_CROPS = ("水稻", "油菜", "茶叶", "柑橘", "小麦", "蔬菜")
_CROP_RATES = np.array((128.5, 96.0, 210.0, 180.0, 110.0, 150.0))
_EMPLOYEES, _RESIDENTS = "城镇职工基本养老保险", "城乡居民基本养老保险"
INSURED_MONTHS = 3


def housing(world: World) -> Table:
    """Return one house a household with its safety grade; villages and the poor live less safely."""
    people, life = world.people, world.life
    rng = world.settings.stream("housing")
    heads = np.flatnonzero((people.places.role == HEAD) & (rng.random(len(people)) < 0.94))
    rural = people.home.rural()[people.household[heads]]
    risk = rng.random(len(heads)) / (1 + 2.2 * rural + 2.5 * (life.entitled[heads] > NONE))
    grade = np.select([risk < 0.004, risk < 0.014, risk < 0.14], ["D", "C", "B"], "A").astype(object)
    kind = np.where(rural, "农村自建房", np.where(rng.random(len(heads)) < 0.12, "公共租赁住房", "商品住房"))
    area = np.round(np.clip(rng.normal(np.where(rural, 128, 92), 24), 28, 320), 1)
    values = {
        "house_no": numbered("FW990106", len(heads), 7),
        "person_name": people.name[heads],
        "citizen_id": people.citizen_id[heads],
        "address": people.address(heads, 1),
        "area_m2": area.astype(object),
        "housing_kind": kind.astype(object),
        "safety_grade": grade,
        "survey_date": written(world.day - rng.integers(20, 700, len(heads)), "slash"),
    }
    dates = {"survey_date": "slash"}
    return Table("housing-survey", values, (heads,), constant("housing.db", len(heads)), dates=dates)  # type: ignore[arg-type]


def social_insurance(world: World) -> Table:
    """Return three monthly files: employees and pensioners in each, other residents in the last."""
    months = world.settings.months(INSURED_MONTHS)
    rng = world.settings.stream("insurance")
    draws = rng.random((2, len(world.people)))
    parts = [_insured(world, month, draws, last=month == months[-1]) for month in months]
    values = {element: np.concatenate([part.values[element] for part in parts]) for element in parts[0].values}
    persons = np.concatenate([part.persons[0] for part in parts])
    return Table("labour-insurance", values, (persons,), np.concatenate([part.delivery for part in parts]))


def _insured(world: World, month: str, draws: np.ndarray, *, last: bool) -> Table:
    people, life = world.people, world.life
    start = np.datetime64(f"{month}-01")
    unknown_death = draws[1] < 0.18
    paid_for = np.isnat(life.death) | (life.death >= start) | unknown_death
    left = ~np.isnat(people.gone) & (people.gone < start)
    employed = life.employed & (people.age >= 18) & (draws[0] < 0.88) & ~left
    pensioner = (people.age >= 60) & (draws[0] < 0.85) & ~left
    resident = ~employed & (people.age >= 18) & (people.age < 60) & (draws[0] < 0.62) & ~left & last
    rows = np.flatnonzero((employed | pensioner | resident) & paid_for)
    works, retired = employed[rows], pensioner[rows]
    stopped = works & ~np.isnat(life.lost_job[rows]) & (life.lost_job[rows] < start)
    urban = ~people.home.rural()[people.household[rows]]
    status = np.select([stopped, retired], ["暂停缴费", "领取待遇"], "正常缴费").astype(object)
    employer = world.employer[rows]
    name = blank_unless(works, world.enterprises.name[employer])
    base = np.where(works, 4200 + (people.household[rows] * 37 + rows * 11) % 9000, np.where(retired, 0, 200))
    values = {
        "insured_month": constant(month.replace("-", ""), len(rows)),
        "person_name": people.name[rows],
        "citizen_id": people.citizen_id[rows],
        "insurance_kind": np.where(works | (retired & urban), _EMPLOYEES, _RESIDENTS).astype(object),
        "insurance_status": status,
        "credit_code": blank_unless(works, world.enterprises.credit_code[employer]),
        "employer": name,
        "monthly_base": base.astype(object),
    }
    return Table("labour-insurance", values, (rows,), constant(f"{month}.tsv", len(rows)))


def farm_subsidy(world: World) -> Table:
    """Return subsidies of village households, claimed by the head."""
    people = world.people
    rng = world.settings.stream("farm")
    rural = people.home.rural()[people.household]
    rows = np.flatnonzero((people.places.role == HEAD) & rural & (people.age >= 25) & (rng.random(len(people)) < 0.7))
    crop = rng.integers(0, len(_CROPS), len(rows))
    area = np.round(np.clip(rng.gamma(2.2, 2.1, len(rows)), 0.3, 80), 1)
    values = {
        "year": constant("2026", len(rows)),
        "household_no": people.household_no[people.household[rows]],
        "person_name": people.name[rows],
        "citizen_id": people.citizen_id[rows],
        "address": people.address(rows, 2),
        "crop": chosen(_CROPS, crop),
        "area_mu": area.astype(object),
        "subsidy_amount": cells(f"{value:,.2f}" for value in (area * _CROP_RATES[crop]).tolist()),
    }
    stale = {"address": people.former_address(rows, 2)}
    return Table("agriculture-subsidy", values, (rows,), constant("惠农补贴2026.csv", len(rows)), stale=stale)


def enterprises(world: World) -> Table:
    """Return the register of enterprises with their legal representatives."""
    firms, people = world.enterprises, world.people
    rng = world.settings.stream("market")
    values = {
        "credit_code": firms.credit_code,
        "org_name": firms.name,
        "legal_representative": people.name[firms.head],
        "industry": firms.industry,
        "address": people.address(firms.head, 0),
        "founded_at": calendar(world.day - rng.integers(100, 7000, len(firms.name))),
        "org_status": np.where(firms.closed, "注销", "存续").astype(object),
    }
    return Table("market-enterprises", values, (firms.head,), constant("enterprises.parquet", len(firms.name)))
