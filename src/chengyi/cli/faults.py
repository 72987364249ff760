"""What waits for a person: deliveries set aside, rows that could not go on, refused names, columns that drifted.

Keeps promise 6 (never silently partial) and promise 8 (bad input loses nothing) at the terminal. Rules: each thing
names its source, file, row and field, says why, and what to do; a value that tells on a person is veiled; a run tells
what it found itself, `chengyi faults` lists all that still waits.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chengyi.model.act import ActKind
from chengyi.model.errors import BadInputError, ChengyiError, NotFoundError
from chengyi.model.submission import SubmissionState
from chengyi.model.text import Text

if TYPE_CHECKING:
    from chengyi.cli.terminal import Terminal
    from chengyi.collect import Source
    from chengyi.collect.delivery import Refusal
    from chengyi.model.dataset import RowFault
    from chengyi.model.package import Package
    from chengyi.model.submission import Submission
    from chengyi.node import Node

SHOWN = 5
"""How many things a run shows of one source at most."""

_SCREEN = 15

_RECENT = 500
_ROW = Text(
    "好行已入库；请{department}更正此处后重新报送。",
    "The good rows went on. Ask {department} to correct this and deliver again.",
)
_WHOLE = Text(
    "原件已隔离保存，其他报送不受影响；请{department}修正后重新报送。如系来源设置有误，改正设置后由档案员执行 "
    "chengyi release {id} 再运行。",
    "The original is kept in quarantine; nothing else is affected. Ask {department} to correct it and deliver again. "
    "If the source's settings were wrong, correct them, say `chengyi release {id}`, and run again.",
)
_CHANGED = Text(
    "原件与新件均已保存；确为更正的，由档案员执行 chengyi release {id} 后再运行，否则请{department}以新名称报送。",
    "Both are kept. If it is a correction, an archivist says `chengyi release {id}` and runs again; if not, ask "
    "{department} to deliver it under a new name.",
)
_HEADER = Text(
    "原件已归档，未作任何取舍；请{department}按约定的列重新报送，或修改契约（docs/contracts.md）。",
    "The original is archived as it came. Ask {department} for the agreed columns, or change the contract "
    "(docs/contracts.md).",
)
_DRIFT = Text(
    "各行已照常入库；如系新的约定，请修改契约（docs/contracts.md），否则请{department}核对。",
    "The rows went on. If this is a new agreement, change the contract (docs/contracts.md); if not, ask {department}.",
)
_REFUSED = Text("请{department}报送文件本身。", "Ask {department} to deliver the file itself.")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits; `row` is None where the whole delivery does, `record` is for `show` or `release`."""

    source: str
    file: str
    row: int | None
    field: str
    value: str
    code: str
    why: Text
    advice: Text
    record: str

    @property
    def whole(self) -> bool:
        """Tell whether a whole delivery was kept from going on."""
        return self.row is None and self.code != "drift"


def standing(node: "Node", source: str = "", limit: int = 100) -> list[Waiting]:
    """Return all that waits now, source by source, at most `limit` things of each; NotFoundError for no such source."""
    chosen = [node.collect.source(source)] if source else node.collect.sources
    return [each for one in chosen for each in _of_source(node, one, limit)]


def found_since(node: "Node", entry: int) -> list[Waiting]:
    """Return what was put on record as waiting from a ledger entry on, at most a few things of each package."""
    if node.ledger.checkpoint().size == entry:
        return []
    found: list[Waiting] = []
    for kind in (ActKind.REFUSED_INPUT, ActKind.SET_ASIDE, ActKind.STANDARDISED):
        for told in reversed(node.audit.entries(kind=kind.value, limit=_RECENT)):
            if told.index < entry:
                continue
            found += _packages(node, told.act.detail) if kind is ActKind.STANDARDISED else _told(node, told.act.object)
    return list(dict.fromkeys(found))


def room_for(found: Sequence[Waiting]) -> int:
    """Return how many things of each source a run shows, so that its summary stays on the screen."""
    sources = len({each.source for each in found})
    return max(1, min(SHOWN, _SCREEN // max(1, sources)))


def tell(say: Callable[[Text], None], found: Sequence[Waiting], *, limit: int | None = None) -> None:
    """Say what waits, source by source, with advice once for things of one kind.

    Of a source, at most `limit` of the things that its deliveries went on without are said, and `SHOWN` others.
    """
    for source in dict.fromkeys(each.source for each in found):
        ours = [each for each in found if each.source == source]
        whole, part = [each for each in ours if each.whole], [each for each in ours if not each.whole]
        shown = [*whole, *part] if limit is None else [*whole[:SHOWN], *part[:limit]]
        for each in shown:
            say(_sentence(each))
        for advice in dict.fromkeys(each.advice for each in shown):
            say(Text(f"  → {advice.zh}", f"  → {advice.en}"))
        if len(ours) > len(shown):
            say(Text(f"  还有更多：chengyi faults {source}", f"  There is more: chengyi faults {source}"))


def remind(terminal: "Terminal", node: "Node") -> None:
    """Say beside the output how much waits in all, where anything does."""
    rows = node.integrate.counts()["faults"]
    deliveries = len(node.collect.aside(limit=_RECENT))
    if rows or deliveries:
        terminal.warn(
            Text(
                f"待处理：{deliveries} 份报送，{rows:,} 行；何处、为何、怎么办，见 chengyi faults",
                f"Waiting: {deliveries} deliveries, {rows:,} rows; `chengyi faults` says where, why and what to do",
            )
        )


def exit_code(errors: Sequence[ChengyiError], found: Sequence[Waiting]) -> int:
    """Return 0, or why a run was not whole: the first error's code, 65 where a delivery was kept from going on."""
    if errors:
        return errors[0].exit_code
    return BadInputError.exit_code if any(each.whole for each in found) else 0


def _sentence(each: Waiting) -> Text:
    row, field = "—" if each.row is None else str(each.row), each.field or "—"
    zh, en = (f"（{each.value}）", f" ({each.value})") if each.value else ("", "")
    return Text(
        f"来源 {each.source}，文件 {each.file}，行 {row}，字段 {field}：{each.why.zh}{zh}",
        f"Source {each.source}, file {each.file}, row {row}, field {field}: {each.why.en}{en}",
    )


def _of_source(node: "Node", source: "Source", limit: int) -> list[Waiting]:
    found = [each for one in node.collect.aside(source.id, limit) for each in _submission(node, source, one)]
    found += [_refusal(source, each) for each in node.collect.refusals(source.id)]
    for package in _present(node, source):
        if len(found) >= limit:
            break
        found += _package(node, source, package, limit - len(found))
    return found[:limit]


def _present(node: "Node", source: "Source") -> list["Package"]:
    """Return the latest version of each package of a source that delivers tables."""
    if source.reader is None:
        return []
    latest = {package.id: package for package in node.archive.since(source.id, -1)}
    return [package for package in latest.values() if package.seal is not None]


def _told(node: "Node", object: str) -> list[Waiting]:
    """Return what an act of setting aside or refusing speaks of, as far as it still waits."""
    try:
        submission = node.collect.submission(object)
    except NotFoundError:
        source, _, name = object.partition("/")
        one = node.collect.source(source)
        return [_refusal(one, each) for each in node.collect.refusals(source) if each.name == name]
    if submission.state is not SubmissionState.QUARANTINED:
        return []
    return _submission(node, node.collect.source(submission.source), submission)


def _submission(node: "Node", source: "Source", submission: "Submission") -> list[Waiting]:
    failed = [check for check in node.archive.checks_of(submission.id) if check.verdict.value == "fail"]
    reasons = [(check.code, Text(f"{check.title.zh}：{check.finding.zh}", f"{check.title.en}: {check.finding.en}"))
               for check in failed] or [("set_aside", Text(submission.reason, submission.reason))]  # fmt: skip
    advice = _CHANGED if submission.prior and not failed else _WHOLE
    file, told = submission.sequence, _filled(advice, source, submission.id)
    return [Waiting(source.id, file, None, "", "", code, why, told, submission.id) for code, why in reasons]


def _refusal(source: "Source", each: "Refusal") -> Waiting:
    return Waiting(source.id, each.name, None, "", "", each.code, each.reason, _filled(_REFUSED, source), "")


def _packages(node: "Node", detail: object) -> Iterator[Waiting]:
    refs = [*detail["packages"], *detail["refused"]] if isinstance(detail, dict) else []
    for ref in refs:
        package = node.archive.package(str(ref), node.actor)
        yield from _package(node, node.collect.source(package.source), package, SHOWN + 1)


def _package(node: "Node", source: "Source", package: "Package", limit: int) -> Iterator[Waiting]:
    faults = node.integrate.faults(package=package.ref, limit=limit)
    yield from (_row(source, package, fault) for fault in faults)
    for why in node.integrate.drift(package=package.ref).get(package.ref, ()):
        yield _of_package(source, package, None, "", "", "drift", why, _DRIFT)
    if not source.contract and package.seal is not None and package.seal.rejected:
        for bad in list(node.archive.table_of(package.ref).bad)[:limit]:
            yield _of_package(source, package, bad.row, "", "", bad.code, bad.reason, _ROW)


def _row(source: "Source", package: "Package", fault: "RowFault") -> Waiting:
    advice = _ROW if fault.row else _HEADER
    return _of_package(source, package, fault.row or None, fault.column, fault.value, fault.code, fault.reason, advice)


def _of_package(  # noqa: PLR0917 - the parts of one finding
    source: "Source", package: "Package", row: int | None, field: str, value: str, code: str, why: Text, advice: Text
) -> Waiting:
    file = str(package.metadata.get("sequence", ""))
    return Waiting(source.id, file, row, field, value, code, why, _filled(advice, source), package.ref)


def _filled(advice: Text, source: "Source", id: str = "") -> Text:
    words = {"department": source.department, "id": id}
    return Text(advice.zh.format(**words), advice.en.format(**words))
