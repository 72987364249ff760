"""How the ledger stands with its witnesses, its anchors and its time-stamps, as the page of witnesses draws it.

Rule: nobody is asked over the network; everything is read from what the node kept, and what was tampered with there is
named instead of being believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chengyi.console.errors import said_of
from chengyi.model.act import ActKind
from chengyi.model.canonical import parse
from chengyi.model.errors import ChengyiError, IntegrityError
from chengyi.model.text import Text

if TYPE_CHECKING:
    from chengyi.model.act import Entry
    from chengyi.node import Node
    from chengyi.trust.anchors.queue import Pending
    from chengyi.trust.anchors.wiring import Parts
    from chengyi.trust.ledger.policy import Quorum
    from chengyi.trust.ledger.publish import Failure, PublishReport
    from chengyi.trust.ports import Checkpoint

MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class WitnessLine:
    """One witness: where it is asked, the last size it cosigned and when, how far that is behind, what went wrong."""

    name: str
    host: str
    size: int | None
    at: datetime | None
    lag: int
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How the latest checkpoint stands: what is asked for, who cosigned up to where, and what cannot be believed."""

    checkpoint: Checkpoint
    needed: int
    policy: str
    lines: tuple[WitnessLine, ...]
    cosigned: Checkpoint | None
    signers: tuple[str, ...]
    fault: Text | None = None

    @property
    def lag(self) -> int:
        """Return how many entries no quorum has cosigned yet."""
        return self.checkpoint.size - (self.cosigned.size if self.cosigned else 0)

    @property
    def spare(self) -> int:
        """Return how many witnesses may lie and yet no split view gets through (see `trust.ledger.policy`)."""
        return 2 * self.needed - len(self.lines) - 1


@dataclass(frozen=True, slots=True)
class FollowedLine:
    """One log that this node is a witness of."""

    origin: str
    size: int | None
    entry: Entry | None
    fault: Text | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence: its name, kind, whose log it is about, what it proves, and its text."""

    name: str
    kind: str
    origin: str
    proves: Text
    checked: bool
    text: bytes


@dataclass(frozen=True, slots=True)
class Anchoring:
    """The latest time-stamp and anchor that are on record, and what waits; `chain` tells whether one is configured."""

    chain: bool
    stamps: bool
    anchored: Entry | None
    stamped: Entry | None
    pending: tuple[Pending, ...]


def standing_of(node: Node) -> Standing:
    """Return how the ledger's latest checkpoint stands with its witnesses."""
    publisher, checkpoint = node.publisher, node.ledger.checkpoint()
    fault: Text | None = None
    cosigned = published = None
    try:
        published = publisher.published()
        cosigned = node.ledger.cosigned()
        signed = dict(_signed(node, [each for each in (cosigned, published) if each]))
    except IntegrityError as error:
        fault, signed = said_of(error), {}
    quorum = publisher.policy.judge(cosigned.note) if cosigned and not fault else None
    failures = publisher.failures()
    lines = [
        _line(each.name, each.url, signed.get(each.name), checkpoint.size, failures.get(each.name))
        for each in publisher.witnesses
    ]
    needed = node.settings.ledger.needed
    return Standing(checkpoint, needed, publisher.policy.id, tuple(lines), cosigned, _names(node, quorum), fault)


def signers_of(node: Node, note: str) -> tuple[tuple[str, ...], bool]:
    """Return which of this node's witnesses cosigned a checkpoint, and whether they are as many as are asked for."""
    quorum = node.publisher.policy.judge(note)
    return _names(node, quorum), quorum.met


def outcome_of(report: PublishReport) -> Text:
    """Say how a round went."""
    if not report.asked:
        return Text("各见证方均已会签，无需再次请求。", "Every witness has cosigned already; nobody was asked.")
    signed, failed = len(report.quorum.cosignatures), (*report.failures, *report.conflicts)
    met = (
        Text("达到会签要求", "the quorum is met")
        if report.quorum.met
        else Text("未达到会签要求", "the quorum is not met")
    )
    why = [" ".join((each.message("zh"), each.advice("zh"))) for each in failed]
    reasons = [" ".join((each.message("en"), each.advice("en"))) for each in failed]
    return Text(
        f"至第 {report.size} 条，{signed} 方会签，{met.zh}。{''.join(why)}",
        f"{signed} cosigned up to {report.size} entries; {met.en}. {' '.join(reasons)}".strip(),
    )


def followed_by(node: Node) -> list[FollowedLine]:
    """Return the logs that this node cosigns, with what it cosigned last."""
    return [_followed(node, origin) for origin in node.witness.logs]


def evidence_of(node: Node) -> Iterator[Evidence]:
    """Yield the evidence kept about this node's own log, and against logs that it follows; each is checked."""
    yield from _conflicts(node)
    yield from _split_views(node)


def anchoring_of(node: Node) -> Anchoring:
    """Return what is on record of anchors and time-stamps, and what waits for the chain."""
    from chengyi.trust.anchors.wiring import make_queue

    queue = make_queue(node.settings.anchor, parts_of(node))
    return Anchoring(
        chain=queue is not None,
        stamps=node.settings.timestamps.kind != "off",
        anchored=_last(node, ActKind.ANCHORED),
        stamped=_last(node, ActKind.STAMPED),
        pending=queue.pending() if queue is not None else (),
    )


def parts_of(node: Node) -> Parts:
    """Return what anchors need of a node."""
    from chengyi.trust.anchors.wiring import Parts

    return Parts(node.home, node.keys, node.rows, node.ledger, node.audit, node.clock, node.actor.id)


def _line(name: str, url: str, signed: tuple[int, datetime] | None, size: int, failure: Failure | None) -> WitnessLine:
    reached, at = signed or (None, None)
    return WitnessLine(name, urlsplit(url).netloc, reached, at, size - (reached or 0), failure)


def _signed(node: Node, checkpoints: list[Checkpoint]) -> Iterator[tuple[str, tuple[int, datetime]]]:
    """Return who cosigned which size when; what is larger comes last."""
    names = {each.key: each.name for each in node.publisher.witnesses}
    for checkpoint in sorted(checkpoints, key=lambda each: each.size):
        for each in node.publisher.policy.judge(checkpoint.note).cosignatures:
            yield names[each.cosigner], (checkpoint.size, each.at)


def _names(node: Node, quorum: Quorum | None) -> tuple[str, ...]:
    names = {each.key: each.name for each in node.publisher.witnesses}
    return tuple(names[each.cosigner] for each in quorum.cosignatures) if quorum else ()


def _followed(node: Node, origin: str) -> FollowedLine:
    told = node.audit.entries(object=f"log:{origin}", kind=ActKind.COSIGNED.value, limit=1)
    try:
        last = node.witness.last(origin)
    except IntegrityError as error:
        return FollowedLine(origin, None, told[0] if told else None, said_of(error))
    return FollowedLine(origin, last.size if last else None, told[0] if told else None)


def _split_views(node: Node) -> Iterator[Evidence]:
    for path in node.witness.evidence():
        with path.open("rb") as file:
            yield _split_view(node, path.stem, file.read(MOST_BYTES))


def _split_view(node: Node, name: str, text: bytes) -> Evidence:
    from chengyi.trust.ledger.evidence import parse_split_view
    from chengyi.trust.ledger.notes import parse_checkpoint

    origin = "—"
    try:
        origin = parse_checkpoint(str(_json(text)["first"])).origin
        found = parse_split_view(text.decode(), str(node.witness.logs[origin]))
    except (ChengyiError, KeyError, UnicodeDecodeError):
        return Evidence(name, "split-view", origin, _UNPROVEN, checked=False, text=text)
    first, second = found.first.size, found.second.size
    proves = _TWO_ROOTS if first == second else _REWRITTEN
    facts = {"first": f"{first:,}", "second": f"{second:,}"}
    return Evidence(name, "split-view", origin, _filled(proves, facts), checked=True, text=text)


def _conflicts(node: Node) -> Iterator[Evidence]:
    from chengyi.store.objects import FolderObjects
    from chengyi.trust.ledger.publish import CONFLICTS

    kept = FolderObjects(node.home.witness / "own")
    for key in kept.keys(f"{CONFLICTS}/"):
        with kept.open(key) as file:
            text = file.read(MOST_BYTES)
        who = str(_json(text).get("witness") or node.ledger.origin)
        name = key.removeprefix(f"{CONFLICTS}/").removesuffix(".json")
        yield Evidence(name, "conflict", node.ledger.origin, _filled(_CONFLICT, {"who": who}), checked=False, text=text)


def _last(node: Node, kind: ActKind) -> Entry | None:
    found: list[Entry] = node.audit.entries(kind=kind.value, limit=1)
    return found[0] if found else None


def _json(text: bytes) -> Mapping[str, Any]:
    try:
        value = parse(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _filled(text: Text, facts: Mapping[str, str]) -> Text:
    return Text(text.zh.format(**facts), text.en.format(**facts))


_TWO_ROOTS = Text(
    "该账本对同样的 {first} 条签署了两个不同的树根，不可能同时为真：账本方出示过两本账。",
    "The log signed two different roots over the same {first} entries; both cannot be true: it showed two ledgers.",
)
_REWRITTEN = Text(
    "该账本签署的 {second} 条检查点，其前 {first} 条与早先签署的不同：已入账的内容被改写。",
    "Of the {second} entries that the log signed, the first {first} are other than it signed before: it was rewritten.",
)
_UNPROVEN = Text(
    "现有公钥不能核验此件（账本已不在登记之列，或文件被改动），不足为凭。",
    "It cannot be verified with the keys on file (the log is no longer followed, or the file was changed).",
)
_CONFLICT = Text(
    "{who} 记得的本账本与现存账本不一致。附双方所述，供查明：账本被回退或改写，或见证方有误。",
    "{who} remembers another view of this ledger. What both sides say is kept, to find out which of them is wrong.",
)
