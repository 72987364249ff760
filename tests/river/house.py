"""A small node home for the river's hard cases, driven by the real command line."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from chengyi.model.identifiers import make_citizen_id
from chengyi.model.reporter import SilentReporter
from chengyi.node import Node

CLI = Path(sys.executable).with_name("chengyi")
HEADER = "姓名,身份证号,批准日期,备注"
DEPARTMENT = "区民政局"
QUIET = SilentReporter()

_SOURCE = """
[source]
id = "{id}"
title = {{ zh = "名册 {id}", en = "Roll {id}" }}
department = "区民政局"
fonds = "Y012"
changed = "{changed}"
[connector]
kind = "{kind}"
path = "in/{id}"
"""
_TABLE = """
[reader]
format = "{reader}"
[contract]
dataset = "{dataset}"
title = {{ zh = "名册 {id}", en = "Roll {id}" }}
snapshot = "delta"
[[contract.column]]
name = "姓名"
element = "person_name"
required = true
[[contract.column]]
name = "身份证号"
element = "citizen_id"
required = true
[[contract.column]]
name = "批准日期"
element = "start_date"
[[contract.column]]
name = "备注"
element = "remark"
[[contract.entity]]
kind = "person"
citizen_id = "citizen_id"
name = "person_name"
"""


def number(person: int) -> str:
    """Return the valid citizen number of an invented person."""
    return make_citizen_id("990106", date(1970 + person % 40, 1 + person % 12, 1 + person % 28), person % 999 + 1)


def row(person: int, name: str = "", citizen: str = "", day: str = "2023-02-28", note: str = "在册") -> str:
    """Return one good row of a roll as CSV, or one with something else in a cell."""
    return ",".join([name or f"张{person:04}", citizen or number(person), day, note])


def roll(*rows: str, header: str = HEADER) -> bytes:
    """Return a roll as CSV in UTF-8."""
    return ("\n".join([header, *rows]) + "\n").encode()


def good_roll(first: int, count: int = 5) -> bytes:
    """Return a roll without faults."""
    return roll(*(row(first + each) for each in range(count)))


class House:
    """A node's home with sources, and what its commands say."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def build(cls, path: Path) -> "House":
        """Make a new node by `chengyi init`."""
        house = cls(path)
        made = house.command("init")
        assert made.returncode == 0, made.stderr
        return house

    def command(self, *words: str | Path, language: str = "en", **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command on this home, as a user would; it may never show a traceback."""
        options = {"env": environment(language), **options}
        done = subprocess.run(self.line(*words), capture_output=True, text=True, **options)
        assert "Traceback" not in done.stderr + done.stdout, done.stderr
        return done

    def line(self, *words: str | Path) -> list[str]:
        """Return the command line."""
        return [str(CLI), *map(str, words), "--home", str(self.path)]

    def run(self, language: str = "en") -> subprocess.CompletedProcess[str]:
        """Run the river."""
        return self.command("run", language=language)

    def add(self, id: str, *, reader: str = "csv", kind: str = "folder", changed: str = "version") -> Path:
        """Describe one source, and return the folder that it delivers into."""
        text = _SOURCE.format(id=id, kind=kind, changed=changed)
        if reader:
            text += _TABLE.format(id=id, reader=reader, dataset=dataset_of(id))
        (self.path / "sources" / f"{id}.toml").write_text(text, "utf-8")
        folder = self.path / "in" / id
        folder.mkdir(parents=True)
        return folder

    @contextmanager
    def node(self) -> Iterator[Node]:
        """Open the node in this process."""
        node = Node(self.path)
        try:
            yield node
        finally:
            node.close()

    def waiting(self, source: str = "") -> list[dict[str, Any]]:
        """Return what `chengyi faults` lists, of one source or of all."""
        listed = self.command("faults", source, "--json")
        assert listed.returncode == 0, listed.stderr
        found: list[dict[str, Any]] = json.loads(listed.stdout)["waiting"]
        return found

    def copy(self, path: Path) -> "House":
        """Return a copy of the whole home."""
        shutil.copytree(self.path, path)
        return House(path)


def environment(language: str = "en") -> dict[str, str]:
    """Return the environment of a user who speaks a language."""
    return {**os.environ, "CHENGYI_LANG": language}


def unmeasured() -> dict[str, str]:
    """Return the environment without the measuring of coverage, which itself needs room on the disk."""
    return {name: value for name, value in environment().items() if not name.startswith("COVERAGE_")}


def dataset_of(source: str) -> str:
    """Return the name of the dataset that a source feeds."""
    return source.replace("-", "_")


def names_in(node: Node, source: str) -> list[str]:
    """Return the names of the persons whose rows are in a source's dataset, sorted."""
    name = dataset_of(source)
    if name not in {each.name for each in node.integrate.datasets()}:
        return []
    table = node.tables.arrow(node.integrate.table(name))
    return sorted(table.column("person_name").to_pylist())


def held_bytes(node: Node, source: str) -> list[bytes]:
    """Return the bytes of every file that a source delivered, read back through the vault."""
    delivered = node.collect.submissions(source, limit=1000)
    return [node.vault.read(file.object) for each in delivered for file in each.components]


def assert_sound(node: Node) -> None:
    """Check that every source is accounted for, and that the whole home verifies."""
    for source in node.collect.sources:
        account = node.collect.account(source.id)
        assert account.balanced, account
        assert account.received.count == account.archived.count + account.quarantined.count
        assert account.received.bytes == account.archived.bytes + account.quarantined.bytes
    assert not node.verify(QUIET).faults
