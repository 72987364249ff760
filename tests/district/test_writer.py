import hashlib
import json
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from chengyi import district as room
from chengyi.district.settings import NOTICE
from chengyi.district.writer import District
from chengyi.model.errors import UsageError


def _bytes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        room.generate(tmp_path / name, people=600, seed=seed)
    assert _bytes(tmp_path / "a") == _bytes(tmp_path / "b")
    assert _bytes(tmp_path / "a") != _bytes(tmp_path / "c")


def test_generating_again_over_itself_changes_nothing(tmp_path: Path) -> None:
    room.generate(tmp_path, people=600)
    before = _bytes(tmp_path)
    room.generate(tmp_path, people=600)
    assert _bytes(tmp_path) == before


@pytest.mark.parametrize("people", [0, 499, 500_001])
def test_other_sizes_are_refused(tmp_path: Path, people: int) -> None:
    with pytest.raises(UsageError):
        room.generate(tmp_path, people=people)
    assert not any(tmp_path.iterdir())


def test_facade_names_what_it_offers() -> None:
    assert room.District is District
    with pytest.raises(AttributeError):
        _ = room.nothing


def test_every_carrier_is_there(deliveries: Path) -> None:
    kinds = {path.suffix for path in deliveries.rglob("*") if path.is_file()}
    assert kinds == {".csv", ".tsv", ".xlsx", ".jsonl", ".db", ".parquet", ".txt", ".html", ".pdf"}


def test_one_monthly_delivery_never_came(district: District, deliveries: Path) -> None:
    delivered = sorted(path.name for path in (deliveries / "health").iterdir())
    owed = re.findall(r"visits-[0-9-]+\.jsonl", (district.sources / "health-visits.toml").read_text("utf-8"))
    assert len(owed) == 12
    assert set(owed) - set(delivered) == {"visits-2026-03.jsonl"}


def test_deliveries_bear_the_day_on_which_they_were_handed_over(deliveries: Path) -> None:
    days = {
        path.name: datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
        for path in deliveries.rglob("*")
        if path.is_file()
    }
    assert days["visits-2025-12.jsonl"] == "2026-01-05"
    assert days["detectors-2026-10-31.csv"] == "2026-11-01"
    assert days["housing.db"] == "2026-11-01"
    assert max(days.values()) < "2026-11-10"


def test_no_number_of_a_real_place_is_in_any_delivery(deliveries: Path) -> None:
    numbers = set()
    for path in deliveries.rglob("*"):
        if path.suffix in {".csv", ".tsv", ".jsonl", ".txt", ".html"}:
            data = path.read_bytes()
            numbers |= set(re.findall(rb"(?<![0-9A-Z])([0-9]{6})[0-9]{11}[0-9X](?![0-9])", data))
    assert numbers
    assert all(number.startswith(b"99") for number in numbers)


def test_databases_hold_no_number_of_a_real_place(deliveries: Path) -> None:
    for file, table, column in (
        ("housing/housing.db", "survey", "OWNER_ID"),
        ("services/services.db", "cases", "applicant_id"),
    ):
        database = sqlite3.connect(deliveries / file)
        cells = [row[0] for row in database.execute(f"SELECT {column} FROM {table}") if row[0]]
        database.close()
        assert cells
        assert {cell.translate(str.maketrans("０１２３４５６７８９", "0123456789"))[:2] for cell in cells} == {"99"}


def test_truth_stands_apart(district: District) -> None:
    for file in district.sources.glob("*.toml"):
        assert "truth" not in file.read_text("utf-8")
    assert not list((district.folder / "deliveries").rglob("truth*"))


def test_every_row_of_a_person_has_its_truth(district: District) -> None:
    links = pq.read_table(district.truth / "people.parquet").to_pandas()
    persons = pq.read_table(district.truth / "persons.parquet").num_rows
    assert links.person.between(0, persons - 1).all()
    first = links[links.entity == 0]
    for source, count in district.rows.items():
        of_source = first[first.source == source]
        assert len(of_source) == (0 if source in {"traffic-detectors", "water-sensors"} else count)
        assert not of_source.duplicated(["delivery", "row"]).any()
    assert (links[links.source == "civil-marriages"].entity == 1).sum() == district.rows["civil-marriages"]


def test_truth_says_what_the_delivery_says_where_nothing_was_spoiled(district: District) -> None:
    database = sqlite3.connect(district.folder / "deliveries/housing/housing.db")
    cells = [row[0] for row in database.execute("SELECT OWNER_ID FROM survey")]
    database.close()
    links = pq.read_table(district.truth / "people.parquet").to_pandas()
    truth = pq.read_table(district.truth / "persons.parquet").to_pandas()
    faults = pq.read_table(district.truth / "faults.parquet").to_pandas()
    spoiled = set(faults[(faults.source == "housing-survey") & (faults.element == "citizen_id")].row)
    rows = links[links.source == "housing-survey"]
    for row, person in zip(rows.row, rows.person, strict=True):
        assert (cells[row - 1] == truth.citizen_id[person]) is (row not in spoiled)


def test_errors_are_counted_exactly(district: District) -> None:
    report = json.loads((district.truth / "errors.json").read_text("utf-8"))
    faults = pq.read_table(district.truth / "faults.parquet").to_pandas()
    assert report["errors"] == district.errors
    assert report["notice"]["zh"] == NOTICE
    assert sum(count for kinds in district.errors.values() for count in kinds.values()) == len(faults)


def test_the_report_steps_to_its_end(tmp_path: Path) -> None:
    from collections.abc import Iterator
    from contextlib import contextmanager

    from chengyi.model.text import Text

    class Counting:
        done = 0
        total: int | None = None

        def advance(self, units: int = 1) -> None:
            self.done += units

        def note(self, text: Text) -> None:
            raise AssertionError(text)

        @contextmanager
        def step(self, title: Text, total: int | None = None) -> "Iterator[Counting]":
            self.total = total
            yield self

    reporter = Counting()
    room.generate(tmp_path, people=500, reporter=reporter)
    assert reporter.done == reporter.total
