"""The travel time index of the network, by day."""

from typing import TYPE_CHECKING

from chengyi.brain import tally
from chengyi.brain.apps.traffic.speeds import BASIS, Feed, observations
from chengyi.brain.values import NOTHING, Computed, Measure, Tables, decimal_text
from chengyi.model.decision import App, Indicator
from chengyi.model.text import Text

if TYPE_CHECKING:
    import pyarrow as pa


def network_index(feed: Feed) -> Measure:
    """Declare the measure over one kind of feed."""
    indicator = Indicator(
        id=f"traffic.network_index.{feed.dataset}",
        version=1,
        app=App.TRAFFIC,
        title=Text("路网行程时间指数", "Network travel time index"),
        rule=Text(
            f"Σ(w·L/v) ÷ Σ(w·L/vf)，按日；v 为实测速度，vf 为自由流速度，w 为权重，L 为路段长度"
            f"（无长度数据，按等长计）；{feed.free_flow.zh}。1.0 为畅通。",
            f"sum(w L/v) / sum(w L/vf) by day; v is the measured speed, vf the free flow, w the weight, L the length "
            f"(none is given: taken as equal); {feed.free_flow.en}. 1.0 is a free road.",
        ),
        unit=Text("倍", "x"),
        needs=(feed.need,),
        purpose=Text("监测路网运行状态", "Watch how the road network runs"),
        legal_basis=BASIS,
    )
    return Measure(indicator, lambda tables: compute(tables, feed), feed.parameters)


def compute(tables: Tables, feed: Feed) -> list[Computed]:
    """Return the index of each day."""
    rows = observations(tables, feed)
    wanted = rows.select(
        *tally.EVIDENCE, "usable", "weight", "speed", "free", day=tally.local_day(rows["at"]).cast("string")
    )
    found = tally.run(tables[feed.dataset], wanted)
    return [_figure(tables, feed, day, part) for day, part in tally.slices(found, "day")]


def index(part: "pa.Table") -> str:
    """Return the index over observations, with three places; nothing where nothing moved."""
    import pyarrow.compute as pc

    actual = pc.sum(pc.divide(part["weight"], part["speed"])).as_py() or 0
    free = pc.sum(pc.divide(part["weight"], part["free"])).as_py() or 0
    return decimal_text(actual / free, 3) if free else NOTHING


def _figure(tables: Tables, feed: Feed, day: str, part: "pa.Table") -> Computed:
    used = tally.where(part, "usable")
    missing = tally.notes(tables.values(), *tally.count_note("unknown", part.num_rows - used.num_rows), feed.assumed)
    return tally.computed(day, index(used), used, missing, part.num_rows)
