"""The six stages of the river as the home page draws them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chengyi.console.menu import MENU
from chengyi.model.actor import Actor
from chengyi.model.text import Text

if TYPE_CHECKING:
    from chengyi.node import Status


@dataclass(frozen=True, slots=True)
class Count:
    """One figure of a stage; `room` and `key` say where the status has it."""

    room: str
    key: str
    title: Text


@dataclass(frozen=True, slots=True)
class Shown:
    """One figure as it is shown."""

    title: Text
    value: int | None


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its name, its main figure, further figures, and how many gaps it has."""

    key: str
    title: Text
    verb: Text
    path: str
    main: Shown
    more: tuple[Shown, ...]
    gaps: int
    lack: Text


GAP = Text("有缺口", "Gap")


@dataclass(frozen=True, slots=True)
class _Bed:
    key: str
    title: Text
    verb: Text
    path: str
    main: Count
    more: tuple[Count, ...]
    gap: Count | None = None
    lack: Text = GAP


BED = (
    _Bed(
        "sources",
        Text("来源", "Sources"),
        Text("各部门自有系统", "The departments' own systems"),
        "/sources/",
        Count("collect", "sources", Text("个来源", "sources")),
        (Count("collect", "departments", Text("部门", "departments")),),
    ),
    _Bed(
        "collect",
        Text("归集", "Collect"),
        Text("原样接收，应归尽归", "Taken byte for byte"),
        "/sources/",
        Count("collect", "submissions", Text("批次", "deliveries")),
        (
            Count("collect", "pending", Text("待归档", "waiting")),
            Count("collect", "quarantined", Text("已隔离", "quarantined")),
        ),
        Count("collect", "missing", Text("缺报", "missing")),
    ),
    _Bed(
        "archive",
        Text("归档", "Archive"),
        Text("四性检测，只增不改", "Checked, kept, never altered"),
        "/records/",
        Count("archive", "packages", Text("件档案", "records")),
        (Count("archive", "rows", Text("行有证明", "rows with proof")),),
        Count("archive", "manual", Text("待人工判定", "for a person")),
        Text("有待办", "To do"),
    ),
    _Bed(
        "integrate",
        Text("融合", "Integrate"),
        Text("一数一源，关联成卷", "One standard, linked"),
        "/datasets/",
        Count("integrate", "dossiers", Text("份卷宗", "dossiers")),
        (
            Count("integrate", "datasets", Text("数据集", "datasets")),
            Count("integrate", "faults", Text("问题行", "rows at fault")),
        ),
    ),
    _Bed(
        "share",
        Text("共享", "Share"),
        Text("按需授权，最少够用", "Granted for a purpose"),
        "/catalogue/",
        Count("share", "catalogue", Text("个目录项", "entries")),
        (Count("share", "grants", Text("有效授权", "grants in force")),),
        Count("share", "open", Text("待审批", "to answer")),
        Text("有待办", "To do"),
    ),
    _Bed(
        "brain",
        Text("决策", "Decide"),
        Text("预警有据，由人决定", "People decide, with reasons"),
        "/alerts/",
        Count("brain", "figures", Text("项指标值", "figures")),
        (
            Count("brain", "alerts", Text("预警", "alerts")),
            Count("brain", "decided", Text("已决定", "decided")),
        ),
        Count("brain", "raised", Text("待处置", "to handle")),
        Text("有待办", "To do"),
    ),
)


def stages_of(status: Status, actor: Actor) -> tuple[Stage, ...]:
    """Return the stages with the status's counts; a stage links only to a page that the actor may open."""
    open_paths = {item.path for group in MENU for item in group.items if any(map(actor.may, item.permissions))}
    return tuple(_stage(bed, status.counts, open_paths) for bed in BED)


def _stage(bed: _Bed, counts: Mapping[str, Mapping[str, int]], open_paths: set[str]) -> Stage:
    more = tuple(_shown(count, counts) for count in bed.more)
    gaps = _shown(bed.gap, counts) if bed.gap else None
    further = (*more, gaps) if gaps and gaps.value else more
    path = bed.path if bed.path in open_paths else ""
    return Stage(
        bed.key,
        bed.title,
        bed.verb,
        path,
        _shown(bed.main, counts),
        further,
        (gaps.value or 0) if gaps else 0,
        bed.lack,
    )


def _shown(count: Count, counts: Mapping[str, Mapping[str, int]]) -> Shown:
    return Shown(count.title, counts.get(count.room, {}).get(count.key))
