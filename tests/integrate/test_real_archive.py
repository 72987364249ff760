"""Integration over the real archive and collection (with memory vault and audit): bytes in, dataset out."""

from pathlib import Path

from chengyi.archive import Archive
from chengyi.integrate import Integrate
from chengyi.model.clock import SetClock
from chengyi.model.reporter import SilentReporter
from chengyi.store.rows import Rows
from chengyi.store.tables import DuckTables
from simulators.collect_room import Room as CollectRoom
from simulators.keys import MemoryKeys

CONTRACT = """
[reader]
format = "csv"
encoding = "gb18030"
[contract]
dataset = "low_income"
title = { zh = "低保对象", en = "Low-income recipients" }
[[contract.column]]
name = "姓名"
element = "person_name"
required = true
[[contract.column]]
name = "起始"
element = "start_date"
"""


def test_promise_1_a_delivery_reaches_its_dataset_only_through_the_archive(tmp_path: Path, clock: SetClock) -> None:
    (tmp_path / "sources").mkdir()
    rows = Rows(f"sqlite:///{tmp_path / 'node.db'}")
    room = CollectRoom(tmp_path, clock, rows)
    room.add("civil", 'kind = "folder"\npath = "in"\npattern = "*.csv"', CONTRACT)
    room.put("in/1.csv", "姓名,起始\n张伟,2023年2月3日\n李娜,2023-02-30\n王芳\n".encode("gb18030"))
    collect = room.collect
    archive = Archive(rows, room.vault, room.audit, clock, collect)
    tables = DuckTables(tmp_path / "lake")
    integrate = Integrate(rows, tables, MemoryKeys(), room.audit, clock, archive, collect.sources)
    rows.create_all()
    collect.collect(room.actor, SilentReporter())
    assert integrate.update(room.actor, SilentReporter()).sources == ()
    archive.keep_pending(room.actor, SilentReporter())
    report = integrate.update(room.actor, SilentReporter())
    assert (report.rows, report.quarantined, report.errors) == (1, 2, ())
    (row,) = tables.arrow(integrate.table("low_income")).to_pylist()
    assert row["start_date"].isoformat() == "2023-02-03"
    proof = archive.row_proof(row["_package"], row["_row"])
    assert proof.leaf == row["_leaf"]
    assert {fault.row for fault in integrate.faults("low_income")} == {2, 3}
    tables.close()
    rows.close()
