"""The ground that measurements stand on: a folder, sizes, and commands as processes of their own."""

import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from chengyi.cli.bench import high_water

CHENGYI = Path(sys.executable).with_name("chengyi")
TESTS = Path(__file__).parents[1] / "tests"
_TICK = 0.01
_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that ended: seconds on the wall, seconds of processor, peak memory in MiB, and what it said."""

    wall: float
    cpu: float
    peak_mib: float
    said: str


def use_tests() -> None:
    """Let the simulators and judges of the tests be imported."""
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))


class CommandError(Exception):
    """A measured command failed; the message ends with what it said."""


class Ground:
    """One folder for all measurements of a call; `quick` makes everything small, to see that it works."""

    def __init__(self, folder: Path, runs: int, *, quick: bool) -> None:
        self.folder = folder
        self.runs = runs
        self.quick = quick

    def size(self, full: int, quick: int) -> int:
        """Return a size."""
        return quick if self.quick else full

    def fresh(self, name: str) -> Path:
        """Return the path of an absent folder."""
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    @property
    def people(self) -> int:
        """How many people the demonstration district has."""
        return self.size(20_000, 1_000)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of commands: English, and compiled modules kept, as on an installed system."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return kept | {"CHENGYI_LANG": "en", "PYTHONPYCACHEPREFIX": str(self.folder / "compiled")}

    @cached_property
    def demo(self) -> Path:
        """Return the home of a demonstration, made at first use."""
        home = self.fresh("demo")
        self.chengyi("demo", "--no-serve", "--home", str(home), "--people", str(self.people))
        return home

    def chengyi(self, *words: str) -> Ended:
        """Run a command of the product to its end; CommandError where it fails."""
        output = self.folder / "said.txt"
        with output.open("wb") as file:
            start = time.perf_counter()
            child = subprocess.Popen(
                [str(CHENGYI), *words], stdout=file, stderr=subprocess.STDOUT, env=self.environment, cwd=self.folder
            )
            status, used, peak = _watched(child.pid)
            wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        said = output.read_text("utf-8", "replace")
        if child.returncode:
            raise CommandError(f"chengyi {' '.join(words)}: exit code {child.returncode}\n{said[-2000:]}")
        return Ended(wall, used.ru_utime + used.ru_stime, peak, said)


def _watched(process: int) -> tuple[int, resource.struct_rusage, float]:
    """Wait for a process; return its status, what it used, and its peak memory in MiB.

    Its high-water mark is read while it lives: the system's account at its end also holds what the process that
    started it had in memory.
    """
    peak = 0.0
    while True:
        ended, status, used = os.wait4(process, os.WNOHANG)
        if ended:
            return status, used, peak or used.ru_maxrss / _MIB
        peak = max(peak, high_water(process) or 0.0)
        time.sleep(_TICK)
