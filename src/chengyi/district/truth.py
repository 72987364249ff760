"""The truth, kept apart: whom each row speaks of, what happened, who is entitled, and every error that was put in.

Nothing in the product reads these files; tests and benchmarks score linkage, targeting and warning against them.
"""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chengyi.district.departments.city import INCIDENTS
from chengyi.district.life import AID_KINDS, DISASTERS, ILLNESSES, NONE
from chengyi.district.settings import NOTICE, NOTICE_EN
from chengyi.district.table import Table, cells, chosen, written
from chengyi.district.world import World

if TYPE_CHECKING:
    import pyarrow as pa


class Keeper:
    """Gathers the truth of each table while it is at hand, and writes it all at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._links: list[pa.Table] = []
        self._faults: list[pa.Table] = []
        self._errors: dict[str, Counter[str]] = {}

    def take(self, table: Table) -> None:
        """Take the truth of one finished table."""
        ordinals = table.ordinals()
        for entity, persons in enumerate(table.persons):
            known = np.flatnonzero(persons >= 0)
            self._links.append(_rows(table, ordinals, known, entity=np.full(len(known), entity), person=persons[known]))
        counts = self._errors.setdefault(table.source, Counter())
        for mark in table.marks:
            counts[f"{mark.kind}:{mark.element}".removesuffix(":")] += len(mark.rows)
            said = cells(None if value is None else str(value) for value in mark.truth)
            labels = {"element": [mark.element] * len(mark.rows), "kind": [mark.kind] * len(mark.rows), "truth": said}
            self._faults.append(_rows(table, ordinals, mark.rows, **labels))

    def write(self, world: World) -> dict[str, dict[str, int]]:
        """Write every file of the truth; return the counts of errors by source and kind."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._folder.mkdir(parents=True, exist_ok=True)
        errors = {source: dict(sorted(counts.items())) for source, counts in self._errors.items()}
        pq.write_table(pa.concat_tables(self._links), self._folder / "people.parquet", compression="zstd")
        pq.write_table(pa.concat_tables(self._faults), self._folder / "faults.parquet", compression="zstd")
        pq.write_table(_persons(world), self._folder / "persons.parquet", compression="zstd")
        pq.write_table(_shocks(world), self._folder / "shocks.parquet", compression="zstd")
        _write_entitled(world, self._folder / "entitled.csv")
        _write_incidents(world, self._folder / "incidents.csv")
        report = {"notice": {"zh": NOTICE, "en": NOTICE_EN}, "seed": world.settings.seed,
                  "people": world.settings.people, "errors": errors}  # fmt: skip
        text = json.dumps(report, ensure_ascii=False, indent=2, sort_keys=True)
        (self._folder / "errors.json").write_text(text + "\n", encoding="utf-8", newline="\n")
        return errors


def _rows(table: Table, ordinals: np.ndarray, rows: np.ndarray, **more: object) -> "pa.Table":
    import pyarrow as pa

    delivery = pa.array(table.delivery[rows].tolist(), pa.string()).dictionary_encode().cast(pa.string())
    values = {"source": pa.array([table.source] * len(rows), pa.string()), "delivery": delivery}
    values["row"] = pa.array(ordinals[rows], pa.int64())
    for name, column in more.items():
        kind = pa.int64() if isinstance(column, np.ndarray) and column.dtype != object else pa.string()
        values[name] = pa.array(column, kind)
    return pa.table(values)


def _persons(world: World) -> "pa.Table":
    import pyarrow as pa

    people, life = world.people, world.life
    rows = np.arange(len(people))
    return pa.table(
        {
            "person": rows,
            "household": people.household,
            "household_no": people.household_no[people.household].tolist(),
            "citizen_id": people.citizen_id.tolist(),
            "name": people.name.tolist(),
            "sex": people.sex.astype(np.int64),
            "birth_date": pa.array(people.birth),
            "age": people.age,
            "phone": people.phone.tolist(),
            "address": people.address(rows, 0).tolist(),
            "died": pa.array(life.death),
            "moved_out": pa.array(people.gone),
            "per_head": life.per_head[people.household],
        }
    )


def _shocks(world: World) -> "pa.Table":
    import pyarrow as pa

    people, life = world.people, world.life
    struck = life.struck[people.household] >= 0
    parts = [
        ("illness", np.flatnonzero(life.illness >= 0), life.ill_on, chosen((*ILLNESSES, ""), life.illness)),
        ("job_loss", np.flatnonzero(~np.isnat(life.lost_job)), life.lost_job, None),
        ("death", np.flatnonzero(~life.living()), life.death, None),
        (
            "disaster",
            np.flatnonzero(struck),
            life.struck_on[people.household],
            chosen((*(each[0] for each in DISASTERS), ""), life.struck[people.household]),
        ),
    ]
    tables = []
    for kind, rows, when, detail in parts:
        said = [""] * len(rows) if detail is None else detail[rows].tolist()
        day = pa.array(when[rows].astype("datetime64[D]"))
        columns = {"person": rows, "kind": pa.array([kind] * len(rows), pa.string()), "on": day}
        tables.append(pa.table({**columns, "detail": pa.array(said, pa.string())}))
    return pa.concat_tables(tables)


def _write_entitled(world: World, path: Path) -> None:
    people, life = world.people, world.life
    rows = np.flatnonzero((life.entitled > NONE) | (life.aid > NONE))
    columns = (
        rows.tolist(),
        people.household_no[people.household[rows]],
        people.citizen_id[rows],
        people.name[rows],
        chosen(AID_KINDS, life.entitled[rows]),
        chosen(AID_KINDS, life.aid[rows]),
        life.per_head[people.household[rows]].tolist(),
        written(life.death[rows], "iso"),
        written(life.aid_until[rows], "iso"),
    )
    names = ["person", "household_no", "citizen_id", "name", "entitled", "served", "per_head", "died", "served_until"]
    _write(path, names, zip(*columns, strict=True))


def _write_incidents(world: World, path: Path) -> None:
    days = world.settings.days(7)
    rows = [
        (f"LD{each.section + 1:03d}", days[each.day].isoformat(), _clock(each.start), _clock(each.end), each.share)
        for each in INCIDENTS
    ]
    _write(path, ["section_id", "day", "from", "to", "share_of_speed"], rows)


def _clock(slot: int) -> str:
    return f"{slot // 4:02d}:{slot % 4 * 15:02d}"


def _write(path: Path, names: list[str], rows: object) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)  # type: ignore[arg-type]
