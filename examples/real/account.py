"""The account of the example: what is claimed, computed anew from the node and compared with the input files.

Every part says by `ok` whether it holds; the words and tables are in `show`.
"""

import csv
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from inputs import count_rows, digest_of, files_of, leaves_of, tally_of

from chengyi.brain.values import Trace
from chengyi.collect import Source
from chengyi.collect.report import Tally
from chengyi.integrate.files import TABLE as DOSSIER_ROWS
from chengyi.integrate.linkage.scores import PairScores, score_pairs
from chengyi.integrate.linkage.settings import LinkageSettings
from chengyi.model.actor import Actor, Role
from chengyi.model.decision import Alert, App, Decision, Figure, Indicator
from chengyi.model.evidence import Evidence
from chengyi.model.reporter import Reporter
from chengyi.model.submission import SubmissionState
from chengyi.model.text import Text
from chengyi.node import FILED, Node, VerifyReport
from chengyi.share import RowTrace

AUDITOR = Actor("auditor-1", "审计员", "区审计局", frozenset({Role.AUDITOR}))
OPERATOR = Actor("operator-1", "值班员", "城市运行中心", frozenset({Role.OPERATOR}))
PERSONS = "persons"
LEFT_BEHIND = ("data", "deliveries", "truth")
"""What is no part of the copy that is verified: the inputs, and the truth."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source's files: in the input, received, archived, quarantined, and the last two together.

    `ok` says that three digests are one: of the input files, of what collection received, and of what the archive and
    the quarantine hold together; and that the numbers and bytes add up.
    """

    source: str
    title: Text
    input: Tally
    received: Tally
    archived: Tally
    quarantined: Tally
    settled: str
    ok: bool


@dataclass(frozen=True, slots=True)
class DatasetLine:
    """One dataset's rows: in the input files, in the dataset, and waiting with a reason."""

    dataset: str
    title: Text
    input: int
    rows: int
    waiting: int
    ok: bool


@dataclass(frozen=True, slots=True)
class People:
    """The persons: rows, dossiers found, persons by the truth, and how well the two agree, pair by pair."""

    rows: int
    mentions: int
    dossiers: int
    truth: int
    threshold: float
    scores: PairScores


@dataclass(frozen=True, slots=True)
class Proven:
    """A set of rows led home: all of them, those proven up to the ledger, those found in the input files."""

    id: str
    total: int
    proven: int
    found: int
    ok: bool


@dataclass(frozen=True, slots=True)
class AppLine:
    """One application's alert, the indicator and figure it belongs to, and its rows led home."""

    indicator: Indicator
    figure: Figure
    alert: Alert
    rows: Proven


@dataclass(frozen=True, slots=True)
class Copy:
    """What the verification of a copied home found, and whether the decision's trace holds in it."""

    report: VerifyReport
    trace: bool
    ok: bool


@dataclass(frozen=True, slots=True)
class Filed:
    """The decision's own record in the archive, and whether its bytes are those that the brain filed."""

    package: str
    archival_code: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Account:
    """The whole account."""

    sources: list[SourceLine]
    datasets: list[DatasetLine]
    people: People
    dossier: Proven
    apps: dict[App, AppLine]
    decision: Decision
    filed: Filed
    trace: Trace
    rows: Proven
    copy: Copy

    @property
    def ok(self) -> bool:
        """Tell whether every part holds."""
        counted = [each.ok for each in self.sources] + [each.ok for each in self.datasets]
        led_home = [self.dossier.ok, self.rows.ok, *(line.rows.ok for line in self.apps.values())]
        return all((*counted, *led_home, self.filed.ok, self.copy.ok))


def take(node: Node, truth: Path, alerts: Mapping[App, Alert], decision: Decision, reporter: Reporter) -> Account:
    """Compute the account of a node, and close the node."""
    with reporter.step(Text("核账", "Taking the account"), 5) as step:
        found_sources, found_datasets = sources(node), datasets(node)
        step.advance()
        found_people, found_dossier = people(node, truth), dossier(node)
        step.advance()
        apps = {name: app(node, alert) for name, alert in alerts.items()}
        step.advance()
        record, trace = filed(node, decision), node.brain.trace(decision.id)
        step.advance()
        rows = proven(node, trace)
        step.advance()
    node.close()
    copy = copied(node.home.path, decision, reporter)
    return Account(
        sources=found_sources,
        datasets=found_datasets,
        people=found_people,
        dossier=found_dossier,
        apps=apps,
        decision=decision,
        filed=record,
        trace=trace,
        rows=rows,
        copy=copy,
    )


def sources(node: Node) -> list[SourceLine]:
    """Account for every byte of every source that collects."""
    return [_source(node, each) for each in node.collect.sources if each.kind != "filed"]


def _source(node: Node, source: Source) -> SourceLine:
    found, lies = node.collect.account(source.id), tally_of(source, node.home.path)
    kept = [file for package in node.archive.since(source.id, -1) for file in package.components]
    aside = node.collect.submissions(source.id, SubmissionState.QUARANTINED, limit=found.received.count)
    kept += [file for submission in aside for file in submission.components]
    settled = digest_of(file.sha256 for file in kept)
    ok = found.balanced and found.received == lies and lies.digest == settled
    return SourceLine(source.id, source.title, lies, found.received, found.archived, found.quarantined, settled, ok)


def datasets(node: Node) -> list[DatasetLine]:
    """Account for every row of every table."""
    counted: dict[str, int] = defaultdict(int)
    for source in node.collect.sources:
        if source.contract:
            counted[source.contract["dataset"]] += count_rows(source, node.home.path)
    found = [(each, counted[each.name]) for each in node.integrate.datasets()]
    return [
        DatasetLine(each.name, each.title, rows, each.rows, each.quarantined, rows == each.rows + each.quarantined)
        for each, rows in found
    ]


def people(node: Node, truth_file: Path) -> People:
    """Compare the dossiers with the truth; a row that waits, or speaks of nobody, counts as a person of its own."""
    with truth_file.open(encoding="utf-8", newline="") as file:
        truth = {row["number"]: row["cluster"] for row in csv.DictReader(file)}
    linked = dossier_of_number(node)
    scores = score_pairs(list(truth.values()), [linked.get(number, number) for number in truth])
    dossiers, persons = len(set(linked.values())), len(set(truth.values()))
    return People(len(truth), len(linked), dossiers, persons, LinkageSettings().threshold, scores)


def dossier_of_number(node: Node) -> dict[str, str]:
    """Return the dossier of every linked person row, by the number that its department gave it."""
    rows = node.integrate.table(PERSONS).select("_package", "_row", "person_no")
    placed = node.tables.read(DOSSIER_ROWS).filter(lambda each: each["dataset"] == PERSONS)
    met = rows.join(placed, [rows["_package"] == placed["package"], rows["_row"] == placed["row"]])
    found = node.tables.arrow(met.select("person_no", "dossier"))
    return dict(zip(found["person_no"].to_pylist(), found["dossier"].to_pylist(), strict=True))


def dossier(node: Node) -> Proven:
    """Lead the rows of one dossier home: the first, by number, that all four departments speak of."""
    id = _known_to_all(dossier_of_number(node))
    members = node.integrate.dossier(id, OPERATOR).members
    return _proven(node, id, len(members), node.share.trace_rows([each.evidence for each in members]))


def _known_to_all(linked: Mapping[str, str]) -> str:
    departments: dict[str, set[str]] = defaultdict(set)
    for number, id in linked.items():
        departments[id].add(number[:2])
    most = max(map(len, departments.values()))
    return next(linked[number] for number in sorted(linked) if len(departments[linked[number]]) == most)


def filed(node: Node, decision: Decision) -> Filed:
    """Find the decision's record in the archive."""
    package = next(each for each in node.archive.since(FILED, -1) if each.submission == decision.submission)
    with node.archive.open(package, package.components[0].path, AUDITOR) as file:
        ok = file.read() == node.brain.record(decision.id)
    return Filed(package.ref, package.archival_code, ok)


def app(node: Node, alert: Alert) -> AppLine:
    """Show an alert with its figure, and lead its rows home."""
    figure = node.brain.figure(str(alert.figure))
    indicator = next(each for each in node.brain.indicators() if each.id == figure.indicator)
    return AppLine(indicator, figure, alert, proven(node, node.brain.trace(alert.id)))


def proven(node: Node, trace: Trace) -> Proven:
    """Say how far a trace leads: to the ledger, and to the very rows of the input files."""
    found = _proven(node, trace.id, trace.total, trace.rows)
    return Proven(found.id, found.total, found.proven, found.found, found.ok and trace.ok)


def _proven(node: Node, id: str, total: int, rows: Sequence[RowTrace]) -> Proven:
    held = sum(row.ok for row in rows)
    found = in_inputs(node, (row.evidence for row in rows))
    return Proven(id, total, held, found, held == found == len(rows) > 0)


def in_inputs(node: Node, evidence: Iterable[Evidence]) -> int:
    """Count the rows that stand in the input files, at their place and with their leaf hash."""
    by_package: dict[str, list[Evidence]] = defaultdict(list)
    for each in evidence:
        by_package[each.package].append(each)
    return sum(_in_input(node, ref, rows) for ref, rows in by_package.items())


def _in_input(node: Node, ref: str, rows: Sequence[Evidence]) -> int:
    package = node.archive.package(ref, AUDITOR)
    source = node.collect.source(package.source)
    name = package.components[0].path
    (path,) = (each for each in files_of(source, node.home.path) if each.name == name)
    leaves = leaves_of(path, source, (each.row for each in rows))
    return sum(leaves.get(each.row) == each.leaf for each in rows)


def copied(home: Path, decision: Decision, reporter: Reporter) -> Copy:
    """Copy a home that nobody works on, without the inputs, and verify the copy: this takes no other source."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        node = Node(copy)
        report, trace = node.verify(reporter), node.brain.trace(decision.id)
        node.close()
    return Copy(report, trace.ok, trace.ok and not report.faults)
