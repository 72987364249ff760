"""Deal two public samples out to departments, as departments really deliver.

Rules:

1. The 50,578 person rows go to four departments, in an order and by a choice that only a fixed seed decides. Each
   department has its own column names, column order, spelling of sexes, form of dates, and carrier.
2. Errors in the rows stay as they are: nothing is repaired, nothing is added. A date that is no date keeps its digits.
3. A row carries a number of its department's own. The sample's `unique_id` and `cluster`, which say who is who, go to
   `truth/persons.csv` only, where no source points; it is written last, and says that everything is dealt.
4. The speeds become one row an observation and one file a day. The sample states neither times nor a unit: its
   publication says Los Angeles, 1 to 7 March 2012, every five minutes, and loop detectors there report miles an hour.
   Times are written as the clock on the wall; miles are converted to kilometres.
5. The same data give the same bytes, in any folder, on any day.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np

from chengyi.district import carriers
from chengyi.model.reporter import Reporter, Step
from chengyi.model.text import Text

PERSONS = Path("integrate/historical_figures_with_errors_50k.parquet")
SPEEDS = Path("traffic/los_speed.csv")
TRUTH = Path("truth/persons.csv")

SEED = "chengyi real example"
FIRST_DAY = datetime(2012, 3, 1)  # noqa: DTZ001 - the wall clock of the detectors
EVERY = timedelta(minutes=5)
A_DAY = 288
KM_PER_MILE = 1.609344
DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")

Row = Mapping[str, str | None]
Write = Callable[[Path, Sequence[str], carriers.Columns], None]


@dataclass(frozen=True, slots=True)
class Roll:
    """How one department keeps its persons: file, numbers, the sample's columns in its order and words, writer."""

    file: str
    prefix: str
    columns: Mapping[str, str]
    date: str
    sexes: Mapping[str, str]
    write: Write


ROLLS = (
    Roll(
        "police/登记册.csv",
        "GA",
        {
            "number": "登记编号",
            "full_name": "姓名",
            "gender": "性别",
            "dob": "出生日期",
            "birth_place": "出生地",
            "postcode_fake": "邮编",
            "occupation": "职业",
        },
        r"\1年\2月\3日",
        {"male": "男", "female": "女"},
        partial(carriers.write_csv, encoding="gb18030", end="\r\n"),
    ),
    Roll(
        "civil/台账.xlsx",
        "MZ",
        {
            "postcode_fake": "邮政编码",
            "birth_place": "籍贯",
            "full_name": "对象姓名",
            "gender": "性别代码",
            "dob": "生日",
            "occupation": "从业情况",
            "number": "台账号",
        },
        r"\3/\2/\1",
        {"male": "1", "female": "2"},
        lambda path, header, columns: carriers.write_xlsx(path, "台账", header, columns),
    ),
    Roll(
        "culture/persons.jsonl",
        "WH",
        {
            "number": "id",
            "occupation": "occupation",
            "full_name": "fullName",
            "birth_place": "birth.place",
            "dob": "birth.date",
            "gender": "gender",
            "postcode_fake": "postcode",
        },
        r"\1-\2-\3",
        {"male": "male", "female": "female"},
        carriers.write_jsonl,
    ),
    Roll(
        "labour/insured.db",
        "RS",
        {
            "full_name": "XM",
            "dob": "CSRQ",
            "gender": "XB",
            "postcode_fake": "YZBM",
            "number": "GRBH",
            "occupation": "ZY",
            "birth_place": "CSD",
        },
        r"\1\2\3",
        {"male": "M", "female": "F"},
        lambda path, header, columns: carriers.write_sqlite(path, "insured", header, columns),
    ),
)


def deal(data: Path, home: Path, reporter: Reporter) -> None:
    """Write the deliveries and the truth below a home, unless that was done before."""
    if (home / TRUTH).is_file():
        return
    with reporter.step(Text("把样本分给各部门", "Dealing the samples out"), len(ROLLS) + 7) as step:
        deal_speeds(data / SPEEDS, home / "deliveries" / "traffic", step)
        truth = deal_persons(data / PERSONS, home / "deliveries", step)
    _write_truth(home / TRUTH, truth)


def deal_persons(sample: Path, deliveries: Path, step: Step) -> list[tuple[str, str]]:
    """Write the four rolls; return (number, cluster) of every row."""
    import pyarrow.parquet as pq

    rows = sorted(pq.read_table(sample).to_pylist(), key=lambda row: _lot(row["unique_id"]))
    truth = []
    for place, roll in enumerate(ROLLS):
        own = [_numbered(row, roll, count) for count, row in enumerate(rows[place :: len(ROLLS)], 1)]
        columns = [_column([_cell(row, field, roll) for row in own]) for field in roll.columns]
        _deliver(deliveries / roll.file, roll.write, list(roll.columns.values()), columns)
        truth += [(str(row["number"]), str(row["cluster"])) for row in own]
        step.advance()
    return truth


def deal_speeds(sample: Path, folder: Path, step: Step) -> None:
    """Write one file a day: detector, time, speed."""
    with sample.open(encoding="utf-8", newline="") as file:
        detectors, *observed = csv.reader(file)
    for start in range(0, len(observed), A_DAY):
        day = FIRST_DAY + start * EVERY
        times = [f"{day + count * EVERY:%Y-%m-%d %H:%M:%S}" for count in range(len(observed[start : start + A_DAY]))]
        long = [
            (detector, time, f"{float(speed) * KM_PER_MILE:.3f}")
            for time, speeds in zip(times, observed[start : start + A_DAY], strict=True)
            for detector, speed in zip(detectors, speeds, strict=True)
        ]
        columns = [_column(cells) for cells in zip(*long, strict=True)]
        path = folder / f"speeds-{day:%Y-%m-%d}.csv"
        _deliver(path, carriers.write_csv, ["detector", "time", "speed_kmh"], columns)
        step.advance()


def _lot(unique_id: str) -> bytes:
    return sha256(f"{SEED}/{unique_id}".encode()).digest()


def _numbered(row: Row, roll: Roll, count: int) -> Row:
    return {**row, "number": f"{roll.prefix}{count:06d}"}


def _cell(row: Row, field: str, roll: Roll) -> str | None:
    value = row[field]
    if value is None:
        return None
    if field == "dob":
        return DATE.sub(roll.date, value)
    return roll.sexes.get(value, value) if field == "gender" else value


def _column(cells: Sequence[str | None]) -> np.ndarray:
    return np.array(cells, dtype=object)


def _deliver(path: Path, write: Write, header: Sequence[str], columns: carriers.Columns) -> None:
    """Write under a name that collection leaves alone, then rename: a delivery is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    write(unfinished, header, columns)
    unfinished.replace(path)


def _write_truth(path: Path, truth: Sequence[tuple[str, str]]) -> None:
    numbers, clusters = zip(*truth, strict=True)
    _deliver(path, carriers.write_csv, ["number", "cluster"], [_column(numbers), _column(clusters)])
