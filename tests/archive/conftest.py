"""An archive on SQLite, and someone who may not see records."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chengyi.model.actor import Actor, Role
from chengyi.model.clock import SetClock
from chengyi.store.rows import Rows
from simulators.house import House, house_of


@pytest.fixture
def house(tmp_path: Path, clock: SetClock) -> Iterator[House]:
    rows = Rows(f"sqlite:///{tmp_path}/node.db")
    rows.create_all()
    yield house_of(rows, clock)
    rows.close()


@pytest.fixture
def clerk() -> Actor:
    return Actor("clerk-1", "经办", "区民政局", frozenset({Role.CLERK}))
