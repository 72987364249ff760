"""Every backend of storage, real ones: one test suite runs on each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import system
from chengyi.store.objects import FolderObjects
from chengyi.store.ports import Objects
from chengyi.store.rows import Rows
from chengyi.store.s3 import S3Objects


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with system.postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rows]:
    url = f"sqlite:///{tmp_path / 'node.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    rows = Rows(url)
    yield rows
    rows.close()


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("s3")
    (folder / "site").mkdir()
    with system.s3_server(folder) as endpoint:
        yield endpoint


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return FolderObjects(tmp_path / "objects")
    endpoint = request.getfixturevalue("s3_endpoint")
    return S3Objects(endpoint, "site", "testaccesskey", "testsecretkey", prefix=tmp_path.name.replace("_", "-").lower())
