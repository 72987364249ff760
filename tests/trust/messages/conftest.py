"""The rows that nonces are kept in, on every backend."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import system
from chengyi.store.rows import Rows
from chengyi.trust.messages.rows import message_nonces


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with system.postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.slow])])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'node.db'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    rows = Rows(url)
    message_nonces.drop(rows.engine, checkfirst=True)
    message_nonces.create(rows.engine)
    yield rows
    rows.close()
