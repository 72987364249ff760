from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from chengyi.trust.marks.marker import Marker, amounts, moved
from chengyi.trust.marks.policy import ColumnPolicy, MarkPolicy
from chengyi.trust.marks.records import Secrets
from trust.marks.town import table

SECRETS = Secrets(b"l" * 32, b"k" * 32, b"s" * 32)


@pytest.mark.parametrize(
    ("column", "step", "expected"),
    [
        (pa.array([1, None, 300]), Decimal(2), [7, None, 294]),
        (
            pa.array([Decimal("1.50"), None, Decimal("-300.00")], pa.decimal128(18, 2)),
            Decimal("0.5"),
            [Decimal("3.00"), None, Decimal("-301.50")],
        ),
        (pa.array([1.1, None, 0.3]), Decimal("0.1"), [1.4, None, 0.0]),
        (
            pa.array([date(2026, 1, 1), None, date(2026, 1, 31)]),
            Decimal(1),
            [date(2026, 1, 4), None, date(2026, 1, 28)],
        ),
        (pa.array([20_454, None, 20_484], pa.int32()).cast(pa.date32()).cast(pa.timestamp("us")), Decimal(60), None),
    ],
)
def test_a_value_moves_by_whole_steps_and_keeps_its_type(
    column: pa.Array, step: Decimal, expected: list[object] | None
) -> None:
    steps = np.array([3, 0, -3])
    whole = pa.chunked_array([column.slice(0, 1), column.slice(1)])
    found = moved(whole, steps, step)
    assert found.type == column.type
    if expected is None:
        first, absent, last = found.to_pylist()
        assert isinstance(first, datetime)
        assert (first.minute, absent, last.minute) == (3, None, 57)
        return
    assert found.to_pylist() == expected


def test_a_slice_of_decimals_is_moved_at_its_own_places() -> None:
    column = pa.chunked_array([pa.array([Decimal(each) for each in range(10)], pa.decimal128(18, 6)).slice(4, 3)])
    assert moved(column, np.array([1, 2, 3]), Decimal("0.1")).to_pylist() == [
        Decimal("4.1"),
        Decimal("5.2"),
        Decimal("6.3"),
    ]


def test_amounts_are_days_and_seconds_of_dates_and_moments() -> None:
    days = pa.chunked_array([pa.array([date(1970, 1, 3), None])])
    assert amounts(days)[0] == 2
    assert np.isnan(amounts(days)[1])
    assert amounts(pa.chunked_array([pa.array([61_500_000], pa.timestamp("us"))]))[0] == 61.5


def test_a_date_stays_a_date_within_its_tolerance() -> None:
    data = table(500)
    policy = MarkPolicy((ColumnPolicy("visit_date", Decimal(1), tolerance=Decimal(2)),), ("visit_no",))
    marker = Marker(SECRETS, policy)
    codes, keyed = marker.codes(data)
    copy = marker.mark(data, codes, keyed)
    assert copy.schema == data.schema
    apart = [
        abs((a - b).days) for a, b in zip(copy["visit_date"].to_pylist(), data["visit_date"].to_pylist(), strict=True)
    ]
    assert max(apart) == 2
    assert marker.tally.marks == marker.tally.rows == 500
    assert marker.tally.moved["visit_date"] == sum(each > 0 for each in apart)


def test_rows_without_a_key_and_values_that_are_absent_are_left_alone() -> None:
    data = pa.table({"visit_no": ["a", None, "", "d"], "cost": pa.array([100, 100, 100, None])})
    policy = MarkPolicy((ColumnPolicy("cost", Decimal(1), tolerance=Decimal(20)),), ("visit_no",))
    marker = Marker(SECRETS, policy)
    codes, keyed = marker.codes(data)
    copy = marker.mark(data, codes, keyed)
    assert copy["cost"].to_pylist()[1:] == [100, 100, None]
    assert marker.tally.marks == 1


def test_a_mark_that_would_break_a_declared_order_is_left_out() -> None:
    data = pa.table(
        {"no": [f"n{at}" for at in range(400)], "self": pa.array([100] * 400), "total": pa.array([100] * 400)}
    )
    policy = MarkPolicy((ColumnPolicy("self", Decimal(1), tolerance=Decimal(9), below="total"),), ("no",))
    marker = Marker(SECRETS, policy)
    copy = marker.mark(data, *marker.codes(data))
    assert max(copy["self"].to_pylist()) <= 100
    assert 0 < marker.tally.marks < 400


def test_the_order_of_rows_is_the_recipients_own() -> None:
    data = table(300)
    other = Marker(Secrets(SECRETS.layout, b"o" * 32, SECRETS.salt), MarkPolicy((), ("visit_no",)))
    one = Marker(SECRETS, MarkPolicy((), ("visit_no",)))
    codes, _ = one.codes(data)
    mine, theirs = (each.order(data, codes)["visit_no"].to_pylist() for each in (one, other))
    assert sorted(mine) == sorted(theirs) == data["visit_no"].to_pylist()
    assert mine != theirs
    assert one.order(data, codes)["visit_no"].to_pylist() == mine
