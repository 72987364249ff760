from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from chengyi.integrate.linkage.columns import FIELDS
from chengyi.integrate.linkage.run import Run
from chengyi.integrate.linkage.settings import LinkageSettings
from chengyi.store.tables import DuckTables
from simulators.townspeople import make_town


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> DuckTables:
    return DuckTables(tmp_path_factory.mktemp("lake"))


def blocked(rows: list[dict[str, str]], engine: DuckTables, settings: LinkageSettings | None = None) -> Run:
    columns = {field: pa.array([row.get(field) for row in rows], pa.string()) for field in FIELDS}
    table = pa.table({"mention": pa.array(range(len(rows)), pa.int64()), **columns})
    run = Run(table, engine, settings or LinkageSettings())
    run.identify()
    run.block()
    return run


def pairs_of(run: Run) -> list[tuple[int, int]]:
    left, right = run.candidates
    return list(zip(left.tolist(), right.tolist(), strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "王伟", "birth_date": "1980-01-02"}, {"name": "王玮", "birth_date": "1980-11-25"}),
        ({"name": "张晓明", "birth_date": "1980-01-02"}, {"name": "章小铭", "birth_date": "1980-11-25"}),
        ({"name": "王建国", "phone": "13812345678"}, {"name": "李娜", "phone": "13812345678"}),
        ({"name": "thomas clifford"}, {"name": "clifford, thomas"}),
        ({"citizen_id": "990106196003010118"}, {"citizen_id": "990106196003010119"}),
    ],
)
def test_pairs_that_share_a_rare_code_are_proposed(
    one: dict[str, str], other: dict[str, str], engine: DuckTables
) -> None:
    crowd = [{"name": f"路人{chr(0x4E00 + 37 * at)}", "birth_date": f"19{30 + at}-07-1{at % 9}"} for at in range(30)]
    assert (0, 1) in pairs_of(blocked([one, other, *crowd], engine))


def test_a_code_that_too_many_share_makes_no_pairs_and_is_reported(engine: DuckTables) -> None:
    run = blocked([{"name": "张伟"}] * 40, engine, LinkageSettings(block_cap=20))
    assert pairs_of(run) == []
    assert run.blocking.skipped > 0
    assert run.blocking.largest == 40
    assert ("name", 40) in run.blocking.skew


def test_the_budget_keeps_the_pairs_that_share_the_rarest_codes(engine: DuckTables) -> None:
    twin = {"name": "欧阳少卿", "birth_date": "1951-12-30"}
    twins = [twin | {"phone": "13812345678"}, twin | {"phone": "13912345678"}]
    crowd = [{"name": "张伟", "birth_date": f"19{40 + at}-05-01"} for at in range(20)]
    pairs = pairs_of(blocked([*crowd, *twins], engine, LinkageSettings(pair_budget=90)))
    assert (20, 21) in pairs
    assert len(pairs) <= 90 < len(pairs_of(blocked([*crowd, *twins], engine)))


def test_nobody_is_rehearsed_where_nobody_is_unknown(engine: DuckTables) -> None:
    town = make_town(40)
    known = town.mentions.filter(pa.compute.is_valid(town.mentions["citizen_id"]))
    rows = [{field: row[field] for field in FIELDS if row[field]} for row in known.to_pylist()]
    assert len(blocked(rows, engine).lessons[0]) == 0


@pytest.mark.slow
def test_most_true_pairs_of_historical_figures_are_proposed(shared_data: Path, engine: DuckTables) -> None:
    import pyarrow.parquet as pq

    rows = pq.read_table(shared_data / "integrate" / "historical_figures_with_errors_50k.parquet").slice(0, 10_000)
    told = {
        "name": "full_name",
        "sex": "gender",
        "birth_date": "dob",
        "address": "postcode_fake",
        "extra": "birth_place",
    }
    columns = {field: rows[told[field]] if field in told else pa.nulls(len(rows), pa.string()) for field in FIELDS}
    run = Run(pa.table({"mention": pa.array(range(len(rows)), pa.int64()), **columns}), engine, LinkageSettings())
    run.identify()
    run.block()
    truth = np.unique(rows["cluster"].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    of = truth[run.profiles.rows]
    left, right = run.candidates
    sizes = np.bincount(truth[run.profiles.rows])
    assert (of[left] == of[right]).sum() / (sizes * (sizes - 1) // 2).sum() >= 0.75
    assert len(left) <= 3_000_000
