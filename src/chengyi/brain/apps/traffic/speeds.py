"""Speeds of road sections, from either of two kinds of feed, in one form.

Rules: detectors state each section's free-flow speed and count vehicles, which weigh; a feed of bare speeds states
neither, so that a section's free flow is the 85th percentile of its own speeds and every observation weighs the same;
which of the two it was is named in every figure. An observation without a positive speed cannot be used.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chengyi.brain import tally
from chengyi.brain.values import Parameter, Tables
from chengyi.model.decision import Need
from chengyi.model.text import Text

if TYPE_CHECKING:
    import ibis

FREE_FLOW = Parameter(
    "free_flow_quantile",
    "0.85",
    "分位 quantile",
    Text("行业通行做法（第85至95百分位），等级 M", "common practice (85th to 95th percentile), grade M"),
)
COVERAGE = Parameter("coverage_limit", "60", "%")
BASIS = "通行做法：行程时间指数 = 实际行程时间 ÷ 自由流行程时间；未主张符合 GB/T 33171 或 DB11/T 785（未见全文）"


@dataclass(frozen=True, slots=True)
class Feed:
    """One kind of dataset: its name, fields, and what is assumed about it."""

    dataset: str
    need: Need
    parameters: tuple[Parameter, ...]
    free_flow: Text
    assumed: str


DETECTORS = Feed(
    "detectors",
    Need("detectors", ("section_id", "section_name", "observed_at", "speed_kmh", "flow_vph", "free_flow_kmh")),
    (COVERAGE,),
    Text("自由流速度取检测器给定值，按流量加权", "free flow as the detectors state it, weighted by flow"),
    "assumed:路段等长 (sections of equal length)",
)
SPEEDS = Feed(
    "speeds",
    Need("speeds", ("section_id", "observed_at", "speed_kmh")),
    (FREE_FLOW, COVERAGE),
    Text(
        "自由流速度取该路段速度的第85百分位，各观测等权",
        "free flow is the 85th percentile of the section's speeds, all observations weigh the same",
    ),
    "assumed:自由流为第85百分位，路段等长、等权 (free flow is the 85th percentile; equal lengths and weights)",
)


def observations(tables: Tables, feed: Feed) -> "ibis.Table":
    """Return section, name, at, speed, free, weight, `usable`, and the evidence columns."""
    import ibis

    table = tables[feed.dataset].table
    speed = table.speed_kmh.cast("float64")
    if feed is DETECTORS:
        free, weight, name = table.free_flow_kmh.cast("float64"), table.flow_vph.cast("float64"), table.section_name
    else:
        by_section = ibis.window(group_by=table.section_id)
        free = speed.quantile(float(FREE_FLOW.number)).over(by_section)
        weight, name = ibis.literal(1.0), table.section_id
    plain = table.select(
        *tally.EVIDENCE,
        section=table.section_id,
        name=name,
        at=table.observed_at,
        speed=speed,
        free=free,
        weight=weight,
    )
    usable = (plain.speed > 0) & (plain.free > 0) & (plain.weight >= 0) & plain.section.notnull() & plain.at.notnull()
    return plain.mutate(usable=usable.fill_null(False))
