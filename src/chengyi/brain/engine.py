"""The engine: computes what the applications declare, from what is shared, and nothing else.

Keeps promise 1 (the brain sees only what was shared: every table comes through a live grant) and promise 6 (an
indicator that cannot be computed is named, with the reason). Rules: the same definition over the same dataset
versions is computed once; applications cannot disturb each other; what a rule finds is recorded and shown, and
changes nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chengyi.brain import rules
from chengyi.brain.alerts import AlertBook
from chengyi.brain.evidence import EvidenceList, pack
from chengyi.brain.figures import Computation, FigureBook
from chengyi.brain.values import AlertRule, Application, BrainReport, Computed, Finding, Measure, Skip, Tables
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor
from chengyi.model.canonical import Json
from chengyi.model.clock import Clock
from chengyi.model.decision import Alert, AlertState, Figure
from chengyi.model.errors import ChengyiError
from chengyi.model.grant import CatalogueEntry, Purpose
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text
from chengyi.share import Audit, Share, SharedTable

_COMPUTING = Text("计算指标与预警", "Computing indicators and alerts")


@dataclass(frozen=True, slots=True)
class _Outcome:
    figures: int = 0
    alerts: int = 0
    unchanged: bool = False
    skipped: Text | None = None
    failed: Text | None = None


class Engine:
    """Runs measures and enters their figures and alerts."""

    def __init__(
        self, *, share: Share, audit: Audit, clock: Clock, actor: Actor, figures: FigureBook, alerts: AlertBook
    ) -> None:
        self._share = share
        self._audit = audit
        self._clock = clock
        self._actor = actor
        self._figures = figures
        self._alerts = alerts

    def compute(self, apps: Iterable[Application], reporter: Reporter) -> BrainReport:
        """Compute every measure whose datasets are shared; leave what is up to date."""
        measures = [measure for app in apps for measure in app.measures]
        catalogue = {entry.dataset: entry for entry in self._share.catalogue(self._actor)}
        outcomes: dict[str, _Outcome] = {}
        with reporter.step(_COMPUTING, len(measures)) as step:
            for measure in measures:
                outcomes[measure.indicator.id] = self._one(measure, catalogue)
                step.advance()
        return _report(outcomes)

    def _one(self, measure: Measure, catalogue: Mapping[str, CatalogueEntry]) -> _Outcome:
        lacking = rules.lacking(measure.indicator.needs, catalogue)
        if lacking is not None:
            return _Outcome(skipped=lacking)
        inputs = {need.dataset: catalogue[need.dataset].version for need in measure.indicator.needs}
        computation = rules.computation_id(measure, inputs)
        if self._figures.has(computation):
            return _Outcome(unchanged=True)
        try:
            return self._run(measure, computation, self._open(measure))
        except ChengyiError as error:
            return _Outcome(skipped=Text(error.message("zh"), error.message("en")))
        except Exception as error:  # noqa: BLE001 - one application's fault must not stop the others
            return _Outcome(failed=Text(f"应用程序出错：{error!r}", f"the application failed: {error!r}"))

    def _open(self, measure: Measure) -> Tables:
        indicator = measure.indicator
        case = f"{indicator.id}@{indicator.version}"
        purpose = Purpose(indicator.purpose.zh, indicator.legal_basis, case)
        grants = [self._share.standing_grant(self._actor, need, purpose) for need in indicator.needs]
        return {grant.dataset: self._share.read(grant, self._actor, case) for grant in grants}

    def _run(self, measure: Measure, computation: str, tables: Tables) -> _Outcome:
        computed = measure.compute(tables)
        found = [(rule, finding) for rule in measure.rules for finding in rule.find(tables, computed)]
        # alerts first: a crash between the two leaves a computation to repeat, and no alert is lost or doubled
        alerts = self._enter_alerts(measure, computation, found, {each.group for each in computed})
        self._enter_figures(measure, computation, tables, computed)
        return _Outcome(figures=len(computed), alerts=alerts)

    def _enter_figures(self, measure: Measure, computation: str, tables: Tables, computed: Sequence[Computed]) -> None:
        now, inputs = self._clock.now(), [_input(table) for table in tables.values()]
        kept = [(each, pack(each.evidence)) for each in computed]
        figures = [self._figure(measure, computation, *each) for each in kept]
        seal = rules.figures_digest(figures)
        detail: dict[str, Json] = {
            "version": measure.indicator.version,
            "computation": computation,
            "inputs": inputs,
            "figures": len(kept),
            "digest": seal,
        }
        act = Act(ActKind.COMPUTED, self._actor.id, f"indicator:{measure.indicator.id}", detail)
        entry = self._audit.record(act)
        made = Computation(
            id=computation,
            indicator=measure.indicator.id,
            version=measure.indicator.version,
            definition=rules.measure_terms(measure),
            inputs=inputs,
            figures=len(kept),
            digest=seal,
            computed_at=now,
            entry=entry,
        )
        entered = (replace(figure, entry=entry) for figure in figures)
        self._figures.add(made, [(figure, evidence) for figure, (_, evidence) in zip(entered, kept, strict=True)])

    def _figure(self, measure: Measure, computation: str, computed: Computed, evidence: EvidenceList) -> Figure:
        return Figure(
            id=rules.figure_id(computation, computed.group),
            indicator=measure.indicator.id,
            version=measure.indicator.version,
            group=computed.group,
            value=computed.value,
            computed_at=self._clock.now(),
            evidence=evidence.count,
            root=evidence.root,
            completeness=computed.completeness,
            entry=-1,
        )

    def _enter_alerts(
        self, measure: Measure, computation: str, found: Sequence[tuple[AlertRule, Finding]], groups: set[str]
    ) -> int:
        unique = {rules.alert_id(rule, finding.subject): (rule, finding) for rule, finding in found}
        known = self._alerts.known(list(unique))
        fresh = [(id, rule, each, pack(each.evidence)) for id, (rule, each) in unique.items() if id not in known]
        acts = [self._alert_act(id, rule, finding, evidence) for id, rule, finding, evidence in fresh]
        drafts = [self._alert(measure, id, rule, finding) for id, rule, finding, _ in fresh]
        figures = [
            rules.figure_id(computation, each.group) if each.group in groups else None for _, _, each, _ in fresh
        ]
        entries = self._audit.record_all(acts)
        alerts = map(_entered, drafts, figures, entries)
        self._alerts.add(
            (alert, rules.rule_terms(rule), evidence)
            for alert, (_, rule, _, evidence) in zip(alerts, fresh, strict=True)
        )
        return len(fresh)

    def _alert_act(self, id: str, rule: AlertRule, finding: Finding, evidence: EvidenceList) -> Act:
        detail: dict[str, Json] = {
            "rule": rule.id,
            "version": rule.version,
            "subject": finding.subject,
            "evidence": evidence.count,
            "root": evidence.root,
        }
        return Act(ActKind.ALERTED, self._actor.id, f"alert:{id}", detail)

    def _alert(self, measure: Measure, id: str, rule: AlertRule, finding: Finding) -> Alert:
        return Alert(
            id=id,
            app=measure.indicator.app,
            rule=rule.id,
            version=rule.version,
            subject=finding.subject,
            title=finding.title,
            reasons=finding.reasons,
            severity=rule.severity,
            state=AlertState.RAISED,
            raised_at=self._clock.now(),
            figure=None,
            evidence=(),
            entry=-1,
        )


def _entered(alert: Alert, figure: str | None, entry: int) -> Alert:
    return replace(alert, figure=figure, entry=entry)


def _input(table: SharedTable) -> dict[str, Any]:
    return {
        "dataset": table.dataset,
        "version": table.version,
        "grant": table.grant,
        "read": table.access,
        "rows": table.completeness.received,
        "as_of": table.as_of.isoformat(),
    }


def _report(outcomes: Mapping[str, _Outcome]) -> BrainReport:
    done = [id for id, each in outcomes.items() if not (each.unchanged or each.skipped or each.failed)]
    return BrainReport(
        figures=sum(each.figures for each in outcomes.values()),
        alerts=sum(each.alerts for each in outcomes.values()),
        computed=tuple(done),
        unchanged=tuple(id for id, each in outcomes.items() if each.unchanged),
        skipped=tuple(Skip(id, each.skipped) for id, each in outcomes.items() if each.skipped),
        failed=tuple(Skip(id, each.failed) for id, each in outcomes.items() if each.failed),
    )
