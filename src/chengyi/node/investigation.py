"""Investigations: who did what, when, with proofs; where a damaged piece belongs; whose copy a leaked table is.

Keeps promises 4 (always witnessed) and 7 (people decide about people). Rules:

1. Only who may see the audit may investigate, and that somebody did is on record, with the reason, before anything
   is shown. Nobody investigates in secret.
2. What is shown carries its proof: every act a receipt under a signed checkpoint, every accusation its bound.
3. An investigation tells what is on record and what is not: entries without bodies are named, an answer that was cut
   says so. It decides nothing.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor, Permission
from chengyi.model.canonical import Json
from chengyi.model.errors import UsageError
from chengyi.model.text import Text
from chengyi.node.provenance import Link, claimed, provenance
from chengyi.trust.audit.behaviour import Watch
from chengyi.trust.audit.conduct import Surroundings
from chengyi.trust.audit.flags import Flag, Flags
from chengyi.trust.audit.trace import Asked, Trace

if TYPE_CHECKING:
    from chengyi.node.node import Node
    from chengyi.trust.marks.identify import Finding
    from chengyi.trust.ports import Receipt

MOST_ACTS = 1_000
MOST_TABLE_BYTES = 256 << 20
_MOST_FLAGS = 100
_AROUND_EXPORT = timedelta(days=1)
_REASON = range(4, 501)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: about an actor, session, certificate or object, a fragment's file, or a leaked table.

    `title` is what people call the file where its path does not say so.
    """

    reason: str
    asked: Asked = field(default_factory=Asked)
    fragment: Path | None = None
    table: Path | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Leak:
    """Whose copy a leaked table is: the answer, and for each accused recipient the bound and the exports' entries.

    `finding` is what evidence is written from.
    """

    answer: Text
    rows: int
    tested: int
    accused: tuple[tuple[str, float, tuple[int, ...]], ...]
    canaries: tuple[tuple[str, float, int], ...]
    finding: "Finding" = field(repr=False)


@dataclass(frozen=True, slots=True)
class Investigation:
    """What was found: the entry of the investigation itself, links, traces, flags, the leak, and what is missing."""

    entry: int
    at: datetime
    by: str
    question: Question
    subject: str
    links: tuple[Link, ...] = ()
    traces: tuple[Trace, ...] = ()
    flags: tuple[Flag, ...] = ()
    leak: Leak | None = None
    missing: tuple[str, ...] = ()

    @property
    def receipts(self) -> "tuple[Receipt, ...]":
        """Return every receipt once, by index."""
        found = {each.index: each for trace in self.traces for each in trace.receipts}
        return tuple(found[index] for index in sorted(found))

    @property
    def cut(self) -> bool:
        """Tell whether there is more on record than is shown."""
        return any(trace.cursor is not None for trace in self.traces)


class Investigator:
    """Answers questions about what is on record, and puts each question on record first."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._flags = Flags(node.audit, node.actor)

    def ask(self, by: Actor, question: Question) -> Investigation:
        """Investigate; DeniedError, UsageError, NotFoundError, BadInputError; IntegrityError where proofs fail."""
        by.require(Permission.SEE_AUDIT)
        subject = self._subject(question)
        found = self._begin(by, question, subject)
        if question.table is not None:
            return self._leaked(found, question.table)
        if question.asked.object or question.fragment is not None:
            return self._of_object(found, question.asked.object or subject)
        return self._of_actor(found, question.asked)

    def receipt(self, found: Investigation) -> "Receipt":
        """Return the receipt of the investigation itself."""
        return self._node.audit.receipt(found.entry)

    def _subject(self, question: Question) -> str:
        if len(question.reason.strip()) not in _REASON:
            raise UsageError(why="须写明调查事由，4至500字 (say why you investigate, in 4 to 500 characters)")
        if question.table is not None:
            return f"table:{_digest(question.table)}"
        if question.fragment is not None:
            return claimed(question.fragment)
        named = question.asked.named
        if not named:
            raise UsageError(why="须指明行为人、会话、证书、对象或文件 (say whom or what to investigate)")
        return " ".join(f"{name}:{value}" for name, value in named.items())

    def _begin(self, by: Actor, question: Question, subject: str) -> Investigation:
        detail: dict[str, Json] = {"reason": question.reason.strip()}
        for name, moment in (("since", question.asked.since), ("until", question.asked.until)):
            detail |= {name: moment.isoformat()} if moment else {}
        entry = self._node.audit.record(Act(ActKind.INVESTIGATED, by.id, subject, detail))
        return Investigation(entry, self._node.clock.now(), by.id, question, subject)

    def _of_actor(self, found: Investigation, asked: Asked) -> Investigation:
        trace = self._trace(asked)
        actors = {asked.actor} if asked.actor else {each.act.actor for each in trace.entries}
        flags = [flag for actor in sorted(actors) for flag in self._flags.flags(subject=actor, limit=_MOST_FLAGS)]
        return replace(found, traces=(trace,), flags=tuple(flags), missing=self._missing())

    def _of_object(self, found: Investigation, name: str) -> Investigation:
        belongs = provenance(self._node, name)
        asked = found.question.asked
        traces = [self._trace(replace(asked, object=each)) for each in belongs.names]
        return replace(found, links=belongs.links, traces=tuple(traces), missing=self._missing())

    def _leaked(self, found: Investigation, table: Path) -> Investigation:
        if table.stat().st_size > MOST_TABLE_BYTES:
            raise UsageError(why=f"文件超过 {MOST_TABLE_BYTES >> 20} MiB (the file is too large)")
        said = self._node.share.marks.identify(table)
        suspects = [export for suspect in said.accused for export in suspect.exports]
        suspects += [hit.export for hit in said.canaries]
        traces = []
        for export in {each.id: each for each in suspects}.values():
            around = (export.at - _AROUND_EXPORT, export.at + _AROUND_EXPORT)
            traces.append(self._trace(Asked(actor=export.actor, since=around[0], until=around[1])))
        flags = [flag for who in sorted({each.actor for each in suspects}) for flag in self._flags.flags(subject=who)]
        leak = _leak(said)
        return replace(found, traces=tuple(traces), flags=tuple(flags), leak=leak, missing=self._missing())

    def _trace(self, asked: Asked) -> Trace:
        return self._node.audit.trace(
            actor=asked.actor,
            object=asked.object,
            session=asked.session,
            certificate=asked.certificate,
            since=asked.since,
            until=asked.until,
            limit=MOST_ACTS,
            newest=True,
        )

    def _missing(self) -> tuple[str, ...]:
        """Return the gaps that are on record; those that are not are found by verifying the home."""
        told = self._node.audit.entries(kind=ActKind.LOST.value, limit=_MOST_FLAGS)
        return tuple(each.act.object.removeprefix("acts:") for each in told)


def surroundings(node: "Node") -> Surroundings:
    """Return what the watch over conduct has to know of this office."""
    from chengyi.share.workdays import national_calendar

    settings = node.settings.audit
    return Surroundings(
        timezone(timedelta(minutes=settings.utc_offset)),
        settings.opens,
        settings.closes,
        national_calendar().is_working,
        frozenset(settings.watched),
    )


def flags_of(node: "Node") -> Flags:
    """Return the flags of a node."""
    return Flags(node.audit, node.actor)


def watch_of(node: "Node") -> Watch:
    """Return a fresh watch: peers are those who use grants for the same department."""
    groups = {grant.grantee: grant.department for grant in reversed(node.share.grants(node.actor))}
    return Watch(surroundings(node), lambda subject: groups.get(subject, ""))


def _leak(said: "Finding") -> Leak:
    accused = [(each.recipient, each.bound, tuple(export.entry for export in each.exports)) for each in said.accused]
    canaries = [(each.export.recipient, each.chance, each.export.entry) for each in said.canaries]
    return Leak(said.answer, said.rows, said.tested, tuple(accused), tuple(canaries), said)


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
