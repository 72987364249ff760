"""A table through the river: `chengyi bench`, run again and again."""

import json
from typing import Any

from bench.figures import Figure, Result
from bench.ground import Ground

_ROOMS = ("collect", "archive", "integrate")


def measure(ground: Ground) -> Result:
    """Rows per second from a CSV file to a dataset, against DuckDB's plain COPY of the same file to Parquet."""
    rows = ground.size(1_000_000, 5_000)
    runs: list[dict[str, Any]] = []
    peaks = []
    for _ in range(ground.runs):
        ended = ground.chengyi("bench", "--rows", str(rows), "--json")
        runs.append(json.loads(ended.said[ended.said.index("{") :]))
        peaks.append(ended.peak_mib)
    laps = [run["throughput"] for run in runs]
    figures = [
        Figure("river / COPY", "×", tuple(run["ratio"] for run in runs), at_least=0.25),
        Figure("river", "rows/s", tuple(rows / run["seconds"] for run in runs)),
        Figure("DuckDB COPY", "rows/s", tuple(rows / seconds for lap in laps for seconds in lap["peer"])),
        *(Figure(room, "s", tuple(lap[room] for lap in laps)) for room in _ROOMS),
        Figure("peak memory, the peer included", "MiB", tuple(peaks), at_most=2048),
    ]
    about = (
        f"{rows:,} rows × 8 columns of one contracted CSV source ({laps[0]['bytes'] / 1e6:.0f} MB) through a real "
        "node: sealed into the vault, read back and checked, a Merkle leaf for every row, standardised under its "
        "contract (valid citizen numbers, unique key, one row in a thousand at fault), written as a dataset with the "
        "evidence of every row. The peer, in the same process and warmed up like it, is DuckDB's "
        "`COPY (read_csv) TO parquet`."
    )
    return Result("rows", "A table through the river", about, tuple(figures))
