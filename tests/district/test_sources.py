import json
import sqlite3
import tomllib
from pathlib import Path

import pytest

from chengyi.district.faults import RATES
from chengyi.district.sources import SENDINGS, Sending, toml
from chengyi.district.writer import District
from chengyi.model.codes import RecordClass, Retention, SharingClass

DOCUMENT = Path(__file__).parents[2] / "docs" / "district.md"


@pytest.mark.parametrize("sending", SENDINGS, ids=lambda sending: sending.id)
def test_source_files_are_toml_with_all_parts(sending: Sending, district: District) -> None:
    source = tomllib.loads((district.sources / f"{sending.id}.toml").read_text("utf-8"))
    assert RecordClass(source["source"]["record_class"])
    assert Retention(source["source"]["retention"])
    assert SharingClass(source["source"]["sharing"])
    assert source["expected"]
    if sending.dataset:
        elements = [column["element"] for column in source["contract"]["column"]]
        assert elements == list(sending.columns)
        assert set(sending.required) <= set(elements)
        assert set(sending.key) <= set(elements)
        named = [field for entity in sending.entities for role, field in entity.items() if role != "kind"]
        assert set(named) <= set(elements)


def test_paths_are_relative_to_the_home_and_exist(district: District) -> None:
    for file in district.sources.glob("*.toml"):
        connector = tomllib.loads(file.read_text("utf-8"))["connector"]
        path = connector.get("path") or connector["url"].removeprefix("sqlite:///")
        assert not Path(path).is_absolute()
        assert (district.folder / path).exists()


def test_collection_reads_the_source_files_and_every_row(district: District) -> None:
    from chengyi.collect import load_sources
    from chengyi.collect.connectors import connect
    from chengyi.collect.delivery import Delivery
    from chengyi.collect.readers import read_table

    for source in load_sources(district.sources, district.folder):
        rows = 0
        for item in connect(source.kind, source.connector, source.id, district.folder).deliveries(lambda *_: False):
            if isinstance(item, Delivery) and source.reader is not None:
                with item.open() as stream:
                    batch = read_table(stream.read(), source.reader, item.path, source.id)
                assert not batch.bad
                rows += batch.table.num_rows
        assert rows == district.rows.get(source.id, 0)


def test_senders_differ_in_names_encodings_and_carriers() -> None:
    names = {sending.columns["citizen_id"] for sending in SENDINGS if "citizen_id" in sending.columns}
    assert len(names) >= 10
    assert {sending.encoding for sending in SENDINGS} == {"utf-8", "utf-8-sig", "gb18030"}
    assert {sending.carrier for sending in SENDINGS} == {
        *("csv", "xlsx", "jsonl", "sqlite", "parquet", "sql", "documents"),
    }
    assert len({sending.department for sending in SENDINGS}) >= 11


def test_headers_are_the_declared_columns(deliveries: Path) -> None:
    for sending in SENDINGS:
        folder = deliveries / sending.folder
        declared = set(sending.columns.values())
        for path in folder.iterdir():
            if sending.carrier == "csv":
                line = path.read_bytes().decode(sending.encoding).splitlines()[0]
                assert set(line.split(sending.delimiter)) == declared
            elif sending.carrier == "jsonl":
                assert set(json.loads(path.read_text("utf-8").splitlines()[0])) == declared
            elif sending.carrier in {"sqlite", "sql"}:
                database = sqlite3.connect(path)
                assert {row[1] for row in database.execute(f"PRAGMA table_info({sending.within})")} == declared
                database.close()


def test_values_are_written_as_toml() -> None:
    sending = Sending(
        *("a", "甲", "A", "区", "Y001", "f", "csv", "d"),
        columns={"sex": '性"别\\'},
        synonyms={"sex": {"男": "1"}},
        checks=({"rule": "one_of", "fields": ("sex",), "values": ("1", "2")},),
    )
    contract = tomllib.loads(toml(sending, ["a.csv"]))["contract"]
    assert contract["column"] == [{"name": '性"别\\', "element": "sex", "synonyms": {"男": "1"}, "on_fault": "value"}]
    assert contract["check"] == [{"rule": "one_of", "fields": ["sex"], "values": ["1", "2"]}]


def test_every_source_and_every_rate_is_documented() -> None:
    text = DOCUMENT.read_text("utf-8")
    for sending in SENDINGS:
        assert f"| `{sending.id}` | {sending.department} |" in text
    for source, rates in RATES.items():
        line = next(line for line in text.splitlines() if line.startswith(f"| `{source}` | ") and " %" in line)
        for kind, element, rate in rates:
            assert f"{kind}{' ' + element if element else ''} {rate * 100:g} %" in line
