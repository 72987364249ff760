"""The SQL connector, on SQLite and on a real PostgreSQL."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

import system
from chengyi.collect.connectors.sql import SqlConnector, SqlSettings
from chengyi.collect.delivery import Delivery
from chengyi.model.errors import UnreachableError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    database = sqlite3.connect(tmp_path / "a.db")
    database.execute("create table t(id integer, b blob, n text)")
    database.execute("insert into t values (9007199254740993, x'00ff', 'say \"hi\"\n')")
    database.commit()
    database.close()
    return tmp_path


def content(settings: SqlSettings, home: Path) -> str:
    (item,) = [_read(item) for item in SqlConnector(settings, "s", home).deliveries(lambda *_: False)]
    return item


def _read(item: object) -> str:
    assert isinstance(item, Delivery)
    with item.open() as first, item.open() as second:
        whole = first.read()
        assert second.read() == whole
    return whole.decode()


def test_rows_are_canonical_lines(home: Path) -> None:
    settings = SqlSettings("sql", url="sqlite:///a.db", table="t", order_by="id")
    assert content(settings, home) == '["id","b","n"]\n["9007199254740993","\\\\x00ff","say \\"hi\\"\\n"]\n'


def test_a_query_and_an_url_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SqlSettings("sql", url_env="CHENGYI_TEST_URL", query="select 1 as 甲, null as 乙")
    with pytest.raises(UnreachableError, match="CHENGYI_TEST_URL"):
        content(settings, home)
    monkeypatch.setenv("CHENGYI_TEST_URL", f"sqlite:///{home}/a.db")
    assert content(settings, home) == '["甲","乙"]\n["1",null]\n'


@pytest.mark.parametrize(
    ("url", "table", "why"),
    [
        ("sqlite:///absent.db", "t", "no database file"),
        ("sqlite:///a.db", "absent", "no such table"),
        ("not an url", "t", "ArgumentError"),
        ("oracle+oracledb://u:secret-word@127.0.0.1/x", "t", "driver"),
        ("postgresql+psycopg://u:secret-word@127.0.0.1:1/x?connect_timeout=2", "t", "."),
    ],
)
def test_what_cannot_be_reached_is_told_without_the_password(home: Path, url: str, table: str, why: str) -> None:
    with pytest.raises(UnreachableError, match=why) as caught:
        content(SqlSettings("sql", url=url, table=table, order_by="id"), home)
    assert "secret-word" not in caught.value.message("en") + caught.value.message("zh")


def test_a_stream_that_nobody_opened_is_closed(home: Path) -> None:
    settings = SqlSettings("sql", url="sqlite:///a.db", table="t", order_by="id")
    waiting = iter(SqlConnector(settings, "s", home).deliveries(lambda *_: False))
    next(waiting)
    waiting.close()  # type: ignore[attr-defined]
    (home / "a.db").unlink()
    with pytest.raises(UnreachableError):
        content(settings, home)


@pytest.mark.postgres
@pytest.mark.slow
def test_a_real_postgresql_is_read(tmp_path: Path) -> None:
    with system.postgresql() as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("create table t(id bigint, at timestamptz, n numeric(6,2), b boolean)"))
            connection.execute(
                text("insert into t select g, '2026-01-02 03:04:05+00', g, g = 1 from generate_series(1, 9000) g")
            )
        engine.dispose()
        lines = content(SqlSettings("sql", url=url, table="public.t", order_by="id"), tmp_path).splitlines()
    assert lines[0] == '["id","at","n","b"]'
    assert lines[1].startswith('["1","2026-01-02T0')
    assert lines[1].endswith('"1.00","true"]')
    assert len(lines) == 9001
