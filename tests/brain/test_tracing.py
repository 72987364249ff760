import zlib
from typing import Any

import pytest
from sqlalchemy import update

from brain.conftest import CLERK, OPERATOR, Case
from chengyi.brain import Trace
from chengyi.brain import rows as tables
from chengyi.model.decision import Alert
from chengyi.model.errors import NotFoundError


def failed(trace: Trace) -> set[str]:
    return {step.title.en for step in trace.steps if step.ok is False}


def change(case: Case, table: Any, **values: Any) -> None:
    with case.rows.begin() as connection:
        connection.execute(update(table).values(**values))


@pytest.fixture
def raised(case: Case) -> Alert:
    case.put("households", [["H1", 1, 1, 4], ["H2", 2, 1, 5], ["H3", 4, 9, 2]])
    case.compute()
    (alert,) = case.brain.alerts()
    return alert


def test_promise_5_a_figure_leads_home(done: Case) -> None:
    figure = done.figure("livelihood.coverage")
    trace = done.brain.trace(figure.id)

    assert trace.ok
    assert (trace.kind, trace.rule_id, trace.version) == ("figure", "livelihood.coverage", 1)
    assert trace.inputs == ("population@0", "low_income@0")
    assert trace.total == figure.evidence == len(trace.rows)
    assert [step.title.en for step in trace.steps] == ["Rule", "Input", "Input", "Computation", "Rows"]
    assert all(row.ok and row.receipt is not None for row in trace.rows)
    for step in trace.steps[1:-1]:
        assert step.receipt is not None
        done.share.check_receipt(step.receipt)


def test_promise_5_every_figure_and_every_alert_leads_home(done: Case) -> None:
    assert all(done.brain.trace(figure.id).ok for figure in done.brain.figures())
    assert all(done.brain.trace(alert.id).ok for alert in done.brain.alerts())


def test_promise_5_a_decision_leads_home_through_all_that_led_to_it(case: Case, raised: Alert) -> None:
    order = case.brain.order(OPERATOR, raised.id, CLERK.department, "入户核实", 7)
    case.brain.answer(CLERK, order.id, "情况属实")
    decision = case.brain.decide(OPERATOR, raised.id, "纳入改造", "住房过挤属实")
    trace = case.brain.trace(decision.id)

    assert trace.ok
    assert (trace.id, trace.kind, trace.rule_id) == (decision.id, "decision", "livelihood.crowded")
    assert [step.title.zh for step in trace.steps] == [
        "决定",
        "交办",
        "反馈",
        "规则",
        "预警",
        "输入",
        "计算",
        "证据行",
    ]
    assert decision.submission in trace.steps[0].finding.zh
    assert [(row.evidence.package, row.evidence.row) for row in trace.rows] == [
        ("pkg-households@1", 1),
        ("pkg-households@1", 2),
    ]


def test_promise_6_of_a_long_list_the_first_rows_are_proven_and_the_step_says_so(case: Case) -> None:
    case.put("households", [[f"H{number}", 1, 9, 1] for number in range(250)])
    case.compute()
    figure = case.figure("livelihood.poor_households")
    trace = case.brain.trace(figure.id)

    assert trace.ok
    assert (trace.total, len(trace.rows)) == (250, 200)
    assert f"其余 50 行未逐行验证，由根哈希 {figure.root} 锁定" in trace.steps[-1].finding.zh


def test_promise_5_a_changed_value_does_not_lead_home(case: Case, raised: Alert) -> None:
    figure = case.figure("livelihood.poor_households")
    change(case, tables.figures, value="0.00")

    assert failed(case.brain.trace(figure.id)) == {"Computation"}


def test_promise_5_a_changed_evidence_list_does_not_lead_home(case: Case, raised: Alert) -> None:
    figure = case.figure("livelihood.poor_households")
    lines = "\n".join(f"{each.package} {each.row} {each.leaf}" for each in case.brain.evidence(figure.id)[:1])
    change(case, tables.figure_evidence, lines=zlib.compress(lines.encode()))

    assert failed(case.brain.trace(figure.id)) == {"Rows"}


def test_promise_5_a_changed_input_does_not_lead_home(case: Case, raised: Alert) -> None:
    figure = case.figure("livelihood.poor_households")
    with case.rows.read() as connection:
        inputs = connection.execute(tables.computations.select()).mappings().one()["inputs"]
    change(case, tables.computations, inputs=[{**inputs[0], "version": 7}])

    assert failed(case.brain.trace(figure.id)) == {"Input"}


def test_promise_5_a_changed_alert_or_decision_does_not_lead_home(case: Case, raised: Alert) -> None:
    decision = case.brain.decide(OPERATOR, raised.id, "纳入改造", "住房过挤属实")
    change(case, tables.decisions, record=b"{}")
    change(case, tables.alerts, subject="someone else")

    assert failed(case.brain.trace(decision.id)) == {"Decision", "Alert"}


def test_promise_5_a_row_that_was_exchanged_in_the_archive_does_not_lead_home(case: Case, raised: Alert) -> None:
    leaves = case.integrate.archive.leaves["pkg-households@1"]
    leaves[0] = leaves[1]
    trace = case.brain.trace(raised.id)

    assert not trace.ok
    assert failed(trace) == {"Rows"}


@pytest.mark.parametrize("id", ["fig-none", "alr-none", "dec-none", "what"])
def test_what_is_not_there_has_no_way_home(case: Case, id: str) -> None:
    with pytest.raises(NotFoundError):
        case.brain.trace(id)
