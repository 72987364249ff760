"""Identify: whom a leaked table leads to, by the exports that were made.

Rules:

1. The family is recognised by headers, forms and row codes (`columns`), before any recipient's bits are looked at.
2. Every recipient of every family that is recognised is tested, and counted; the limit holds for all together.
3. A control row of an export names that export at once, with its own probability of error.
4. "Nobody can be accused" is an answer, with the reason and an estimate of how many more rows would do.
5. What is found is about copies: that one with these marks was made for a recipient. How it got out is not in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, log
from pathlib import Path
from typing import TYPE_CHECKING

from chengyi.model.text import Text
from chengyi.trust.marks.accusation import LIMIT, Verdict
from chengyi.trust.marks.canaries import chance
from chengyi.trust.marks.cells import row_codes
from chengyi.trust.marks.columns import Table, match, overlap
from chengyi.trust.marks.decoders import Array
from chengyi.trust.marks.evidence import Evidence, gather, judge
from chengyi.trust.marks.leakfiles import read_leak
from chengyi.trust.marks.policy import high_order
from chengyi.trust.marks.records import ExportRecord
from chengyi.trust.marks.rowkeys import row_keys, written

if TYPE_CHECKING:
    import pyarrow as pa

_EXPECTED = 20
_HEAD_START = 2.0


@dataclass(frozen=True, slots=True)
class Suspect:
    """One recipient: his exports in this family, oldest first, what the leak says of him, and whether it is enough.

    All his copies have the same marks; the oldest export has the earliest commitment to them.
    """

    recipient: str
    code: str
    exports: tuple[ExportRecord, ...]
    verdict: Verdict
    accused: bool

    @property
    def bound(self) -> float:
        """Return the probability, at most, that an innocent looks this guilty."""
        return self.verdict.bound


@dataclass(frozen=True, slots=True)
class CanaryHit:
    """An export whose control rows are in the leak: how many, and the bound on their being there by chance."""

    export: ExportRecord
    rows: tuple[int, ...]
    chance: float


@dataclass(frozen=True, slots=True)
class LeakedRows:
    """The rows of a leak as one family reads them: keys, the cells of marked columns, and their types."""

    keys: tuple[str | None, ...] = field(repr=False)
    values: Mapping[str, Sequence[str]] = field(repr=False)
    kinds: Mapping[str, str]
    mapping: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FamilyFinding:
    """One family that the leak may come from, with its recipients, the most suspect first.

    `known` of `keyed` rows have row codes that its exports know (they know a sample of their own rows only).
    """

    family: str
    dataset: str
    keyed: int
    known: int
    layers: tuple[int, int]
    pairs: int
    suspects: tuple[Suspect, ...]
    canaries: tuple[CanaryHit, ...]
    rows: LeakedRows = field(repr=False)
    evidence: Evidence = field(repr=False)

    @property
    def marks(self) -> int:
        """Return the number of marks that were read."""
        return sum(self.layers)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a leaked table says: its families, how many recipients were tested, and the answer in words."""

    rows: int
    families: tuple[FamilyFinding, ...]
    tested: int
    limit: float
    answer: Text

    @property
    def accused(self) -> tuple[Suspect, ...]:
        """Return those who are accused, the surest first."""
        found = [each for family in self.families for each in family.suspects if each.accused]
        return tuple(sorted(found, key=lambda each: each.verdict.logarithm))

    @property
    def canaries(self) -> tuple[CanaryHit, ...]:
        """Return the exports that are named by their control rows."""
        return tuple(each for family in self.families for each in family.canaries)


def identify(
    table: "pa.Table | Path | Table",
    exports: Iterable[ExportRecord],
    rosters: Mapping[str, int] | None = None,
    limit: float = LIMIT,
) -> Finding:
    """Say which recipients a leaked table leads to.

    Args:
        table: The leak: an Arrow table, a file (CSV, XLSX, Parquet), or columns by header.
        exports: The exports to compare with, with their secrets.
        rosters: How many recipients each family has, where that is more than the exports show.
        limit: The probability that anyone innocent is accused, for all recipients together.

    Raises:
        BadInputError: The file is not a table, or too large.
    """
    columns = _columns(table)
    rows = max(map(len, columns.values()), default=0)
    grouped: dict[str, list[ExportRecord]] = {}
    for each in exports:
        grouped.setdefault(each.family, []).append(each)
    read = {family: found for family, group in grouped.items() if (found := _read(columns, group)) is not None}
    people = {
        family: max(len({each.code for each in grouped[family]}), (rosters or {}).get(family, 0)) for family in read
    }
    tested = max(1, sum(people.values()))
    families = tuple(_family(grouped[family], found, tested, limit) for family, found in read.items())
    families = tuple(sorted(families, key=lambda each: (_surest(each), -each.known)))
    return Finding(rows, families, tested, limit, _answer(families, tested, limit))


def _columns(table: "pa.Table | Path | Table") -> Table:
    if isinstance(table, Path):
        return read_leak(table)
    if isinstance(table, Mapping):
        return table
    return {name: table[name].to_pylist() for name in table.column_names}


def _read(columns: Table, group: Sequence[ExportRecord]) -> LeakedRows | None:
    """Return the rows as a family reads them, or None where they are not its own."""
    kinds_of_copy = {tuple(column.name for column in each.columns): each for each in group}
    for record in kinds_of_copy.values():
        mapping = match(columns, record)
        needed = {high_order(part)[0] for part in record.policy.key}
        if not needed or not needed <= set(mapping):
            continue
        keys = row_keys({name: columns[mapping[name]] for name in needed}, record.policy.key)
        if not any(keys) or _foreign(keys, group):
            continue
        marked = [each.column for each in record.policy.columns if each.column in mapping]
        values = {name: [written(each) for each in columns[mapping[name]]] for name in marked}
        kinds = {each.name: each.kind for each in record.columns}
        return LeakedRows(tuple(keys), values, {name: kinds[name] for name in marked}, mapping)
    return None


def _foreign(keys: Sequence[str | None], group: Sequence[ExportRecord]) -> bool:
    """Tell whether no export of a family knows these rows although several should be among what it remembers."""
    codes = row_codes(group[0].secrets.layout, (each for each in keys if each is not None))
    found = _overlaps(codes, group)
    planted = {canary for each in group for canary in each.canaries}
    if any(bytes(code).hex() in planted for code in codes):
        return False
    return not any(hits or expected < _EXPECTED for hits, expected in found)


def _overlaps(codes: Array, group: Sequence[ExportRecord]) -> list[tuple[int, float]]:
    """Return `overlap` with each distinct set of rows that a family's exports remember."""
    return [overlap(codes, sketch, rows) for sketch, rows in {(each.sketch, each.rows) for each in group}]


def _family(group: Sequence[ExportRecord], rows: LeakedRows, tested: int, limit: float) -> FamilyFinding:
    first = group[0]
    layout = first.secrets.layout
    evidence = gather(layout, first.policy, rows.keys, rows.values, rows.kinds)
    own: dict[str, list[ExportRecord]] = {}
    for each in sorted(group, key=lambda each: each.entry):
        own.setdefault(each.code, []).append(each)
    verdicts = judge(evidence, [exports[0].secrets.key for exports in own.values()])
    suspects = [
        Suspect(exports[0].recipient, code, tuple(exports), verdict, verdict.accused(tested, limit))
        for (code, exports), verdict in zip(own.items(), verdicts, strict=True)
    ]
    codes = row_codes(layout, (each for each in rows.keys if each is not None))
    return FamilyFinding(
        family=first.family,
        dataset=first.dataset,
        keyed=len(codes),
        known=max(hits for hits, _ in _overlaps(codes, group)),
        layers=evidence.layers,
        pairs=len(evidence.pairs),
        suspects=tuple(sorted(suspects, key=lambda each: each.verdict.logarithm)),
        canaries=tuple(_hits(group, rows)),
        rows=rows,
        evidence=evidence,
    )


def _surest(family: FamilyFinding) -> float:
    return min((each.verdict.logarithm for each in family.suspects), default=0.0)


def _hits(group: Sequence[ExportRecord], rows: LeakedRows) -> Iterable[CanaryHit]:
    planted = {code: each for each in group for code in each.canaries}
    if not planted:
        return
    keyed = [at for at, each in enumerate(rows.keys) if each is not None]
    codes = row_codes(group[0].secrets.layout, (rows.keys[at] or "" for at in keyed))
    found: dict[str, list[int]] = {}
    for at, code in zip(keyed, codes, strict=True):
        export = planted.get(bytes(code).hex())
        if export is not None:
            found.setdefault(export.id, []).append(at)
    by_id = {each.id: each for each in group}
    for id, places in found.items():
        yield CanaryHit(by_id[id], tuple(places), chance(len(keyed), len(by_id[id].canaries)))


def _answer(families: Sequence[FamilyFinding], tested: int, limit: float) -> Text:
    accused = [each for family in families for each in family.suspects if each.accused]
    if accused:
        names = "、".join(each.recipient for each in accused)
        return Text(
            f"共核对 {tested} 名领取人，可指认 {len(accused)} 名：{names}；"
            f"误指任何无关领取人的概率合计不超过 {limit:g}。",
            f"{tested} recipients were tested and {len(accused)} can be accused: {names}; the probability that anyone "
            f"innocent is accused is at most {limit:g} in all.",
        )
    if any(family.canaries for family in families):
        return Text(
            "所读标记不足以指认，但表中有对照记录，可据以认定出自哪份导出。",
            "The marks do not suffice, but control rows in the table name the export that it comes from.",
        )
    if not families:
        return Text(
            "未认出任何一次导出的行：表中找不到行键，或各行不在所存导出之内。",
            "No export was recognised: the row key is not in the table, or the rows are of no export on record.",
        )
    return _too_little(families, tested, limit)


def _too_little(families: Sequence[FamilyFinding], tested: int, limit: float) -> Text:
    best = max(families, key=lambda each: each.marks)
    marks = best.marks
    if not marks:
        return Text(
            f"认出数据集 {best.dataset} 的 {best.keyed} 行，但未读到标记（标记列已被删除或该导出不含标记），不能指认。",
            f"{best.keyed} rows of {best.dataset} were recognised, but no marks (the marked columns are gone, or the "
            "export had none); nobody can be accused.",
        )
    wanted = log(tested) - log(limit)
    surest = -best.suspects[0].verdict.logarithm if best.suspects else 0.0
    if surest < _HEAD_START:
        return Text(
            f"读到 {marks} 个标记，但与任何领取人都不相符：标记多已损坏，或领取人不在册，不能指认。",
            f"{marks} marks were read, but they fit nobody: most were destroyed, or the recipient is not on record.",
        )
    more = max(1, ceil(best.keyed * (wanted / surest - 1)))
    return Text(
        f"读到 {marks} 个标记，不足以指认；按目前的相符程度，约再需 {more} 行。",
        f"{marks} marks were read, too few to accuse anyone; as they fit now, about {more} more rows would do.",
    )
