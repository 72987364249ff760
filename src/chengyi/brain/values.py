"""What an application declares, and what it hands back: definitions, values, findings, reports.

Rules: a definition is data (words, version, needs, legal basis, parameters) beside the one function that computes it;
a changed function or parameter carries a new version; an application returns values and findings with the rows
behind them, and changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Protocol

from chengyi.model.canonical import Json
from chengyi.model.decision import App, Indicator, Severity
from chengyi.model.evidence import Completeness
from chengyi.model.text import Text
from chengyi.share import Receipt, RowTrace, SharedTable

if TYPE_CHECKING:
    import pyarrow as pa

EXAMPLE = Text("示例参数，应以本地文件替换", "example parameter, to be replaced by a local document")
ALL = "all"
NOTHING = ""
"""The value of a figure for which nothing could be counted."""

Tables = Mapping[str, SharedTable]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number in a rule, in text so that it has a canonical form, and where it comes from."""

    name: str
    value: str
    unit: str
    basis: Text = EXAMPLE

    @property
    def number(self) -> Decimal:
        """Return the value as a number."""
        return Decimal(self.value)


@dataclass(frozen=True, slots=True)
class Computed:
    """One value of an indicator for one group; `evidence` holds the rows counted (_package, _row, _leaf)."""

    group: str
    value: str
    evidence: "pa.Table"
    completeness: Completeness


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found: what people should look at, and why.

    `subject` names it stably, with its period where it may come again; `group` names the figure it belongs to.
    """

    subject: str
    title: Text
    reasons: tuple[Text, ...]
    evidence: "pa.Table"
    group: str = ALL


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A declared, versioned rule over the same tables as its indicator."""

    id: str
    version: int
    title: Text
    rule: Text
    legal_basis: str
    severity: Severity
    find: "Callable[[Tables, Sequence[Computed]], list[Finding]]" = field(repr=False)
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """An indicator, the function that computes it, and the alert rules that look at the same tables."""

    indicator: Indicator
    compute: "Callable[[Tables], list[Computed]]" = field(repr=False)
    parameters: tuple[Parameter, ...] = ()
    rules: tuple[AlertRule, ...] = ()


class Application(Protocol):
    """An application of the brain: a plug-in that declares measures; applications know nothing of each other."""

    @property
    def app(self) -> App:
        """Return which application this is."""
        ...

    @property
    def measures(self) -> Sequence[Measure]:
        """Return its measures."""
        ...


@dataclass(frozen=True, slots=True)
class Skip:
    """An indicator that was not computed, and why."""

    indicator: str
    reason: Text


@dataclass(frozen=True, slots=True)
class BrainReport:
    """What one computation did: new figures and alerts, indicators left as they were, skipped, or failed."""

    figures: int = 0
    alerts: int = 0
    computed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    skipped: tuple[Skip, ...] = ()
    failed: tuple[Skip, ...] = ()


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of the way home: what was checked, what was found, and the ledger receipt where there is one.

    `ok` is None where there was nothing to prove.
    """

    title: Text
    finding: Text
    ok: bool | None = None
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The way home of a figure, an alert or a decision: rule, inputs, rows with proofs, ledger receipts.

    `total` counts all rows behind it; `rows` are those that were proven now; `root` is over all of them.
    """

    id: str
    kind: str
    rule: Text
    rule_id: str
    version: int
    legal_basis: str
    inputs: tuple[str, ...]
    total: int
    root: str
    rows: tuple[RowTrace, ...]
    steps: tuple[TraceStep, ...]

    @property
    def ok(self) -> bool:
        """Tell whether every step and every row that was looked at is proven."""
        return all(step.ok is not False for step in self.steps) and all(row.ok for row in self.rows)


def decimal_text(value: Decimal | float, places: int = 2) -> str:
    """Return a number as decimal text with so many places, rounded half to even."""
    return str(Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN))


def percent(part: int, whole: int) -> str:
    """Return part of whole in per cent, with two places; nothing where there is no whole."""
    return decimal_text(Decimal(100) * part / whole) if whole else NOTHING


def terms(parameters: Sequence[Parameter]) -> list[Json]:
    """Return parameters as a canonical value."""
    return [
        {"name": each.name, "value": each.value, "unit": each.unit, "basis": [each.basis.zh, each.basis.en]}
        for each in parameters
    ]
