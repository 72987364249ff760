"""Aid after death: alive on the roll, dead in the population register.

Rules: the two registers contradict each other, and that is all this says; which of them is wrong is found out by
people, and no payment stops by itself.
"""

from collections.abc import Sequence

from chengyi.brain import tally
from chengyi.brain.apps.livelihood.people import ASSISTANCE, POPULATION, ROLL, month, on_roll, registered
from chengyi.brain.values import ALL, AlertRule, Computed, Finding, Measure, Tables
from chengyi.model.decision import App, Indicator, Severity
from chengyi.model.text import Text


def paid_after_death() -> Measure:
    """Declare the measure."""
    indicator = Indicator(
        id="livelihood.paid_after_death",
        version=1,
        app=App.LIVELIHOOD,
        title=Text("身故后仍在享户数", "Households aided after a death"),
        rule=Text(
            "救助在享名册中，成员户籍状态为“死亡”的户数；户号为空的按人计。",
            "Households on the running assistance roll with a member whom the population register has as deceased; a "
            "person without a household number counts as one.",
        ),
        unit=Text("户", "households"),
        needs=(POPULATION, ROLL),
        purpose=Text("核对救助在享状态与户籍状态", "Compare the assistance roll with the population register"),
        legal_basis=ASSISTANCE,
    )
    alert = AlertRule(
        id="livelihood.paid_after_death.list",
        version=1,
        title=Text("身故后仍在享", "Aid after death"),
        rule=Text(
            "某街道（镇、乡）有在享人员户籍状态为“死亡”时提示，每月一次；由民政、公安核对后处理，不自动停发。",
            "Raised where a street has recipients on record as deceased, once a month; the two departments compare and "
            "act; nothing is stopped by itself.",
        ),
        legal_basis=ASSISTANCE,
        severity=Severity.CRITICAL,
        find=find,
    )
    return Measure(indicator, compute, rules=(alert,))


def compute(tables: Tables) -> list[Computed]:
    """Return the number of households by street, and of the whole."""
    joined = on_roll(tables).inner_join(registered(tables, "死亡"), "person")
    rows = tally.run(tables["low_income"], joined.select("street", "household", *tally.names("r", "p")))
    missing = tally.notes(tables.values())
    return [
        tally.computed(group, str(tally.distinct(part, "household")), tally.evidence(part, "r", "p"), missing)
        for group, part in tally.groups(rows, "street")
    ]


def find(tables: Tables, computed: Sequence[Computed]) -> list[Finding]:
    """Return one finding a street that has such households."""
    return [_finding(tables, each) for each in computed if each.group != ALL and each.value != "0"]


def _finding(tables: Tables, figure: Computed) -> Finding:
    street, count = figure.group, figure.value
    return Finding(
        subject=f"{street}@{month(tables)}",
        title=Text(f"{count} 户身故后仍在享", f"Aid after death in {count} households"),
        reasons=(
            Text(
                f"{count} 户的在享人员在人口库中状态为“死亡”",
                f"{count} households' recipients are on record as deceased",
            ),
            Text("两库记录矛盾，须核对后处理", "the two registers contradict each other: compare before acting"),
        ),
        evidence=figure.evidence,
        group=street,
    )
