"""Writing the whole district: deliveries and source files for the product, and the truth apart from them.

Rules: the same settings give the same bytes; ``truth/`` stands beside ``deliveries/`` and no source points into it;
every row that is written has its true person in ``truth/people.parquet``, and every error that was put in is counted in
``truth/errors.json``.
"""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from chengyi.district import carriers, documents, truth
from chengyi.district.departments import city, economy, registers, welfare
from chengyi.district.faults import spoil
from chengyi.district.places import STREETS
from chengyi.district.settings import Settings
from chengyi.district.sources import SENDINGS, Sending, header, toml
from chengyi.district.table import Table
from chengyi.district.world import World, create
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text

_TABLES: tuple[Callable[[World], Table], ...] = (
    registers.population,
    welfare.low_income,
    registers.marriages,
    registers.students,
    welfare.hospital_visits,
    economy.housing,
    economy.social_insurance,
    registers.disability,
    welfare.disaster_relief,
    welfare.donations,
    economy.farm_subsidy,
    economy.enterprises,
    city.detectors,
    city.cases,
    city.sensors,
)


@dataclass(frozen=True, slots=True)
class District:
    """What was generated: the folder, its people and households, rows by source, errors by source and kind."""

    folder: Path
    people: int
    households: int
    documents: int
    rows: dict[str, int]
    errors: dict[str, dict[str, int]]

    @property
    def sources(self) -> Path:
        """Return the folder of the source files."""
        return self.folder / "sources"

    @property
    def truth(self) -> Path:
        """Return the folder of the truth, which the product never reads."""
        return self.folder / "truth"


def write(folder: Path, people: int, seed: int, reporter: Reporter, settings: Settings | None = None) -> District:
    """Write the district below a folder and say what was written; existing files of the same names are replaced."""
    settings = replace(settings or Settings(), people=people, seed=seed)
    with reporter.step(Text("生成演示区 云汀区", "Generating the district Yunting"), len(_TABLES) + 3) as step:
        world = create(settings)
        step.advance()
        keeper = truth.Keeper(folder / "truth")
        rows: dict[str, int] = {}
        for number, make in enumerate(_TABLES):
            table = make(world)
            spoil(table, world.people, settings.stream(f"faults-{number}"))
            _deliver(SENDINGS[number], table, folder, settings)
            keeper.take(table)
            rows[table.source] = len(table)
            step.advance()
        count = _archive(SENDINGS[-1], folder, settings)
        _name_areas(folder)
        _allow_marks(folder)
        step.advance()
        errors = keeper.write(world)
        step.advance()
    return District(folder, people, world.people.places.households, count, rows, errors)


def _deliver(sending: Sending, table: Table, folder: Path, settings: Settings) -> None:
    target = folder / "deliveries" / sending.folder
    target.mkdir(parents=True, exist_ok=True)
    names = header(sending, list(table.values))
    files = table.files()
    for name, rows in files:
        path = target / (name if sending.carrier != "sql" else "services.db")
        _write(sending, path, names, [cells[rows] for cells in table.values.values()])
        _date(path, _handed_over(name, settings))
    _describe(sending, folder, _owed(sending, [name for name, _ in files], settings))


def _write(sending: Sending, path: Path, names: list[str], columns: carriers.Columns) -> None:
    if sending.carrier == "csv":
        carriers.write_csv(
            path, names, columns, encoding=sending.encoding, delimiter=sending.delimiter, end=sending.end
        )
    elif sending.carrier == "xlsx":
        carriers.write_xlsx(path, sending.within, names, columns)
    elif sending.carrier == "jsonl":
        carriers.write_jsonl(path, names, columns)
    elif sending.carrier in {"sqlite", "sql"}:
        carriers.write_sqlite(path, sending.within, names, columns)
    else:
        carriers.write_parquet(path, names, columns)


def _handed_over(name: str, settings: Settings) -> date:
    """Return when a delivery was handed over: a day's file the day after, a month's file on the fifth."""
    found = re.search(r"(\d{4})-(\d{2})(?:-(\d{2}))?", name)
    if not found:
        return settings.as_of + timedelta(days=1)
    year, month, day = (int(part) if part else 0 for part in found.groups())
    if day:
        return date(year, month, day) + timedelta(days=1)
    return (date(year, month, 28) + timedelta(days=4)).replace(day=5)


def _date(path: Path, day: date) -> None:
    """Set a file's time, from which collection takes when the delivery happened."""
    moment = datetime(day.year, day.month, day.day, 1, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))


def _owed(sending: Sending, delivered: Sequence[str], settings: Settings) -> list[str]:
    """Return the deliveries that a source owes; health owes one that never came."""
    if sending.id == "health-visits":
        return [f"visits-{month}.jsonl" for month in settings.months(welfare.VISIT_MONTHS)]
    return list(delivered)


def _archive(sending: Sending, folder: Path, settings: Settings) -> int:
    written = documents.compose(settings)
    for document in written:
        _date(documents.write(document, folder / "deliveries" / sending.folder), document.issued)
    _describe(sending, folder, [document.path for document in written])
    return len(written)


def _allow_marks(folder: Path) -> None:
    """Write which fields of an export may be moved a little, so that a leaked copy can be recognised."""
    from importlib.resources import files

    (folder / "exports.toml").write_text((files(__package__) / "exports.toml").read_text("utf-8"), "utf-8")


def _name_areas(folder: Path) -> None:
    lines = [f'{street.code} = {{ zh = "{street.name}", en = "{street.english}" }}\n' for street in STREETS]
    (folder / "areas.toml").write_text("[areas]\n" + "".join(lines), encoding="utf-8", newline="\n")


def _describe(sending: Sending, folder: Path, owed: Sequence[str]) -> None:
    target = folder / "sources"
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{sending.id}.toml").write_text(toml(sending, owed), encoding="utf-8", newline="\n")
