"""One suite for every relational database."""

import threading
from collections.abc import Iterator
from datetime import UTC as ZONE_UTC
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, String, Table, func, select
from sqlalchemy.exc import StatementError

from chengyi.model.errors import ConfigError
from chengyi.store.rows import UTC, Json, Rows, insert_new, metadata, upsert

things = Table(
    "things_of_test",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", Integer),
    Column("at", UTC),
    Column("body", Json),
)


@pytest.fixture(autouse=True)
def _table(rows: Rows) -> Iterator[None]:
    things.create(rows.engine)
    yield
    things.drop(rows.engine)


def count(rows: Rows) -> int:
    with rows.read() as connection:
        return connection.execute(select(func.count()).select_from(things)).scalar_one()


def test_values_come_back_as_they_went(rows: Rows) -> None:
    at = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=timezone(timedelta(hours=8)))
    with rows.begin() as connection:
        insert_new(connection, things, [{"id": "一", "number": 7, "at": at, "body": {"乙": [1, None, "x"]}}])
    with rows.read() as connection:
        row = connection.execute(select(things)).one()
    assert (row.id, row.number, row.at, row.body) == ("一", 7, at.astimezone(ZONE_UTC), {"乙": [1, None, "x"]})


def test_a_time_without_zone_is_refused(rows: Rows) -> None:
    with pytest.raises(StatementError), rows.begin() as connection:
        insert_new(connection, things, [{"id": "a", "at": datetime(2026, 1, 1)}])  # noqa: DTZ001 - the point


def test_inserting_again_changes_nothing(rows: Rows) -> None:
    for number in (1, 2):
        with rows.begin() as connection:
            insert_new(connection, things, [{"id": "a", "number": number}, {"id": f"b{number}", "number": number}])
    with rows.read() as connection:
        found = connection.execute(select(things.c.id, things.c.number).order_by(things.c.id)).all()
    assert [tuple(row) for row in found] == [("a", 1), ("b1", 1), ("b2", 2)]


def test_upsert_replaces_by_key(rows: Rows) -> None:
    for number in (1, 2):
        with rows.begin() as connection:
            upsert(connection, things, [{"id": "a", "number": number}])
    with rows.read() as connection:
        assert connection.execute(select(things.c.number)).scalar_one() == 2


def test_nothing_to_write_is_no_error(rows: Rows) -> None:
    with rows.begin() as connection:
        insert_new(connection, things, [])
        upsert(connection, things, [])
    assert count(rows) == 0


def test_an_exception_rolls_everything_back(rows: Rows) -> None:
    def fail_half_way() -> None:
        with rows.begin() as connection:
            insert_new(connection, things, [{"id": "a"}])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert count(rows) == 0


def test_two_writers_wait_for_each_other(rows: Rows) -> None:
    def write(name: str) -> None:
        for number in range(20):
            with rows.begin() as connection:
                insert_new(connection, things, [{"id": f"{name}{number}"}])

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert count(rows) == 40


def test_text_order_of_times_is_time_order(rows: Rows) -> None:
    start = datetime(2026, 1, 1, tzinfo=ZONE_UTC)
    times = [start + timedelta(microseconds=step) for step in (0, 1, 10, 1_000_000)]
    with rows.begin() as connection:
        insert_new(connection, things, [{"id": str(i), "at": at} for i, at in enumerate(times)])
    with rows.read() as connection:
        assert connection.execute(select(things.c.at).order_by(things.c.at)).scalars().all() == times


def test_an_impossible_url_names_the_setting(rows: Rows) -> None:
    with pytest.raises(ConfigError, match=r"rows\.url"):
        Rows("no such database")
