"""A brain over a small shared world."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from chengyi.brain import Brain, BrainReport
from chengyi.brain.values import Application
from chengyi.model.actor import Actor, Role
from chengyi.model.clock import SetClock
from chengyi.model.codes import SharingClass
from chengyi.model.decision import Alert, Figure
from chengyi.model.reporter import SilentReporter
from simulators.integrate import INTERNAL, PERSONAL, PUBLIC, SENSITIVE
from simulators.share import NODE, SharedWorld

OPERATOR = Actor("op-1", "周值班", "区城运中心", frozenset({Role.OPERATOR}))
CLERK = Actor("clerk-1", "王经办", "区民政局", frozenset({Role.CLERK}))
STRANGER = Actor("clerk-2", "李经办", "区教育局", frozenset({Role.CLERK}))
AUDITOR = Actor("aud-1", "钱审计", "区审计局", frozenset({Role.AUDITOR}))
ARCHIVIST = Actor("arch-1", "赵档案", "区档案馆", frozenset({Role.ARCHIVIST}))

FIELDS: Mapping[str, Mapping[str, Any]] = {
    "population": {
        "citizen_id": ("citizen_id", SENSITIVE),
        "area_code": ("area_code", INTERNAL),
        "residence_status": ("code", PERSONAL),
    },
    "low_income": {
        "citizen_id": ("citizen_id", SENSITIVE),
        "household_no": ("text", PERSONAL),
        "aid_kind": ("code", PERSONAL),
        "end_date": ("date", INTERNAL),
    },
    "disability": {"citizen_id": ("citizen_id", SENSITIVE), "disability_grade": ("code", SENSITIVE)},
    "hospital_visits": {
        "citizen_id": ("citizen_id", SENSITIVE),
        "visit_date": ("date", PERSONAL),
        "self_paid": ("decimal", PERSONAL),
    },
    "households": {
        "household_no": ("text", PERSONAL),
        "poverty_class": ("integer", PERSONAL),
        "rooms": ("integer", INTERNAL),
        "household_size": ("integer", PERSONAL),
    },
    "detectors": {
        "section_id": ("text", PUBLIC),
        "section_name": ("text", PUBLIC),
        "observed_at": ("datetime", PUBLIC),
        "speed_kmh": ("decimal", PUBLIC),
        "flow_vph": ("integer", PUBLIC),
        "free_flow_kmh": ("decimal", PUBLIC),
    },
    "speeds": {"section_id": ("text", PUBLIC), "observed_at": ("datetime", PUBLIC), "speed_kmh": ("decimal", PUBLIC)},
    "cases": {
        "case_no": ("text", INTERNAL),
        "department_name": ("text", INTERNAL),
        "accepted_at": ("datetime", INTERNAL),
        "due_at": ("datetime", INTERNAL),
        "closed_at": ("datetime", INTERNAL),
    },
    "service_requests": {
        "request_no": ("text", INTERNAL),
        "created_at": ("datetime", INTERNAL),
        "closed_at": ("datetime", INTERNAL),
        "agency": ("text", INTERNAL),
    },
}

STREET_1, STREET_2 = "990106001", "990106002"
POPULATION: list[list[Any]] = [
    ["A", STREET_1 + "001", "正常"],
    ["B", STREET_1 + "001", "正常"],
    ["C", STREET_1, "正常"],
    ["D", STREET_1, "死亡"],
    ["E", STREET_2, "正常"],
    ["F", STREET_2, "迁出"],
    ["A", STREET_1, "正常"],
    [None, STREET_2, "正常"],
]
LOW_INCOME: list[list[Any]] = [
    ["A", "H1", "低保", None],
    ["A", "H1", "低保", None],
    ["B", "H2", "低保", date(2026, 1, 31)],
    ["D", "H3", "特困", date(2027, 1, 1)],
    ["Z", "H9", "低保", None],
    [None, "H8", "低保", None],
]
DISABILITY: list[list[Any]] = [["B", "1"], ["A", "1"], ["C", "3"], ["E", "2"], ["F", "1"], [None, "1"]]
VISITS: list[list[Any]] = [
    ["C", date(2026, 10, 1), Decimal(15000)],
    ["C", date(2026, 10, 9), Decimal(5000)],
    ["C", date(2024, 1, 1), Decimal(90000)],
    ["E", date(2026, 10, 1), Decimal(19999)],
    ["A", date(2026, 10, 1), Decimal(50000)],
]


class Case(SharedWorld):
    """A shared world with a brain in it."""

    def __init__(self, clock: SetClock, apps: Sequence[Application] | None = None) -> None:
        super().__init__(clock)
        self.brain = Brain(self.rows, self.audit, clock, self.share, self.filing, NODE, apps)

    def put(self, name: str, rows: Sequence[Sequence[Any]], as_: str = "", **options: Any) -> None:
        self.integrate.put(name, FIELDS[as_ or name], rows, **options)
        self.publish()

    def compute(self) -> BrainReport:
        report = self.brain.compute(SilentReporter())
        assert not report.failed
        return report

    def values(self, indicator: str) -> dict[str, str]:
        return {figure.group: figure.value for figure in self.brain.figures(indicator)}

    def figure(self, indicator: str, group: str = "all") -> Figure:
        return next(figure for figure in self.brain.figures(indicator) if figure.group == group)

    def alerts(self, rule: str) -> list[Alert]:
        return sorted((alert for alert in self.brain.alerts() if alert.rule == rule), key=lambda alert: alert.subject)

    def rows_of(self, figure: Figure) -> list[tuple[str, int]]:
        return [(each.package.split("@")[0].removeprefix("pkg-"), each.row) for each in self.brain.evidence(figure.id)]


@pytest.fixture
def case(clock: SetClock) -> Iterator[Case]:
    world = Case(clock)
    yield world
    world.rows.close()


def settle_town(case: Case) -> Case:
    conditional = SharingClass.CONDITIONAL
    case.put("population", POPULATION, sharing=conditional, department="区公安分局", quarantined=3)
    case.put("low_income", LOW_INCOME, sharing=conditional)
    case.put("disability", DISABILITY, sharing=conditional, department="区残联", quarantined=1)
    case.put("hospital_visits", VISITS, sharing=conditional, department="区卫生健康局")
    return case


@pytest.fixture
def town(case: Case) -> Case:
    """A town with four registers, to compute with and to change."""
    return settle_town(case)


@pytest.fixture(scope="module")
def done() -> Iterator[Case]:
    """The same town, computed once for the tests that only look."""
    world = settle_town(Case(SetClock(datetime(2026, 11, 23, 8, tzinfo=UTC))))
    world.compute()
    yield world
    world.rows.close()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
