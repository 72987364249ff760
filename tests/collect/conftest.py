"""Fixtures of the collection tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chengyi.model.clock import SetClock
from chengyi.store.rows import Rows
from simulators.collect_room import Room


@pytest.fixture
def room(tmp_path: Path, clock: SetClock) -> Iterator[Room]:
    (tmp_path / "sources").mkdir()
    rows = Rows(f"sqlite:///{tmp_path / 'node.db'}")
    rows.create_all()
    yield Room(tmp_path, clock, rows)
    rows.close()


@pytest.fixture
def folder_room(room: Room) -> Callable[..., Room]:
    """A room with one folder source `civil` over ``in/*.csv``."""

    def make(changed: str = "quarantine", rest: str = "") -> Room:
        (room.home / "in").mkdir(exist_ok=True)
        room.add("civil", 'kind = "folder"\npath = "in"\npattern = "*.csv"', rest, changed)
        return room

    return make
