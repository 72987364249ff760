"""Gaps: ledger entries that have no body in the rows.

Keeps promise 6: never silently partial. Rules:

1. A crash between ledger and rows leaves the last entries without bodies; nobody was told that they are on record.
   The next act that is recorded is preceded by one that says which they are (`audit.lost`), and only an act that
   follows the gap directly can say so. A gap that nothing accounts for is a body that was taken away: a fault.
2. The last entries of all are an open end until the next act is recorded: they are named, but are no fault yet. So
   whoever takes away the newest bodies leaves an act behind that names them.
"""

from sqlalchemy import Connection, func, select

from chengyi.model.act import Act, ActKind
from chengyi.trust.audit.bodies import Row, stated
from chengyi.trust.audit.rows import acts

WHY = "账本有此条目而内容缺失，无清除或缺失记录 (in the ledger, but the body is gone, and nothing on record says why)"


def lost(origin: str, first: int, last: int) -> Act:
    """Return the act that says that entries have no body."""
    return Act(ActKind.LOST, f"node:{origin}", f"acts:{first}-{last}", {"first": first, "last": last})


def told_by(row: Row) -> set[tuple[int, int]]:
    """Return the gap for which a verified row accounts, if it does."""
    if row["kind"] != ActKind.LOST.value or not row["body"]:
        return set()
    detail = stated(row).act.detail
    return {(int(str(detail["first"])), int(str(detail["last"])))} if detail.get("last") == row["entry"] - 1 else set()


def missing(connection: Connection, size: int) -> tuple[int, list[tuple[int, int]]]:
    """Return how many of the first `size` entries have a row, and the ranges that have none."""
    column = acts.c.entry
    follower = func.lead(column).over(order_by=column)
    steps = select(column.label("entry"), follower.label("follower")).subquery()
    holes = select(steps).where(steps.c.follower > steps.c.entry + 1)
    count, low, high = connection.execute(select(func.count(), func.min(column), func.max(column))).one()
    whole = not count or high - low + 1 == count
    inner = [] if whole else [(row.entry + 1, row.follower - 1) for row in connection.execute(holes)]
    edges = [(0, low - 1), (high + 1, size - 1)] if count else [(0, size - 1)]
    return count, [(first, last) for first, last in edges[:1] + inner + edges[1:] if first <= last]
