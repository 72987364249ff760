"""Fixtures that every room's tests share."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chengyi.model.clock import SetClock

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("CHENGYI_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real public data is absent: set CHENGYI_DATA to its folder")
    return folder


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands at a fixed moment."""
    return SetClock(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
