from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.conftest import Case
from chengyi.model.clock import SetClock

START = datetime(2026, 11, 2, 23, 0)  # noqa: DTZ001 - the data centre keeps moments in UTC without saying so


def observed(section: str, speeds: Sequence[float | None], free: float = 60, flow: int = 100) -> list[list[Any]]:
    return [
        [
            section,
            f"{section}路",
            START + timedelta(minutes=15 * step),
            None if speed is None else Decimal(str(speed)),
            flow,
            Decimal(str(free)),
        ]
        for step, speed in enumerate(speeds)
    ]


def test_the_index_of_a_section_is_its_travel_time_over_free_flow(case: Case) -> None:
    case.put("detectors", observed("S1", [60, 30]) + observed("S2", [20, 20]))
    case.compute()

    assert case.values("traffic.section_index.detectors") == {"S1": "1.500", "S2": "3.000"}


def test_the_index_of_the_network_weighs_by_flow_and_goes_by_chinese_day(case: Case) -> None:
    later = [[*row[:2], row[2] + timedelta(days=1), *row[3:]] for row in observed("S1", [60])]
    case.put("detectors", observed("S1", [60], flow=300) + observed("S2", [20], flow=100) + later)
    case.compute()

    assert case.values("traffic.network_index.detectors") == {"2026-11-03": "1.500", "2026-11-04": "1.000"}


def test_bare_speeds_take_their_own_85th_percentile_as_free_flow(case: Case) -> None:
    rows = [[row[0], row[2], row[3]] for row in observed("S1", [50] * 18 + [25, 25])]
    case.put("speeds", rows)
    case.compute()

    assert case.values("traffic.section_index.speeds") == {"S1": "1.100"}
    missing = case.figure("traffic.section_index.speeds", "S1").completeness.missing
    assert any("85" in note for note in missing)


def test_promise_6_thin_coverage_says_that_the_data_are_insufficient(case: Case) -> None:
    case.put("detectors", observed("S1", [60, 60, 60, 60]) + observed("S2", [None, 0, 60, None]))
    case.compute()
    thin = case.figure("traffic.section_index.detectors", "S2").completeness
    full = case.figure("traffic.section_index.detectors", "S1").completeness

    assert case.values("traffic.section_index.detectors") == {"S1": "1.000", "S2": ""}
    assert "coverage:25.0%" in thin.missing
    assert "unknown:3" in thin.missing
    assert (thin.expected, thin.received) == (4, 1)
    assert not any(note.startswith("coverage") for note in full.missing)


def test_congestion_that_stays_for_three_periods_raises_one_alert_with_its_reasons(case: Case) -> None:
    slow = [60, 30, 20, 30, 60, 29, 29, 60, 25, 25, 25, 25]
    case.put("detectors", observed("S1", slow) + observed("S2", [60] * 12))
    case.compute()
    (alert,) = case.alerts("traffic.congestion.detectors")

    assert alert.subject == "S1@2026-11-03"
    assert alert.title.zh == "S1路持续拥堵"
    assert alert.reasons[0].zh == "07:15 至 07:45 连续 3 个时段行程时间不低于自由流的 2.0 倍，最高 3.0 倍"
    assert len(alert.reasons) == 2
    assert [each.row for each in alert.evidence] == [2, 3, 4, 9, 10, 11, 12]
    assert alert.figure == case.figure("traffic.section_index.detectors", "S1").id


def test_a_gap_in_the_observations_ends_an_episode(case: Case) -> None:
    case.put("detectors", observed("S1", [20, 20, None, 20, 20]) + observed("S2", [60] * 5))
    case.compute()

    assert case.alerts("traffic.congestion.detectors") == []


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([60.0, 29.0]), min_size=1, max_size=14))
def test_an_alert_is_raised_exactly_where_three_periods_in_a_row_are_slow(speeds: list[float]) -> None:
    case = Case(SetClock(datetime.fromisoformat("2026-11-23T08:00:00+00:00")))
    case.put("detectors", observed("S1", speeds) + observed("S2", [60.0] * len(speeds)))
    case.compute()
    slow = "".join("x" if speed < 30 else "." for speed in speeds)

    assert bool(case.alerts("traffic.congestion.detectors")) == ("xxx" in slow)
    case.rows.close()
