"""``python -m bench [--book BOOK] [name ...]``: measure, print, and write the book's page where asked."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from bench import report
from bench.figures import Result, table
from bench.ground import CommandError, Ground
from bench.machine import describe, load

Measure = Callable[[Ground], Result]

BOOKS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "river": {
            "rows": "bench.rows:measure",
            "documents": "bench.documents:measure",
            "trust": "bench.trust.river:measure",
            "district": "bench.district:measure",
            "demo": "bench.demo:measure",
            "idle": "bench.demo:measure_idle",
            "pages": "bench.pages:measure",
        },
        "trust": {
            "conformance": "bench.trust.conformance:measure",
            "fragments": "bench.trust.fragments:measure",
            "ledger": "bench.trust.ledger:measure",
            "crashes": "bench.trust.ledger:measure_crashes",
            "authority": "bench.trust.authority:measure",
            "anchors": "bench.trust.anchors:measure",
            "marks": "bench.trust.marks:measure",
            "tracing": "bench.trust.tracing:measure",
            "behaviour": "bench.trust.behaviour:measure",
        },
    }
)


def main(words: Sequence[str] | None = None) -> int:
    """Measure what was asked for, all by default; 1 where a measured command failed."""
    asked = _arguments(words)
    machine = describe() | {"runs": str(asked.runs), "load before": f"{load():.2f}"}
    results = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ground = Ground(Path(folder), 1 if asked.quick else asked.runs, quick=asked.quick)
        for name in asked.names or BOOKS[asked.book]:
            print(f"measuring: {name} ...", file=sys.stderr, flush=True)
            try:
                results.append(_measurement(BOOKS[asked.book][name])(ground))
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
        report.write(asked.book, machine, results)
    return 0


def _measurement(place: str) -> Measure:
    """Return the measurement ``module:function``, imported when it is asked for."""
    module, _, function = place.partition(":")
    measure: Measure = getattr(import_module(module), function)
    return measure


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure, as ratios to a peer in the same run."
    )
    names = "; ".join(f"{book}: {', '.join(each)}" for book, each in BOOKS.items())
    parser.add_argument("names", nargs="*", metavar="name", help=f"what to measure ({names})")
    parser.add_argument("--book", choices=BOOKS, default="river", help="which book of measurements (river)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each measurement (5)")
    parser.add_argument("--quick", action="store_true", help="small sizes and one run: to see that everything works")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--write", action="store_true", help=f"write the book into {report.FOLDER}")
    asked = parser.parse_args(words)
    unknown = [name for name in asked.names if name not in BOOKS[asked.book]]
    if unknown:
        parser.error(f"no such measurement in {asked.book}: {', '.join(unknown)}")
    if asked.write and (asked.quick or asked.names):
        parser.error("only a full measurement is written")
    return asked


sys.exit(main())
