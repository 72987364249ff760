"""The river at a glance, by a few cheap queries. Keeps promise 6: what is missing is named."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chengyi.model.evidence import Completeness
from chengyi.model.text import Text

if TYPE_CHECKING:
    from chengyi.collect import Source
    from chengyi.collect.account import SourceCounts
    from chengyi.node.node import Node


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source in a line: deliveries received, archived and set aside, completeness, the last capture."""

    id: str
    title: Text
    department: str
    received: int
    archived: int
    quarantined: int
    completeness: Completeness
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """The river at a glance: counts by room, a line a source, what is missing, when it last ran."""

    counts: Mapping[str, Mapping[str, int]]
    sources: tuple[SourceLine, ...]
    gaps: tuple[Text, ...]
    last_run: datetime | None


def status_of(node: "Node") -> Status:
    """Return counts and gaps of every room, by a few cheap queries."""
    from chengyi.collect.account import SourceCounts

    counts = node.collect.counts()
    lines = tuple(_line(node, source, counts.get(source.id, SourceCounts())) for source in node.collect.sources)
    gaps = tuple(_gap(line) for line in lines if line.completeness.missing)
    moments = [line.last for line in lines if line.last is not None]
    return Status(_counts(node, lines), lines, gaps, max(moments, default=None))


def _line(node: "Node", source: "Source", counts: "SourceCounts") -> SourceLine:
    return SourceLine(
        id=source.id,
        title=source.title,
        department=source.department,
        received=counts.received,
        archived=counts.archived,
        quarantined=counts.quarantined,
        completeness=node.collect.completeness(source.id),
        last=counts.last,
    )


def _counts(node: "Node", lines: tuple[SourceLine, ...]) -> dict[str, dict[str, int]]:
    from chengyi.model.grant import RequestState

    received = sum(line.received for line in lines)
    settled = sum(line.archived + line.quarantined for line in lines)
    return {
        "collect": {
            "sources": len(lines),
            "departments": len({line.department for line in lines}),
            "submissions": received,
            "pending": received - settled,
            "quarantined": sum(line.quarantined for line in lines),
            "missing": sum(len(line.completeness.missing) for line in lines),
        },
        "archive": node.archive.counts(),
        "integrate": node.integrate.counts(),
        "share": {
            "catalogue": len(node.share.catalogue(node.actor)),
            "grants": len(node.share.grants(node.actor)),
            "open": len(node.share.requests(node.actor, RequestState.OPEN)),
        },
        "brain": node.brain.counts(),
    }


def _gap(line: SourceLine) -> Text:
    names = "、".join(line.completeness.missing[:5])
    return Text(f"{line.department}“{line.title.zh}”缺：{names}", f"{line.title.en}: missing {names}")
