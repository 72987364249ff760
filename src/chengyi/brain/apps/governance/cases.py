"""Cases, from a table of cases or from a log of their events, in one form.

Rules: a case begins at its earliest acceptance, is due at its latest due date and closed at its latest closing; its
department is the first by name that the records give; every row of the case is its evidence. A case that closes before
it was accepted is faulty and counted apart. What is still open is judged by the day to which the data are up to date.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chengyi.brain import tally
from chengyi.brain.values import Tables
from chengyi.model.decision import Need
from chengyi.model.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

BASIS = "《优化营商环境条例》（国务院令第722号）关于办理时限的要求；条款号待核，等级 M"


@dataclass(frozen=True, slots=True)
class Log:
    """One kind of dataset that holds cases."""

    dataset: str
    title: Text
    need: Need


_FIELDS = ("case_no", "department_name", "accepted_at", "due_at", "closed_at")
CASES = Log("cases", Text("政务服务事项", "Service cases"), Need("cases", _FIELDS))
PERMITS = Log("permits", Text("许可办件", "Permits"), Need("permits", _FIELDS))


def case_rows(tables: Tables, log: Log) -> "pa.Table":
    """Return every row with what is true of its case: case, department, faulty, timed, late, open_late, on_time."""
    import ibis

    table = tables[log.dataset].table
    now = tables[log.dataset].as_of.replace(tzinfo=None)
    of_case = ibis.window(group_by=table.case_no)
    whole = table.filter(table.case_no.notnull()).select(
        *tally.EVIDENCE,
        case=table.case_no,
        department=table.department_name.min().over(of_case),
        accepted=table.accepted_at.min().over(of_case),
        due=table.due_at.max().over(of_case),
        closed=table.closed_at.max().over(of_case),
    )
    faulty = (whole.closed < whole.accepted).fill_null(False)
    marked = whole.mutate(faulty=faulty, timed=whole.due.notnull() & ~faulty)
    late = marked.timed & (marked.closed > marked.due)
    open_late = marked.timed & marked.closed.isnull() & (marked.due < ibis.literal(now, "timestamp(6)"))
    on_time = marked.timed & (marked.closed <= marked.due)
    flags = {"late": late, "open_late": open_late, "on_time": on_time}
    known = {name: flag.fill_null(False) for name, flag in flags.items()}
    columns = ("case", "department", "faulty", "timed", *known)
    return tally.run(tables[log.dataset], marked.mutate(**known).select(*tally.EVIDENCE, *columns))


def cases_where(part: "pa.Table", *flags: str) -> int:
    """Count the cases for which any of the flags is true."""
    return len({case for flag in flags for case in tally.where(part, flag)["case"].to_pylist()})
