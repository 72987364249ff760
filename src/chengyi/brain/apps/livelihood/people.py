"""What the livelihood rules join on: residents, the deceased, and the people on the assistance roll.

Rules: people are joined by the keyed code of their citizen number, never by the number itself; a row without one
cannot be joined and is counted as unknown; a person counts once, however many rows speak of him; aid runs while its
end date is empty or not before the day to which the data are up to date.
"""

from datetime import date
from typing import TYPE_CHECKING

from chengyi.brain.tally import evidence_as, local_date, run
from chengyi.brain.values import Tables
from chengyi.model.decision import Need
from chengyi.share import SharedTable

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

STREET_DIGITS = 9
ASSISTANCE = "《社会救助暂行办法》（国务院令第649号，2019年修订）；条款号待核，等级 M"

POPULATION = Need("population", ("citizen_id", "area_code", "residence_status"))
ROLL = Need("low_income", ("citizen_id", "household_no", "aid_kind", "end_date"))


def as_of(tables: Tables) -> date:
    """Return the day to which the assistance roll is up to date."""
    return local_date(tables["low_income"].as_of)


def month(tables: Tables) -> str:
    """Return the month to which the assistance roll is up to date, to name what may come again."""
    return f"{as_of(tables):%Y-%m}"


def registered(tables: Tables, *status: str) -> "ibis.Table":
    """Return one row a person of the given residence status: person, street, evidence under ``p_``."""
    people = tables["population"].table
    wanted = people.filter(people.citizen_id.notnull() & people.residence_status.isin(list(status)))
    named = wanted.select(
        person=wanted.citizen_id,
        street=wanted.area_code.substr(0, STREET_DIGITS),
        **evidence_as(wanted, "p"),
    )
    return one_each(named, "p")


def on_roll(tables: Tables) -> "ibis.Table":
    """Return one row a person whose aid runs: person, household, evidence under ``r_``."""
    roll = tables["low_income"].table
    live = roll.filter(roll.citizen_id.notnull() & (roll.end_date.isnull() | (roll.end_date >= as_of(tables))))
    named = live.select(
        person=live.citizen_id,
        household=live.household_no.coalesce(live.citizen_id),
        **evidence_as(live, "r"),
    )
    return one_each(named, "r")


def one_each(table: "ibis.Table", prefix: str) -> "ibis.Table":
    """Keep one row a person, the first in order of evidence."""
    import ibis

    order = [table[f"{prefix}_package"], table[f"{prefix}_row"]]
    place = ibis.row_number().over(ibis.window(group_by="person", order_by=order))
    return table.mutate(_place=place).filter(lambda each: each["_place"] == 0).drop("_place")


def without_number(table: SharedTable) -> int:
    """Count the rows that have no citizen number and so cannot be joined."""
    rows = table.table
    counted: pa.Table = run(table, rows.aggregate(rows=rows.citizen_id.isnull().sum()))
    return int(counted["rows"][0].as_py() or 0)
