"""The brain: see, draw attention, let people act, and prove.

Keeps promises 1, 5 and 7: it sees only what was shared with it, every number leads home, and people decide. This is
the room's face; the engine computes, `handling` moves alerts on, the tracer proves.
"""

from collections.abc import Sequence
from typing import Any

from chengyi.brain import rows as tables
from chengyi.brain.alerts import AlertBook
from chengyi.brain.apps import default_apps
from chengyi.brain.engine import Engine
from chengyi.brain.figures import FigureBook
from chengyi.brain.handling import Handling
from chengyi.brain.tracing import Tracer
from chengyi.brain.values import AlertRule, Application, BrainReport, Measure, Trace
from chengyi.model.actor import Actor
from chengyi.model.clock import Clock
from chengyi.model.decision import Alert, AlertState, Answer, App, Decision, Figure, Filing, Indicator, Order
from chengyi.model.errors import NotFoundError
from chengyi.model.evidence import Evidence
from chengyi.model.reporter import Reporter
from chengyi.share import Audit, Share
from chengyi.store.rows import Rows

__all__ = ["Brain", "BrainReport"]


class Brain:
    """The room of the brain.

    Args:
        filing: Takes the records of decisions back to collection.
        actor: As whom the brain reads what is shared with it.
        apps: The applications; the three of the product by default.
    """

    def __init__(  # noqa: PLR0917 - every room is wired in this order
        self,
        rows: Rows,
        audit: Audit,
        clock: Clock,
        share: Share,
        filing: Filing,
        actor: Actor,
        apps: Sequence[Application] | None = None,
    ) -> None:
        self._apps = tuple(default_apps() if apps is None else apps)
        self._figures = FigureBook(rows)
        self._alerts = AlertBook(rows)
        self._handling = Handling(
            rows=rows, audit=audit, clock=clock, filing=filing, alerts=self._alerts, figures=self._figures
        )
        self._engine = Engine(
            share=share, audit=audit, clock=clock, actor=actor, figures=self._figures, alerts=self._alerts
        )
        self._tracer = Tracer(
            share=share, audit=audit, figures=self._figures, alerts=self._alerts, handling=self._handling
        )

    def compute(self, reporter: Reporter) -> BrainReport:
        """Compute every indicator and alert whose datasets are shared; what is up to date is left as it is."""
        self._handling.settle()
        return self._engine.compute(self._apps, reporter)

    def measures(self) -> list[Measure]:
        """List the declared measures: indicators with their parameters and alert rules."""
        return [measure for app in self._apps for measure in app.measures]

    def indicators(self) -> list[Indicator]:
        """List the declared indicators."""
        return [measure.indicator for measure in self.measures()]

    def alert_rules(self) -> list[AlertRule]:
        """List the declared alert rules."""
        return [rule for measure in self.measures() for rule in measure.rules]

    def figures(self, indicator: str = "", limit: int = 1000) -> list[Figure]:
        """List present figures, of one indicator or of all, by indicator and group."""
        return self._figures.figures(indicator, limit)

    def figure(self, id: str) -> Figure:
        """Return one figure; NotFoundError."""
        return self._figures.figure(id)

    def history(self, indicator: str, group: str, limit: int = 100) -> list[Figure]:
        """List all figures of one indicator and group, newest first."""
        return self._figures.history(indicator, group, limit)

    def evidence(self, figure_id: str) -> list[Evidence]:
        """Return the rows behind a figure, in order; NotFoundError."""
        return self._figures.evidence(figure_id)

    def alerts(self, state: AlertState | None = None, app: App | None = None) -> list[Alert]:
        """List alerts, newest first."""
        return self._alerts.alerts(state, app)

    def alert(self, id: str) -> Alert:
        """Return one alert; NotFoundError."""
        return self._alerts.alert(id)

    def order(self, actor: Actor, alert_id: str, department: str, task: str, days: int) -> Order:
        """Give a department a task because of an alert, with so many calendar days to answer.

        Raises DeniedError, NotFoundError, UsageError, or NotNowError while a department still has time.
        """
        return self._handling.order(actor, alert_id, department, task, days)

    def answer(self, actor: Actor, order_id: str, text: str) -> Answer:
        """Say what the department did and found. Raises as `order` does."""
        return self._handling.answer(actor, order_id, text)

    def decide(self, actor: Actor, alert_id: str, outcome: str, ground: str) -> Decision:
        """Decide on an alert, and file the whole record into the archive. Raises as `order` does."""
        return self._handling.decide(actor, alert_id, outcome, ground)

    def orders(self, alert: str = "", department: str = "") -> list[Order]:
        """List orders, newest first."""
        where: list[Any] = [tables.orders.c.alert == alert] if alert else []
        where += [tables.orders.c.department == department] if department else []
        return self._handling.orders(*where)

    def answers(self, order: str = "") -> list[Answer]:
        """List answers, oldest first."""
        return self._handling.answers(*([tables.answers.c.order_id == order] if order else []))

    def decisions(self, alert: str = "") -> list[Decision]:
        """List decisions, newest first."""
        return self._handling.decisions(*([tables.decisions.c.alert == alert] if alert else []))

    def decision(self, id: str) -> Decision:
        """Return one decision; NotFoundError."""
        found = self._handling.decisions(tables.decisions.c.id == id)
        if not found:
            raise NotFoundError(kind="决定 decision", id=id)
        return found[0]

    def record(self, decision: str) -> bytes:
        """Return the canonical record of a decision, as it was filed; NotFoundError."""
        return self._handling.record(decision)

    def trace(self, id: str) -> Trace:
        """Lead a figure, an alert or a decision home: rule, inputs, rows with proofs, receipts; NotFoundError."""
        return self._tracer.trace(id)

    def counts(self) -> dict[str, int]:
        """Count present figures, alerts by state, and decisions."""
        waiting = self._alerts.counts()
        return {"figures": self._figures.count(), "alerts": sum(waiting.values()), **waiting}
