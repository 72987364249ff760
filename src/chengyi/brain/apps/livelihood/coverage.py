"""Coverage: which share of a street's residents is on the assistance roll."""

from typing import TYPE_CHECKING

from chengyi.brain import tally
from chengyi.brain.apps.livelihood.people import ASSISTANCE, POPULATION, ROLL, on_roll, registered, without_number
from chengyi.brain.values import Computed, Measure, Tables, percent
from chengyi.model.decision import App, Indicator
from chengyi.model.text import Text

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa


def coverage() -> Measure:
    """Declare the measure."""
    indicator = Indicator(
        id="livelihood.coverage",
        version=1,
        app=App.LIVELIHOOD,
        title=Text("低收入救助覆盖率", "Coverage of assistance"),
        rule=Text(
            "各街道（镇、乡）在册居民中，救助在享人员所占百分比：在享人数 ÷ 户籍状态为“正常”的人数 × 100；"
            "按公民身份号码关联，一人只计一次，终止日期为空或不早于数据截止日的为在享。",
            "Percentage of a street's registered residents whose assistance runs: recipients / residents x 100; joined "
            "by citizen number, each person once; aid runs while its end date is empty or not before the data's date.",
        ),
        unit=Text("%", "%"),
        needs=(POPULATION, ROLL),
        purpose=Text("监测低收入人口救助覆盖情况", "Watch the coverage of assistance"),
        legal_basis=ASSISTANCE,
    )
    return Measure(indicator, compute)


def compute(tables: Tables) -> list[Computed]:
    """Return the percentage by street, and of the whole."""
    residents, roll = registered(tables, "正常"), on_roll(tables)
    joined = residents.left_join(roll, "person")
    rows = tally.run(
        tables["population"],
        joined.select("person", "street", *tally.names("p", "r"), served=joined["r_package"].notnull()),
    )
    missing = tally.notes(
        tables.values(),
        *tally.count_note("unmatched", _unmatched(tables, residents, roll)),
        *tally.count_note("unknown", without_number(tables["low_income"])),
    )
    return [
        tally.computed(group, share(part), tally.evidence(part, "p", "r"), missing)
        for group, part in tally.groups(rows, "street")
    ]


def share(part: "pa.Table") -> str:
    """Return the percentage of rows that are served."""
    return percent(tally.true_count(part, "served"), part.num_rows)


def _unmatched(tables: Tables, residents: "ibis.Table", roll: "ibis.Table") -> int:
    lost = roll.anti_join(residents, "person")
    return int(tally.run(tables["low_income"], lost.aggregate(rows=lost.count()))["rows"][0].as_py())
