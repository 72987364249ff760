"""Item numbers: sequential within fonds and category, without gap or repetition.

Rules:

1. A category is record class, year of formation, retention, and the organisation where one is given.
2. The year is that of the event in China standard time (UTC+8).
3. Numbers are taken inside the transaction that stores the package: a number exists exactly when its package does.
4. All versions of a package bear the code of the first.

Source: DA/T 13-2022 and DA/T 22-2015 as read in secondary notes (grade A).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from sqlalchemy import Connection, select, update

from chengyi.archive.rows import item_numbers
from chengyi.model.archival_code import DOT, ArchivalCode, CodeStyle, compose
from chengyi.model.codes import RecordClass, Retention
from chengyi.store.rows import insert_new

CHINA = timezone(timedelta(hours=8))


def year_of(moment: datetime) -> int:
    """Return the year of a moment in China standard time."""
    return moment.astimezone(CHINA).year


def category_of(record_class: RecordClass, year: int, retention: Retention, unit: str = "") -> str:
    """Return the category (类别号) that items are numbered within."""
    return DOT.join(part for part in (record_class.value, f"{year:04d}", retention.value, unit) if part)


def take(connection: Connection, fonds: str, category: str, count: int) -> range:
    """Take the next `count` numbers of a category inside the caller's write transaction."""
    insert_new(connection, item_numbers, [{"fonds": fonds, "category": category, "last": 0}])
    here = (item_numbers.c.fonds == fonds) & (item_numbers.c.category == category)
    last = connection.execute(select(item_numbers.c.last).where(here).with_for_update()).scalar_one()
    connection.execute(update(item_numbers).where(here).values(last=last + count))
    return range(last + 1, last + 1 + count)


def number(
    connection: Connection, wanted: Sequence[tuple[str, RecordClass, int, Retention]], style: CodeStyle
) -> list[ArchivalCode]:
    """Return one new code for each wanted (fonds, class, year, retention), in order, inside a write transaction."""
    groups: dict[tuple[str, RecordClass, int, Retention], list[int]] = {}
    for at, key in enumerate(wanted):
        groups.setdefault(key, []).append(at)
    codes: dict[int, ArchivalCode] = {}
    for (fonds, record_class, year, retention), places in sorted(groups.items()):
        taken = take(connection, fonds, category_of(record_class, year, retention), len(places))
        for at, item in zip(places, taken, strict=True):
            codes[at] = compose(fonds, record_class, year, retention, item, style=style)
    return [codes[at] for at in range(len(wanted))]
