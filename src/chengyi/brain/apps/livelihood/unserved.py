"""Entitled but unserved: people whom the records point to and whom assistance does not reach.

Rules: a person is on the list where one register says that he may be entitled, the population register says that he
lives, and the assistance roll does not know him. The list says whom to visit; whether someone is entitled is found
out and decided by people.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chengyi.brain import tally
from chengyi.brain.apps.livelihood.people import (
    ASSISTANCE,
    POPULATION,
    ROLL,
    as_of,
    month,
    on_roll,
    registered,
    without_number,
)
from chengyi.brain.values import ALL, AlertRule, Computed, Finding, Measure, Parameter, Tables
from chengyi.model.decision import App, Indicator, Need, Severity
from chengyi.model.text import Text

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

_UNIT = Text("人", "persons")
_PURPOSE = Text("主动发现应保未保人员", "Find people who may be entitled and are not served")
SEVERE_GRADES = ("1", "2")
SELF_PAID = Parameter("self_paid", "20000", "元/年 yuan a year")
PERIOD = Parameter("period", "365", "天 days")


def disabled_unserved() -> Measure:
    """Declare the measure over the disability register."""
    rule = Text(
        "持有一级、二级残疾人证，户籍状态为“正常”，且不在救助在享名册的人数（按公民身份号码关联，一人只计一次）。",
        "Residents with a disability certificate of grade 1 or 2 who are not on the assistance roll (joined by citizen "
        "number, each person once).",
    )
    return _measure(
        "livelihood.unserved.disability",
        Text("重度残疾未纳入救助", "Severely disabled and unserved"),
        rule,
        Need("disability", ("citizen_id", "disability_grade")),
        disabled,
        (),
        Text("重度残疾", "severe disability"),
    )


def medical_unserved() -> Measure:
    """Declare the measure over hospital visits."""
    rule = Text(
        "近 365 天个人自付医疗费用合计不低于 20000 元，户籍状态为“正常”，且不在救助在享名册的人数。",
        "Residents whose self-paid medical cost of the last 365 days is 20,000 yuan or more and who are not on the "
        "assistance roll.",
    )
    return _measure(
        "livelihood.unserved.medical",
        Text("大额医疗支出未纳入救助", "Large medical cost and unserved"),
        rule,
        Need("hospital_visits", ("citizen_id", "visit_date", "self_paid")),
        indebted,
        (SELF_PAID, PERIOD),
        Text("大额自付医疗费用", "large self-paid medical cost"),
    )


def disabled(tables: Tables) -> "ibis.Table":
    """Return the rows that say someone is severely disabled: person, evidence under ``e_``."""
    register = tables["disability"].table
    severe = register.filter(register.citizen_id.notnull() & register.disability_grade.isin(SEVERE_GRADES))
    return severe.select(person=severe.citizen_id, **tally.evidence_as(severe, "e"))


def indebted(tables: Tables) -> "ibis.Table":
    """Return the visits of people whose own cost reached the limit: person, evidence under ``e_``."""
    import ibis

    visits = tables["hospital_visits"].table
    since = as_of(tables).toordinal() - int(PERIOD.number)
    recent = visits.filter(visits.citizen_id.notnull() & (visits.visit_date > type(as_of(tables)).fromordinal(since)))
    total = recent.self_paid.sum().over(ibis.window(group_by=recent.citizen_id))
    costly = recent.mutate(_total=total).filter(lambda each: each["_total"] >= ibis.literal(int(SELF_PAID.number)))
    return costly.select(person=costly.citizen_id, **tally.evidence_as(costly, "e"))


def unserved(tables: Tables, entitled: "Callable[[Tables], ibis.Table]") -> "pa.Table":
    """Return the rows of those who live and are not served: person, street, evidence ``e_`` and ``p_``."""
    found = entitled(tables).anti_join(on_roll(tables), "person")
    here = found.inner_join(registered(tables, "正常"), "person")
    return tally.run(tables["population"], here.select("person", "street", *tally.names("e", "p")))


def _measure(  # noqa: PLR0917 - private, one call a measure
    id: str,
    title: Text,
    rule: Text,
    need: Need,
    entitled: "Callable[[Tables], ibis.Table]",
    parameters: tuple[Parameter, ...],
    why: Text,
) -> Measure:
    def compute(tables: Tables) -> list[Computed]:
        rows = unserved(tables, entitled)
        missing = tally.notes(tables.values(), *tally.count_note("unknown", without_number(tables[need.dataset])))
        return [
            tally.computed(group, str(tally.distinct(part, "person")), tally.evidence(part, "e", "p"), missing)
            for group, part in tally.groups(rows, "street")
        ]

    def find(tables: Tables, computed: Sequence[Computed]) -> list[Finding]:
        return [_finding(tables, each, title, why) for each in computed if each.group != ALL and each.value != "0"]

    indicator = Indicator(
        id=id,
        version=1,
        app=App.LIVELIHOOD,
        title=title,
        rule=rule,
        unit=_UNIT,
        needs=(need, POPULATION, ROLL),
        purpose=_PURPOSE,
        legal_basis=ASSISTANCE,
    )
    alert = AlertRule(
        id=f"{id}.list",
        version=1,
        title=title,
        rule=Text(
            "某街道（镇、乡）名单不为空时提示，每月一次；由民政部门入户核实，是否给予救助由人决定。",
            "Raised where a street's list is not empty, once a month; people visit, and people decide on aid.",
        ),
        legal_basis=ASSISTANCE,
        severity=Severity.WARNING,
        find=find,
        parameters=parameters,
    )
    return Measure(indicator, compute, parameters, (alert,))


def _finding(tables: Tables, figure: Computed, title: Text, why: Text) -> Finding:
    street, count = figure.group, figure.value
    return Finding(
        subject=f"{street}@{month(tables)}",
        title=Text(f"{title.zh} {count} 人", f"{title.en}: {count} persons"),
        reasons=(
            Text(f"{count} 人有{why.zh}记录，户籍状态正常", f"{count} residents on record with {why.en}"),
            Text("均不在救助在享名册", "none of them is on the assistance roll"),
            Text("家庭经济状况未知，需入户核实", "their means are not known: a visit is needed"),
        ),
        evidence=figure.evidence,
        group=street,
    )
