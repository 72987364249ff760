from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.share.workdays import CHINA, national_calendar, read_calendar

CALENDAR = national_calendar()


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 11, 23), True),
        (date(2026, 11, 22), False),
        (date(2026, 10, 1), False),
        (date(2026, 10, 10), True),
        (date(2026, 2, 14), True),
        (date(2026, 2, 23), False),
        (date(2025, 9, 28), True),
        (date(2025, 10, 8), False),
    ],
)
def test_holidays_and_make_up_days_are_told_from_working_days(day: date, working: bool) -> None:
    assert CALENDAR.is_working(day) is working


def test_ten_working_days_jump_over_the_national_holiday() -> None:
    due = CALENDAR.due(datetime(2026, 9, 28, 1, tzinfo=UTC), 10)

    assert due.astimezone(CHINA).isoformat() == "2026-10-16T23:59:59+08:00"


def test_a_request_late_at_night_in_utc_counts_from_the_chinese_day() -> None:
    assert CALENDAR.due(datetime(2026, 11, 22, 17, tzinfo=UTC), 1).astimezone(CHINA).date() == date(2026, 11, 24)


def test_an_unannounced_year_is_known_to_be_unknown() -> None:
    assert CALENDAR.knows(date(2026, 1, 1))
    assert not CALENDAR.knows(date(2031, 1, 1))


def test_a_local_table_can_take_the_place_of_the_national_one() -> None:
    local = read_calendar('[[year]]\nyear=2026\nholidays=[["2026-11-24","2026-11-25"]]\nworkdays=["2026-11-28"]\n')

    assert local.due(datetime(2026, 11, 23, 1, tzinfo=UTC), 3).astimezone(CHINA).date() == date(2026, 11, 28)


@given(st.dates(date(2025, 1, 1), date(2026, 11, 1)), st.times(), st.integers(1, 30))
def test_a_deadline_is_a_working_day_with_exactly_so_many_working_days_before_it(
    day: date, moment: time, days: int
) -> None:
    start = datetime.combine(day, moment, UTC)
    due = CALENDAR.due(start, days).astimezone(CHINA).date()
    first = start.astimezone(CHINA).date()
    between = [date.fromordinal(day) for day in range(first.toordinal() + 1, due.toordinal() + 1)]

    assert CALENDAR.is_working(due)
    assert sum(map(CALENDAR.is_working, between)) == days
