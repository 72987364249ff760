"""Service requests: how long they take."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from chengyi.brain import tally
from chengyi.brain.apps.governance.faults import BASIS
from chengyi.brain.values import NOTHING, AlertRule, Computed, Finding, Measure, Tables, decimal_text
from chengyi.model.decision import App, Indicator, Need, Severity
from chengyi.model.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

NEED = Need("service_requests", ("request_no", "created_at", "closed_at", "agency"))
_SECONDS = Decimal(3600)


def hours_to_close() -> Measure:
    """Declare the median time to close, with the alert on durations that cannot be."""
    indicator = Indicator(
        id="governance.hours_to_close",
        version=1,
        app=App.GOVERNANCE,
        title=Text("诉求办结时长中位数", "Median hours to close a request"),
        rule=Text(
            "已办结诉求从提出到办结小时数的中位数，按承办单位；时长为负或为零的单独计数，不计入。",
            "Median hours from creation to closing of closed requests, by agency; negative and zero durations are "
            "counted apart and left out.",
        ),
        unit=Text("小时", "hours"),
        needs=(NEED,),
        purpose=Text("监督诉求办理效率", "Watch how fast requests are handled"),
        legal_basis="统计指标，无法定依据",
    )
    alert = AlertRule(
        id="governance.request_faults",
        version=1,
        title=Text("诉求时间记录异常", "Durations that cannot be"),
        rule=Text(
            "承办单位有办结早于或等于提出时间的诉求时提示，请其核对；每单位每月一次。",
            "Raised where an agency has requests closed before or at the moment they were made, so that it checks "
            "them; once an agency and month.",
        ),
        legal_basis=BASIS,
        severity=Severity.NOTICE,
        find=find,
    )
    return Measure(indicator, compute, rules=(alert,))


def durations(tables: Tables) -> "pa.Table":
    """Return agency, seconds (null while open), and the flags `timed`, `negative`, `zero`."""
    table = tables[NEED.dataset].table
    seconds = table.closed_at.epoch_seconds() - table.created_at.epoch_seconds()
    rows = table.select(*tally.EVIDENCE, "agency", "request_no", seconds=seconds)
    flags = {"timed": rows.seconds > 0, "negative": rows.seconds < 0, "zero": rows.seconds == 0}
    known = {name: flag.fill_null(False) for name, flag in flags.items()}
    return tally.run(tables[NEED.dataset], rows.mutate(**known))


def compute(tables: Tables) -> list[Computed]:
    """Return the median by agency, and of the whole."""
    return [_median(tables, group, part) for group, part in tally.groups(durations(tables), "agency")]


def find(tables: Tables, _computed: Sequence[Computed]) -> list[Finding]:
    """Return one finding an agency that has durations which cannot be."""
    import pyarrow.compute as pc

    rows = durations(tables)
    wrong = rows.filter(pc.or_(rows["negative"], rows["zero"]))
    month = f"{tally.local_date(tables[NEED.dataset].as_of):%Y-%m}"
    return [_finding(agency, part, month) for agency, part in tally.slices(wrong, "agency")]


def _median(tables: Tables, group: str, part: "pa.Table") -> Computed:
    timed = tally.where(part, "timed")
    missing = tally.notes(
        tables.values(),
        *tally.count_note("faulty", tally.true_count(part, "negative")),
        *tally.count_note("zero", tally.true_count(part, "zero")),
        *tally.count_note("open", part["seconds"].null_count),
    )
    return tally.computed(group, _hours(sorted(timed["seconds"].to_pylist())), timed, missing, part.num_rows)


def _hours(seconds: Sequence[int]) -> str:
    if not seconds:
        return NOTHING
    middle, odd = divmod(len(seconds), 2)
    value = Decimal(seconds[middle]) if odd else Decimal(seconds[middle - 1] + seconds[middle]) / 2
    return decimal_text(value / _SECONDS)


def _finding(agency: str, part: "pa.Table", month: str) -> Finding:
    negative, zero = tally.true_count(part, "negative"), tally.true_count(part, "zero")
    count = negative + zero
    return Finding(
        subject=f"{agency}@{month}",
        title=Text(f"{agency} {count} 件诉求时间异常", f"{agency}: {count} requests with durations that cannot be"),
        reasons=(
            Text(f"办结早于提出 {negative} 件", f"{negative} closed before they were made"),
            Text(f"办结与提出同时 {zero} 件", f"{zero} closed at the moment they were made"),
        ),
        evidence=part,
        group=agency,
    )
