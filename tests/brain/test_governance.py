from datetime import datetime, timedelta
from typing import Any

from brain.conftest import Case, at

ACCEPTED, DUE = at("2026-11-02T01:00"), at("2026-11-12T01:00")


def case_row(number: str, closed: str | None, due: datetime | None = DUE, unit: str = "甲局") -> list[Any]:
    return [number, unit, ACCEPTED, due, None if closed is None else at(closed)]


ROWS = [
    case_row("1", "2026-11-10T01:00"),
    case_row("2", "2026-11-13T01:00"),
    case_row("3", None),
    case_row("4", None, at("2026-12-31T01:00")),
    case_row("5", "2026-11-01T01:00"),
    case_row("6", "2026-11-03T01:00", None),
    case_row("7", "2026-11-12T01:00", unit="乙局"),
]


def test_rates_are_of_the_cases_whose_time_is_over(case: Case) -> None:
    case.put("cases", ROWS)
    case.compute()

    assert case.values("governance.on_time.cases") == {"all": "50.00", "甲局": "33.33", "乙局": "100.00"}
    assert case.values("governance.overdue.cases") == {"all": "50.00", "甲局": "66.67", "乙局": "0.00"}
    assert case.rows_of(case.figure("governance.overdue.cases", "甲局")) == [("cases", 1), ("cases", 2), ("cases", 3)]


def test_promise_6_a_rate_says_which_cases_it_leaves_out(case: Case) -> None:
    case.put("cases", ROWS)
    case.compute()
    completeness = case.figure("governance.on_time.cases", "甲局").completeness

    assert {"faulty:1", "unknown:1"} <= set(completeness.missing)
    assert (completeness.expected, completeness.received) == (6, 3)


def test_cases_past_due_and_open_raise_one_alert_a_department_and_month(case: Case) -> None:
    case.put("cases", ROWS)
    case.compute()
    (alert,) = case.alerts("governance.open_overdue.cases")

    assert (alert.subject, alert.title.zh) == ("甲局@2026-11", "甲局 1 件逾期未办结")
    assert [each.row for each in alert.evidence] == [3]


def test_cases_that_run_backwards_are_counted_and_sent_back(case: Case) -> None:
    case.put("cases", ROWS)
    case.compute()
    (alert,) = case.alerts("governance.time_faults.cases.list")

    assert case.values("governance.time_faults.cases") == {"all": "1", "甲局": "1", "乙局": "0"}
    assert [each.row for each in alert.evidence] == [5]


def test_a_late_rate_above_the_limit_raises_an_alert_only_with_enough_cases(case: Case) -> None:
    many = [case_row(f"a{n}", "2026-11-13T01:00" if n < 3 else "2026-11-10T01:00") for n in range(20)]
    few = [case_row("b1", "2026-11-13T01:00", unit="乙局")]
    fine = [case_row(f"c{n}", "2026-11-13T01:00" if n < 2 else "2026-11-10T01:00", unit="丙局") for n in range(20)]
    case.put("cases", many + few + fine)
    case.compute()
    (alert,) = case.alerts("governance.late_rate.cases")

    assert alert.subject == "甲局@2026-11"
    assert "20 件中 3 件逾期，逾期率 15.00%" in alert.reasons[0].zh
    assert len(alert.evidence) == 3


def test_a_log_of_events_is_one_case(case: Case) -> None:
    rows = [case_row("1", None), case_row("1", "2026-11-13T01:00"), case_row("1", None)]
    case.put("permits", rows, as_="cases")
    case.compute()

    assert case.values("governance.overdue.permits") == {"all": "100.00", "甲局": "100.00"}
    assert len(case.brain.evidence(case.figure("governance.overdue.permits").id)) == 3


def test_the_median_leaves_out_durations_that_cannot_be(case: Case) -> None:
    made = at("2026-11-02T01:00")
    hours = {"1": 1, "2": 3, "3": 8, "4": -2, "5": 0}
    rows: list[list[Any]] = [[number, made, made + timedelta(hours=h), "NYPD"] for number, h in hours.items()]
    rows += [["6", made, None, "NYPD"], ["7", made, made + timedelta(hours=2), "DOT"], ["8", made, None, "DEP"]]
    case.put("service_requests", rows)
    case.compute()
    completeness = case.figure("governance.hours_to_close", "NYPD").completeness
    (alert,) = case.alerts("governance.request_faults")

    assert case.values("governance.hours_to_close") == {"all": "2.50", "NYPD": "3.00", "DOT": "2.00", "DEP": ""}
    assert {"faulty:1", "zero:1", "open:1"} <= set(completeness.missing)
    assert [each.row for each in alert.evidence] == [4, 5]
