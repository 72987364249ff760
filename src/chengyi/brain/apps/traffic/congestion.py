"""The travel time index of each road section, and where congestion stays."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chengyi.brain import tally
from chengyi.brain.apps.traffic.network import index
from chengyi.brain.apps.traffic.speeds import BASIS, COVERAGE, Feed, observations
from chengyi.brain.values import NOTHING, AlertRule, Computed, Finding, Measure, Parameter, Tables, decimal_text
from chengyi.model.decision import App, Indicator, Severity
from chengyi.model.text import Text

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

CONGESTED = Parameter(
    "congested_ratio",
    "2.0",
    "倍 x",
    Text(
        "地图服务商公开分级（2.0 起为拥堵），等级 S", "published bands of a map service (congested from 2.0), grade S"
    ),
)
PERIODS = Parameter("periods", "3", "个连续时段 periods in a row")


def section_index(feed: Feed) -> Measure:
    """Declare the measure over one kind of feed."""
    indicator = Indicator(
        id=f"traffic.section_index.{feed.dataset}",
        version=1,
        app=App.TRAFFIC,
        title=Text("路段行程时间指数", "Travel time index of a section"),
        rule=Text(
            f"各路段 Σ(w/v) ÷ Σ(w/vf)；{feed.free_flow.zh}。有效时段不足六成的，不出数值，标明“数据不足”。",
            f"sum(w/v) / sum(w/vf) of each section; {feed.free_flow.en}. Below 60 % of the periods there "
            "is no value: insufficient data.",
        ),
        unit=Text("倍", "x"),
        needs=(feed.need,),
        purpose=Text("发现持续拥堵路段", "Find the sections that stay congested"),
        legal_basis=BASIS,
    )
    alert = AlertRule(
        id=f"traffic.congestion.{feed.dataset}",
        version=1,
        title=Text("路段持续拥堵", "A section stays congested"),
        rule=Text(
            "同一路段连续 3 个及以上观测时段的行程时间不低于自由流的 2.0 倍时提示，每路段每日一次。",
            "Raised where a section takes 2.0 times its free-flow time or more for 3 periods in a row, once a section "
            "and day.",
        ),
        legal_basis=BASIS,
        severity=Severity.WARNING,
        find=lambda tables, _computed: find(tables, feed),
        parameters=(CONGESTED, PERIODS),
    )
    return Measure(indicator, lambda tables: compute(tables, feed), feed.parameters, (alert,))


def compute(tables: Tables, feed: Feed) -> list[Computed]:
    """Return the index of each section."""
    rows = observations(tables, feed)
    found = tally.run(
        tables[feed.dataset], rows.select(*tally.EVIDENCE, "section", "at", "usable", "weight", "speed", "free")
    )
    periods = tally.distinct(found, "at")
    return [_figure(tables, feed, section, part, periods) for section, part in tally.slices(found, "section")]


def find(tables: Tables, feed: Feed) -> list[Finding]:
    """Return one finding a section and day that had congestion which stayed."""
    rows = tally.run(tables[feed.dataset], episodes(observations(tables, feed)))
    return [_finding(part) for _, part in tally.slices(rows, "subject")]


def episodes(rows: "ibis.Table") -> "ibis.Table":
    """Return the observations that belong to an episode: congested, and enough of them in a row."""
    import ibis

    clock = ibis.dense_rank().over(ibis.window(order_by=rows["at"]))
    timed = rows.filter(rows.usable).mutate(period=clock, ratio=rows.free / rows.speed)
    slow = timed.filter(timed.ratio >= float(CONGESTED.number))
    place = ibis.dense_rank().over(ibis.window(group_by=slow.section, order_by=slow.period))
    marked = slow.mutate(island=slow.period - place)
    length = marked.period.nunique().over(ibis.window(group_by=[marked.section, marked.island]))
    long_ = marked.mutate(length=length).filter(lambda each: each["length"] >= int(PERIODS.number))
    day = tally.local_day(long_["at"]).cast("string")
    return long_.select(
        *tally.EVIDENCE, "section", "name", "at", "ratio", "island", "length", subject=long_.section + "@" + day
    )


def _figure(tables: Tables, feed: Feed, section: str, part: "pa.Table", periods: int) -> Computed:
    used = tally.where(part, "usable")
    covered = 100 * tally.distinct(used, "at") / periods if periods else 0
    thin = [f"coverage:{decimal_text(covered, 1)}%"] if covered < COVERAGE.number else []
    unknown = tally.count_note("unknown", part.num_rows - used.num_rows)
    missing = tally.notes(tables.values(), *unknown, *thin, feed.assumed)
    value = NOTHING if thin else index(used)
    return tally.computed(section, value, used, missing, max(part.num_rows, periods))


def _finding(part: "pa.Table") -> Finding:
    rows: list[dict[str, Any]] = part.sort_by([("at", "ascending")]).to_pylist()
    first = rows[0]
    islands = dict.fromkeys(row["island"] for row in rows)
    reasons = tuple(_reason([row for row in rows if row["island"] == island]) for island in islands)
    name = first["name"] or first["section"]
    return Finding(
        subject=first["subject"],
        title=Text(f"{name}持续拥堵", f"{name} stays congested"),
        reasons=reasons,
        evidence=part,
        group=first["section"],
    )


def _reason(rows: Sequence[dict[str, Any]]) -> Text:
    start, end = tally.local_minute(rows[0]["at"]), tally.local_minute(rows[-1]["at"])
    worst = decimal_text(max(row["ratio"] for row in rows), 1)
    count = len({row["at"] for row in rows})
    return Text(
        f"{start} 至 {end} 连续 {count} 个时段行程时间不低于自由流的 {CONGESTED.value} 倍，最高 {worst} 倍",
        f"from {start} to {end}, {count} periods in a row at {CONGESTED.value} times free flow or more, up to {worst}",
    )
