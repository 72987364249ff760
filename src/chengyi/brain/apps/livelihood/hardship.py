"""Hardship by household survey: poverty class and crowding.

The classes are the survey's own (1 extreme, 2 moderate, 3 vulnerable, 4 not vulnerable); nothing here computes them.
"""

from collections.abc import Sequence

from chengyi.brain import tally
from chengyi.brain.values import ALL, AlertRule, Computed, Finding, Measure, Parameter, Tables, percent
from chengyi.model.decision import App, Indicator, Need, Severity
from chengyi.model.text import Text

NEED = Need("households", ("household_no", "poverty_class", "rooms", "household_size"))
POOR_CLASSES = (1, 2)
CROWDED = Parameter("persons_per_room", "3", "人/间 persons a room")
_BASIS = "调查指标，无法定依据；阈值为示例参数，应以本地文件替换"


def poor_households() -> Measure:
    """Declare the measure."""
    indicator = Indicator(
        id="livelihood.poor_households",
        version=1,
        app=App.LIVELIHOOD,
        title=Text("困难家庭人口占比", "Persons in poor households"),
        rule=Text(
            "贫困等级为 1（极端）或 2（中度）的家庭中的人数 ÷ 有等级的全部人数 × 100。",
            "Persons in households of poverty class 1 (extreme) or 2 (moderate) / all persons with a class x 100.",
        ),
        unit=Text("%", "%"),
        needs=(NEED,),
        purpose=Text("了解困难家庭规模", "Know how many live in poor households"),
        legal_basis=_BASIS,
    )
    alert = AlertRule(
        id="livelihood.crowded",
        version=1,
        title=Text("住房过挤的困难家庭", "Crowded poor households"),
        rule=Text(
            "困难家庭中人均每间住房不少于 3 人的，按年汇总提示，由住建部门核实。",
            "Poor households with 3 or more persons a room, listed once a year for the housing department to check.",
        ),
        legal_basis=_BASIS,
        severity=Severity.NOTICE,
        find=find,
        parameters=(CROWDED,),
    )
    return Measure(indicator, compute, rules=(alert,))


def compute(tables: Tables) -> list[Computed]:
    """Return the percentage of the whole."""
    table = tables["households"].table
    poor = table.poverty_class.isin(POOR_CLASSES)
    rows = tally.run(
        tables["households"], table.select(*tally.EVIDENCE, known=table.poverty_class.notnull(), poor=poor)
    )
    known = tally.where(rows, "known")
    unknown = rows.num_rows - known.num_rows
    missing = tally.notes(tables.values(), *tally.count_note("unknown", unknown))
    value = percent(tally.true_count(known, "poor"), known.num_rows)
    return [tally.computed(ALL, value, known, missing, rows.num_rows)]


def find(tables: Tables, _computed: Sequence[Computed]) -> list[Finding]:
    """Return one finding that lists the crowded poor households, where there are any."""
    table = tables["households"].table
    crowded = table.filter(
        table.poverty_class.isin(POOR_CLASSES)
        & (table.rooms > 0)
        & (table.household_size >= table.rooms * int(CROWDED.number))
    )
    rows = tally.run(tables["households"], crowded.select("household_no", *tally.EVIDENCE))
    count = tally.distinct(rows, "household_no")
    if not count:
        return []
    year = tally.local_date(tables["households"].as_of).year
    said = Text(
        f"{count} 户困难家庭（{rows.num_rows} 人）每间住房不少于 {CROWDED.value} 人",
        f"{count} poor households ({rows.num_rows} persons) have {CROWDED.value} or more persons a room",
    )
    title = Text(f"{count} 户困难家庭住房过挤", f"{count} poor households are crowded")
    return [Finding(f"crowded@{year}", title, (said,), rows)]
