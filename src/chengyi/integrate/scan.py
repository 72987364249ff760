"""The Ibis expression behind `standard`: stage by stage over all columns at once.

Rules: each stage names what the next one reads, so that no expression is written twice into the query; the engine
sees one plain chain of projections over one scan, which runs alike on DuckDB and on Spark.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import ibis

from chengyi.integrate.contracts import Column, RowCheck
from chengyi.integrate.kinds import DECIMAL, STAGES
from chengyi.integrate.rules import FAULTS_OF
from chengyi.integrate.standard import AT, PART, WORD, Standard
from chengyi.integrate.texts import Expression

Names = dict[str, dict[str, str]]
_SQL_TYPES = {"integer": "int64", "decimal": DECIMAL, "date": "date", "datetime": "timestamp(6)"}


def scan(standard: Standard, rows: "ibis.Table") -> "ibis.Table":
    """Return `_at`, the fields of the contract, and the fault words ``_faults0`` ...

    `rows` has `_at`, `_part` and the delivered cells as text under ``r0``, ``r1`` ... by place.
    """
    staged, names = _staged(standard, rows, standard.columns)
    bits = _bits(standard, staged, names)
    words = {f"_faults{word}": _word(bits[word * WORD : (word + 1) * WORD]) for word in range(standard.words)}
    fields = {column.element.id: _field(staged, names, column) for column in standard.contract.columns}
    return staged.select(AT, **fields, **words)


def repeats(standard: Standard, rows: "ibis.Table", fields: Sequence[str]) -> "ibis.Table":
    """Return the `_at` of each row whose key stood in an earlier row of its delivery; an empty part makes no key."""
    columns = [column for column in standard.columns if column.element.id in fields]
    staged, names = _staged(standard, rows, columns)
    keyed = staged.select(AT, PART, **{field: staged[names[field]["value"]] for field in fields})
    keyed = keyed.filter([keyed[field].notnull() for field in fields])
    several = keyed.group_by([PART, *fields]).agg(first=keyed[AT].min(), many=keyed.count())
    several = several.filter(several["many"] > 1)
    later = keyed.join(several, [PART, *fields])
    return later.filter(later[AT] > later["first"]).select(AT)


def _staged(standard: Standard, rows: "ibis.Table", columns: Sequence[Column]) -> "tuple[ibis.Table, Names]":
    names: Names = {}
    for column in columns:
        names[column.element.id] = {"raw": f"r{standard.header.places[column.element.id]}"}
    for stage in range(max((len(STAGES[column.element.type]) for column in columns), default=0)):
        made: dict[str, Any] = {}
        for number, column in enumerate(columns):
            stages = STAGES[column.element.type]
            if stage >= len(stages):
                continue
            own = names[column.element.id]
            env = {name: rows[held] for name, held in own.items()}
            for name, expression in stages[stage](env, column).items():
                own[name] = f"c{number}_{stage}_{name.replace(':', '_').replace('.', '_')}"
                made[own[name]] = expression
        rows = rows.mutate(**made)
    return rows, names


def _bits(standard: Standard, staged: "ibis.Table", names: Names) -> list[Any]:
    """Return the conditions in the order of `Standard.kinds`."""
    bits = []
    for column in standard.columns:
        own = names[column.element.id]
        bits += [staged[own[f"fault:{code}"]] for code in FAULTS_OF[column.element.type]]
        if column.required:
            bits.append(staged[own["text"]].isnull())
    bits += [_broken(standard, staged, names, check) for check in standard.checks]
    return bits


def _broken(standard: Standard, staged: "ibis.Table", names: Names, check: RowCheck) -> Expression:
    values = [staged[names[field]["value"]] for field in check.fields]
    if check.rule == "unique":
        return ibis.literal(False)
    if check.rule == "not_after":
        return values[0] > values[1]
    if check.rule == "matches":
        return ~values[0].cast("string").re_search(f"^(?:{check.pattern})$")
    if check.rule == "one_of":
        return ~values[0].cast("string").isin(list(check.values))
    kind = standard.contract.column(check.fields[0]).element.type
    low = values[0] < _end(check.low, kind) if check.low is not None else ibis.literal(False)
    return low | (values[0] > _end(check.high, kind)) if check.high is not None else low


def _end(text: str, kind: str) -> Expression:
    return ibis.literal(date.fromisoformat(text)) if kind == "date" else ibis.literal(text).cast(_SQL_TYPES[kind])


def _word(bits: Sequence[Any]) -> Expression:
    none = ibis.literal(0, "int64")
    total = none
    for place, bit in enumerate(bits):
        total = total + bit.fill_null(False).ifelse(ibis.literal(1 << place, "int64"), none)
    return total


def _field(staged: "ibis.Table", names: Names, column: Column) -> Expression:
    kind = _SQL_TYPES.get(column.element.type, "string")
    own = names.get(column.element.id)
    if own is None:
        return ibis.null(kind)
    value = staged[own["value"]]
    faults = [staged[own[f"fault:{code}"]] for code in FAULTS_OF[column.element.type]]
    if column.on_fault == "row" or not faults or column.element.type not in {"citizen_id", "credit_code"}:
        return value
    wrong = faults[0].fill_null(False)
    for fault in faults[1:]:
        wrong = wrong | fault.fill_null(False)
    return wrong.ifelse(ibis.null(kind), value)
