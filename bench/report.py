"""Results as a page and as data."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.figures import Result, table

FOLDER = Path("docs/benchmarks")
_COMMANDS = {"river": "make bench ARGS=--write", "trust": "make bench-trust ARGS=--write"}

_HEAD = """\
# Measurements

Written by `{command}`; a figure here is never typed in. Each is the median
of its runs, with the least, the most, and the value that 95 % of the runs stay within. Where there is a peer, it did
its work in the same call on the same machine, so the ratio (×, ours over the peer's) says more than the figure alone.
Nothing is tested against a clock: *bar* says what the product set itself, and whether the median keeps it. A load
above the count of cores says that others were at work on the machine meanwhile.

"""


def data(machine: Mapping[str, str], results: Sequence[Result]) -> dict[str, object]:
    """Return machine and results as JSON can hold them; values in full."""
    measured = [
        {
            "name": result.name,
            "title": result.title,
            "about": result.about,
            "figures": [
                {"what": f.what, "unit": f.unit, "median": f.median, "values": list(f.values), "bar": f.bar}
                for f in result.figures
            ],
        }
        for result in results
    ]
    return {"machine": dict(machine), "results": measured}


def page(book: str, machine: Mapping[str, str], results: Sequence[Result]) -> str:
    """Return the page of a book."""
    lines = "\n".join(f"- {name}: {value}" for name, value in machine.items())
    head = _HEAD.format(command=_COMMANDS[book])
    return head + f"Machine:\n\n{lines}\n\n" + "\n".join(table(result) for result in results)


def write(book: str, machine: Mapping[str, str], results: Sequence[Result]) -> None:
    """Write a book's page and data into the documents of the present tree."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{book}.md").write_text(page(book, machine, results), "utf-8")
    text = json.dumps(data(machine, results), ensure_ascii=False, indent=1)
    (FOLDER / f"{book}.json").write_text(text + "\n", "utf-8")
