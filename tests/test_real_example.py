"""The worked example on real public data, each of its claims computed anew.

The example runs as a user runs it. What it says is then held against the input files themselves, read here with
Python's own readers, against the vault's bytes, and against the sample's own truth; nothing of `examples/real` is
imported but the dealing, to deal a second time.
"""

import csv
import json
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from chengyi.model.reporter import SilentReporter
from chengyi.model.submission import SubmissionState
from chengyi.node import Node

PROJECT = Path(__file__).parent.parent
EXAMPLE = PROJECT / "examples" / "real"
CLI = Path(sys.executable).with_name("chengyi")
SAMPLE = "integrate/historical_figures_with_errors_50k.parquet"
LOWEST_F1 = 0.93
"""Measured 0.955; the bar is below it, because a learner's last digits may differ from machine to machine."""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real-example")]
Cells = list[str | None]


@dataclass(frozen=True, slots=True)
class Story:
    """The example run twice on one home: what it printed first, and what it answered in JSON the second time."""

    home: Path
    data: Path
    printed: str
    again: dict[str, Any]

    @property
    def account(self) -> dict[str, Any]:
        told: dict[str, Any] = self.again["account"]
        return told


def example(data: Path, home: Path, *words: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CHENGYI_DATA": str(data), "CHENGYI_LANG": language, "COLUMNS": "120"}
    command = [sys.executable, str(EXAMPLE / "run.py"), "--home", str(home), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def chengyi(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(CLI), *map(str, words)], capture_output=True, text=True, check=False)


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


@pytest.fixture(scope="module")
def story(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    home, before = tmp_path_factory.mktemp("real") / "home", stamps(shared_data)
    first = example(shared_data, home)
    assert first.returncode == 0, first.stdout + first.stderr
    second = example(shared_data, home, "--json")
    assert second.returncode == 0, second.stdout + second.stderr
    assert stamps(shared_data) == before, "the data folder was written to"
    return Story(home, shared_data, first.stdout, json.loads(second.stdout))


@pytest.fixture
def node(story: Story) -> Iterator[Node]:
    node = Node(story.home)
    yield node
    node.close()


def input_files(story: Story) -> dict[str, list[Path]]:
    """Where each source's input lies; written down here, not read from the sources."""
    dealt = story.home / "deliveries"
    return {
        "permits": [story.data / "governance/receipt.csv"],
        "service-requests": [story.data / "governance/nyc311_sample.csv"],
        "households": [story.data / "livelihood/costa_rica_households.csv"],
        "documents": [story.data / "archives/format-corpus-part.tar.xz"],
        "speeds": sorted((dealt / "traffic").iterdir()),
        "police-persons": [dealt / "police/登记册.csv"],
        "civil-persons": [dealt / "civil/台账.xlsx"],
        "culture-persons": [dealt / "culture/persons.jsonl"],
        "labour-persons": [dealt / "labour/insured.db"],
    }


def input_digests(files: list[Path]) -> list[tuple[str, int]]:
    if not files[0].name.endswith(".tar.xz"):
        return [(sha256(path.read_bytes()).hexdigest(), path.stat().st_size) for path in files]
    with tarfile.open(files[0]) as archive:
        entries = [file.read() for member in archive if (file := archive.extractfile(member)) is not None]
    return [(sha256(entry).hexdigest(), len(entry)) for entry in entries]


def one_digest(digests: Iterable[str]) -> str:
    return sha256("\n".join(sorted(digests)).encode()).hexdigest()


def csv_rows(path: Path, encoding: str = "utf-8") -> list[Cells]:
    with path.open(encoding=encoding, newline="") as file:
        return [[cell or None for cell in line] for line in list(csv.reader(file))[1:]]


def xlsx_rows(path: Path) -> list[Cells]:
    from openpyxl import load_workbook

    book = load_workbook(path)
    rows: list[Cells] = [list(line) for line in book["台账"].iter_rows(min_row=2, values_only=True)]
    book.close()
    return rows


def jsonl_rows(path: Path) -> list[Cells]:
    return [list(json.loads(line).values()) for line in path.read_text("utf-8").splitlines()]


def sqlite_rows(path: Path) -> list[Cells]:
    database = sqlite3.connect(path)
    rows: list[Cells] = [list(line) for line in database.execute("SELECT * FROM insured ORDER BY rowid")]
    database.close()
    return rows


READERS: dict[str, Callable[[Path], list[Cells]]] = {
    "police-persons": lambda path: csv_rows(path, "gb18030"),
    "civil-persons": xlsx_rows,
    "culture-persons": jsonl_rows,
    "labour-persons": sqlite_rows,
}
ORDERS = {
    "police-persons": ("number", "full_name", "gender", "dob", "birth_place", "postcode_fake", "occupation"),
    "civil-persons": ("postcode_fake", "birth_place", "full_name", "gender", "dob", "occupation", "number"),
    "culture-persons": ("number", "occupation", "full_name", "birth_place", "dob", "gender", "postcode_fake"),
    "labour-persons": ("full_name", "dob", "gender", "postcode_fake", "number", "occupation", "birth_place"),
}
DATES = {
    "police-persons": r"(?P<y>\d{4})年(?P<m>\d\d)月(?P<d>\d\d)日",
    "civil-persons": r"(?P<d>\d\d)/(?P<m>\d\d)/(?P<y>\d{4})",
    "culture-persons": r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)",
    "labour-persons": r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)",
}
IDHOGAR = 95
"""Place of the household number in the survey."""
SEXES = {"男": "male", "1": "male", "M": "male", "女": "female", "2": "female", "F": "female"}


def rows_of(story: Story, source: str) -> list[Cells]:
    read = READERS.get(source, csv_rows)
    return [row for path in input_files(story)[source] for row in read(path)]


def truth_of(story: Story) -> dict[str, str]:
    return {str(number): str(cluster) for number, cluster in csv_rows(story.home / "truth/persons.csv")}


def test_it_says_that_a_second_run_has_nothing_new(story: Story) -> None:
    assert "Nothing new" not in story.printed
    assert story.again["changed"] is False
    assert story.again["ok"] is True
    third = example(story.data, story.home, language="zh")
    assert third.returncode == 0, third.stderr
    assert third.stdout.startswith("没有新内容，未作任何改动。")


def test_promise_6_every_byte_is_archived_or_quarantined(story: Story, node: Node) -> None:
    told = {each["source"]: each for each in story.account["sources"]}
    files = input_files(story)
    assert told.keys() == files.keys()
    for source, paths in files.items():
        found, line = input_digests(paths), told[source]
        count, size = len(found), sum(size for _, size in found)
        expected = {"count": count, "bytes": size, "digest": one_digest(digest for digest, _ in found)}
        assert line["input"] == line["received"] == expected, source
        assert line["archived"]["count"] + line["quarantined"]["count"] == count, source
        assert line["archived"]["bytes"] + line["quarantined"]["bytes"] == size, source
        assert sorted(stored(node, source)) == sorted(digest for digest, _ in found), source
    assert told["documents"]["received"]["count"] == 205


def stored(node: Node, source: str) -> list[str]:
    """Hash the very bytes that the archive and the quarantine give back."""
    packages = node.archive.since(source, -1)
    aside = node.collect.submissions(source, SubmissionState.QUARANTINED, limit=1000)
    kept = [file for each in packages for file in each.components] + [
        file for each in aside for file in each.components
    ]
    found = []
    for file in kept:
        with node.vault.open(file.object) as stream:
            found.append(sha256(stream.read()).hexdigest())
    return found


def test_promise_8_every_row_went_on_or_waits_with_a_reason(story: Story, node: Node) -> None:
    of = {"persons": ORDERS, "speeds": ["speeds"], "households": ["households"], "permits": ["permits"]}
    of["service_requests"] = ["service-requests"]
    for line in story.account["datasets"]:
        inputs = sum(len(rows_of(story, source)) for source in of.pop(line["dataset"]))
        assert inputs == line["input"] == line["rows"] + line["waiting"], line
    assert not of
    waiting = node.integrate.quarantine("persons")
    assert waiting is not None
    nameless = sum(
        row[ORDERS[source].index("full_name")] is None for source in ORDERS for row in rows_of(story, source)
    )
    codes = node.tables.arrow(waiting)["codes"].to_pylist()
    assert len(codes) == nameless == 67
    assert all(codes)
    assert node.integrate.counts()["households"] == len({row[IDHOGAR] for row in rows_of(story, "households")}) == 2_988


def test_every_person_row_is_dealt_once_and_unchanged_and_the_truth_stays_apart(story: Story) -> None:
    import pyarrow.parquet as pq

    fields = ("cluster", "full_name", "dob", "birth_place", "postcode_fake", "gender", "occupation")
    sample = Counter(tuple(row[field] for field in fields) for row in pq.read_table(story.data / SAMPLE).to_pylist())
    truth = truth_of(story)
    dealt: Counter[tuple[str | None, ...]] = Counter()
    for source, order in ORDERS.items():
        for cells in rows_of(story, source):
            row = dict(zip(order, cells, strict=True))
            row["cluster"] = truth.pop(str(row["number"]))
            row["dob"] = row["dob"] and re.sub(DATES[source], r"\g<y>-\g<m>-\g<d>", row["dob"])
            row["gender"] = row["gender"] and SEXES.get(row["gender"], row["gender"])
            dealt[tuple(row[field] for field in fields)] += 1
    assert dealt == sample
    assert not truth
    told = {path.suffix for files in input_files(story).values() for path in files}
    assert {".csv", ".xlsx", ".jsonl", ".db"} <= told
    for path in (story.home / "deliveries").rglob("*"):
        assert not path.is_file() or not re.search(rb"Q\d{3,}-\d", path.read_bytes()), path


def test_dealing_again_gives_the_same_bytes(story: Story, tmp_path: Path) -> None:
    spec = spec_from_file_location("deal", EXAMPLE / "deal.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["deal"] = module
    spec.loader.exec_module(module)
    module.deal(story.data, tmp_path, SilentReporter())
    for path in (each for each in tmp_path.rglob("*") if each.is_file()):
        assert path.read_bytes() == (story.home / path.relative_to(tmp_path)).read_bytes(), path.name


def pairs(labels: Iterable[Any]) -> int:
    return sum(count * (count - 1) // 2 for count in Counter(labels).values())


def test_persons_are_linked_as_well_as_the_account_says(story: Story, node: Node) -> None:
    truth = truth_of(story)
    rows = node.tables.arrow(node.integrate.table("persons").select("_package", "_row", "person_no")).to_pylist()
    members = node.tables.arrow(node.tables.read("dossier_rows")).to_pylist()
    home = {(each["package"], each["row"]): each["dossier"] for each in members if each["dataset"] == "persons"}
    dossier = {each["person_no"]: home.get((each["_package"], each["_row"])) for each in rows}
    found = {number: dossier.get(number) or number for number in truth}
    both = pairs((truth[number], found[number]) for number in truth)
    precision, recall = both / pairs(found.values()), both / pairs(truth.values())
    f1 = 2 * precision * recall / (precision + recall)
    told = story.account["people"]
    assert (told["rows"], told["mentions"], told["dossiers"]) == (50_578, len(home), len(set(home.values())))
    assert told["scores"]["f1"] == pytest.approx(f1)
    assert told["scores"]["precision"] == pytest.approx(precision)
    assert told["scores"]["recall"] == pytest.approx(recall)
    assert f1 >= LOWEST_F1
    assert f"F1 {f1:.4f}" in story.printed


def leaf(cells: Cells) -> bytes:
    return sha256(b"\0" + json.dumps(cells, ensure_ascii=False, separators=(",", ":")).encode()).digest()


def climbed(found: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Return the root to which an audit path leads (RFC 9162, 2.1.3.2)."""
    last = size - 1
    for sibling in path:
        if index % 2 or index == last:
            found = sha256(b"\1" + sibling + found).digest()
            while not index % 2 and index:
                index, last = index >> 1, last >> 1
        else:
            found = sha256(b"\1" + found + sibling).digest()
        index, last = index >> 1, last >> 1
    return found


def test_promise_5_the_decision_leads_home_to_the_rows_of_the_input_file(story: Story) -> None:
    trace = story.account["trace"]
    held = [cells for cells in rows_of(story, "service-requests") if is_odd(cells)]
    rows = rows_of(story, "service-requests")
    assert trace["total"] == len(trace["rows"]) == len(held) == 15
    for each in trace["rows"]:
        evidence = each["evidence"]
        cells = rows[evidence["row"] - 1]
        assert is_odd(cells)
        assert leaf(cells).hex() == evidence["leaf"]
        path = [bytes.fromhex(each) for each in each["hashes"]]
        assert climbed(leaf(cells), evidence["row"] - 1, each["rows"], path).hex() == each["root"]
        body = json.loads(bytes.fromhex(each["receipt"]["body"]))
        assert (body["object"], body["detail"]["root"]) == (evidence["package"], each["root"])
        entry = sha256(b"\0" + sha256(bytes.fromhex(each["receipt"]["body"])).digest()).digest()
        receipt = each["receipt"]
        proof = [bytes.fromhex(each) for each in receipt["hashes"]]
        top = climbed(entry, receipt["index"], receipt["checkpoint"]["size"], proof)
        assert top.hex() == receipt["checkpoint"]["root"]


def is_odd(cells: Cells) -> bool:
    """Tell whether a service request of DOT was closed before it was made, or at that moment."""
    created, closed, agency = cells[1:4]
    return agency == "DOT" and closed is not None and created is not None and moment(closed) <= moment(created)


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p")  # noqa: DTZ007 - compared with its like


def test_figures_and_alerts_are_those_of_the_input_files(story: Story) -> None:
    apps = story.account["apps"]
    with (story.data / "livelihood/costa_rica_households.csv").open(encoding="utf-8", newline="") as file:
        survey = list(csv.DictReader(file))
    poor = [each for each in survey if each["Target"] in {"1", "2"}]
    assert float(apps["livelihood"]["figure"]["value"]) == pytest.approx(100 * len(poor) / len(survey), abs=0.005)
    crowded = [each for each in poor if int(each["hhsize"]) >= 3 * int(each["rooms"])]
    assert apps["livelihood"]["rows"]["total"] == len(crowded)
    assert f"{len({each['idhogar'] for each in crowded})} poor" in apps["livelihood"]["alert"]["title"]["en"]
    made = [cells[1:3] for cells in rows_of(story, "service-requests") if cells[3] == "DOT" and cells[2]]
    seconds = [(moment(str(closed)) - moment(str(created))).total_seconds() for created, closed in made]
    hours = statistics.median(each / 3600 for each in seconds if each > 0)
    assert float(apps["governance"]["figure"]["value"]) == pytest.approx(hours, abs=0.005)


def test_the_traffic_figure_and_alert_are_those_of_the_sample(story: Story) -> None:
    import numpy as np

    line = story.account["apps"]["traffic"]
    with (story.data / "traffic/los_speed.csv").open(encoding="utf-8", newline="") as file:
        detectors, *rows = csv.reader(file)
    section, day = line["alert"]["subject"].split("@")
    speeds = np.array([float(row[detectors.index(section)]) for row in rows])
    free = np.quantile(speeds, 0.85)
    assert float(line["figure"]["value"]) == pytest.approx(float((1 / speeds).sum() * free / len(speeds)), abs=0.002)
    start = 288 * (int(day[-2:]) - 1)
    slow = "".join("x" if free / speed >= 2 else "." for speed in speeds[start : start + 288])
    assert line["rows"]["total"] == sum(map(len, re.findall("x{3,}", slow)))


def test_rows_behind_dossier_and_alerts_are_all_proven_and_found(story: Story) -> None:
    account = story.account
    for each in (account["dossier"], account["rows"], *(app["rows"] for app in account["apps"].values())):
        assert each["ok"] is True
        assert each["total"] == each["proven"] == each["found"] > 0
    assert {app["alert"]["app"] for app in account["apps"].values()} == {"livelihood", "traffic", "governance"}


def test_the_decision_came_back_as_an_archived_record(story: Story, node: Node) -> None:
    decision = node.brain.decision(story.account["decision"]["id"])
    assert node.collect.submission(decision.submission).state is SubmissionState.ARCHIVED
    package = node.archive.package(story.account["filed"]["package"], node.actor)
    with node.archive.open(package, package.components[0].path, node.actor) as file:
        record = json.loads(file.read())
    assert decision.alert in json.dumps(record)
    assert decision.ground in json.dumps(record, ensure_ascii=False)
    assert len(node.brain.orders(decision.alert)) == len(node.brain.decisions(decision.alert)) == 1


def test_promise_2_a_copied_home_verifies_offline_and_a_flipped_byte_is_found(story: Story, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(story.home, copy, ignore=shutil.ignore_patterns("data", "deliveries", "truth"))
    sound = chengyi("verify", copy)
    assert sound.returncode == 0, sound.stdout + sound.stderr
    traced = chengyi("trace", story.account["decision"]["id"], "--home", copy)
    assert traced.returncode == 0, traced.stdout + traced.stderr
    largest = max((copy / "vault").rglob("*"), key=lambda path: path.stat().st_size)
    for victim in (largest, copy / "ledger/tile/entries/000", copy / "ledger/checkpoint"):
        flip(victim)
        found = chengyi("verify", copy)
        assert found.returncode != 0, victim
        assert "Traceback" not in found.stderr
        flip(victim)
    assert chengyi("verify", copy).returncode == 0


def flip(path: Path) -> None:
    spoiled = bytearray(path.read_bytes())
    spoiled[len(spoiled) // 2] ^= 1
    path.write_bytes(spoiled)


@pytest.mark.parametrize(("page", "language"), [("README.md", "en"), ("README.zh-CN.md", "zh")])
def test_the_pages_show_the_account_as_it_is_printed(story: Story, page: str, language: str) -> None:
    shown = (EXAMPLE / page).read_text("utf-8").split("```text\n")[1].split("```")[0]
    printed = story.printed if language == "en" else example(story.data, story.home, language="zh").stdout
    printed = printed[printed.index("1. ") :]
    ends = "\n7. "
    assert plain(shown[: shown.index(ends)]) == plain(printed[: printed.index(ends)])


def plain(text: str) -> str:
    """Return printed text without the blanks that fill its columns."""
    return "\n".join(re.sub(r"[ \t]+", " ", line).strip() for line in text.strip().splitlines())


def test_without_the_data_it_says_so_and_makes_nothing(tmp_path: Path) -> None:
    failed = example(tmp_path / "absent", tmp_path / "home")
    assert failed.returncode == 2
    assert "CHENGYI_DATA" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (tmp_path / "home").exists()
