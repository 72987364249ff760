"""One small district for all tests of this room."""

from pathlib import Path

import pytest

from chengyi.district import generate
from chengyi.district.settings import Settings
from chengyi.district.world import World, create
from chengyi.district.writer import District

PEOPLE = 1500


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> District:
    return generate(tmp_path_factory.mktemp("yunting"), people=PEOPLE)


@pytest.fixture(scope="session")
def deliveries(district: District) -> Path:
    return district.folder / "deliveries"


@pytest.fixture(scope="session")
def world() -> World:
    """The default district of 20,000 people, not written."""
    return create(Settings())
