"""The measurements work, and what they print has its form. No time is tested."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
KEYS = {"processor", "cores", "memory", "system", "python", "libraries", "runs", "load before", "load after"}


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)


def measured(*names: str, book: str = "river") -> dict[str, dict[str, list[float]]]:
    """Measure in small, and return the values by measurement and figure."""
    answer = bench("--book", book, *names, "--quick", "--json")
    assert answer.returncode == 0, answer.stderr
    data = json.loads(answer.stdout)
    assert set(data["machine"]) == KEYS
    assert [each["name"] for each in data["results"]] == list(names)
    return {each["name"]: {f["what"]: f["values"] for f in each["figures"]} for each in data["results"]}


@pytest.mark.slow
def test_the_river_is_measured_beside_its_peers() -> None:
    found = measured("rows", "documents", "trust")
    rows = found["rows"]
    assert {"river / COPY", "river", "DuckDB COPY", "collect", "archive", "integrate"} < set(rows)
    assert rows["river / COPY"][0] > 0
    assert len(rows["DuckDB COPY"]) == 3
    assert {"river", "plain copies", "river / plain copies"} < set(found["documents"])
    assert {"vault put / plain file", "vault get / plain file", "ledger / plain file"} < set(found["trust"])
    assert all(value > 0 for figures in found.values() for values in figures.values() for value in values)


@pytest.mark.slow
def test_the_district_is_linked_against_its_truth() -> None:
    district = measured("district")["district"]
    assert {"collect", "archive", "integrate", "link", "share", "brain"} < set(district)
    assert 0.5 < district["F1 of pairs"][0] <= 1


@pytest.mark.slow
def test_a_run_with_nothing_new_and_every_page_are_measured() -> None:
    found = measured("idle", "pages")
    assert len(found["idle"]["whole command"]) >= 3
    pages = found["pages"]
    assert {"home page", "sources", "search for records", "a record", "a dossier", "catalogue", "indicators"} < set(
        pages
    )
    assert {"alerts", "ledger", "a figure", "a dataset"} < set(pages)
    assert all(len(values) == 3 for name, values in pages.items() if "first" not in name)


@pytest.mark.slow
def test_trust_is_measured_against_its_bars() -> None:
    found = measured("conformance", "fragments", "ledger", "crashes", "authority", "anchors", book="trust")
    judged = found["conformance"]
    assert judged["sets of 6 of 9 that restore, of 84"] == [84]
    assert judged["sets of fewer than 6 that are refused, of 382"] == [382]
    assert {"aes-sha256: pipeline / limit", "aes-sha256: restore / with plain digest"} < set(found["fragments"])
    assert found["fragments"]["silent errors"] == [0]
    assert found["ledger"]["durable appends, 1000 at once"][0] > 0
    assert found["crashes"]["acknowledged entries lost by kills"] == [0]
    assert {"SM2 sign / bare libcrypto", "chain check / bare verification"} < set(found["authority"])
    assert any(name.startswith("anchor, ") for name in found["anchors"])


@pytest.mark.slow
def test_tracing_is_measured_against_its_bars() -> None:
    found = measured("marks", "tracing", "behaviour", book="trust")
    assert {"trace an actor, with proofs", "trace a session, with proofs"} < set(found["tracing"])
    assert 0 < found["behaviour"]["attacks found, of all"][0] <= 1
    assert any(name.startswith("phantoms accused") for name in found["marks"])


@pytest.mark.slow
def test_the_command_of_the_package_measures_the_same(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("chengyi")), "bench", "--rows", "1000", "--json"]
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["throughput"]["rows"] == 1000
    assert found["seconds"] > 0
    assert found["ratio"] > 0
    assert not list(tmp_path.iterdir())


def test_an_unknown_measurement_is_refused_with_the_known_ones() -> None:
    refused = bench("nothing")
    assert refused.returncode == 2
    assert "nothing" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "pages" in bench("--help").stdout
