"""Rows that are well formed, but whose content shows that they are no record: totals, and rounded identifiers."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

TOTALS = tuple(
    word + mark
    for word in (
        "合计",
        "总计",
        "小计",
        "共计",
        "合 计",
        "总 计",
        "Total",
        "TOTAL",
        "total",
        "Grand total",
        "Sum",
        "SUM",
    )
    for mark in ("", ":", "：")
)
ROUNDED = r"^[+-]?[0-9](\.[0-9]+)?[eE]\+(1[1-9]|[2-9][0-9]|[1-9][0-9]{2})$"


def content_faults(table: "pa.Table", *, rounded: bool = True) -> dict[int, str]:
    """Return index -> code of the rows to set aside, ascending.

    A totals row has a totals word as its first filled cell, and at least one empty cell. `rounded` is false where
    it is known that no cell holds a plus sign.
    """
    faults = dict.fromkeys(_totals(table), "totals_row")
    if rounded:
        for column in table.columns:
            faults.update(dict.fromkeys(_rounded(column), "id_lost_precision"))
    return dict(sorted(faults.items()))


def _totals(table: "pa.Table") -> list[int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not table.num_columns or not table.num_rows:
        return []
    words = pa.array(TOTALS)
    found: list[int] = []
    before: Any = None
    for column in table.columns:
        told = pc.is_in(column, value_set=words)
        told = told if before is None else pc.and_(told, before)
        if pc.any(told).as_py():
            found += pc.indices_nonzero(told).to_pylist()
        if not column.null_count:
            break
        empty = pc.is_null(column)
        before = empty if before is None else pc.and_(before, empty)
    return [index for index in found if any(not column[index].is_valid for column in table.columns)]


def _rounded(column: "pa.ChunkedArray") -> list[int]:
    import pyarrow.compute as pc

    signs = pc.match_substring(column, "+")
    if not pc.any(signs).as_py():
        return []
    indices = pc.indices_nonzero(signs)
    told = pc.match_substring_regex(column.take(indices), ROUNDED)
    rounded: list[int] = indices.filter(told).to_pylist()
    return rounded
