"""A full disk: the river stops with words, nothing is half-written, and the next run with room finishes the work.

Two honest ways to run out of room: a limit on file sizes that the kernel keeps for the process (works everywhere), and
a file system of a few megabytes (needs the right to mount).
"""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from .cases import GOOD_NAMES, GOOD_ROLL
from .house import House, assert_sound, good_roll, held_bytes, names_in, unmeasured

pytestmark = pytest.mark.slow
FILE = "2026-01.csv"
ROWS = 3_000
LARGE = os.urandom(6 << 20)
"""Lies as fragments of half its size."""
KIB = 1 << 10


def fill(house: House) -> None:
    """Give a home a small roll, a larger one, and a document of some megabytes."""
    (house.add("good") / FILE).write_bytes(GOOD_ROLL)
    (house.add("larger") / FILE).write_bytes(good_roll(600, ROWS))
    (house.add("scans", reader="", kind="documents") / "影像.bin").write_bytes(LARGE)


def check_finished(house: House) -> None:
    """Check that a run with enough room finishes, and that nothing is missing or doubled."""
    done = house.run()
    assert done.returncode == 0, done.stderr
    with house.node() as node:
        assert names_in(node, "good") == GOOD_NAMES
        assert len(names_in(node, "larger")) == ROWS
        assert held_bytes(node, "scans") == [LARGE]
        assert {each.id: node.collect.account(each.id).archived.count for each in node.collect.sources} == {
            "decisions": 0,
            "good": 1,
            "larger": 1,
            "scans": 1,
        }
        assert_sound(node)
    assert "Nothing new" in house.run().stdout


def check_whole(house: House) -> None:
    """Check that what a stopped run left is sound: the home opens and verifies."""
    verified = house.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def limit(size: int) -> None:
    """Let this process write no file beyond a size (Python ignores SIGXFSZ, so that writing fails with EFBIG)."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def assert_told(told: subprocess.CompletedProcess[str]) -> None:
    """Check that the user is told of the full disk, in words and by the exit code."""
    assert told.returncode == 74, (told.returncode, told.stderr)
    assert "No space left to write" in told.stderr
    assert "What was written is whole; free some space and run again to continue." in told.stderr


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House.build(tmp_path_factory.mktemp("full") / "home")
    fill(house)
    return house


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MiB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system needs root and mount; the limit on file sizes is tested instead")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(disk)], capture_output=True)
    if mount.returncode:
        pytest.skip(f"mounting a tmpfs is not allowed here: {mount.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("room", [4, 64, 700, 1_000, 2_450])
def test_promise_8_files_that_cannot_grow_stop_the_run_and_lose_nothing(
    filled: House, tmp_path: Path, room: int
) -> None:
    house = filled.copy(tmp_path / "home")
    assert_told(house.command("run", env=unmeasured(), preexec_fn=partial(limit, room * KIB)))
    check_whole(house)
    check_finished(house)


def test_promise_8_what_fits_goes_on_beside_what_does_not(filled: House, tmp_path: Path) -> None:
    house = filled.copy(tmp_path / "home")
    told = house.command("run", env=unmeasured(), preexec_fn=partial(limit, 2_450 * KIB))
    assert_told(told)
    assert "Collect    2 deliveries" in told.stdout
    with house.node() as node:
        assert names_in(node, "good") == GOOD_NAMES
        assert held_bytes(node, "scans") == []


@pytest.mark.parametrize("free", [20, 200, 700, 3_400])
def test_promise_8_a_full_disk_stops_the_run_and_loses_nothing(filled: House, small_disk: Path, free: int) -> None:
    house = filled.copy(small_disk / "home")
    ballast = small_disk / "ballast"
    disk = os.statvfs(small_disk)
    ballast.write_bytes(bytes(disk.f_bavail * disk.f_frsize - free * KIB))
    told = house.run()
    assert_told(told)
    assert "panicked" not in told.stderr
    house.command("status")
    ballast.unlink()
    check_whole(house)
    check_finished(house)


def test_init_on_a_full_disk_is_finished_by_the_next_one(tmp_path: Path) -> None:
    house = House(tmp_path / "home")
    assert_told(house.command("init", env=unmeasured(), preexec_fn=partial(limit, 16 * KIB)))
    again = house.command("init")
    assert again.returncode in {0, 66}, again.stderr
    fill(house)
    check_finished(house)
