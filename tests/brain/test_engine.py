from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from brain.conftest import ARCHIVIST, DISABILITY, FIELDS, STREET_1, Case
from chengyi.brain import Brain
from chengyi.brain.apps.livelihood.coverage import coverage
from chengyi.brain.figures import Computation
from chengyi.brain.values import AlertRule, Computed, Finding, Measure, Tables
from chengyi.model.clock import SetClock
from chengyi.model.codes import SharingClass
from chengyi.model.decision import AlertState, App, Severity
from chengyi.model.errors import NotFoundError
from chengyi.model.reporter import SilentReporter
from chengyi.model.text import Text
from simulators.share import NODE


class OneMeasure:
    """An application of one measure."""

    app = App.LIVELIHOOD

    def __init__(self, measure: Measure) -> None:
        self.measures: Sequence[Measure] = (measure,)


def broken(tables: Tables) -> list[Computed]:
    raise ZeroDivisionError("a fault in the application")


def test_a_second_run_with_nothing_new_changes_nothing(town: Case) -> None:
    first = town.compute()
    acts = len(town.audit.acts)
    second = town.compute()

    assert first.figures > 0
    assert first.alerts > 0
    assert (second.figures, second.alerts, second.computed) == (0, 0, ())
    assert second.unchanged == first.computed
    assert len(town.audit.acts) == acts


def test_a_new_dataset_version_makes_new_figures_and_a_history(town: Case) -> None:
    town.compute()
    town.put("disability", [*DISABILITY, ["C", "1"]], sharing=SharingClass.CONDITIONAL)
    report = town.compute()

    assert report.computed == ("livelihood.unserved.disability",)
    history = town.brain.history("livelihood.unserved.disability", STREET_1)
    assert [figure.value for figure in history] == ["2", "1"]
    assert town.values("livelihood.unserved.disability")[STREET_1] == "2"


def test_recomputing_never_doubles_an_alert(town: Case) -> None:
    town.compute()
    before = [alert.id for alert in town.brain.alerts()]
    town.put("disability", [*DISABILITY, ["C", "1"]], sharing=SharingClass.CONDITIONAL)

    assert town.compute().alerts == 0
    assert [alert.id for alert in town.brain.alerts()] == before


def test_promise_6_what_cannot_be_computed_is_named_with_its_reason(case: Case) -> None:
    case.put("population", [])
    case.integrate.put("detectors", {"section_id": FIELDS["detectors"]["section_id"]}, [["S1"]])
    case.publish()
    report = case.compute()
    reasons = {skip.indicator: skip.reason for skip in report.skipped}

    assert report.computed == ()
    assert reasons["livelihood.coverage"].en == "dataset low_income is not in the catalogue"
    assert "has no field section_name" in reasons["traffic.network_index.detectors"].en
    assert len(reasons) == len(case.brain.indicators())


def test_promise_1_without_a_live_grant_a_figure_cannot_be_computed(town: Case) -> None:
    for need in coverage().indicator.needs:
        town.put(need.dataset, [], sharing=SharingClass.WITHHELD)
    report = town.compute()

    assert "livelihood.coverage" in {skip.indicator for skip in report.skipped}
    assert town.brain.figures("livelihood.coverage") == []
    assert town.acts("share.denied")


def test_promise_1_a_revoked_grant_stops_the_figure(town: Case) -> None:
    town.compute()
    for grant in town.share.grants(ARCHIVIST):
        if grant.dataset == "disability":
            town.share.revoke(ARCHIVIST, grant.id, "部门收回")
    town.put("disability", [*DISABILITY, ["C", "1"]], sharing=SharingClass.CONDITIONAL)
    report = town.compute()

    assert [skip.indicator for skip in report.skipped if "revoked" in skip.reason.en] == [
        "livelihood.unserved.disability"
    ]
    assert town.values("livelihood.unserved.disability")[STREET_1] == "1"


def test_promise_1_a_measure_gets_only_the_fields_that_it_declared(town: Case) -> None:
    seen: dict[str, list[str]] = {}

    def look(tables: Tables) -> list[Computed]:
        seen.update({name: list(table.table.columns) for name, table in tables.items()})
        return []

    measure = replace(coverage(), compute=look)
    town.brain = Brain(town.rows, town.audit, town.clock, town.share, town.filing, NODE, [OneMeasure(measure)])
    town.compute()

    assert seen["population"] == [*FIELDS["population"], "_package", "_row", "_leaf", "_source"]


def test_one_application_s_fault_does_not_stop_the_others(town: Case) -> None:
    faulty = OneMeasure(replace(coverage(), compute=broken))
    fine = OneMeasure(replace(coverage(), indicator=replace(coverage().indicator, id="fine")))
    brain = Brain(town.rows, town.audit, town.clock, town.share, town.filing, NODE, [faulty, fine])
    report = brain.compute(SilentReporter())

    assert report.computed == ("fine",)
    assert [(skip.indicator, "ZeroDivisionError" in skip.reason.en) for skip in report.failed] == [
        ("livelihood.coverage", True)
    ]


def test_a_new_version_of_a_definition_computes_anew(town: Case) -> None:
    town.compute()
    newer = OneMeasure(replace(coverage(), indicator=replace(coverage().indicator, version=2)))
    brain = Brain(town.rows, town.audit, town.clock, town.share, town.filing, NODE, [newer])
    brain.compute(SilentReporter())

    assert {figure.version for figure in brain.figures("livelihood.coverage")} == {2}
    assert [figure.version for figure in brain.history("livelihood.coverage", "all")] == [2, 1]


def test_a_crash_between_alerts_and_figures_neither_loses_nor_doubles_an_alert(
    town: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = town.brain._figures.add

    def crash(made: Computation, figures: Any) -> None:
        if made.indicator == "livelihood.unserved.disability":
            raise KeyboardInterrupt
        add(made, figures)

    with monkeypatch.context() as patch:
        patch.setattr(town.brain._figures, "add", crash)
        with pytest.raises(KeyboardInterrupt):
            town.brain.compute(SilentReporter())
    raised = {alert.id for alert in town.brain.alerts()}
    town.compute()

    assert raised
    assert raised <= {alert.id for alert in town.brain.alerts()}
    assert len(town.brain.alerts()) == len({(a.rule, a.subject) for a in town.brain.alerts()})


def test_promise_4_every_computation_and_alert_is_witnessed(town: Case) -> None:
    report = town.compute()

    assert len(town.acts("brain.computed")) == len(report.computed)
    assert len(town.acts("brain.alerted")) == report.alerts == len(town.brain.alerts())
    figure = town.figure("livelihood.coverage")
    act = town.audit.entry(figure.entry).act
    assert act.object == "indicator:livelihood.coverage"


def test_promise_7_no_alert_changes_anything_by_itself(done: Case) -> None:
    own = [act.kind.value for act in done.audit.acts if act.actor == NODE.id]

    assert done.brain.alerts()
    assert all(alert.state is AlertState.RAISED for alert in done.brain.alerts())
    assert done.brain.orders() == []
    assert done.brain.decisions() == []
    assert done.filing.calls == 0
    assert set(own) == {"share.catalogued", "share.read", "brain.computed", "brain.alerted"}


def test_a_finding_without_a_figure_stands_alone(case: Case) -> None:
    def find(tables: Tables, computed: Sequence[Computed]) -> list[Finding]:
        return [Finding("x", Text("甲", "a"), (Text("因", "why"),), computed[0].evidence, group="no-such-group")]

    rule = AlertRule("r", 1, Text("甲", "a"), Text("则", "rule"), "law", Severity.NOTICE, find)
    case.put("households", [["H1", 1, 1, 1]])
    from chengyi.brain.apps.livelihood.hardship import poor_households

    measure = replace(poor_households(), rules=(rule,))
    case.brain = Brain(case.rows, case.audit, case.clock, case.share, case.filing, NODE, [OneMeasure(measure)])
    case.compute()
    (alert,) = case.brain.alerts()

    assert alert.figure is None
    assert case.brain.trace(alert.id).ok
    assert case.brain.trace(alert.id).inputs == ()


def test_lists_filter_and_unknown_ids_are_not_found(done: Case) -> None:
    assert {alert.app for alert in done.brain.alerts(app=App.LIVELIHOOD)} == {App.LIVELIHOOD}
    assert done.brain.alerts(app=App.TRAFFIC) == []
    assert done.brain.alerts(state=AlertState.DECIDED) == []
    assert done.brain.counts()["raised"] == len(done.brain.alerts())
    assert done.brain.counts()["figures"] == len(done.brain.figures())
    for look in (done.brain.figure, done.brain.alert, done.brain.decision, done.brain.evidence, done.brain.record):
        with pytest.raises(NotFoundError):
            look("fig-none")


def test_figures_of_an_empty_dataset_have_no_value(case: Case) -> None:
    case.put("households", [])
    case.put("detectors", [])
    case.put("cases", [])
    case.put("service_requests", [])
    case.compute()

    assert case.values("livelihood.poor_households") == {"all": ""}
    assert case.values("governance.hours_to_close") == {"all": ""}
    assert case.brain.alerts() == []


def test_every_value_is_a_decimal_in_text(done: Case) -> None:
    assert all(Decimal(figure.value) >= 0 for figure in done.brain.figures() if figure.value)


def test_the_same_data_in_another_home_make_the_same_values(clock: SetClock, town: Case) -> None:
    from brain.conftest import LOW_INCOME, POPULATION

    other = Case(clock)
    other.put("population", POPULATION, quarantined=3)
    other.put("low_income", LOW_INCOME)
    other.compute()
    town.compute()

    assert other.values("livelihood.coverage") == town.values("livelihood.coverage")
    assert other.figure("livelihood.coverage").root == town.figure("livelihood.coverage").root
    other.rows.close()
