"""A contract compiled to one scan: standardise, check, and give every reason by row.

Keeps promise 8: bad input loses nothing. Rules: the scan reads each archived row once and gives its standard values
beside one bit for each thing that is wrong with it; a row without a hard fault goes on, every other row waits in
quarantine with all its reasons, in the sender's own column names; a soft fault (``on_fault = "value"``) sets aside
its value alone. A column that is new or gone is drift: it is reported, and only a required one stops the delivery.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from chengyi.integrate.contracts import Contract, RowCheck
from chengyi.integrate.rules import FAULTS_OF, reason
from chengyi.model.text import Text

WORD = 62
"""Bits that one fault word holds."""

AT, PART = "_at", "_part"
"""What the scan knows a row by: its place among the rows given to it, and the delivery it came with."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One thing that can be wrong with a row: its bit, the sender's column, the reason, and whether the row waits."""

    code: str
    column: str
    said: Text
    hard: bool
    field: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """How a delivery's columns meet the contract: field -> place, what drifted, and what stops the delivery."""

    places: Mapping[str, int | None]
    drift: tuple[Text, ...]
    stops: tuple[tuple[str, Text], ...]


def read_header(contract: Contract, names: Sequence[str]) -> Header:
    """Compare a delivery's header with the contract."""
    twice = sorted({name for name in names if list(names).count(name) > 1})
    stops = [("duplicate_header", reason("duplicate_header", "", other=name)) for name in twice]
    places: dict[str, int | None] = {}
    drift = []
    for column in contract.columns:
        found = [names.index(name) for name in (column.name, *column.aliases) if name in names]
        places[column.element.id] = found[0] if found else None
        if not found and column.required:
            stops.append(("missing_column", reason("missing_column", "", other=column.name)))
        elif not found:
            drift.append(Text(f"缺少列“{column.name}”，按空值处理", f"Column {column.name} is missing; read as empty"))
        elif names[found[0]] != column.name:
            other = names[found[0]]
            drift.append(Text(f"列“{column.name}”改称“{other}”", f"Column {column.name} is now called {other}"))
    known = {place for place in places.values() if place is not None}
    extra = [name for place, name in enumerate(names) if place not in known]
    drift += [Text(f"契约之外的列“{name}”未采用", f"Column {name} is not in the contract") for name in extra]
    return Header(places, tuple(drift), tuple(stops))


class Standard:
    """One contract, ready to be applied to deliveries with one header."""

    def __init__(self, contract: Contract, header: Header) -> None:
        self.contract = contract
        self.header = header
        self.columns = tuple(c for c in contract.columns if header.places[c.element.id] is not None)

    @cached_property
    def kinds(self) -> tuple[FaultKind, ...]:
        """Every fault the scan can find; the place in this tuple is the bit."""
        kinds = []
        for each in self.columns:
            name, soft = each.name, each.on_fault == "value"
            for code in FAULTS_OF[each.element.type]:
                said = reason(code, name, set_aside="value" if soft else "row")
                kinds.append(FaultKind(code, name, said, not soft, each.element.id))
            if each.required:
                kinds.append(FaultKind("required", name, reason("required", name), True, each.element.id))
        kinds += [self._check_kind(check) for check in self.checks]
        return tuple(kinds)

    @property
    def checks(self) -> tuple[RowCheck, ...]:
        """The declared checks whose columns were all delivered; a key is a check of uniqueness."""
        key = (RowCheck("unique", self.contract.key),) if self.contract.key else ()
        present = {column.element.id for column in self.columns}
        return tuple(check for check in (*self.contract.checks, *key) if present.issuperset(check.fields))

    def _check_kind(self, check: RowCheck) -> FaultKind:
        names = [self.contract.column(name).name for name in check.fields]
        if check.rule == "unique":
            return FaultKind("unique", "、".join(names), reason("unique", "、".join(names)), True)
        ends = " – ".join("…" if end is None else end for end in (check.low, check.high))
        others = {"not_after": names[-1], "in_range": ends, "one_of": "、".join(check.values[:10])}
        other = others.get(check.rule, "")
        return FaultKind(check.rule, names[0], reason(check.rule, names[0], other=other), True, check.fields[0])

    @property
    def words(self) -> int:
        """How many fault words a row has."""
        return max(1, -(-len(self.kinds) // WORD))

    @cached_property
    def hard(self) -> tuple[int, ...]:
        """The bits of each word for which a row waits."""
        words = [0] * self.words
        for bit, kind in enumerate(self.kinds):
            words[bit // WORD] |= int(kind.hard) << (bit % WORD)
        return tuple(words)

    def kinds_of(self, words: Sequence[int]) -> list[FaultKind]:
        """Return what a row's fault words say."""
        return [kind for bit, kind in enumerate(self.kinds) if words[bit // WORD] >> (bit % WORD) & 1]
