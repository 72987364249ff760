"""Control rows: invented rows that only one export has.

Rules:

1. A control row has the form of the others: each of its values is another real row's, drawn at random, and its number
   is made from a real one by drawing its last digits anew.
2. It must never be taken for a real person: it has an invented number only in columns of the source's own numbering.
   Where an export shows citizen numbers, telephone numbers or credit codes in the clear, it has no control rows.
3. Its number is in no row of the dataset at that time; the recipient is told how many there are, not which.
4. Where a share f of an export's rows leaks, one of its h control rows is among them with probability 1 - (1 - f)**h.
5. A control row in a leak names the export. Someone without the file meets such a number by chance with at most the
   probability `chance`: (rows of the leak x control rows) / numbers of that form.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

DIGITS = 6
MOST = 500
_TAIL = re.compile(r"\d{4,}$", re.ASCII)
_MASK = "*"


def numbered(table: "pa.Table", key: Sequence[str]) -> str:
    """Return the key column whose numbers can be drawn anew, or the empty text where there is none."""
    import pyarrow as pa

    for name in key:
        if name not in table.column_names or not pa.types.is_string(table[name].type):
            continue
        values = [each for each in table[name].slice(0, 200).to_pylist() if each]
        if values and all(_TAIL.search(each) and _MASK not in each for each in values):
            return name
    return ""


def invent(table: "pa.Table", column: str, count: int, seed: bytes) -> "pa.Table":
    """Return `count` invented rows in the form of a table's; `column` is the one with numbers of their own."""
    import pyarrow as pa

    draw = np.random.default_rng(np.frombuffer(seed, np.uint32))
    full = np.flatnonzero(np.array([bool(each) for each in table[column].to_pylist()]))
    columns: list[Any] = []
    for name in table.column_names:
        if name == column:
            donors = table[column].take(draw.choice(full, count)).to_pylist()
            columns.append(pa.array([_redrawn(each, draw) for each in donors], table[name].type))
        else:
            columns.append(table[name].take(draw.integers(0, table.num_rows, count)).combine_chunks())
    return pa.table(columns, schema=table.schema)


def hit_chance(share: float, canaries: int) -> float:
    """Return the probability that a leak of a share of the rows holds a control row."""
    return 1.0 - (1.0 - share) ** canaries


def chance(rows: int, canaries: int) -> float:
    """Return a bound on the probability that a leak meets a control row's number by chance."""
    return min(1.0, rows * canaries / 10.0**DIGITS)


def _redrawn(text: str, draw: np.random.Generator) -> str:
    tail = min(DIGITS, len(_TAIL.search(text)[0]) if _TAIL.search(text) else 0)  # type: ignore[index]
    return text[: len(text) - tail] + "".join(str(digit) for digit in draw.integers(0, 10, tail))
