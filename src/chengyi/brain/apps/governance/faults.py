"""Faults in time: cases that are closed before they begin."""

from collections.abc import Sequence

from chengyi.brain import tally
from chengyi.brain.apps.governance.cases import Log, case_rows, cases_where
from chengyi.brain.values import ALL, AlertRule, Computed, Finding, Measure, Tables
from chengyi.model.decision import App, Indicator, Severity
from chengyi.model.text import Text

BASIS = "数据质量规则，无法定依据"


def time_faults(log: Log) -> Measure:
    """Declare the count of cases with a negative duration, with the alert on it."""
    indicator = Indicator(
        id=f"governance.time_faults.{log.dataset}",
        version=1,
        app=App.GOVERNANCE,
        title=Text(f"{log.title.zh}时间倒置件数", f"{log.title.en} that run backwards"),
        rule=Text("办结时间早于受理时间的件数，按承办部门。", "Cases closed before they were accepted, by department."),
        unit=Text("件", "cases"),
        needs=(log.need,),
        purpose=Text("发现办理时间记录差错", "Find faults in recorded times"),
        legal_basis=BASIS,
    )
    alert = AlertRule(
        id=f"governance.time_faults.{log.dataset}.list",
        version=1,
        title=Text("办理时间倒置", "Times that run backwards"),
        rule=Text(
            "承办部门有办结早于受理的件时提示，请其更正；每部门每月一次。",
            "Raised where a department has such cases, so that it corrects them; once a department and month.",
        ),
        legal_basis=BASIS,
        severity=Severity.NOTICE,
        find=lambda tables, computed: find(tables, log, computed),
    )
    return Measure(indicator, lambda tables: compute(tables, log), rules=(alert,))


def compute(tables: Tables, log: Log) -> list[Computed]:
    """Return the number of faulty cases by department, and of the whole."""
    rows = case_rows(tables, log)
    missing = tally.notes(tables.values())
    return [
        tally.computed(group, str(cases_where(part, "faulty")), tally.where(part, "faulty"), missing)
        for group, part in tally.groups(rows, "department")
    ]


def find(tables: Tables, log: Log, computed: Sequence[Computed]) -> list[Finding]:
    """Return one finding a department that has faulty cases."""
    month = f"{tally.local_date(tables[log.dataset].as_of):%Y-%m}"
    return [_finding(each, month) for each in computed if each.group != ALL and each.value != "0"]


def _finding(figure: Computed, month: str) -> Finding:
    department, count = figure.group, figure.value
    return Finding(
        subject=f"{department}@{month}",
        title=Text(f"{department} {count} 件办理时间倒置", f"{department}: {count} cases run backwards"),
        reasons=(Text(f"{count} 件办结时间早于受理时间", f"{count} cases were closed before they were accepted"),),
        evidence=figure.evidence,
        group=department,
    )
