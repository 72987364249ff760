"""Rows led home through the real archive."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chengyi.model.actor import node_actor
from chengyi.model.clock import SetClock
from chengyi.model.evidence import Evidence
from chengyi.share.tracing import Tracer
from chengyi.store.rows import Rows
from simulators.house import House, house_of
from simulators.keys import MemoryKeys

CSV = "身份证号,姓名\n990106198001011234,张三\n990106197502022345,李四\n".encode()


@pytest.fixture
def house(tmp_path: Path, clock: SetClock) -> Iterator[House]:
    rows = Rows(f"sqlite:///{tmp_path}/node.db")
    rows.create_all()
    yield house_of(rows, clock)
    rows.close()


def test_promise_5_rows_are_led_home_through_the_real_archive(house: House) -> None:
    house.collect.hand_in("table", {"2026-01.csv": CSV})
    house.keep()
    package = house.only()
    leaves = [leaf.as_py().hex() for leaf in house.archive.table_of(package.ref).leaves]
    tracer = Tracer(house.archive, house.audit, MemoryKeys().verifier, node_actor("share"))
    rows = [Evidence(package.ref, number, leaf) for number, leaf in enumerate(leaves, 1)]

    traces = tracer.trace([*rows, Evidence(package.ref, 0, package.inventory)])
    forged = tracer.trace([replace(rows[0], leaf=leaves[1]), replace(rows[0], row=3), rows[1]])

    assert [trace.ok for trace in traces] == [True, True, True]
    assert traces[0].archival_code == package.archival_code
    assert [trace.ok for trace in forged] == [False, False, True]
