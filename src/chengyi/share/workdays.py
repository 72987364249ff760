"""Working days, by the holiday table that is kept as data beside this file.

Rules: a deadline of n working days starts on the day after the event and ends with the n-th working day, in
China Standard Time; make-up working days count, public holidays do not; a year that the table does not know
has week-ends only, and `Calendar.knows` says so rather than guessing.
"""

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from importlib.resources import files

CHINA = timezone(timedelta(hours=8))
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """Public holidays, make-up working days, and the years for which both are known."""

    holidays: frozenset[date]
    workdays: frozenset[date]
    years: frozenset[int]

    def is_working(self, day: date) -> bool:
        """Tell whether offices work on this day."""
        if day in self.workdays:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays

    def knows(self, day: date) -> bool:
        """Tell whether the holidays of the day's year are in the table."""
        return day.year in self.years

    def due(self, start: datetime, days: int) -> datetime:
        """Return the moment at which `days` working days after `start` are over, in UTC."""
        day = start.astimezone(CHINA).date()
        while days > 0:
            day += timedelta(days=1)
            days -= self.is_working(day)
        return datetime.combine(day, time(23, 59, 59), CHINA).astimezone(UTC)


@cache
def national_calendar() -> Calendar:
    """Read the table that comes with the product."""
    return read_calendar((files(__package__) / "holidays.toml").read_text("utf-8"))


def read_calendar(text: str) -> Calendar:
    """Read a holiday table from TOML."""
    years = tomllib.loads(text)["year"]
    spans = [span for year in years for span in year["holidays"]]
    return Calendar(
        holidays=frozenset(day for first, last in spans for day in _span(first, last)),
        workdays=frozenset(date.fromisoformat(day) for year in years for day in year["workdays"]),
        years=frozenset(year["year"] for year in years),
    )


def _span(first: str, last: str) -> list[date]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(days=offset) for offset in range((end - start).days + 1)]
