"""``python -m bench [name ...]``: measure, print, and write the page where asked."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from bench import demo, district, documents, pages, report, rows
from bench.figures import Result, table
from bench.ground import CommandError, Ground
from bench.machine import describe, load
from bench.trust import river as trust

MEASUREMENTS: Mapping[str, Callable[[Ground], Result]] = MappingProxyType(
    {
        "rows": rows.measure,
        "documents": documents.measure,
        "trust": trust.measure,
        "district": district.measure,
        "demo": demo.measure,
        "idle": demo.measure_idle,
        "pages": pages.measure,
    }
)


def main(words: Sequence[str] | None = None) -> int:
    """Measure what was asked for, all by default; 1 where a measured command failed."""
    asked = _arguments(words)
    machine = describe() | {"runs": str(asked.runs), "load before": f"{load():.2f}"}
    results = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ground = Ground(Path(folder), 1 if asked.quick else asked.runs, quick=asked.quick)
        for name in asked.names or MEASUREMENTS:
            print(f"measuring: {name} ...", file=sys.stderr, flush=True)
            try:
                results.append(MEASUREMENTS[name](ground))
            except CommandError as fault:
                print(fault, file=sys.stderr)
                return 1
            if not asked.json:
                print(table(results[-1]), flush=True)
    machine["load after"] = f"{load():.2f}"
    if asked.json:
        print(json.dumps(report.data(machine, results), ensure_ascii=False))
    else:
        print("\n".join(f"{name}: {value}" for name, value in machine.items()))
    if asked.write:
        report.write(machine, results)
    return 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure, as ratios to a peer in the same run."
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"what to measure: {', '.join(MEASUREMENTS)}")
    parser.add_argument("--runs", type=int, default=5, help="runs of each measurement (5)")
    parser.add_argument("--quick", action="store_true", help="small sizes and one run: to see that everything works")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--write", action="store_true", help=f"write {report.PAGE} and {report.DATA.name}")
    asked = parser.parse_args(words)
    unknown = [name for name in asked.names if name not in MEASUREMENTS]
    if unknown:
        parser.error(f"no such measurement: {', '.join(unknown)}")
    if asked.write and (asked.quick or asked.names):
        parser.error("only a full measurement is written")
    return asked


sys.exit(main())
