"""The rules of the brain, as pure functions and tables.

Keeps promise 7: people decide about people. Rules:

1. A rule draws attention and says why; it changes nothing. Only a person's order, answer and decision move an alert.
2. An alert is raised once for one subject under one version of a rule.
3. The way of an alert is raised -> ordered -> answered -> decided; a department may be asked again after it answered,
   or once its time is over; an operator may decide without an order, but not while a department still has time.
4. A task, an answer and a ground are owed in words.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chengyi.brain.errors import NotNowError
from chengyi.brain.values import AlertRule, Measure, terms
from chengyi.model.canonical import Json, digest
from chengyi.model.decision import Alert, AlertState, Figure, Indicator, Need, Order
from chengyi.model.errors import UsageError
from chengyi.model.grant import CatalogueEntry
from chengyi.model.text import Text

MAX_ORDER_DAYS = 366
PROVEN_ROWS = 200

STATE_TITLES = {
    AlertState.RAISED: Text("待处置", "raised"),
    AlertState.ORDERED: Text("已交办", "ordered"),
    AlertState.ANSWERED: Text("已反馈", "answered"),
    AlertState.DECIDED: Text("已办结", "decided"),
}


def lacking(needs: Sequence[Need], catalogue: Mapping[str, CatalogueEntry]) -> Text | None:
    """Return what an indicator needs and the catalogue does not offer, or None where it offers everything."""
    for need in needs:
        entry = catalogue.get(need.dataset)
        if entry is None:
            return Text(f"目录中没有数据集 {need.dataset}", f"dataset {need.dataset} is not in the catalogue")
        absent = [name for name in need.fields if name not in {field.name for field in entry.fields}]
        if absent:
            names = ", ".join(absent)
            return Text(f"数据集 {need.dataset} 没有字段 {names}", f"dataset {need.dataset} has no field {names}")
    return None


def computation_id(measure: Measure, inputs: Mapping[str, int]) -> str:
    """Return what makes two computations the same: definitions with their versions, and the inputs' versions."""
    rules: list[Json] = [[rule.id, rule.version, terms(rule.parameters)] for rule in measure.rules]
    return _id(
        "cmp",
        {
            "indicator": measure.indicator.id,
            "version": measure.indicator.version,
            "parameters": terms(measure.parameters),
            "rules": rules,
            "inputs": dict(inputs),
        },
    )


def figure_id(computation: str, group: str) -> str:
    """Return the identifier of one value of one computation."""
    return _id("fig", {"computation": computation, "group": group})


def alert_id(rule: AlertRule, subject: str) -> str:
    """Return the identifier of an alert: one subject has one under one version of a rule."""
    return _id("alr", {"rule": rule.id, "version": rule.version, "subject": subject})


def handling_id(prefix: str, value: Mapping[str, Json]) -> str:
    """Return the identifier of an order, answer or decision."""
    return _id(prefix, value)


def figure_line(group: str, value: str, evidence: int, root: str) -> list[Json]:
    """Return one figure as it goes into the digest that the ledger holds."""
    return [group, value, evidence, root]


def figures_digest(figures: Sequence[Figure]) -> str:
    """Return the digest over all values of one computation, in order of group."""
    return digest(
        [
            figure_line(each.group, each.value, each.evidence, each.root)
            for each in sorted(figures, key=lambda f: f.group)
        ]
    )


def measure_terms(measure: Measure) -> dict[str, Json]:
    """Return an indicator's definition as a canonical value, so that it is kept with what it made."""
    return {**indicator_terms(measure.indicator), "parameters": terms(measure.parameters)}


def indicator_terms(indicator: Indicator) -> dict[str, Json]:
    """Return the words of an indicator as a canonical value."""
    return {
        "id": indicator.id,
        "version": indicator.version,
        "app": indicator.app.value,
        "title": text_terms(indicator.title),
        "rule": text_terms(indicator.rule),
        "unit": text_terms(indicator.unit),
        "purpose": text_terms(indicator.purpose),
        "legal_basis": indicator.legal_basis,
        "needs": [[need.dataset, list(need.fields)] for need in indicator.needs],
    }


def rule_terms(rule: AlertRule) -> dict[str, Json]:
    """Return an alert rule's definition as a canonical value."""
    return {
        "id": rule.id,
        "version": rule.version,
        "title": text_terms(rule.title),
        "rule": text_terms(rule.rule),
        "legal_basis": rule.legal_basis,
        "severity": rule.severity.value,
        "parameters": terms(rule.parameters),
    }


def text_terms(text: Text) -> dict[str, Json]:
    """Return a text as a canonical value."""
    return {"zh": text.zh, "en": text.en}


def check_words(what: Text, words: str) -> None:
    """Raise UsageError unless something was said."""
    if not words.strip():
        raise UsageError(why=f"{what.zh}不能为空 ({what.en} is empty)")


def check_days(days: int) -> None:
    """Raise UsageError unless a task has a sensible time limit."""
    if not 1 <= days <= MAX_ORDER_DAYS:
        raise UsageError(why=f"办理期限须为 1 至 {MAX_ORDER_DAYS} 天 (a task takes 1 to {MAX_ORDER_DAYS} days)")


def order_due(issued: datetime, days: int) -> datetime:
    """Return when an answer is owed; days are calendar days."""
    return issued + timedelta(days=days)


def check_free(alert: Alert, open_orders: Sequence[Order], now: datetime) -> None:
    """Raise NotNowError unless a new task may be given, or a decision taken, now."""
    _check_undecided(alert)
    working = next((each for each in open_orders if now < each.due), None)
    if working is not None:
        why = f"{working.department}办理中，期限 {working.due:%Y-%m-%d} (a department is at work)"
        raise _not_now(alert, why)


def check_may_answer(alert: Alert, *, answered: bool) -> None:
    """Raise NotNowError unless an order still waits for its answer."""
    _check_undecided(alert)
    if answered:
        raise _not_now(alert, "该任务已反馈 (the order was answered)")


def _check_undecided(alert: Alert) -> None:
    if alert.state is AlertState.DECIDED:
        raise _not_now(alert, "已作出决定 (it was decided)")


def _not_now(alert: Alert, why: str) -> NotNowError:
    return NotNowError(alert=alert.id, state=STATE_TITLES[alert.state].zh, why=why)


def decision_record(
    *,
    alert: Alert,
    rule: Json,
    figure: Json,
    orders: Sequence[Json],
    outcome: str,
    ground: str,
    decided_by: Json,
    decided_at: datetime,
) -> dict[str, Json]:
    """Return the whole record of a decision as one canonical value: what is filed into the archive."""
    return {
        "form": "chengyi.decision/1",
        "alert": alert_terms(alert),
        "rule": rule,
        "figure": figure,
        "orders": list(orders),
        "decision": {
            "outcome": outcome,
            "ground": ground,
            "decided_by": decided_by,
            "decided_at": decided_at.isoformat(),
        },
        "evidence": [[each.package, each.row, each.leaf] for each in alert.evidence],
    }


def alert_terms(alert: Alert) -> dict[str, Json]:
    """Return an alert as a canonical value."""
    return {
        "id": alert.id,
        "app": alert.app.value,
        "rule": alert.rule,
        "version": alert.version,
        "subject": alert.subject,
        "title": text_terms(alert.title),
        "reasons": [text_terms(each) for each in alert.reasons],
        "severity": alert.severity.value,
        "raised_at": alert.raised_at.isoformat(),
        "entry": alert.entry,
    }


def figure_terms(figure: Figure, inputs: Json) -> dict[str, Json]:
    """Return a figure as a canonical value."""
    return {
        "id": figure.id,
        "indicator": figure.indicator,
        "version": figure.version,
        "group": figure.group,
        "value": figure.value,
        "evidence": figure.evidence,
        "root": figure.root,
        "missing": list(figure.completeness.missing),
        "computed_at": figure.computed_at.isoformat(),
        "entry": figure.entry,
        "inputs": inputs,
    }


def _id(prefix: str, value: Json) -> str:
    return f"{prefix}-{digest(value)[:24]}"
