"""Killed in the middle: a real process over folders gets SIGKILL while it writes, re-keys, repairs or retires."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chengyi.model.clock import SystemClock
from chengyi.model.reporter import SilentReporter
from chengyi.store.objects import FolderObjects
from chengyi.store.rows import Rows
from chengyi.trust.keys import FileKeys
from chengyi.trust.vault.care import Care
from chengyi.trust.vault.placement import Placement, Retirements, place
from chengyi.trust.vault.vault import FragmentVault, Shape
from chengyi.trust.vault.versions import RowVersions
from simulators.audit import MemoryAudit
from simulators.vault import make_site
from trust.vault.conftest import noise

NAMES = ("s1", "s2", "s3", "s4")
QUIET = SilentReporter()
OBJECTS = 60


class Home:
    """A vault over folders, wired as a node does it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = FileKeys.open(folder / "keys")
        self.rows = Rows(f"sqlite:///{folder / 'node.db'}")
        self.rows.create_all()
        clock = SystemClock()
        self.audit = MemoryAudit(clock)
        self.care = Care(self.rows, self.audit, clock, "node:test", vault=self.vault, placement=self.placement)

    def placement(self) -> Placement:
        return place(NAMES, 3, Retirements(self.rows).known())

    def vault(self) -> FragmentVault:
        placement = self.placement()
        sites = []
        for name in (*placement.used, *placement.leaving):
            site = make_site(name, FolderObjects(self.folder / "vault" / name), self.keys, self.folder / "store-keys")
            site.leaving = name in placement.leaving
            sites.append(site)
        return FragmentVault(sites, self.keys, RowVersions(self.rows), Shape(2, 3))


def work(folder: Path, what: str) -> None:
    """Run in the process that is killed; says when it begins."""
    home = Home(folder)
    vault = home.vault()
    print("begun", flush=True)
    if what == "put":
        for number in range(10_000):
            print(vault.put_bytes(noise(number % 50)).object, flush=True)
    elif what == "large":
        vault.put_bytes(bytes(600 << 20))
    elif what == "rekey":
        home.care.rekey([], QUIET)
    elif what == "repair":
        home.care.repair(QUIET)
    elif what == "retire":
        home.care.retire("s1", "", QUIET)
    print("done", flush=True)


def killed(folder: Path, what: str, after: float) -> list[str]:
    """Run work, kill it a little after it has begun, and return the lines it said."""
    script = f"import sys, pathlib; from trust.vault.test_killed import work; work(pathlib.Path(sys.argv[1]), {what!r})"
    path = os.pathsep.join([str(Path(__file__).parents[2])])
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    return process.communicate(timeout=60)[0].split()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    FileKeys.create(tmp_path / "keys", "test.invalid/killed")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.05, 0.2, 0.5])
def test_promise_8_what_put_returned_is_there_after_a_kill(folder: Path, after: float) -> None:
    said = killed(folder, "put", after)
    home = Home(folder)
    vault = home.vault()
    for number, object in enumerate(said):
        if len(object) == 36:
            assert vault.read(object) == noise(number % 50)
            vault.verify(object)
    status = home.care.status(QUIET)
    assert status.objects >= len(said) - 1
    assert status.unreadable <= 1
    home.care.repair(QUIET)
    assert sum(each.missing for each in home.care.status(QUIET).stores) == 0
    home.rows.close()


@pytest.mark.slow
def test_promise_8_a_killed_writing_of_a_large_object_leaves_nothing_readable(folder: Path) -> None:
    killed(folder, "large", 0.7)
    home = Home(folder)
    assert list(home.vault().objects()) == []
    home.rows.close()


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.02, 0.1, 0.25, 0.4])
@pytest.mark.parametrize("what", ["rekey", "repair", "retire"])
def test_promise_8_care_that_is_killed_is_finished_by_the_next_call(what: str, after: float, folder: Path) -> None:
    home = Home(folder)
    vault = home.vault()
    objects = {vault.put_bytes(noise(size), durable=False).object: size for size in range(OBJECTS)}
    if what == "repair":
        for path in (folder / "vault" / "s2").rglob("obj-*"):
            path.unlink()
    home.rows.close()

    killed(folder, what, after)

    home = Home(folder)
    vault = home.vault()
    for object, size in objects.items():
        assert vault.read(object) == noise(size)
    if what == "rekey":
        home.care.rekey([], QUIET)
    elif what == "repair":
        home.care.repair(QUIET)
    elif home.placement().leaving:
        assert home.care.retire("s1", "", QUIET).done
    home.care.repair(QUIET)
    vault = home.vault()
    for object, size in objects.items():
        vault.verify(object)
        assert vault.read(object) == noise(size)
    held = [len([*(folder / "vault" / site.id).rglob("obj-*")]) for site in vault.sites]
    assert held == [OBJECTS] * 3
    home.rows.close()
