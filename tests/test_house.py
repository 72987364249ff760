"""The house: import contracts, and migrations that equal the declared tables."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from chengyi.store.migrations import HEAD, upgrade
from chengyi.store.rows import Rows, metadata

PROJECT = Path(__file__).parent.parent
ROOMS = ("trust", "collect", "archive", "integrate", "share", "brain")


def test_the_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([str(lint)], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_migrations_make_exactly_the_declared_tables(tmp_path: Path) -> None:
    for room in ROOMS:
        import_module(f"chengyi.{room}.rows")
    rows = Rows(f"sqlite:///{tmp_path / 'node.db'}")
    upgrade(rows)
    upgrade(rows)
    with rows.read() as connection:
        context = MigrationContext.configure(connection)
        ours = {change for change in map(str, compare_metadata(context, metadata)) if "_of_test" not in change}
        assert context.get_current_revision() == HEAD
    rows.close()
    assert ours == set()
