import numpy as np
import pyarrow as pa
import pytest

from chengyi.trust.marks.canaries import chance, hit_chance, invent, numbered
from trust.marks.town import table

SEED = bytes(range(32))


def test_a_control_row_has_the_form_of_the_others_and_a_number_of_its_own() -> None:
    data = table(2_000)
    rows = invent(data, "visit_no", 50, SEED)
    assert rows.schema == data.schema
    assert all(len(each) == 11 and each.startswith("JZ26") for each in rows["visit_no"].to_pylist())
    for name in set(data.column_names) - {"visit_no"}:
        assert set(rows[name].to_pylist()) <= set(data[name].to_pylist())
    together = {tuple(row.values()) for row in data.drop_columns(["visit_no"]).to_pylist()}
    alike = [tuple(row.values()) in together for row in rows.drop_columns(["visit_no"]).to_pylist()]
    assert not any(alike)


def test_each_export_has_its_own() -> None:
    data = table(500)
    one, again, other = (invent(data, "visit_no", 20, seed) for seed in (SEED, SEED, bytes(32)))
    assert one == again
    assert not set(one["visit_no"].to_pylist()) & set(other["visit_no"].to_pylist())


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["990106********4345"] * 5),
        pa.array(["甲乙丙"] * 5),
        pa.array([None, None, None, None, None], pa.string()),
        pa.array([1, 2, 3, 4, 5]),
    ],
)
def test_a_column_without_numbers_of_its_own_gives_none(column: pa.Array) -> None:
    assert numbered(pa.table({"key": column}), ["key", "absent"]) == ""
    assert numbered(table(50), ["ward", "visit_no"]) == "visit_no"


def test_the_formula_of_a_hit_is_what_happens() -> None:
    assert hit_chance(0.01, 459) == pytest.approx(0.99, abs=1e-3)
    assert hit_chance(0.05, 90) == pytest.approx(0.99, abs=1e-3)
    assert hit_chance(0.10, 44) == pytest.approx(0.99, abs=1e-3)
    draw = np.random.default_rng(1)
    hits = [(draw.random(40) < 0.05).any() for _ in range(4_000)]
    assert np.mean(hits) == pytest.approx(hit_chance(0.05, 40), abs=0.02)
    assert chance(100, 5) == pytest.approx(5e-4)
    assert chance(10**7, 10) == 1.0
