"""On time or overdue: what share of cases is done when it is due."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from chengyi.brain import tally
from chengyi.brain.apps.governance.cases import BASIS, Log, case_rows, cases_where
from chengyi.brain.values import ALL, AlertRule, Computed, Finding, Measure, Parameter, Tables, percent
from chengyi.model.decision import App, Indicator, Severity
from chengyi.model.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

LATE_LIMIT = Parameter("late_limit", "10", "%")
FEWEST_CASES = Parameter("fewest_cases", "20", "件 cases")
_UNIT = Text("%", "%")
_PURPOSE = Text("监督办理时限", "Watch whether deadlines are kept")


def on_time(log: Log) -> Measure:
    """Declare the rate of cases closed by their due date."""
    indicator = Indicator(
        id=f"governance.on_time.{log.dataset}",
        version=1,
        app=App.GOVERNANCE,
        title=Text(f"{log.title.zh}按时办结率", f"{log.title.en} closed on time"),
        rule=Text(
            "按时办结件数 ÷（已办结且有期限的件数 + 逾期未办结件数）× 100，按承办部门；办结早于受理的不计入。",
            "Cases closed by their due date / (cases closed that had one + cases past due and open) x 100, by "
            "department; cases closed before they were accepted are left out.",
        ),
        unit=_UNIT,
        needs=(log.need,),
        purpose=_PURPOSE,
        legal_basis=BASIS,
    )
    return Measure(indicator, lambda tables: _rates(tables, log, ("on_time",)))


def overdue(log: Log) -> Measure:
    """Declare the rate of late cases, with the alerts on it."""
    indicator = Indicator(
        id=f"governance.overdue.{log.dataset}",
        version=1,
        app=App.GOVERNANCE,
        title=Text(f"{log.title.zh}逾期率", f"{log.title.en} overdue"),
        rule=Text(
            "（逾期办结件数 + 逾期未办结件数）÷（已办结且有期限的件数 + 逾期未办结件数）× 100，按承办部门。",
            "(Cases closed late + cases past due and open) / (cases closed that had a due date + cases past due and "
            "open) x 100, by department.",
        ),
        unit=_UNIT,
        needs=(log.need,),
        purpose=_PURPOSE,
        legal_basis=BASIS,
    )
    return Measure(
        indicator, lambda tables: _rates(tables, log, ("late", "open_late")), rules=(_open_rule(log), _limit_rule(log))
    )


def _rates(tables: Tables, log: Log, counted: tuple[str, ...]) -> list[Computed]:
    rows = case_rows(tables, log)
    return [_rate(tables, group, part, counted) for group, part in tally.groups(rows, "department")]


def _rate(tables: Tables, group: str, part: "pa.Table", counted: tuple[str, ...]) -> Computed:
    settled = _settled(part)
    value = percent(cases_where(part, *counted), tally.distinct(settled, "case"))
    missing = tally.notes(
        tables.values(),
        *tally.count_note("faulty", tally.true_count(part, "faulty")),
        *tally.count_note("unknown", _undated(part)),
    )
    return tally.computed(group, value, settled, missing, part.num_rows)


def _settled(part: "pa.Table") -> "pa.Table":
    import pyarrow.compute as pc

    return part.filter(pc.or_(pc.or_(part["on_time"], part["late"]), part["open_late"]))


def _undated(part: "pa.Table") -> int:
    import pyarrow.compute as pc

    return tally.true_count(part.append_column("_", pc.invert(pc.or_(part["timed"], part["faulty"]))), "_")


def _open_rule(log: Log) -> AlertRule:
    return AlertRule(
        id=f"governance.open_overdue.{log.dataset}",
        version=1,
        title=Text("逾期未办结", "Overdue and open"),
        rule=Text(
            "承办部门有超过期限仍未办结的件时提示，每部门每月一次。",
            "Raised where a department has cases past due and still open, once a department and month.",
        ),
        legal_basis=BASIS,
        severity=Severity.WARNING,
        find=lambda tables, _computed: _open_findings(tables, log),
    )


def _limit_rule(log: Log) -> AlertRule:
    return AlertRule(
        id=f"governance.late_rate.{log.dataset}",
        version=1,
        title=Text("逾期率超限", "Late rate above the limit"),
        rule=Text(
            "部门逾期率高于 10%，且计入件数不少于 20 件时提示，每部门每月一次。",
            "Raised where a department's late rate is above 10 % of at least 20 cases, once a department and month.",
        ),
        legal_basis=f"{BASIS}；限值为示例参数，应以本地文件替换",
        severity=Severity.WARNING,
        find=lambda tables, computed: _limit_findings(tables, log, computed),
        parameters=(LATE_LIMIT, FEWEST_CASES),
    )


def _open_findings(tables: Tables, log: Log) -> list[Finding]:
    rows = tally.where(case_rows(tables, log), "open_late")
    findings = []
    for department, part in tally.slices(rows, "department"):
        count = tally.distinct(part, "case")
        day = tally.local_date(tables[log.dataset].as_of)
        findings.append(
            Finding(
                subject=f"{department}@{day:%Y-%m}",
                title=Text(f"{department} {count} 件逾期未办结", f"{department}: {count} cases overdue and open"),
                reasons=(
                    Text(f"截至 {day}，{count} 件已过期限且未办结", f"by {day}, {count} cases are past due and open"),
                ),
                evidence=part,
                group=department,
            )
        )
    return findings


def _limit_findings(tables: Tables, log: Log, computed: Sequence[Computed]) -> list[Finding]:
    above = {each.group: each.value for each in computed if each.value and Decimal(each.value) > LATE_LIMIT.number}
    rows = case_rows(tables, log)
    month = f"{tally.local_date(tables[log.dataset].as_of):%Y-%m}"
    findings = []
    for department, part in tally.slices(rows, "department"):
        cases = tally.distinct(_settled(part), "case")
        if department != ALL and department in above and cases >= FEWEST_CASES.number:
            findings.append(_limit_finding(department, part, above[department], cases, month))
    return findings


def _limit_finding(department: str, part: "pa.Table", rate: str, cases: int, month: str) -> Finding:
    import pyarrow.compute as pc

    late = cases_where(part, "late", "open_late")
    return Finding(
        subject=f"{department}@{month}",
        title=Text(f"{department}逾期率 {rate}%", f"{department}: {rate} % late"),
        reasons=(
            Text(
                f"{cases} 件中 {late} 件逾期，逾期率 {rate}%，高于限值 {LATE_LIMIT.value}%",
                f"{late} of {cases} cases are late: {rate} %, above the limit of {LATE_LIMIT.value} %",
            ),
        ),
        evidence=part.filter(pc.or_(part["late"], part["open_late"])),
        group=department,
    )
