"""Fixtures that every room's tests share."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import system
from chengyi.model.clock import SetClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulators.witness import Switchboard

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("CHENGYI_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real public data is absent: set CHENGYI_DATA to its folder")
    return folder


@pytest.fixture(autouse=True)
def usual_depth() -> None:
    """Take back what a library does at import: a limit of recursion beyond what the stack bears, process-wide."""
    sys.setrecursionlimit(1_000)


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands at a fixed moment."""
    return SetClock(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))


@pytest.fixture
def board() -> "Iterator[Switchboard]":
    """Witnesses on a loopback port."""
    from simulators.witness import Switchboard

    made = Switchboard()
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was skipped and why, in the last lines."""
    reasons = sorted({_reason(report) for report in terminalreporter.stats.get("skipped", [])})
    for reason in reasons:
        terminalreporter.write_line(f"SKIPPED 已跳过: {reason}", yellow=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that skipped what it could have avoided, where `CHENGYI_NO_SKIP` is set."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CHENGYI_NO_SKIP") or reporter is None or hasattr(session.config, "workerinput"):
        return
    if any(system.MISSING in _reason(report) for report in reporter.stats.get("skipped", [])):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reason(report: pytest.TestReport) -> str:
    return report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else str(report.longrepr)
