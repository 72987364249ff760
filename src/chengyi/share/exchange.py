"""The exchange: a grant becomes an expression, and only what it lets through is ever computed.

Keeps promise 6: never silently partial. Rules:

1. Row filter, field list and masks are compiled into the expression before it runs; unlisted fields are not in it.
2. Every row keeps its evidence columns, so that what was handed out can be led home.
3. A program that joins on identifiers gets keyed codes in their place, computed once for each distinct value.
4. An answer says what it did not reach: rows in quarantine, rows beyond the limit, sources with gaps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING

from chengyi.model.dataset import EVIDENCE_COLUMNS, Dataset, Field
from chengyi.model.evidence import Completeness
from chengyi.model.grant import CatalogueEntry, Grant
from chengyi.share.masks import DIRECT_IDENTIFIERS, is_masked, mask_column
from chengyi.share.ports import Gaps
from chengyi.store.ports import Tables
from chengyi.trust.ports import Keys

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

CODE_PURPOSE = "share.join"
_SHOWN_GAPS = 20


@dataclass(frozen=True, slots=True)
class SharedTable:
    """One dataset as a program may use it: an expression over the granted fields, and the engine to run it.

    `as_of` is when the data were last brought up to date: what "now" means in a rule over them.
    """

    dataset: str
    version: int
    grant: str
    table: "ibis.Table"
    engine: Tables = field(repr=False)
    entry: CatalogueEntry = field(repr=False)
    completeness: Completeness
    access: int

    @property
    def as_of(self) -> datetime:
        """Return the moment to which the data are up to date."""
        return self.entry.updated_at

    def arrow(self, expression: "ibis.Table") -> "pa.Table":
        """Run an expression and return its rows."""
        return self.engine.arrow(expression)


def masked_names(fields: Iterable[Field], grant: Grant) -> tuple[str, ...]:
    """Return the names of the granted fields that are shown masked."""
    return tuple(each.name for each in fields if is_masked(each, grant.clear))


def matching(table: "ibis.Table", grant: Grant, filters: Iterable[tuple[str, str]]) -> "ibis.Table":
    """Return the rows that the grant's row filter and the asker's filters let through."""
    allowed = [*grant.where, *((name, (value,)) for name, value in filters)]
    tests = [table[name].cast("string").isin(list(values)) for name, values in allowed]
    return table.filter(tests) if tests else table


def masked(table: "ibis.Table", fields: Sequence[Field], grant: Grant) -> "ibis.Table":
    """Return the granted fields, masked, and the evidence columns; nothing else."""
    return table.select(**_shown(table, fields, grant), **_evidence(table))


def coded(table: "ibis.Table", fields: Sequence[Field], grant: Grant, engine: Tables, keys: Keys) -> "ibis.Table":
    """Return the granted fields for a program: identifiers as keyed codes, the rest masked unless granted clear."""
    names = [each.name for each in fields if each.name in DIRECT_IDENTIFIERS and is_masked(each, grant.clear)]
    plain = table.select(**_shown(table, fields, grant, names), **_evidence(table))
    return reduce(lambda each, name: _code(each, name, engine, keys), names, plain)


def _shown(
    table: "ibis.Table", fields: Sequence[Field], grant: Grant, unmasked: Sequence[str] = ()
) -> dict[str, "ibis.Value"]:
    hidden = {each.name for each in fields if is_masked(each, grant.clear)} - set(unmasked)
    return {
        each.name: mask_column(each, table[each.name]) if each.name in hidden else table[each.name] for each in fields
    }


def _evidence(table: "ibis.Table") -> dict[str, "ibis.Value"]:
    return {name: table[name] for name in EVIDENCE_COLUMNS}


def _code(table: "ibis.Table", name: str, engine: Tables, keys: Keys) -> "ibis.Table":
    import pyarrow as pa

    raw = engine.arrow(table.select(name).distinct().filter(lambda each: each[name].notnull()))[name].to_pylist()
    codes = [keys.code(value, CODE_PURPOSE) for value in raw]
    book = engine.view(pa.table({name: pa.array(raw, pa.string()), "_code": pa.array(codes, pa.string())}))
    joined = table.left_join(book, name)
    columns = {each: (joined["_code"] if each == name else joined[each]) for each in table.columns}
    return joined.select(**columns)


def completeness_of(dataset: Dataset, matched: int, returned: int, gaps: Gaps | None) -> Completeness:
    """Say what an answer reached: rows that match, rows returned, and a code for each thing it did not reach."""
    missing = []
    if dataset.quarantined:
        missing.append(f"quarantined:{dataset.quarantined}")
    if returned < matched:
        missing.append(f"limited:{matched - returned}")
    for source in dataset.sources:
        missing.extend(_gaps(source, gaps))
    return Completeness(expected=matched, received=returned, missing=tuple(missing))


def _gaps(source: str, gaps: Gaps | None) -> list[str]:
    known = gaps(source) if gaps is not None else None
    if known is None or known.expected is None:
        return [f"undeclared:{source}"]
    found = [f"gap:{source}/{each}" for each in known.missing[:_SHOWN_GAPS]]
    rest = len(known.missing) - len(found)
    return [*found, f"gap:{source} +{rest}"] if rest else found
