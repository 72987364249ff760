import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from brain.conftest import AUDITOR, CLERK, OPERATOR, STRANGER, Case
from chengyi.brain.errors import NotNowError
from chengyi.model.actor import Actor
from chengyi.model.canonical import canonical
from chengyi.model.clock import SetClock
from chengyi.model.decision import Alert, AlertState
from chengyi.model.errors import DeniedError, NotFoundError, StorageFullError, UsageError

BUREAU = CLERK.department


@pytest.fixture
def raised(case: Case) -> Alert:
    case.put("households", [["H1", 1, 1, 4]])
    case.compute()
    (alert,) = case.brain.alerts()
    return alert


def handled(case: Case, alert: Alert) -> str:
    order = case.brain.order(OPERATOR, alert.id, BUREAU, "入户核实住房状况", 7)
    case.brain.answer(CLERK, order.id, "已核实，情况属实")
    return case.brain.decide(OPERATOR, alert.id, "纳入危房改造", "住房过挤属实").id


def test_an_order_is_given_to_a_department_with_a_date(case: Case, raised: Alert) -> None:
    order = case.brain.order(OPERATOR, raised.id, BUREAU, "入户核实住房状况", 7)

    assert order.due - order.issued_at == timedelta(days=7)
    assert case.brain.alert(raised.id).state is AlertState.ORDERED
    assert case.brain.orders(alert=raised.id) == case.brain.orders(department=BUREAU) == [order]
    act = case.audit.entry(order.entry).act
    assert (act.actor, act.detail["department"], act.detail["task"]) == (OPERATOR.id, BUREAU, "入户核实住房状况")


def test_only_the_department_that_has_the_task_may_answer_once(case: Case, raised: Alert) -> None:
    order = case.brain.order(OPERATOR, raised.id, BUREAU, "入户核实住房状况", 7)

    with pytest.raises(NotFoundError):
        case.brain.answer(STRANGER, order.id, "x")
    with pytest.raises(NotFoundError):
        case.brain.answer(CLERK, "ord-none", "x")
    answer = case.brain.answer(CLERK, order.id, "已核实，情况属实")
    assert case.brain.answers(order=order.id) == case.brain.answers() == [answer]
    assert case.brain.alert(raised.id).state is AlertState.ANSWERED
    with pytest.raises(NotNowError):
        case.brain.answer(CLERK, order.id, "again")


def test_promise_7_each_step_takes_the_person_whose_it_is(case: Case, raised: Alert) -> None:
    for actor in (CLERK, AUDITOR):
        with pytest.raises(DeniedError):
            case.brain.order(actor, raised.id, BUREAU, "x", 7)
        with pytest.raises(DeniedError):
            case.brain.decide(actor, raised.id, "x", "y")
    order = case.brain.order(OPERATOR, raised.id, BUREAU, "x", 7)
    with pytest.raises(DeniedError):
        case.brain.answer(OPERATOR, order.id, "x")


@pytest.mark.parametrize(
    ("department", "task", "days"), [(BUREAU, " ", 7), ("", "x", 7), (BUREAU, "x", 0), (BUREAU, "x", 367)]
)
def test_a_task_is_said_in_words_and_has_a_limit(
    case: Case, raised: Alert, department: str, task: str, days: int
) -> None:
    with pytest.raises(UsageError):
        case.brain.order(OPERATOR, raised.id, department, task, days)


@pytest.mark.parametrize(("outcome", "ground"), [("", "why"), ("what", " ")])
def test_a_decision_needs_an_outcome_and_a_ground(case: Case, raised: Alert, outcome: str, ground: str) -> None:
    with pytest.raises(UsageError):
        case.brain.decide(OPERATOR, raised.id, outcome, ground)
    assert case.brain.alert(raised.id).state is AlertState.RAISED


def test_while_a_department_works_nobody_orders_again_or_decides(case: Case, raised: Alert) -> None:
    case.brain.order(OPERATOR, raised.id, BUREAU, "x", 7)

    with pytest.raises(NotNowError):
        case.brain.order(OPERATOR, raised.id, STRANGER.department, "x", 7)
    with pytest.raises(NotNowError):
        case.brain.decide(OPERATOR, raised.id, "x", "y")
    case.clock.advance(timedelta(days=8))
    case.brain.order(OPERATOR, raised.id, STRANGER.department, "x", 7)
    case.clock.advance(timedelta(days=8))
    assert case.brain.decide(OPERATOR, raised.id, "督办", "两部门均逾期未反馈").alert == raised.id


def test_what_is_decided_stays_decided(case: Case, raised: Alert) -> None:
    case.brain.decide(OPERATOR, raised.id, "不予处置", "数据误报")

    with pytest.raises(NotNowError):
        case.brain.decide(OPERATOR, raised.id, "x", "y")
    with pytest.raises(NotNowError):
        case.brain.order(OPERATOR, raised.id, BUREAU, "x", 7)
    assert len(case.filing.filed) == 1


def test_a_late_answer_after_the_decision_is_refused(case: Case, raised: Alert) -> None:
    order = case.brain.order(OPERATOR, raised.id, BUREAU, "x", 1)
    case.clock.advance(timedelta(days=2))
    case.brain.decide(OPERATOR, raised.id, "督办", "逾期未反馈")

    with pytest.raises(NotNowError):
        case.brain.answer(CLERK, order.id, "迟到")


def test_promise_1_a_decision_is_filed_whole_so_that_it_is_archived(case: Case, raised: Alert) -> None:
    id = handled(case, raised)
    decision = case.brain.decision(id)
    record: dict[str, Any] = json.loads(case.filing.filed[id])

    assert decision.submission == f"sub-{id}"
    assert case.filing.filed[id] == case.brain.record(id) == canonical(record)
    assert record["rule"]["rule"]["zh"]
    assert record["rule"]["parameters"][0]["name"] == "persons_per_room"
    assert record["alert"]["reasons"] == [{"zh": each.zh, "en": each.en} for each in raised.reasons]
    assert record["figure"]["value"] == "100.00"
    assert record["figure"]["inputs"][0]["dataset"] == "households"
    assert record["orders"][0]["answers"][0]["text"] == "已核实，情况属实"
    assert record["decision"]["decided_by"]["name"] == OPERATOR.name
    assert record["evidence"] == [[each.package, each.row, each.leaf] for each in raised.evidence]
    assert case.brain.decisions(alert=raised.id) == [decision]
    assert case.audit.entry(decision.entry).act.detail["outcome"] == "纳入危房改造"


def test_promise_8_a_decision_that_could_not_be_filed_is_filed_later_and_once(case: Case, raised: Alert) -> None:
    case.filing.fail = StorageFullError(path="vault")
    with pytest.raises(StorageFullError):
        case.brain.decide(OPERATOR, raised.id, "不予处置", "数据误报")
    assert case.brain.alert(raised.id).state is AlertState.DECIDED
    case.filing.fail = None
    case.compute()
    case.compute()

    (decision,) = case.brain.decisions()
    assert decision.submission == f"sub-{decision.id}"
    assert len(case.acts("brain.decided")) == 1
    assert case.filing.calls == 2


def test_promise_4_a_step_whose_act_was_not_recorded_is_recorded_later(
    case: Case, raised: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> int:
        raise StorageFullError(path="ledger")

    with monkeypatch.context() as patch:
        patch.setattr(case.audit, "record", full)
        with pytest.raises(StorageFullError):
            case.brain.order(OPERATOR, raised.id, BUREAU, "x", 7)
    assert case.brain.orders()[0].entry == -1
    case.compute()

    assert case.brain.orders()[0].entry == case.audit.entries(kind="brain.ordered")[0].index


def test_an_act_that_was_recorded_before_a_crash_is_not_recorded_twice(
    case: Case, raised: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(case.brain._handling, "_set", crash)
        with pytest.raises(KeyboardInterrupt):
            case.brain.order(OPERATOR, raised.id, BUREAU, "x", 7)
    case.compute()

    assert len(case.acts("brain.ordered")) == 1


def test_of_two_steps_at_once_one_fails_and_leaves_nothing(
    case: Case, raised: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.brain.decide(OPERATOR, raised.id, "不予处置", "数据误报")
    monkeypatch.setattr(case.brain._alerts, "alert", lambda _: raised)

    with pytest.raises(NotNowError):
        case.brain.order(OPERATOR, raised.id, BUREAU, "x", 7)
    assert case.brain.orders() == []


class Desk(RuleBasedStateMachine):
    """Whatever people try, an alert moves only along its way, and each step is on record."""

    def __init__(self) -> None:
        super().__init__()
        from datetime import UTC, datetime

        self.case = Case(SetClock(datetime(2026, 11, 23, 8, tzinfo=UTC)))
        self.case.put("households", [["H1", 1, 1, 4]])
        self.case.compute()
        self.alert = self.case.brain.alerts()[0].id
        self.was = AlertState.RAISED

    def attempt(self, step: Any, *arguments: Any) -> None:
        with suppress(NotNowError, DeniedError, NotFoundError):
            step(*arguments)

    @rule(actor=st.sampled_from([OPERATOR, CLERK, AUDITOR]), department=st.sampled_from([BUREAU, STRANGER.department]))
    def order(self, actor: Actor, department: str) -> None:
        self.attempt(self.case.brain.order, actor, self.alert, department, "核实", 3)

    @rule(actor=st.sampled_from([OPERATOR, CLERK, STRANGER]))
    def answer(self, actor: Actor) -> None:
        for order in self.case.brain.orders():
            self.attempt(self.case.brain.answer, actor, order.id, "已核实")

    @rule(actor=st.sampled_from([OPERATOR, CLERK]))
    def decide(self, actor: Actor) -> None:
        self.attempt(self.case.brain.decide, actor, self.alert, "办结", "属实")

    @rule(days=st.integers(1, 4))
    def wait(self, days: int) -> None:
        self.case.clock.advance(timedelta(days=days))

    @invariant()
    def the_alert_stands_where_its_steps_say(self) -> None:
        brain = self.case.brain
        state, orders, answers = brain.alert(self.alert).state, brain.orders(), brain.answers()
        assert len(brain.decisions()) == (state is AlertState.DECIDED) == len(self.case.filing.filed)
        assert (state is AlertState.RAISED) <= (not orders)
        assert (state is AlertState.ANSWERED) <= bool(answers)
        assert not (self.was is AlertState.DECIDED and state is not AlertState.DECIDED)
        assert len(self.case.acts("brain.ordered")) == len(orders)
        assert len(self.case.acts("brain.answered")) == len(answers)
        assert len(self.case.acts("brain.decided")) == len(brain.decisions())
        self.was = state

    def teardown(self) -> None:
        self.case.rows.close()


TestDesk = pytest.mark.slow(Desk.TestCase)
TestDesk.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
