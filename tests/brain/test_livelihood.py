from typing import Any

from brain.conftest import DISABILITY, STREET_1, STREET_2, Case
from chengyi.model.decision import Severity


def test_coverage_counts_each_resident_once(done: Case) -> None:
    assert done.values("livelihood.coverage") == {"all": "25.00", STREET_1: "33.33", STREET_2: "0.00"}


def test_coverage_stands_on_the_residents_and_the_matching_roll(done: Case) -> None:
    assert done.rows_of(done.figure("livelihood.coverage", STREET_1)) == [
        ("low_income", 1),
        ("population", 1),
        ("population", 2),
        ("population", 3),
    ]


def test_promise_6_coverage_says_who_could_not_be_joined(done: Case) -> None:
    missing = done.figure("livelihood.coverage").completeness.missing

    assert missing[0] == "quarantined:3"
    assert "unmatched:2" in missing
    assert "unknown:1" in missing


def test_the_severely_disabled_who_are_not_served_are_listed_by_street(done: Case) -> None:
    assert done.values("livelihood.unserved.disability") == {"all": "2", STREET_1: "1", STREET_2: "1"}
    assert done.rows_of(done.figure("livelihood.unserved.disability", STREET_1)) == [
        ("disability", 1),
        ("population", 2),
    ]
    first, second = done.alerts("livelihood.unserved.disability.list")
    assert (first.subject, second.subject) == (f"{STREET_1}@2026-11", f"{STREET_2}@2026-11")
    assert first.severity is Severity.WARNING
    assert len(first.evidence) == 2
    assert first.figure == done.figure("livelihood.unserved.disability", STREET_1).id


def test_large_medical_cost_is_added_up_over_a_year(done: Case) -> None:
    figure = done.figure("livelihood.unserved.medical", STREET_1)

    assert done.values("livelihood.unserved.medical") == {"all": "1", STREET_1: "1"}
    assert done.rows_of(figure) == [("hospital_visits", 1), ("hospital_visits", 2), ("population", 3)]


def test_aid_after_death_is_found_from_two_registers_that_contradict_each_other(done: Case) -> None:
    (alert,) = done.alerts("livelihood.paid_after_death.list")

    assert done.values("livelihood.paid_after_death") == {"all": "1", STREET_1: "1"}
    assert alert.severity is Severity.CRITICAL
    assert {each.package for each in alert.evidence} == {"pkg-low_income@1", "pkg-population@1"}


def test_nobody_unserved_raises_no_alert(town: Case) -> None:
    town.put("disability", [row for row in DISABILITY if row[0] in {"A", "C"}])
    town.compute()

    assert town.values("livelihood.unserved.disability") == {"all": "0"}
    assert town.alerts("livelihood.unserved.disability.list") == []


def test_promise_1_no_citizen_number_reaches_the_brain_s_own_rows(town: Case) -> None:
    town.put("disability", [["99010619800101123X", "1"], ["B", "1"]])
    town.put("population", [["99010619800101123X", STREET_1, "正常"], ["B", STREET_1, "正常"]])
    town.compute()

    for act in town.audit.acts:
        assert "99010619800101123X" not in str(act)
    assert all("99010619800101123X" not in str(alert) for alert in town.brain.alerts())


def test_poor_and_crowded_households(case: Case) -> None:
    rows: list[list[Any]] = [
        ["H1", 1, 1, 4],
        ["H1", 1, 1, 4],
        ["H2", 4, 1, 9],
        ["H3", 2, 2, 5],
        ["H4", None, 1, 9],
        ["H5", 2, 0, 5],
    ]
    case.put("households", rows)
    case.compute()
    (alert,) = case.alerts("livelihood.crowded")

    assert case.values("livelihood.poor_households") == {"all": "80.00"}
    assert [each.row for each in alert.evidence] == [1, 2]
    assert alert.subject == "crowded@2026"
    completeness = case.figure("livelihood.poor_households").completeness
    assert (completeness.expected, completeness.received) == (6, 5)
    assert "unknown:1" in completeness.missing


def test_households_that_are_not_crowded_raise_nothing(case: Case) -> None:
    case.put("households", [["H1", 1, 4, 4]])
    case.compute()

    assert case.brain.alerts() == []
