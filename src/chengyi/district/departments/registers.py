"""The registers of people: police, marriages, disability certificates, students."""

import numpy as np

from chengyi.district.households import CHILD, GRANDCHILD, HEAD, IN_LAW, OTHER, PARENT, SPOUSE
from chengyi.district.people import couples
from chengyi.district.places import STREETS
from chengyi.district.table import Table, cells, chosen, constant, numbered, written
from chengyi.district.world import World

SEX_CODES = (None, "1", "2")
SEX_WORDS = (None, "男", "女")
_RELATIONS = {
    HEAD: ("户主", "户主"),
    SPOUSE: ("配偶", "配偶"),
    CHILD: ("子", "女"),
    IN_LAW: ("女婿", "儿媳"),
    GRANDCHILD: ("孙子", "孙女"),
    PARENT: ("父亲", "母亲"),
    OTHER: ("其他亲属", "其他亲属"),
}
_DISABILITIES = ("肢体", "听力", "视力", "智力", "精神", "言语", "多重")
_DISABILITY_SHARES = (0.46, 0.16, 0.14, 0.09, 0.09, 0.03, 0.03)
_GRADES = ("一级", "二级", "三级", "四级")
_SCHOOL_YEARS = (
    *("一年级", "二年级", "三年级", "四年级", "五年级", "六年级"),
    *("初一", "初二", "初三", "高一", "高二", "高三"),
)
_STAGES = ("小学", "小学", "初级中学", "高级中学")


def population(world: World) -> Table:
    """Return the police register: everybody, also those who died or left; some of which it does not know yet."""
    people, life = world.people, world.life
    rng = world.settings.stream("population")
    rows = np.arange(len(people))
    died = ~life.living() & (rng.random(len(rows)) < 0.90)
    left = ~np.isnat(people.gone) & ~died & (rng.random(len(rows)) < 0.85)
    status = np.select([died, left], ["死亡", "迁出"], "正常").astype(object)
    since = people.birth + rng.integers(3, 60, len(rows))
    since = np.where(people.moved, np.maximum(since, world.day - rng.integers(30, 1500, len(rows))), since)
    since = np.where(died, life.death + rng.integers(2, 30, len(rows)), np.where(left, people.gone, since))
    relation = cells(_RELATIONS[role][sex - 1] for role, sex in zip(people.places.role, people.sex, strict=True))
    values = {
        "household_no": people.household_no[people.household],
        "citizen_id": people.citizen_id,
        "person_name": people.name,
        "former_name": people.former_name,
        "sex": chosen(SEX_CODES, people.sex),
        "ethnicity": people.ethnicity,
        "birth_date": written(people.birth, "compact"),
        "relation_to_head": relation,
        "area_code": people.home.street_code(people.household),
        "address": people.address(rows, 0),
        "phone": people.phone,
        "residence_status": status,
        "register_date": written(np.minimum(since, world.day), "compact"),
    }
    return Table(
        "police-population",
        values,
        (rows,),
        constant("人口基本信息_202610.csv", len(rows)),
        stale={"address": people.former_address(rows, 0)},
        dates={"birth_date": "compact", "register_date": "compact"},
    )


def marriages(world: World) -> Table:
    """Return marriages registered in the district, and divorces of which both are still here."""
    people = world.people
    rng = world.settings.stream("marriages")
    husband, wife = couples(people)
    here = rng.random(len(husband)) < 0.6
    husband, wife = husband[here], wife[here]
    youngest = np.maximum(people.birth[husband], people.birth[wife])
    day = youngest + 365 * 22 + rng.integers(0, 365 * 6, len(husband))
    known = (day <= world.day) & (day > np.datetime64("1986-01-01"))
    former = _former_couples(world, rng)
    men = np.concatenate([husband[known], former[0]])
    women = np.concatenate([wife[known], former[1]])
    days = np.concatenate([day[known], world.day - rng.integers(60, 3000, len(former[0]))])
    kind = np.where(np.arange(len(men)) < int(known.sum()), "结婚", "离婚").astype(object)
    order = np.argsort(days, kind="stable")
    men, women, days, kind = men[order], women[order], days[order], kind[order]
    values = {
        "certificate_no": numbered("J990106-", len(men)),
        "marriage_kind": kind,
        "register_date": written(days, "chinese"),
        "husband_name": people.name[men],
        "husband_id": people.citizen_id[men],
        "wife_name": people.name[women],
        "wife_id": people.citizen_id[women],
    }
    files = constant("marriage_records.csv", len(men))
    return Table("civil-marriages", values, (men, women), files, dates={"register_date": "chinese"})


def _former_couples(world: World, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    people, places = world.people, world.people.places
    single = (places.role == HEAD) & (places.spouse < 0) & (people.age >= 28) & (people.age < 60)
    men = rng.permutation(np.flatnonzero(single & (people.sex == 1)))
    women = rng.permutation(np.flatnonzero(single & (people.sex == 2)))
    count = min(len(men), len(women)) // 3
    men, women = men[:count], women[:count]
    men = men[np.argsort(people.age[men], kind="stable")]
    women = women[np.argsort(people.age[women], kind="stable")]
    return men, women


def disability(world: World) -> Table:
    """Return holders of disability certificates, about 2.7 % of the people and more with age."""
    people = world.people
    rng = world.settings.stream("disability")
    chance = 0.008 + 0.0008 * np.maximum(people.age - 20, 0)
    rows = np.flatnonzero((rng.random(len(people)) < chance) & (people.age >= 3))
    kind = np.searchsorted(np.cumsum(_DISABILITY_SHARES), rng.random(len(rows)))
    grade = np.searchsorted([0.16, 0.42, 0.70], rng.random(len(rows)))
    days = np.maximum(world.day - rng.integers(30, 4500, len(rows)), people.birth[rows] + 400)
    values = {
        "certificate_no": cells(f"990106{number:07d}" for number in range(1, len(rows) + 1)),
        "person_name": people.name[rows],
        "sex": chosen(SEX_WORDS, people.sex[rows]),
        "citizen_id": people.citizen_id[rows],
        "birth_date": written(people.birth[rows], "slash"),
        "disability_type": chosen(_DISABILITIES, np.minimum(kind, len(_DISABILITIES) - 1)),
        "disability_grade": chosen(_GRADES, grade),
        "issue_date": written(days, "slash"),
        "phone": people.phone[rows],
        "address": people.address(rows, 2),
    }
    return Table(
        "disability-certificates",
        values,
        (rows,),
        constant("残疾人证台账.csv", len(rows)),
        stale={"address": people.former_address(rows, 2)},
        dates={"birth_date": "slash", "issue_date": "slash"},
    )


def students(world: World) -> Table:
    """Return pupils of 6 to 17 years; three in a hundred who should be at school are on no roll."""
    people, places = world.people, world.people.places
    rng = world.settings.stream("students")
    year = _school_year(world)
    rows = np.flatnonzero((year >= 0) & (year < 12) & world.here() & (rng.random(len(people)) < 0.97))
    year = year[rows]
    street = people.home.street[people.household[rows]]
    stage = np.digitize(year, [6, 9])
    school = cells(
        f"云汀区{STREETS[where].name[:2]}{_STAGES[level + 1]}" for where, level in zip(street, stage, strict=True)
    )
    began = year - np.array([0, 6, 9])[stage]
    parent = np.where(places.role[rows] == GRANDCHILD, places.child[rows], places.head[rows])
    parent = np.where(parent < 0, places.head[rows], parent)
    values = {
        "school": school,
        "grade": chosen(_SCHOOL_YEARS, year),
        "person_name": people.name[rows],
        "sex": chosen(SEX_WORDS, people.sex[rows]),
        "birth_date": written(people.birth[rows], "iso"),
        "citizen_id": people.citizen_id[rows],
        "guardian_name": people.name[parent],
        "guardian_phone": people.phone[parent],
        "address": people.address(rows, 1),
        "enrol_date": cells(f"{world.settings.as_of.year - back}-09-01" for back in began.tolist()),
    }
    return Table(
        "education-students",
        values,
        (rows,),
        constant("2026秋季学籍.xlsx", len(rows)),
        stale={"address": people.former_address(rows, 1)},
        dates={"birth_date": "iso"},
    )


def _school_year(world: World) -> np.ndarray:
    september = np.datetime64(f"{world.settings.as_of.year}-09")
    months = (september - world.people.birth.astype("datetime64[M]")).astype(np.int64)
    return months // 12 - 6
