"""Those who help: low-income roll, disaster relief, donations, hospital visits."""

import numpy as np

from chengyi.district.households import HEAD
from chengyi.district.life import AID_KINDS, DISASTERS, EDGE, ILLNESSES, LOW, NONE
from chengyi.district.table import Mark, Table, calendar, cells, chosen, constant, moments, numbered, written
from chengyi.district.world import World

_ORDINARY = ("上呼吸道感染", "高血压", "2型糖尿病", "腰椎间盘突出", "急性胃肠炎", "慢性支气管炎", "骨关节炎", "白内障")
_ORDINARY_COSTS = np.array((260, 420, 640, 3800, 700, 2600, 1500, 5200))
_HOSPITALS = (
    "云汀区人民医院",
    "云汀区中医院",
    "云汀区妇幼保健院",
    "望汀街道社区卫生服务中心",
    "临溪镇卫生院",
    "青坞镇卫生院",
)
_DONORS = ("云汀区慈善总会", "爱心人士", "云栖助学基金", "晴川企业联合会", "匿名捐赠人", "汀兰志愿服务队")
_SEX_CODES = (None, "M", "F")
VISIT_MONTHS = 12
MISSING_MONTH = 4  # of the last twelve, counted from 0: the delivery that never came


def low_income(world: World) -> Table:
    """Return the roll of aid: those served, those who no longer should be, and the dead whose aid goes on."""
    people, life, settings = world.people, world.life, world.settings
    rng = settings.stream("low-income")
    rows = np.flatnonzero(life.aid > NONE)
    rows = rows[np.argsort(people.household[rows], kind="stable")]
    per_head = life.per_head[people.household[rows]]
    amount = np.where(life.aid[rows] == EDGE, 0, np.ceil(np.clip(settings.standard - per_head, 60, settings.standard)))
    size = np.bincount(people.household, minlength=people.places.households)[people.household[rows]]
    reported = rng.uniform(0.85, 1.0, people.places.households)
    income = np.round(per_head * size * reported[people.household[rows]], -1)
    income = np.where(per_head > 1.5 * settings.standard, np.round(settings.standard * 0.8 * size, -1), income)
    values = {
        "household_no": people.household_no[people.household[rows]],
        "person_name": people.name[rows],
        "citizen_id": people.citizen_id[rows],
        "aid_kind": chosen(AID_KINDS, life.aid[rows]),
        "monthly_amount": amount.astype(np.int64).astype(object),
        "household_monthly_income": income.astype(np.int64).astype(object),
        "start_date": written(life.aid_from[rows], "chinese"),
        "end_date": written(life.aid_until[rows], "chinese"),
        "phone": people.phone[rows],
        "address": people.address(rows, 3),
    }
    return Table(
        "civil-low-income",
        values,
        (rows,),
        constant("低保对象名册2026年10月.xlsx", len(rows)),
        stale={"address": people.former_address(rows, 3)},
        dates={"start_date": "chinese", "end_date": "chinese"},
    )


def hospital_visits(world: World) -> Table:
    """Return twelve monthly files of visits, one of them never delivered; some visits are reported a month late."""
    rng = world.settings.stream("visits")
    rows, days, disease, cost, paid = _visits(world, rng)
    months = world.settings.months(VISIT_MONTHS)
    first = np.datetime64(months[0])
    due = (days.astype("datetime64[M]") - first).astype(np.int64)
    late = (rng.random(len(rows)) < 0.03) & (due < VISIT_MONTHS - 1)
    reported = due + late
    people = world.people
    values = {
        "visit_no": numbered("JZ26", len(rows), 8),
        "citizen_id": people.citizen_id[rows],
        "person_name": people.name[rows],
        "sex": chosen(_SEX_CODES, people.sex[rows]),
        "birth_date": written(people.birth[rows], "iso"),
        "visit_date": written(days, "iso"),
        "disease": disease,
        "hospital": chosen(_HOSPITALS, rng.integers(0, len(_HOSPITALS), len(rows))),
        "total_cost": cost.astype(object),
        "self_paid": paid.astype(object),
    }
    files = chosen([f"visits-{month}.jsonl" for month in months], reported)
    dates = {"birth_date": "iso", "visit_date": "iso"}
    table = Table("health-visits", values, (rows,), files, dates=dates)  # type: ignore[arg-type]
    came = np.flatnonzero(reported != MISSING_MONTH)
    table.take(came)
    at = np.flatnonzero(late[came])
    table.marks.append(Mark("late", "", at, constant(None, len(at))))
    return table


def _visits(world: World, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    people, life = world.people, world.life
    start = np.datetime64(f"{world.settings.months(VISIT_MONTHS)[0]}-01")
    span = int((world.day - start).astype(np.int64)) + 1
    often = rng.poisson(np.where(people.age >= 60, 0.32, 0.11))
    ordinary = np.repeat(np.arange(len(people)), often)
    ill = np.flatnonzero((life.illness >= 0) & (life.ill_on >= start))
    stays = rng.integers(1, 4, len(ill))
    grave = np.repeat(ill, stays)
    kind = rng.integers(0, len(_ORDINARY), len(ordinary))
    cost = np.round(_ORDINARY_COSTS[kind] * np.exp(rng.normal(0, 0.5, len(ordinary))), 2)
    paid = np.round(cost * rng.uniform(0.25, 0.6, len(ordinary)), 2)
    share = np.round(life.paid[grave] / np.repeat(stays, stays), 2)
    days = np.concatenate(
        [start + rng.integers(0, span, len(ordinary)), life.ill_on[grave] + rng.integers(0, 45, len(grave))]
    )
    rows = np.concatenate([ordinary, grave])
    disease = np.concatenate([chosen(_ORDINARY, kind), chosen(ILLNESSES, life.illness[grave])])
    costs = np.concatenate([cost, np.round(share * rng.uniform(1.8, 2.6, len(grave)), 2)])
    alive = (
        (np.isnat(life.death[rows]) | (days <= life.death[rows])) & (days <= world.day) & (days >= people.birth[rows])
    )
    order = np.argsort(days[alive], kind="stable")
    return tuple(each[alive][order] for each in (rows, days, disease, costs, np.concatenate([paid, share])))


def disaster_relief(world: World) -> Table:
    """Return relief by household; about one household in seven that was struck is not on the list."""
    people, life = world.people, world.life
    rng = world.settings.stream("relief")
    heads = np.flatnonzero((people.places.role == HEAD) & (life.struck[people.household] >= 0))
    heads = heads[rng.random(len(heads)) < 0.86]
    event = life.struck[people.household[heads]]
    loss = np.round(np.exp(rng.normal(9.0, 0.8, len(heads))), -2)
    values = {
        "relief_no": numbered("JZ-2026-", len(heads), 5),
        "disaster_kind": chosen([each[0] for each in DISASTERS], event),
        "disaster_date": calendar(life.struck_on[people.household[heads]]),
        "person_name": people.name[heads],
        "household_no": people.household_no[people.household[heads]],
        "phone": people.phone[heads],
        "address": people.address(heads, 0),
        "loss_amount": loss.astype(np.int64).astype(object),
        "relief_amount": np.round(loss * rng.uniform(0.1, 0.35, len(heads)), -1).astype(np.int64).astype(object),
    }
    stale = {"address": people.former_address(heads, 0)}
    return Table("emergency-relief", values, (heads,), constant("受灾救助台账.xlsx", len(heads)), stale=stale)


def donations(world: World) -> Table:
    """Return twelve monthly files of donations, mostly to the sick, the struck and the poor."""
    people, life = world.people, world.life
    rng = world.settings.stream("donations")
    needy = (life.illness >= 0) | (life.struck[people.household] >= 0) | np.isin(life.entitled, (LOW, EDGE))
    rows = np.flatnonzero(needy & world.here())
    rows = rng.choice(rows, min(len(rows), max(12, len(people) // 100)), replace=False)
    start = np.datetime64(f"{world.settings.months(12)[0]}-01T00:00:00")
    span = int((world.day - start).astype("timedelta64[s]").astype(np.int64))
    when = np.sort(start + rng.integers(0, span, len(rows)).astype("timedelta64[s]"))
    values = {
        "donation_no": numbered("CS", len(rows), 7),
        "donated_at": moments(when, "%Y-%m-%dT%H:%M:%S+08:00"),
        "donor": chosen(_DONORS, rng.integers(0, len(_DONORS), len(rows))),
        "person_name": people.name[rows],
        "citizen_id": people.citizen_id[rows],
        "amount": (rng.integers(2, 100, len(rows)) * 100).astype(object),
    }
    files = cells(f"donations-{month}.jsonl" for month in when.astype("datetime64[M]").astype(str))
    return Table("charity-donations", values, (rows,), files)
