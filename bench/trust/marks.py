"""Fingerprints of exports: who is named from which leak, whom it never names, what it costs the data, and how fast."""

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import log
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from bench.figures import Figure, Result, timed
from bench.ground import Ground
from chengyi.model.text import Text
from chengyi.trust.marks.accusation import LIMIT, Judge, Reading
from chengyi.trust.marks.cells import Cells, bits, bits_of, cells, layout_key, recipient_key, row_codes
from chengyi.trust.marks.columns import profile, sketch
from chengyi.trust.marks.decoders import Array, coin, interleave, majority, minority
from chengyi.trust.marks.identify import identify
from chengyi.trust.marks.marker import Marker
from chengyi.trust.marks.policy import ColumnPolicy, MarkPolicy
from chengyi.trust.marks.records import ExportColumn, ExportRecord, Secrets

RECIPIENTS = 1_000
ROWS = 10_000
MARKS = 3_000
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
COST = ColumnPolicy("cost", Decimal("0.1"), tolerance=Decimal(2), least=Decimal(0))
MINUTES = ColumnPolicy("minutes", Decimal(1), tolerance=Decimal(3), least=Decimal(0))
KINDS = {"visit_no": "text", "ward": "text", "cost": "decimal", "minutes": "integer"}
ATTACKS: Mapping[str, Callable[[int, int], float]] = {
    "majority": majority,
    "minority": minority,
    "interleaving": interleave,
    "coin of what they see": coin,
}
Leak = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class _Office:
    """A table, and copies of it on record for many recipients."""

    data: pa.Table
    records: tuple[ExportRecord, ...]

    def copy(self, who: int) -> pa.Table:
        record = self.records[who]
        marker = Marker(record.secrets, record.policy)
        codes, keyed = marker.codes(self.data)
        return marker.order(marker.mark(self.data, codes, keyed), codes)


def measure(ground: Ground) -> Result:
    """Measure naming, innocence, utility and speed."""
    figures = [
        *_one_leaker(ground),
        *_colluders(ground),
        *_phantoms(ground),
        *_utility(ground),
        *_speed(ground),
    ]
    about = (
        f"A table of {ROWS:,} rows with marked costs and minutes goes to {RECIPIENTS:,} recipients; 1 % of one copy's "
        "rows leaks in another order with 20 % of the marked values replaced far beyond tolerance; the whole way from "
        "export to accusation is walked each time, at a proven false accusation of at most 1e-6 for all recipients. "
        f"Five colluders compare their copies in {MARKS:,} marks of both layers. Phantoms are recipients with keys of "
        "their own who had no part in the leak. Speeds are of one core, with the real keyed functions."
    )
    return Result("marks", "Fingerprints of exports", about, tuple(figures))


def _one_leaker(ground: Ground) -> list[Figure]:
    figures = []
    cases = (
        ("two marked columns", MarkPolicy((COST, MINUTES), ("visit_no",)), 0.99, ground.size(300, 8)),
        ("one marked column, layer one only", MarkPolicy((COST,), ("visit_no",), 1.0), None, ground.size(100, 8)),
        ("one marked column, both layers", MarkPolicy((COST,), ("visit_no",)), None, ground.size(100, 8)),
    )
    for name, policy, bar, trials in cases:
        office = _office(policy, ground.size(RECIPIENTS, 50))
        named, innocents = _named(office, trials, lambda found: found)
        figures.append(Figure(f"leaker named from 1 %, 20 % destroyed: {name}", "share", (named,), at_least=bar))
        figures.append(Figure(f"innocents accused in {trials} leaks: {name}", "", (innocents,), at_most=0))
        if bar is not None:
            figures += _attacks(office, ground)
    return figures


def _attacks(office: _Office, ground: Ground) -> list[Figure]:
    trials = ground.size(50, 3)
    attacks: dict[str, Callable[[Leak], Leak]] = {
        "rounded to a half": lambda leak: (
            leak | {"cost": [f"{round(float(each) * 2) / 2:.1f}" for each in leak["cost"]]}
        ),
        "sorted by cost": lambda leak: _rows(
            leak, sorted(range(len(leak["cost"])), key=lambda at: float(leak["cost"][at]))
        ),
        "resampled with repeats": _resampled,
        "as many invented rows under real keys added": _with_invented,
        "one marked column dropped": lambda leak: {name: each for name, each in leak.items() if name != "minutes"},
        "headers renamed and moved": lambda leak: dict(
            zip("甲乙丙丁", [leak[name] for name in reversed(leak)], strict=True)
        ),
    }
    figures = []
    for name, attack in attacks.items():
        named, innocents = _named(office, trials, attack)
        figures.append(Figure(f"as above, and {name}: named", "share", (named,)))
        figures.append(Figure(f"as above, and {name}: innocents accused", "", (innocents,), at_most=0))
    return figures


def _named(office: _Office, trials: int, attack: Callable[[Leak], Leak]) -> tuple[float, float]:
    """Return the share of leaks whose leaker is named, and how many others are."""
    named = innocents = 0
    for trial in range(trials):
        who = trial * 37 % len(office.records)
        found = identify(attack(_leak(office.copy(who), trial)), office.records)
        accused = [each.recipient for each in found.accused]
        named += office.records[who].recipient in accused
        innocents += len(accused) - (office.records[who].recipient in accused)
    return named / trials, float(innocents)


def _colluders(ground: Ground) -> list[Figure]:
    figures = []
    trials = ground.size(200, 4)
    for name, theta in ATTACKS.items():
        caught = each = innocents = 0.0
        for trial in range(trials):
            there, keys = _places(trial, MARKS), _recipients(trial, ground.size(RECIPIENTS, 50))
            known = bits_of(keys, there.blocks, there.odds)
            shown = _collude(known[:5], theta, np.random.default_rng(trial))
            accused = [one.accused(len(keys)) for one in Judge(Reading(there.biases, shown)).verdicts(known)]
            caught += any(accused[:5])
            each += sum(accused[:5]) / 5
            innocents += sum(accused[5:])
        figures.append(Figure(f"5 colluders, {name}: at least one caught", "share", (caught / trials,), at_least=0.99))
        figures.append(Figure(f"5 colluders, {name}: of the five caught", "share", (each / trials,)))
        figures.append(Figure(f"5 colluders, {name}: innocents accused", "", (innocents,), at_most=0))
    return figures


def _phantoms(ground: Ground) -> list[Figure]:
    total, block = ground.size(1_000_000, 4_000), 1_000
    accused, surest = 0, 0.0
    for number, theta in enumerate(ATTACKS.values()):
        there = _places(number, MARKS)
        real = bits_of(_recipients(number, 5), there.blocks, there.odds)
        judge = Judge(Reading(there.biases, _collude(real, theta, np.random.default_rng(number))))
        for start in range(0, total // len(ATTACKS), block):
            keys = [recipient_key(b"phantoms" * 4, f"{number}-{start + at}") for at in range(block)]
            found = judge.least(judge.scores(bits_of(keys, there.blocks, there.odds)))
            accused += int((found + log(RECIPIENTS) <= log(LIMIT)).sum())
            surest = min(surest, float(found.min()))
    return [
        Figure(f"phantoms accused of {total:,}", "", (float(accused),), at_most=0),
        Figure("the least bound of any phantom, times their number", "", (total * float(np.exp(surest)),)),
    ]


def _utility(ground: Ground) -> list[Figure]:
    data = _table(ROWS)
    policy = MarkPolicy((COST, MINUTES), ("visit_no",))
    shifts: list[float] = []
    within = 0
    copies = ground.size(60, 3)
    for number in range(copies):
        layout, own = layout_key(number.to_bytes(32, "big")), recipient_key(number.to_bytes(32, "big"), "r")
        marker = Marker(Secrets(layout, own, bytes(32)), policy)
        codes, keyed = marker.codes(data)
        copy = marker.mark(data, codes, keyed)
        for column in policy.columns:
            before, after = (part[column.column].cast(pa.float64()).to_numpy() for part in (data, copy))
            shifts.append(100 * abs(float(after.sum() / before.sum()) - 1))
            within += int((np.abs(after - before) <= float(column.tolerance or 0) + 1e-6).all())
    return [
        Figure("sum or mean of a marked column moved, worst copy", "%", (max(shifts),), at_most=0.1),
        Figure("sum or mean of a marked column moved, usual copy", "%", (float(np.median(shifts)),)),
        Figure("columns with every cell inside its tolerance", "share", (within / (2 * copies),), at_least=1.0),
    ]


def _speed(ground: Ground) -> list[Figure]:
    rows = ground.size(200_000, 5_000)
    keys = [f"JZ26{number:07d}" for number in range(rows)]
    layout, own = layout_key(b"s" * 32), recipient_key(b"s" * 32, "a")
    there = _places(1, 2_000)
    recipients = _recipients(1, RECIPIENTS)
    shown = bits(recipients[7], there.blocks, there.odds)
    data = _table(rows)
    record = _office(MarkPolicy((COST, MINUTES), ("visit_no",)), 1).records[0]
    path = ground.folder / "copy.csv"
    derive, score, marked, plain = [], [], [], []
    for _ in range(ground.runs):
        derive.append(rows / timed(lambda: _derive(layout, own, keys)))
        score.append(
            timed(lambda: Judge(Reading(there.biases, shown)).verdicts(bits_of(recipients, there.blocks, there.odds)))
        )
        marked.append(rows / timed(lambda: _write(_marked(data, record), path)))
        plain.append(rows / timed(lambda: _write(data, path)))
    return [
        Figure("row codes, cells and bits derived", "rows/s", tuple(derive)),
        Figure("1,000 recipients scored on 2,000 marks", "s", tuple(score)),
        Figure("two columns marked and written as CSV", "rows/s", tuple(marked)),
        Figure("the same written plainly", "rows/s", tuple(plain)),
        Figure("marked / plain", "×", tuple(a / b for a, b in zip(marked, plain, strict=True))),
    ]


def _derive(layout: bytes, own: bytes, keys: Sequence[str]) -> Array:
    there = cells(layout, "cost", row_codes(layout, keys), 0.4)
    return bits(own, there.blocks, there.odds)


def _marked(data: pa.Table, record: ExportRecord) -> pa.Table:
    marker = Marker(record.secrets, record.policy)
    codes, keyed = marker.codes(data)
    return marker.order(marker.mark(data, codes, keyed), codes)


def _write(data: pa.Table, path: Any) -> None:  # noqa: ANN401 - a path
    pyarrow.csv.write_csv(data, path)


def _places(seed: int, marks: int) -> Cells:
    layout = layout_key(seed.to_bytes(32, "big"))
    return cells(layout, "c", row_codes(layout, map(str, range(marks))), 0.4)


def _recipients(seed: int, count: int) -> list[bytes]:
    return [recipient_key(seed.to_bytes(32, "big"), f"r{number}") for number in range(count)]


def _collude(known: Array, theta: Callable[[int, int], float], draw: np.random.Generator) -> Array:
    chance = np.array([theta(ones, len(known)) for ones in range(len(known) + 1)])
    shown: Array = draw.random(known.shape[1]) < chance[known.sum(axis=0)]
    return shown


def _table(rows: int) -> pa.Table:
    draw = np.random.default_rng(7)
    cost = [Decimal(f"{each:.1f}") for each in draw.gamma(4, 120, rows) + 20]
    return pa.table(
        {
            "visit_no": pa.array([f"JZ26{number:07d}" for number in range(rows)]),
            "ward": pa.array([f"W{number}" for number in draw.integers(1, 9, rows)]),
            "cost": pa.array(cost, pa.decimal128(18, 6)),
            "minutes": pa.array(draw.integers(15, 240, rows)),
        }
    )


def _office(policy: MarkPolicy, recipients: int) -> _Office:
    data, secret = _table(ROWS), secrets.token_bytes(32)
    looks = {name: profile(data[name].to_pylist()[:500]) for name in KINDS}
    columns = tuple(ExportColumn(name, Text(name, name), kind, looks[name]) for name, kind in KINDS.items())
    keys = [Secrets(layout_key(secret), recipient_key(secret, f"r{number}"), bytes(32)) for number in range(recipients)]
    known = sketch(Marker(keys[0], policy).codes(data)[0])
    records = tuple(
        ExportRecord(
            id=f"exp-{number}",
            family="fam-1",
            dataset="visits",
            version=0,
            mode="marked",
            form="csv",
            grant="grt-1",
            recipient=f"r{number}",
            actor=f"r{number}",
            code=f"r{number}",
            ordinal=number,
            at=NOON,
            rows=ROWS,
            marks=0,
            columns=columns,
            policy=policy,
            canaries=(),
            sketch=known,
            file="",
            commitment="",
            entry=number,
            secrets=each,
        )
        for number, each in enumerate(keys)
    )
    return _Office(data, records)


def _leak(copy: pa.Table, seed: int) -> Leak:
    """Return 1 % of a copy's rows in another order, a fifth of their marked values replaced far beyond tolerance."""
    draw = random.Random(seed)
    part = copy.take(draw.sample(range(copy.num_rows), copy.num_rows // 100))
    leak = {name: [str(each) for each in part[name].to_pylist()] for name in part.column_names}
    for name, places in (("cost", 1), ("minutes", 0)):
        leak[name] = [_spoiled(each, places, draw) if draw.random() < 0.2 else each for each in leak[name]]
    return leak


def _spoiled(value: str, places: int, draw: random.Random) -> str:
    return f"{max(1.0, float(value) + draw.uniform(-60, 60)):.{places}f}"


def _rows(leak: Leak, places: Sequence[int]) -> Leak:
    return {name: [each[at] for at in places] for name, each in leak.items()}


def _resampled(leak: Leak) -> Leak:
    count = len(leak["cost"])
    return _rows(leak, random.Random(count).choices(range(count), k=count))


def _with_invented(leak: Leak) -> Leak:
    draw = random.Random(len(leak["cost"]))
    count = len(leak["cost"])
    invented = {
        "visit_no": [f"JZ26{draw.randrange(ROWS):07d}" for _ in range(count)],
        "ward": ["W1"] * count,
        "cost": [f"{draw.uniform(30, 900):.1f}" for _ in range(count)],
        "minutes": [str(draw.randrange(15, 240)) for _ in range(count)],
    }
    return {name: leak[name] + invented[name] for name in leak}
