from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from chengyi.integrate.linkage import REASONS, Linkage, LinkageSettings, link_people, score_pairs
from chengyi.integrate.linkage.columns import FIELDS
from chengyi.model.errors import UsageError
from chengyi.model.reporter import SilentReporter
from chengyi.store.tables import DuckTables
from simulators.townspeople import Town, make_town


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> DuckTables:
    return DuckTables(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def town() -> Town:
    return make_town(900)


@pytest.fixture(scope="module")
def linked(town: Town, engine: DuckTables) -> Linkage:
    return link_people(town.mentions, engine, LinkageSettings(), SilentReporter())


def link(rows: list[dict[str, str | None]], engine: DuckTables, settings: LinkageSettings | None = None) -> list[int]:
    columns: dict[str, Any] = {"mention": pa.array(range(len(rows)), pa.int64())}
    columns |= {field: pa.array([row.get(field) for row in rows], pa.string()) for field in FIELDS}
    found = link_people(pa.table(columns), engine, settings or LinkageSettings(), SilentReporter())
    return [int(cluster) for cluster in found.clusters["cluster"].to_pylist()]


def without_ids(town: Town) -> pa.Table:
    blank = pa.nulls(len(town.mentions), pa.string())
    return town.mentions.set_column(town.mentions.column_names.index("citizen_id"), "citizen_id", blank)


@pytest.mark.slow
def test_departments_that_know_most_ids_link_nearly_everyone_and_almost_nobody_wrongly(
    town: Town, linked: Linkage
) -> None:
    scores = score_pairs(town.truth, linked.clusters["cluster"].to_pylist())
    assert linked.stats.training == "known_ids"
    assert scores.precision >= 0.995
    assert scores.recall >= 0.97


@pytest.mark.slow
def test_a_town_without_ids_starts_cold(town: Town, engine: DuckTables) -> None:
    found = link_people(without_ids(town), engine, LinkageSettings(), SilentReporter())
    scores = score_pairs(town.truth, found.clusters["cluster"].to_pylist())
    assert found.stats.training == "cold_start"
    assert scores.precision >= 0.97
    assert scores.recall >= 0.90


@pytest.mark.slow
def test_the_order_of_rows_changes_nothing(town: Town, linked: Linkage, engine: DuckTables) -> None:
    turned = town.mentions.take(list(range(len(town.mentions)))[::-1])
    again = link_people(turned, engine, LinkageSettings(), SilentReporter())
    assert again.clusters.equals(linked.clusters)
    assert again.edges.equals(linked.edges)
    assert again.stats == linked.stats


@pytest.mark.slow
def test_edges_connect_every_cluster_and_give_reasons(linked: Linkage) -> None:
    home = dict(zip(linked.clusters["mention"].to_pylist(), linked.clusters["cluster"].to_pylist(), strict=True))
    root = {mention: mention for mention in home}

    def find(mention: int) -> int:
        while root[mention] != mention:
            mention = root[mention]
        return mention

    for edge in linked.edges.to_pylist():
        assert home[edge["left"]] == home[edge["right"]]
        assert 0.0 < edge["probability"] <= 1.0
        assert edge["reasons"]
        assert set(edge["reasons"]) <= set(REASONS)
        root[find(edge["left"])] = find(edge["right"])
    assert len({find(mention) for mention in home}) == linked.stats.clusters


@pytest.mark.slow
def test_doubts_are_pairs_left_apart_likeliest_first(linked: Linkage) -> None:
    home = dict(zip(linked.clusters["mention"].to_pylist(), linked.clusters["cluster"].to_pylist(), strict=True))
    doubts = linked.doubts.to_pylist()
    assert all(home[doubt["left"]] != home[doubt["right"]] for doubt in doubts)
    assert [doubt["probability"] for doubt in doubts] == sorted((d["probability"] for d in doubts), reverse=True)


def test_a_cluster_is_named_by_its_smallest_mention(engine: DuckTables) -> None:
    same: dict[str, str | None] = {"name": "王建国", "birth_date": "1960-03-01", "address": "人民路1号"}
    assert link([{"name": "李娜"}, same, dict(same)], engine) == [0, 1, 1]


def test_a_name_and_nothing_else_links_nobody_by_itself(engine: DuckTables) -> None:
    dates = [f"19{60 + at}-05-{10 + at}" for at in range(20)]
    assert len(set(link([{"name": "张伟", "birth_date": date} for date in dates], engine))) == 20


def test_a_single_source_never_links_two_of_its_own(engine: DuckTables) -> None:
    one = {
        "source": "roll",
        "name": "王建国",
        "birth_date": "1960-03-01",
        "address": "人民路1号",
        "phone": "13800000001",
    }
    rows: list[dict[str, str | None]] = [{**one}, {**one, "phone": "13800000002"}]
    clusters = link(rows, engine, LinkageSettings(single_sources=frozenset({"roll"})))
    assert len(set(clusters)) == 2


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_and_one_mention_are_no_trouble(rows: int, engine: DuckTables) -> None:
    assert link([{"name": "王伟"}] * rows, engine) == list(range(rows))


def test_rows_without_any_value_stay_alone(engine: DuckTables) -> None:
    assert link([{}, {}, {"name": "  "}], engine) == [0, 1, 2]


def test_a_missing_column_and_a_repeated_mention_are_refused(engine: DuckTables) -> None:
    with pytest.raises(UsageError, match="columns are missing: address"):
        link_people(pa.table({"mention": [1]}), engine, LinkageSettings(), SilentReporter())
    twice = {"mention": pa.array([1, 1], pa.int64())} | {field: pa.nulls(2, pa.string()) for field in FIELDS}
    with pytest.raises(UsageError, match="unique"):
        link_people(pa.table(twice), engine, LinkageSettings(), SilentReporter())


@pytest.mark.slow
def test_historical_figures_link_without_ids_better_than_splink(shared_data: Path, engine: DuckTables) -> None:
    import pyarrow.parquet as pq

    rows = pq.read_table(shared_data / "integrate" / "historical_figures_with_errors_50k.parquet").slice(0, 15_000)
    places, works = rows["birth_place"].to_pylist(), rows["occupation"].to_pylist()
    told = {"name": "full_name", "sex": "gender", "birth_date": "dob", "address": "postcode_fake"}
    columns = {field: rows[told[field]] if field in told else pa.nulls(len(rows), pa.string()) for field in FIELDS}
    columns["extra"] = pa.array([f"{place or ''}|{work or ''}" for place, work in zip(places, works, strict=True)])
    mentions = pa.table({"mention": pa.array(range(len(rows)), pa.int64()), **columns})
    found = link_people(mentions, engine, LinkageSettings(), SilentReporter())
    scores = score_pairs(rows["cluster"].to_pylist(), found.clusters["cluster"].to_pylist())
    assert scores.f1 >= 0.85
