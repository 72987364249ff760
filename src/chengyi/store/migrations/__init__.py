"""The schema of the rows, as a chain of versions (Alembic).

Rules: a schema that was released is never edited, only followed by a new version; a database that is up to
date is recognised by one query; an interrupted upgrade is rolled back whole.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from chengyi.model.errors import HomeError
from chengyi.store.rows import Rows

HEAD = "0002"


def upgrade(rows: Rows) -> None:
    """Bring the database to the present schema; HomeError where it is newer than this program."""
    with rows.read() as connection:
        present = _version(connection)
    if present == HEAD:
        return
    if present is not None and present > HEAD:
        raise HomeError(home=rows.engine.url.database, why="由更新的版本写成 (written by a newer version)")
    _run(rows)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _run(rows: Rows) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with rows.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
