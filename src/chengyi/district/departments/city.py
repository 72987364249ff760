"""Roads, water and counters: detectors, sensors and cases."""

from dataclasses import dataclass

import numpy as np

from chengyi.district.names import draw
from chengyi.district.table import Table, cells, chosen, constant, moments, numbered
from chengyi.district.world import World

NOBODY = -1
_CLASSES = (("快速路", 78.0, 4200), ("主干路", 58.0, 2400), ("次干路", 44.0, 1300))
_ROADS = ("汀江大道", "云桥路", "望湖路", "听澜街", "春晖路", "荷塘路", "临溪公路", "青坞路", "柳岸街", "石埠路")
SECTIONS = 40
_SLOTS = 96


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened on a road: section, day of the week's data (0-6), from and to slot of 15 minutes, speed left."""

    section: int
    day: int
    start: int
    end: int
    share: float


INCIDENTS = (Incident(6, 3, 31, 42, 0.12), Incident(22, 5, 68, 78, 0.18))

_MATTERS = (
    ("身份证补领", "区公安分局", 10, 2, 3),
    ("户口迁移", "区公安分局", 5, 3, 4),
    ("最低生活保障申请", "区民政局", 25, 7, 8),
    ("临时救助申请", "区民政局", 10, 5, 6),
    ("残疾人证办理", "区残联", 20, 5, 5),
    ("医疗救助申请", "区医疗保障局", 15, 5, 7),
    ("农村危房改造申请", "区住房建设局", 30, 8, 9),
    ("公共租赁住房申请", "区住房建设局", 30, 7, 9),
    ("失业登记", "区人力资源社会保障局", 3, 2, 3),
    ("社会保险关系转移", "区人力资源社会保障局", 15, 4, 5),
    ("个体工商户登记", "区市场监管局", 2, 2, 4),
    ("食品经营许可", "区市场监管局", 10, 6, 8),
    ("义务教育入学登记", "区教育局", 7, 3, 5),
    ("种粮补贴申报", "区农业农村局", 20, 5, 4),
    ("取水许可", "区水务局", 20, 6, 8),
    ("占道施工许可", "区交警大队", 7, 4, 5),
)
_LATE_SHARE = 0.08

_STATIONS = (
    *(
        (f"SW{n:02d}", f"{name}水位站", "水位", "m")
        for n, name in enumerate(("望汀", "柳岸", "临溪", "青坞", "石埠", "云桥"), 1)
    ),
    *((f"YL{n:02d}", f"{name}雨量站", "降雨量", "mm") for n, name in enumerate(("临溪", "青坞", "石埠"), 1)),
    ("SZ01", "汀江取水口", "pH值", "无量纲"),
    ("SZ02", "汀江取水口", "溶解氧", "mg/L"),
    ("LL01", "云桥泵站", "流量", "m3/s"),
)


def detectors(world: World) -> Table:
    """Return a week of road sections every 15 minutes, a file a day, with two peaks and two incidents."""
    rng = world.settings.stream("detectors")
    kind = np.arange(SECTIONS) % len(_CLASSES)
    free = np.array([_CLASSES[k][1] for k in kind]) + rng.normal(0, 3, SECTIONS).round(1)
    days = np.array(world.settings.days(7), dtype="datetime64[D]")
    slots = (days.astype("datetime64[m]")[:, None] + np.arange(_SLOTS) * 15).astype("datetime64[s]")
    load = _load(days, rng)
    speed = free * (1 - 0.62 * load**1.6) + rng.normal(0, 1.6, load.shape)
    for incident in INCIDENTS:
        speed[incident.day, incident.start : incident.end, incident.section] *= incident.share
        speed[incident.day, incident.start + 1 : incident.end + 2, incident.section - 1] *= 0.5
    speed = np.clip(speed, 3, None).round(1)
    slowed = np.clip(speed / (free * (1 - 0.62 * load**1.6)), 0.3, 1.0)
    flow = (np.array([_CLASSES[k][2] for k in kind]) * load * slowed).round().astype(np.int64)
    section = np.tile(np.arange(SECTIONS), 7 * _SLOTS)
    names = cells(f"{_ROADS[n % 10]}第{n // 10 + 1}段" for n in range(SECTIONS))
    values = {
        "section_id": chosen([f"LD{n + 1:03d}" for n in range(SECTIONS)], section),
        "section_name": names[section],
        "road_class": chosen([_CLASSES[k][0] for k in kind], section),
        "free_flow_kmh": chosen(free.round(1).tolist(), section),
        "observed_at": np.repeat(moments(slots.ravel(), "%Y-%m-%d %H:%M:%S"), SECTIONS),
        "speed_kmh": speed.ravel().astype(object),
        "flow_vph": flow.ravel().astype(object),
    }
    files = np.repeat(cells(f"detectors-{day}.csv" for day in days.astype(str)), _SLOTS * SECTIONS)
    return Table("traffic-detectors", values, (constant_persons(len(section)),), files)


def _load(days: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    hour = np.arange(_SLOTS) / 4
    weekday = (days.astype(np.int64) + 3) % 7 < 5
    morning, evening = np.exp(-(((hour - 8.0) / 1.1) ** 2)), np.exp(-(((hour - 17.9) / 1.4) ** 2))
    midday = np.exp(-(((hour - 14) / 4.5) ** 2))
    work = 0.08 + 0.72 * morning + 0.70 * evening + 0.30 * midday
    rest = 0.07 + 0.20 * morning + 0.34 * evening + 0.42 * midday
    base = np.where(weekday[:, None], work, rest)[:, :, None]
    return np.clip(
        base * rng.uniform(0.75, 1.15, SECTIONS) + rng.normal(0, 0.015, (len(days), _SLOTS, SECTIONS)), 0.01, 1
    )


def constant_persons(count: int) -> np.ndarray:
    """Return rows that speak of nobody."""
    return np.full(count, NOBODY)


def cases(world: World) -> Table:
    """Return half a year of applications with their promised and real closing; about 8 % close late."""
    people = world.people
    rng = world.settings.stream("cases")
    count = max(60, len(people) * 12 // 100)
    adults = np.flatnonzero((people.age >= 18) & world.here())
    rows = rng.choice(adults, count)
    matter = draw(1.0 / (np.arange(len(_MATTERS)) + 3.0), count, rng)
    days = np.sort(rng.integers(0, 180, count))
    accepted = (world.day - 179 + days).astype("datetime64[s]") + rng.integers(9 * 3600, 17 * 3600, count)
    promised = np.array([each[2] for each in _MATTERS])[matter] * 7 // 5 + 1
    due = accepted.astype("datetime64[D]") + promised
    late = rng.random(count) < _LATE_SHARE
    share = np.where(late, rng.uniform(1.1, 2.2, count), rng.uniform(0.1, 0.95, count))
    closed = accepted + (share * promised * 86_400).astype(np.int64)
    closed = np.where(late, np.maximum(closed, due.astype("datetime64[s]") + 90_000), closed)
    closed = np.where(closed > world.day.astype("datetime64[s]") + 17 * 3600, np.datetime64("NaT", "s"), closed)
    values = {
        "case_no": numbered("YT2026", count, 7),
        "matter": chosen([each[0] for each in _MATTERS], matter),
        "department_name": chosen([each[1] for each in _MATTERS], matter),
        "person_name": people.name[rows],
        "citizen_id": people.citizen_id[rows],
        "accepted_at": moments(accepted, "%Y/%m/%d %H:%M:%S"),
        "due_at": moments(due.astype("datetime64[s]") + 86_399, "%Y/%m/%d %H:%M:%S"),
        "closed_at": moments(closed, "%Y/%m/%d %H:%M:%S"),
        "step_count": (np.array([each[3] for each in _MATTERS])[matter] + rng.integers(0, 3, count)).astype(object),
        "material_count": (np.array([each[4] for each in _MATTERS])[matter] + rng.integers(0, 2, count)).astype(object),
    }
    return Table("services-cases", values, (rows,), constant("cases", count))


def sensors(world: World) -> Table:
    """Return a week of hourly readings, a file a day, with one night of heavy rain and the flood after it."""
    rng = world.settings.stream("sensors")
    days = np.array(world.settings.days(7), dtype="datetime64[D]")
    hours = days[0].astype("datetime64[h]") + np.arange(7 * 24)
    readings = np.stack([_readings(number, len(hours), rng) for number in range(len(_STATIONS))], axis=1)
    station = np.tile(np.arange(len(_STATIONS)), len(hours))
    values = {
        "station_id": chosen([each[0] for each in _STATIONS], station),
        "station_name": chosen([each[1] for each in _STATIONS], station),
        "quantity": chosen([each[2] for each in _STATIONS], station),
        "unit": chosen([each[3] for each in _STATIONS], station),
        "observed_at": np.repeat(moments(hours, "%Y%m%d%H%M%S"), len(_STATIONS)),
        "value": readings.ravel().astype(object),
    }
    files = np.repeat(cells(f"sensors-{day}.jsonl" for day in days.astype(str)), 24 * len(_STATIONS))
    return Table("water-sensors", values, (constant_persons(len(station)),), files)


def _readings(number: int, hours: int, rng: np.random.Generator) -> np.ndarray:
    hour = np.arange(hours)
    storm = np.exp(-(((hour - 70) / 4.0) ** 2))
    flood = np.where(
        hour > 66, np.exp(-np.maximum(hour - 78, 0) / 22.0) * (1 - np.exp(-np.maximum(hour - 66, 0) / 6.0)), 0
    )
    quantity = _STATIONS[number][2]
    noise = rng.normal(0, 1, hours)
    reading = {
        "水位": 2.4 + 0.1 * number + 2.6 * flood * (1.15 if number in {2, 3} else 0.7) + 0.03 * noise,
        "降雨量": np.maximum(28 * storm * rng.uniform(0.8, 1.2) + 0.3 * noise * storm, 0),
        "pH值": 7.4 - 0.3 * flood + 0.04 * noise,
        "溶解氧": 7.8 - 1.6 * flood + 0.12 * noise,
        "流量": 3.2 + 9.0 * flood + 0.15 * noise,
    }[quantity]
    return np.asarray(np.round(reading, 2))
