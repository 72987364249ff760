"""The one measurement that an installed package can make: a table through the river, beside the engine's plain copy.

Rules: the same file goes through a real node (collected, sealed into the vault, checked, proven row by row, brought
under a contract) and through DuckDB's ``COPY (read_csv) TO parquet``, in the same process and on all its cores; both
are warmed up on a small file first; one row in a thousand is at fault. `make bench` runs this very command many times.
"""

import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chengyi.model.reporter import Reporter, SilentReporter
from chengyi.node import Node

COLUMNS = 8
PEER_RUNS = 3
_WARM_ROWS = 2_000
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

_ROWS_SQL = """\
WITH stems AS (
  SELECT i, DATE '1950-01-01' + ((i // 50) % 25000)::INT AS born, '990106' || strftime(born, '%Y%m%d')
         || lpad(((i % 50) * 20 + (i // 1250000) % 20)::VARCHAR, 3, '0') AS stem FROM range({rows}) numbers(i))
SELECT stem || substr('10X98765432', ({check}) % 11 + 1, 1) AS "身份证号",
       '张' || chr(19968 + (i % 5000)::INT) || chr(19968 + (i % 977)::INT) AS "姓名",
       CASE WHEN i % 2 = 0 THEN '女' ELSE '男' END AS "性别",
       born::VARCHAR AS "出生日期",
       '云汀区安宁街道' || (i % 300) || '号' || (i % 20) || '栋' || (i % 3000) || '室' AS "住址",
       '138' || lpad((i % 100000000)::VARCHAR, 8, '0') AS "联系电话",
       (i % 9999) || '.' || lpad((i % 100)::VARCHAR, 2, '0') AS "月保障金额",
       CASE WHEN i % 1000 = 999 THEN '2026-02-30'
            ELSE '2026-' || lpad((i % 12 + 1)::VARCHAR, 2, '0') || '-' || lpad((i % 28 + 1)::VARCHAR, 2, '0')
       END AS "登记日期" FROM stems"""

_SOURCE = """\
[source]
id = "roll"
title = { zh = "测速名册", en = "Roll for measuring" }
department = "测速"
fonds = "Y001"
record_class = "SJ"
retention = "D10"
sharing = "conditional"
[connector]
kind = "file"
path = "roll.csv"
[reader]
format = "csv"
[contract]
dataset = "roll"
title = { zh = "测速名册", en = "Roll for measuring" }
key = ["citizen_id"]
"""

_CONTRACT = {
    "身份证号": "citizen_id",
    "姓名": "person_name",
    "性别": "sex",
    "出生日期": "birth_date",
    "住址": "address",
    "联系电话": "phone",
    "月保障金额": "monthly_amount",
    "登记日期": "register_date",
}


@dataclass(frozen=True, slots=True)
class Throughput:
    """What was measured: seconds a room, seconds of the peer's runs, bytes of the file, peak memory in MiB."""

    rows: int
    bytes: int
    collect: float
    archive: float
    integrate: float
    peer: tuple[float, ...]
    peak_mib: int

    @property
    def seconds(self) -> float:
        """Return the seconds from the file to the dataset."""
        return self.collect + self.archive + self.integrate

    @property
    def ratio(self) -> float:
        """Return the river's throughput as a part of the peer's (median run)."""
        return sorted(self.peer)[len(self.peer) // 2] / self.seconds


def measure(folder: Path, rows: int, reporter: Reporter) -> Throughput:
    """Measure one run over `rows` rows below an empty folder; memory is that of the whole process until then."""
    _through(folder / "warm", min(rows, _WARM_ROWS), SilentReporter())
    _copy(folder / "warm")
    laps = _through(folder / "node", rows, reporter)
    peak = _peak_mib()
    peer = tuple(_copy(folder / "node") for _ in range(PEER_RUNS))
    size = (folder / "node" / "roll.csv").stat().st_size
    return Throughput(rows, size, laps[0], laps[1], laps[2], peer, peak)


def _through(home: Path, rows: int, reporter: Reporter) -> list[float]:
    Node.create(home, "bench", zh="测速", en="bench", department="测速").close()
    _write_table(home / "roll.csv", rows)
    columns = [f'[[contract.column]]\nname = "{name}"\nelement = "{element}"\n' for name, element in _CONTRACT.items()]
    (home / "sources" / "roll.toml").write_text(_SOURCE + "".join(columns), "utf-8")
    node = Node(home)
    laps = [
        _seconds(lambda: node.collect.collect(node.actor, reporter)),
        _seconds(lambda: node.archive.keep_pending(node.actor, reporter)),
        _seconds(lambda: node.integrate.update(node.actor, reporter)),
    ]
    held = node.integrate.dataset("roll")
    node.close()
    assert held.rows + held.quarantined == rows, "rows are missing"  # noqa: S101 - a measurement of nothing is none
    return laps


def _write_table(path: Path, rows: int) -> None:
    import duckdb

    check = " + ".join(f"{weight} * substr(stem, {place}, 1)::INT" for place, weight in enumerate(_WEIGHTS, 1))
    query = _ROWS_SQL.format(rows=rows, check=check)
    with duckdb.connect(config={"memory_limit": "512MB"}) as engine:
        engine.execute("SET enable_progress_bar = false")
        engine.execute(f"COPY ({query}) TO '{_quoted(path)}' (HEADER)")


def _copy(home: Path) -> float:
    import duckdb

    source, target = _quoted(home / "roll.csv"), _quoted(home / "peer.parquet")
    with duckdb.connect() as engine:
        engine.execute("SET enable_progress_bar = false")
        query = f"COPY (SELECT * FROM read_csv('{source}')) TO '{target}' (FORMAT parquet)"  # noqa: S608 - own paths
        return _seconds(lambda: engine.execute(query))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def high_water(process: int) -> float | None:
    """Return the most memory that a living process ever held, in MiB, or None where the system does not tell."""
    try:
        lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) / 1024 if found else None


def _peak_mib() -> int:
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return round(high_water(os.getpid()) or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
