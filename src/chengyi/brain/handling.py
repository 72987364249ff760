"""Handling alerts: order, answer, decide.

Keeps promise 7 (people decide about people: every step here is a person's) and promise 4 (each step is an act). Rules:

1. A step is first written down together with the alert's move, in one transaction that fails where someone was faster;
   then it is put on record; then, for a decision, filed. `settle` finishes what a crash left between these.
2. What is filed is one canonical record with everything that led to the decision; the same decision is always the
   same bytes, so that filing it twice changes nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, select, update

from chengyi.brain import rows as tables
from chengyi.brain import rules
from chengyi.brain.alerts import AlertBook, move
from chengyi.brain.figures import FigureBook
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor, Permission
from chengyi.model.canonical import Json, canonical, digest
from chengyi.model.clock import Clock
from chengyi.model.decision import Alert, AlertState, Answer, Decision, Filing, Order
from chengyi.model.errors import NotFoundError
from chengyi.model.text import Text
from chengyi.share import Audit
from chengyi.store.rows import Rows, insert_new

_T = TypeVar("_T")

_TASK = Text("任务", "the task")
_ANSWER = Text("反馈", "the answer")
_OUTCOME = Text("处理结果", "the outcome")
_GROUND = Text("理由", "the ground")


class Handling:
    """Moves alerts on, one person's step at a time."""

    def __init__(
        self, *, rows: Rows, audit: Audit, clock: Clock, filing: Filing, alerts: AlertBook, figures: FigureBook
    ) -> None:
        self._rows = rows
        self._audit = audit
        self._clock = clock
        self._filing = filing
        self._alerts = alerts
        self._figures = figures

    def order(self, actor: Actor, alert_id: str, department: str, task: str, days: int) -> Order:
        """Give a department a task, with so many calendar days to answer."""
        actor.require(Permission.ORDER)
        rules.check_words(_TASK, task)
        rules.check_words(Text("承办部门", "the department"), department)
        rules.check_days(days)
        alert, now = self._alerts.alert(alert_id), self._clock.now()
        rules.check_free(alert, self.open_orders(alert_id), now)
        row = {
            "alert": alert_id,
            "department": department,
            "task": task,
            "issued_by": actor.id,
            "issued_at": now,
            "due": rules.order_due(now, days),
        }
        id = self._write(tables.orders, "ord", row, lambda connection: move(connection, alert, AlertState.ORDERED))
        return self._made(self.orders, tables.orders.c.id == id)

    def answer(self, actor: Actor, order_id: str, text: str) -> Answer:
        """Say what the department did and found; only the department that has the task may."""
        actor.require(Permission.ANSWER)
        rules.check_words(_ANSWER, text)
        order = self.order_of(order_id)
        if order.department != actor.department:
            raise NotFoundError(kind="任务 order", id=order_id)
        alert = self._alerts.alert(order.alert)
        rules.check_may_answer(alert, answered=bool(self.answers(tables.answers.c.order_id == order_id)))
        row = {"order_id": order_id, "text": text, "answered_by": actor.id, "answered_at": self._clock.now()}
        id = self._write(tables.answers, "ans", row, lambda connection: move(connection, alert, AlertState.ANSWERED))
        return self._made(self.answers, tables.answers.c.id == id)

    def decide(self, actor: Actor, alert_id: str, outcome: str, ground: str) -> Decision:
        """Decide on an alert, on a stated ground, and file the whole record."""
        actor.require(Permission.DECIDE)
        rules.check_words(_OUTCOME, outcome)
        rules.check_words(_GROUND, ground)
        alert = self._alerts.alert(alert_id)
        rules.check_free(alert, self.open_orders(alert_id), self._clock.now())
        record = self._record(actor, alert, outcome, ground)
        row = {
            "alert": alert_id,
            "outcome": outcome,
            "ground": ground,
            "decided_by": actor.id,
            "decided_at": self._clock.now(),
            "record": canonical(record),
            "digest": digest(record),
            "submission": "",
        }
        id = self._write(tables.decisions, "dec", row, lambda connection: move(connection, alert, AlertState.DECIDED))
        return self._made(self.decisions, tables.decisions.c.id == id)

    def settle(self) -> None:
        """Put on record, and file, what was written down but not finished."""
        for table, act in (
            (tables.orders, _order_act),
            (tables.answers, _answer_act),
            (tables.decisions, _decision_act),
        ):
            for row in self._all(select(table).where(table.c.entry.is_(None))):
                self._set(table, row["id"], {"entry": self._witness(act(row))})
        for row in self._all(select(tables.decisions).where(tables.decisions.c.submission == "")):
            submission = self._filing.file(row["id"], row["record"], row["decided_at"])
            self._set(tables.decisions, row["id"], {"submission": submission})

    def _made(self, listing: Callable[..., Sequence[_T]], where: Any) -> _T:  # noqa: ANN401 - an SQL condition
        self.settle()
        return listing(where)[0]

    def orders(self, *where: Any) -> list[Order]:  # noqa: ANN401 - SQL conditions
        """List orders, newest first."""
        query = select(tables.orders).where(*where).order_by(tables.orders.c.issued_at.desc())
        return [Order(**{**row, "entry": _entry(row)}) for row in self._all(query)]

    def order_of(self, id: str) -> Order:
        """Return one order; NotFoundError."""
        found = self.orders(tables.orders.c.id == id)
        if not found:
            raise NotFoundError(kind="任务 order", id=id)
        return found[0]

    def open_orders(self, alert: str) -> list[Order]:
        """List the orders of an alert that were not answered."""
        answered = select(tables.answers.c.order_id)
        return self.orders(tables.orders.c.alert == alert, tables.orders.c.id.not_in(answered))

    def answers(self, *where: Any) -> list[Answer]:  # noqa: ANN401 - SQL conditions
        """List answers, oldest first."""
        query = select(tables.answers).where(*where).order_by(tables.answers.c.answered_at)
        return [_answer(row) for row in self._all(query)]

    def decisions(self, *where: Any) -> list[Decision]:  # noqa: ANN401 - SQL conditions
        """List decisions, newest first."""
        query = select(tables.decisions).where(*where).order_by(tables.decisions.c.decided_at.desc())
        return [_decision(row) for row in self._all(query)]

    def record(self, decision: str) -> bytes:
        """Return the canonical record of a decision, as it was filed; NotFoundError."""
        found = self._all(select(tables.decisions).where(tables.decisions.c.id == decision))
        if not found:
            raise NotFoundError(kind="决定 decision", id=decision)
        record: bytes = found[0]["record"]
        return record

    def _record(self, actor: Actor, alert: Alert, outcome: str, ground: str) -> dict[str, Json]:
        return rules.decision_record(
            alert=alert,
            rule=_plain(self._alerts.definition(alert.id)),
            figure=self._figure(alert),
            orders=[self._order_terms(each) for each in reversed(self.orders(tables.orders.c.alert == alert.id))],
            outcome=outcome,
            ground=ground,
            decided_by={"id": actor.id, "name": actor.name, "department": actor.department},
            decided_at=self._clock.now(),
        )

    def _figure(self, alert: Alert) -> Json:
        if alert.figure is None:
            return None
        figure, made = self._figures.figure(alert.figure), self._figures.computation_of(alert.figure)
        return rules.figure_terms(figure, _plain(made.inputs)) | {"definition": _plain(made.definition)}

    def _order_terms(self, order: Order) -> Json:
        return {
            "id": order.id,
            "department": order.department,
            "task": order.task,
            "issued_by": order.issued_by,
            "issued_at": order.issued_at.isoformat(),
            "due": order.due.isoformat(),
            "entry": order.entry,
            "answers": [
                {
                    "id": each.id,
                    "text": each.text,
                    "answered_by": each.answered_by,
                    "answered_at": each.answered_at.isoformat(),
                    "entry": each.entry,
                }
                for each in self.answers(tables.answers.c.order_id == order.id)
            ],
        }

    def _write(self, table: Table, prefix: str, row: dict[str, Any], moved: Callable[[Connection], None]) -> str:
        named = {name: str(value) for name, value in row.items() if name != "record"}
        id = rules.handling_id(prefix, named)
        with self._rows.begin() as connection:
            moved(connection)
            insert_new(connection, table, [{"id": id, **row, "entry": None}])
        return id

    def _witness(self, act: Act) -> int:
        known = self._audit.entries(object=act.object, kind=act.kind.value, limit=1)
        return known[0].index if known else self._audit.record(act)

    def _set(self, table: Table, id: str, values: Mapping[str, Any]) -> None:
        with self._rows.begin() as connection:
            connection.execute(update(table).where(table.c.id == id).values(**values))

    def _all(self, query: Select[Any]) -> list[dict[str, Any]]:
        with self._rows.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    return json.loads(canonical(value))


def _entry(row: Mapping[str, Any]) -> int:
    return -1 if row["entry"] is None else int(row["entry"])


def _answer(row: Mapping[str, Any]) -> Answer:
    return Answer(row["id"], row["order_id"], row["text"], row["answered_by"], row["answered_at"], _entry(row))


def _decision(row: Mapping[str, Any]) -> Decision:
    return Decision(
        id=row["id"],
        alert=row["alert"],
        outcome=row["outcome"],
        ground=row["ground"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        entry=_entry(row),
        submission=row["submission"],
    )


def _order_act(row: Mapping[str, Any]) -> Act:
    detail: dict[str, Json] = {
        "alert": row["alert"],
        "department": row["department"],
        "task": row["task"],
        "due": row["due"].isoformat(),
    }
    return Act(ActKind.ORDERED, row["issued_by"], f"order:{row['id']}", detail)


def _answer_act(row: Mapping[str, Any]) -> Act:
    detail: dict[str, Json] = {"order": row["order_id"], "text": row["text"]}
    return Act(ActKind.ANSWERED, row["answered_by"], f"answer:{row['id']}", detail)


def _decision_act(row: Mapping[str, Any]) -> Act:
    detail: dict[str, Json] = {"alert": row["alert"], "outcome": row["outcome"], "record": row["digest"]}
    return Act(ActKind.DECIDED, row["decided_by"], f"decision:{row['id']}", detail)
