"""A small sharing room: one dataset of each class, and the people who meet there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from chengyi.model.act import Act
from chengyi.model.actor import Actor, Role, node_actor
from chengyi.model.clock import SetClock
from chengyi.model.codes import SharingClass
from chengyi.model.evidence import Completeness
from chengyi.model.grant import Grant, Purpose
from chengyi.share import Share
from chengyi.store.rows import Rows
from simulators.audit import MemoryAudit
from simulators.integrate import INTERNAL, PERSONAL, PUBLIC, SENSITIVE, SimIntegrate
from simulators.keys import MemoryKeys

CLERK = Actor("clerk-1", "王经办", "区医保局", frozenset({Role.CLERK}))
STRANGER = Actor("clerk-2", "李经办", "区教育局", frozenset({Role.CLERK}))
ARCHIVIST = Actor("arch-1", "赵档案", "区民政局", frozenset({Role.ARCHIVIST}))
NODE = node_actor("yunting")
PURPOSE = Purpose("核对医疗救助资格", "《社会救助暂行办法》", "YB-2026-0001")

LOW_INCOME = {
    "citizen_id": ("citizen_id", SENSITIVE),
    "person_name": ("text", PERSONAL),
    "phone": ("phone", SENSITIVE),
    "address": ("text", PERSONAL),
    "birth_date": ("date", PERSONAL),
    "monthly_amount": ("decimal", PERSONAL),
    "aid_kind": ("code", PERSONAL),
    "area_code": ("area_code", INTERNAL),
}
PEOPLE: list[list[Any]] = [
    [
        "99010619800101123X",
        "张三",
        "13812341234",
        "云汀区清河街道柳岸路1号",
        date(1980, 1, 1),
        Decimal(600),
        "低保",
        "990106001",
    ],
    [
        "990106197502022345",
        "欧阳小明",
        "13900001111",
        "云汀区白石镇三组",
        date(1975, 2, 2),
        Decimal(800),
        "特困",
        "990106002",
    ],
    [None, "李", None, "无详细地址", None, None, "低保", "990106001"],
]
READINGS: list[list[Any]] = [["S1", Decimal(1)], ["S2", Decimal(2)]]
STATIONS = {"station_id": ("text", PUBLIC), "value": ("decimal", PUBLIC)}


@dataclass
class Room:
    share: Share
    integrate: SimIntegrate
    audit: MemoryAudit
    clock: SetClock
    rows: Rows
    keys: MemoryKeys

    def acts(self, kind: str) -> list[Act]:
        return [act for act in self.audit.acts if act.kind.value == kind]

    def approved(self, *fields: str, **terms: object) -> Grant:
        request = self.share.request(CLERK, "low_income", fields, PURPOSE)
        return self.share.approve(ARCHIVIST, request.id, **terms)  # type: ignore[arg-type]


def gaps(source: str) -> Completeness:
    if source == "stations":
        return Completeness(3, 2, ("2026-10.jsonl",))
    return Completeness(None, 1)


@pytest.fixture
def room(clock: SetClock) -> Iterator[Room]:
    audit, keys, rows = MemoryAudit(clock), MemoryKeys(), Rows("sqlite://")
    integrate = SimIntegrate(audit)
    integrate.put("low_income", LOW_INCOME, PEOPLE, sharing=SharingClass.CONDITIONAL, quarantined=2)
    integrate.put("stations", STATIONS, READINGS, department="区水务局")
    integrate.put("secrets", {"matter": ("text", INTERNAL)}, [["x"]], sharing=SharingClass.WITHHELD)
    rows.create_all()
    share = Share(rows, keys, audit, clock, integrate, integrate.archive, gaps=gaps)
    share.publish(NODE)
    yield Room(share, integrate, audit, clock, rows, keys)
    rows.close()
