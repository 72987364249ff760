"""The way home of a figure, an alert or a decision.

Keeps promise 5: every number leads home. The steps are those that a reader can follow by hand: the rule as it stood,
the inputs by version with the receipts of their reading, the rows with their proofs, and the ledger receipts of every
act on the way. Up to 200 rows are proven one by one; of a longer list the first 200 are, the root over all of them is
checked, and the step says so.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from chengyi.brain import rows as tables
from chengyi.brain import rules
from chengyi.brain.alerts import AlertBook
from chengyi.brain.evidence import lines_of, root_of, unpack_lines
from chengyi.brain.figures import Computation, FigureBook
from chengyi.brain.handling import Handling
from chengyi.brain.values import Trace, TraceStep
from chengyi.model.decision import Alert, Decision, Figure
from chengyi.model.errors import ChengyiError, IntegrityError, NotFoundError
from chengyi.model.text import Text
from chengyi.share import Audit, RowTrace, Share

_Check = Callable[[Mapping[str, Any]], bool]


class Tracer:
    """Leads figures, alerts and decisions home."""

    def __init__(
        self, *, share: Share, audit: Audit, figures: FigureBook, alerts: AlertBook, handling: Handling
    ) -> None:
        self._share = share
        self._audit = audit
        self._figures = figures
        self._alerts = alerts
        self._handling = handling

    def trace(self, id: str) -> Trace:
        """Lead a figure, an alert or a decision home; NotFoundError."""
        ways = {"fig": self._figure, "alr": self._alert, "dec": self._decision}
        way = ways.get(id.partition("-")[0])
        if way is None:
            raise NotFoundError(kind="指标值、预警或决定 figure, alert or decision", id=id)
        return way(id)

    def _figure(self, id: str) -> Trace:
        figure, made = self._figures.figure(id), self._figures.computation_of(id)
        lines = lines_of(self._figures.packed(id))
        rows, proven = self._rows(lines, figure.root)
        return Trace(
            id=id,
            kind="figure",
            rule=Text(**made.definition["rule"]),
            rule_id=made.indicator,
            version=made.version,
            legal_basis=made.definition["legal_basis"],
            inputs=_inputs(made),
            total=len(lines),
            root=figure.root,
            rows=rows,
            steps=(_rule_step(made.definition), *self._figure_steps(figure, made), proven),
        )

    def _alert(self, id: str, before: Sequence[TraceStep] = (), kind: str = "alert", of: str = "") -> Trace:
        alert, definition = self._alerts.alert(id), self._alerts.definition(id)
        root, lines = self._alerts.root(id)
        rows, proven = self._rows(lines, root)
        made = self._figures.computation_of(alert.figure) if alert.figure else None
        figure = self._figure_steps(self._figures.figure(alert.figure), made) if alert.figure and made else ()
        raised = self._alert_step(alert, root)
        return Trace(
            id=of or id,
            kind=kind,
            rule=Text(**definition["rule"]),
            rule_id=alert.rule,
            version=alert.version,
            legal_basis=definition["legal_basis"],
            inputs=_inputs(made) if made else (),
            total=len(lines),
            root=root,
            rows=rows,
            steps=(*before, _rule_step(definition), raised, *figure, proven),
        )

    def _decision(self, id: str) -> Trace:
        found = self._handling.decisions(tables.decisions.c.id == id)
        if not found:
            raise NotFoundError(kind="决定 decision", id=id)
        decision = found[0]
        steps = [self._decision_step(decision), *self._handling_steps(decision)]
        return self._alert(decision.alert, steps, "decision", id)

    def _decision_step(self, decision: Decision) -> TraceStep:
        record = self._handling.record(decision.id)
        filed = decision.submission or "—"
        return self._act_step(
            Text("决定", "Decision"),
            Text(
                f"{_open(decision.outcome)}。理由：{_open(decision.ground)}。归档报送号 {filed}",
                f"{_open(decision.outcome)}. Ground: {_open(decision.ground)}. Filed as {filed}",
            ),
            decision.entry,
            _says("record", sha256(record).hexdigest()),
        )

    def _handling_steps(self, decision: Decision) -> list[TraceStep]:
        steps = []
        for order in reversed(self._handling.orders(tables.orders.c.alert == decision.alert)):
            said = Text(f"交{order.department}：{order.task}", f"To {order.department}: {order.task}")
            steps.append(self._act_step(Text("交办", "Order"), said, order.entry, _says("task", order.task)))
            for each in self._handling.answers(tables.answers.c.order_id == order.id):
                said = Text(each.text, each.text)
                steps.append(self._act_step(Text("反馈", "Answer"), said, each.entry, _says("text", each.text)))
        return steps

    def _alert_step(self, alert: Alert, root: str) -> TraceStep:
        reasons = alert.reasons
        return self._act_step(
            Text("预警", "Alert"),
            Text("；".join(each.zh for each in reasons), "; ".join(each.en for each in reasons)),
            alert.entry,
            lambda detail: (detail["subject"], detail["root"]) == (alert.subject, root),
        )

    def _figure_steps(self, figure: Figure, made: Computation) -> tuple[TraceStep, ...]:
        seal = rules.figures_digest(self._figures.of_computation(made.id))
        computed = self._act_step(
            Text("计算", "Computation"),
            Text(
                f"{made.indicator} v{made.version}，分组 {figure.group}，值 {figure.value}",
                f"{made.indicator} v{made.version}, group {figure.group}, value {figure.value}",
            ),
            made.entry,
            lambda detail: detail["digest"] == seal == made.digest and detail["computation"] == made.id,
        )
        return (*(self._input_step(each) for each in made.inputs), computed)

    def _input_step(self, used: Mapping[str, Any]) -> TraceStep:
        return self._act_step(
            Text("输入", "Input"),
            Text(
                f"数据集 {used['dataset']} 第 {used['version']} 版，{used['rows']:,} 行，授权 {used['grant']}",
                f"dataset {used['dataset']} version {used['version']}, {used['rows']:,} rows, grant {used['grant']}",
            ),
            used["read"],
            lambda detail: (detail["grant"], detail["version"]) == (used["grant"], used["version"]),
        )

    def _act_step(self, title: Text, finding: Text, entry: int, holds: _Check) -> TraceStep:
        try:
            receipt = self._audit.receipt(entry)
            if not holds(self._share.check_receipt(receipt).act.detail):
                raise IntegrityError(object=f"ledger entry {entry}", why="与账本记录不符 (not what the ledger holds)")
        except ChengyiError as error:
            return TraceStep(title, Text(error.message("zh"), error.message("en")), ok=False)
        return TraceStep(title, finding, ok=True, receipt=receipt)

    def _rows(self, lines: Sequence[str], root: str) -> tuple[tuple[RowTrace, ...], TraceStep]:
        rows = tuple(self._share.trace_rows(unpack_lines(lines[: rules.PROVEN_ROWS])))
        whole = root_of(lines) == root
        good = sum(row.ok for row in rows)
        rest = len(lines) - len(rows)
        zh, en = f"共 {len(lines)} 行，逐行验证 {len(rows)} 行，通过 {good} 行", f"{len(lines)} rows; {good} proven"
        if rest:
            zh += f"；其余 {rest} 行未逐行验证，由根哈希 {root} 锁定"
            en += f"; the other {rest} were not proven one by one, and are bound by the root {root}"
        if not whole:
            zh, en = f"{zh}；证据清单与根哈希不符", f"{en}; the list does not have its root"
        return rows, TraceStep(Text("证据行", "Rows"), Text(zh, en), ok=whole and good == len(rows))


def _rule_step(definition: Mapping[str, Any]) -> TraceStep:
    """Say the rule, its basis and its parameters; a parameter's unit is on record as ``中文 English``."""
    rule, basis = definition["rule"], definition["legal_basis"]
    zh, en = f"{rule['zh']}依据：{basis}", f"{rule['en']} Basis: {basis}"
    for each in definition["parameters"]:
        chinese, _, english = each["unit"].partition(" ")
        zh += f"；{each['name']} = {each['value']} {chinese}"
        en += f"; {each['name']} = {each['value']} {english or chinese}"
    return TraceStep(Text("规则", "Rule"), Text(zh.rstrip(), en.rstrip()))


def _open(sentence: str) -> str:
    """Return a sentence without its full stop, to go on from."""
    return sentence.rstrip("。. ")


def _inputs(made: Computation) -> tuple[str, ...]:
    return tuple(f"{each['dataset']}@{each['version']}" for each in made.inputs)


def _says(name: str, value: str) -> _Check:
    return lambda detail: detail[name] == value
