"""Deliveries on their way through the scan: several of one shape at once, good rows out, faulty ones remembered.

Keeps promise 8: bad input loses nothing. Rules: rows stream, a batch at a time; every row that came in is either
handed on or listed as faulty, and the two are counted; a faulty row is told with its cells as they were delivered.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chengyi.integrate.contracts import Column, Contract
from chengyi.integrate.scan import repeats, scan
from chengyi.integrate.standard import AT, PART, WORD, FaultKind, Standard

if TYPE_CHECKING:
    import pyarrow as pa

    from chengyi.integrate.ports import Sealed
    from chengyi.store.ports import Tables


_GATHERED = 50_000


@dataclass(frozen=True, slots=True)
class FaultyRow:
    """One row with faults: its package and number, what is wrong, whether it waits, its leaf and its cells."""

    package: str
    row: int
    leaf: bytes
    kinds: tuple[FaultKind, ...]
    cells: dict[str, str | None]

    @property
    def waits(self) -> bool:
        """Tell whether the whole row was set aside."""
        return any(kind.hard for kind in self.kinds)


@dataclass(slots=True)
class _Found:
    at: "pa.Array"
    words: "list[pa.Array]"


@dataclass
class Load:
    """Some deliveries with one header, to be scanned together; `good` counts the rows handed on, by package."""

    standard: Standard
    refs: Sequence[str]
    sealed: "Sequence[Sealed]"
    good: dict[str, int] = field(default_factory=dict)
    _found: list[_Found] = field(default_factory=list)

    def batches(self, tables: "Tables") -> "Iterator[pa.RecordBatch]":
        """Yield the rows that go on: evidence columns, then the fields of the contract."""
        self._found.clear()
        self.good = dict.fromkeys(self.refs, 0)
        view = tables.view(self._laid_out())
        repeated = self._repeats(tables, view)
        schema = schema_of(self.standard.contract)
        for batch in tables.batches(scan(self.standard, view)):
            kept = self._split(batch, repeated)
            if kept.num_rows:
                yield self._with_evidence(kept, schema)

    def faulty(self) -> Iterator[FaultyRow]:
        """Yield the rows with faults, in order, once the batches were taken."""
        names = self._whole.column_names
        for found in _gathered(self._found):
            parts = self._parts(found.at)
            rows, leaves = self._rows.take(found.at).to_pylist(), self._leaves.take(found.at).to_pylist()
            cells = list(zip(*(column.to_pylist() for column in self._whole.take(found.at).columns), strict=True))
            words = list(zip(*(word.to_pylist() for word in found.words), strict=True))
            for place, part in enumerate(parts):
                kinds = tuple(self.standard.kinds_of(words[place]))
                shown = dict(zip(names, cells[place], strict=True))
                yield FaultyRow(self.refs[part], rows[place], leaves[place], kinds, shown)

    def _laid_out(self) -> "pa.Table":
        import numpy as np
        import pyarrow as pa

        whole = self._whole
        parts = np.repeat(np.arange(len(self.sealed), dtype=np.int32), [each.table.num_rows for each in self.sealed])
        arrays: dict[str, Any] = {AT: np.arange(whole.num_rows, dtype=np.int64), PART: parts}
        for column in self.standard.columns:
            place = self.standard.header.places[column.element.id]
            arrays[f"r{place}"] = _normal(whole.column(place), column)
        return pa.table(arrays)

    def _repeats(self, tables: "Tables", view: Any) -> "dict[int, pa.Array]":  # noqa: ANN401 - an Ibis table
        """Return, for each check of uniqueness, the rows that repeat the key of an earlier one."""
        found: dict[int, pa.Array] = {}
        first = len(self.standard.kinds) - len(self.standard.checks)
        for place, check in enumerate(self.standard.checks):
            if check.rule == "unique":
                rows = tables.arrow(repeats(self.standard, view, check.fields)).column(AT).combine_chunks()
                found |= {first + place: rows} if len(rows) else {}
        return found

    def _split(self, batch: "pa.RecordBatch", repeats: "dict[int, pa.Array]") -> "pa.RecordBatch":
        import pyarrow.compute as pc

        count = batch.num_columns - self.standard.words
        words = [batch.column(count + word) for word in range(self.standard.words)]
        for bit, rows in repeats.items():
            repeated = pc.is_in(batch.column(0), value_set=rows)
            words[bit // WORD] = pc.add(words[bit // WORD], pc.if_else(repeated, 1 << (bit % WORD), 0))
        values = batch.select(list(range(count)))
        faulty = _any_of(words, [(1 << WORD) - 1] * len(words))
        if not pc.any(faulty).as_py():
            return values
        self._found.append(_Found(batch.column(0).filter(faulty), [word.filter(faulty) for word in words]))
        return values.filter(pc.invert(_any_of(words, self.standard.hard)))

    def _with_evidence(self, batch: "pa.RecordBatch", schema: "pa.Schema") -> "pa.RecordBatch":
        import numpy as np
        import pyarrow as pa

        at = batch.column(0)
        parts = self._parts(at)
        for part, count in enumerate(np.bincount(parts, minlength=len(self.refs))):
            self.good[self.refs[part]] += int(count)
        packages = pa.DictionaryArray.from_arrays(pa.array(parts, pa.int32()), pa.array(self.refs)).cast(pa.string())
        source = pa.repeat(pa.scalar(self.standard.contract.source, pa.string()), batch.num_rows)
        evidence = [packages, self._rows.take(at), self._leaves.take(at), source]
        fields = [column.cast(each.type) for column, each in zip(batch.columns[1:], list(schema)[4:], strict=True)]
        return pa.RecordBatch.from_arrays([*evidence, *fields], schema=schema)

    def _parts(self, at: "pa.Array") -> Any:  # noqa: ANN401 - a NumPy array
        import numpy as np

        return np.searchsorted(self._ends, at.to_numpy(zero_copy_only=False), side="right")

    @cached_property
    def _whole(self) -> "pa.Table":
        import pyarrow as pa

        return pa.concat_tables([each.table for each in self.sealed])

    @cached_property
    def _ends(self) -> Any:  # noqa: ANN401 - a NumPy array
        import numpy as np

        return np.cumsum([each.table.num_rows for each in self.sealed])

    @cached_property
    def _rows(self) -> "pa.Array":
        return _one([each.rows for each in self.sealed])

    @cached_property
    def _leaves(self) -> "pa.Array":
        import pyarrow as pa

        return _one([each.leaves for each in self.sealed]).cast(pa.binary())


def schema_of(contract: Contract) -> "pa.Schema":
    """Return the columns of the dataset rows that a contract makes."""
    import pyarrow as pa

    types = {
        "integer": pa.int64(),
        "decimal": pa.decimal128(18, 6),
        "date": pa.date32(),
        "datetime": pa.timestamp("us"),
    }
    evidence = [("_package", pa.string()), ("_row", pa.int64()), ("_leaf", pa.binary()), ("_source", pa.string())]
    fields = [(column.element.id, types.get(column.element.type, pa.string())) for column in contract.columns]
    return pa.schema([*evidence, *fields])


def _one(arrays: "Iterable[pa.Array]") -> "pa.Array":
    import pyarrow as pa

    found = list(arrays)
    return found[0] if len(found) == 1 else pa.concat_arrays(found)


def _gathered(found: "Sequence[_Found]") -> "Iterator[_Found]":
    """Join what few rows each batch left, as taking rows from a table costs the same for one as for many."""
    group: list[_Found] = []
    for each in found:
        group.append(each)
        if sum(len(one.at) for one in group) >= _GATHERED:
            yield _joined(group)
            group = []
    if group:
        yield _joined(group)


def _joined(group: "Sequence[_Found]") -> _Found:
    words = zip(*(each.words for each in group), strict=True)
    return _Found(_one(each.at for each in group), [_one(word) for word in words])


def _any_of(words: "Sequence[pa.Array]", masks: Sequence[int]) -> Any:  # noqa: ANN401 - Arrow's compute is untyped
    import pyarrow.compute as pc

    found = None
    for word, mask in zip(words, masks, strict=True):
        hit = pc.not_equal(pc.bit_wise_and(word, mask), 0)
        found = hit if found is None else pc.or_(found, hit)
    return found


def _normal(cells: "pa.ChunkedArray", column: Column) -> "pa.ChunkedArray":
    """Bring text to NFKC where the contract says so, once per distinct value."""
    if not column.nfkc:
        return cells
    import unicodedata

    import pyarrow as pa

    coded = cells.combine_chunks().dictionary_encode()
    shown = [None if each is None else unicodedata.normalize("NFKC", each) for each in coded.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(shown, pa.string()).take(coded.indices)])
