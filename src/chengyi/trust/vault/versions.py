"""The trusted state of the vault: which version of an object counts, so that an older one cannot come back.

Keeps promise 2: never altered. Rules: an object without a row has version 1 and no other; one that was re-keyed has a
row with its version and the digest of its manifest, and nothing else is accepted for it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import select

from chengyi.store.rows import Rows, upsert
from chengyi.trust.vault.rows import vault_versions


class Expected(NamedTuple):
    """The version of an object that counts, and the digest of its manifest where it is on record."""

    version: int
    manifest: str = ""


class Rekeyed(NamedTuple):
    """A new version of an object: its number and the digest of its manifest."""

    object: str
    version: int
    manifest: str


class Versions(Protocol):
    """Knows which version of each object counts."""

    def expected(self, object: str) -> Expected:
        """Return the version that counts."""
        ...

    def known(self) -> dict[str, Expected]:
        """Return all objects that were re-keyed."""
        ...

    def record(self, rekeyed: Sequence[Rekeyed], at: datetime) -> None:
        """Make new versions count, all of them or none."""
        ...


class RowVersions:
    """Keeps `Versions` in the rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def expected(self, object: str) -> Expected:
        """Return the version that counts."""
        columns = vault_versions.c
        with self._rows.read() as connection:
            query = select(columns.version, columns.manifest).where(columns.object == object)
            row = connection.execute(query).first()
        return Expected(1) if row is None else Expected(row.version, row.manifest)

    def known(self) -> dict[str, Expected]:
        """Return all objects that were re-keyed."""
        with self._rows.read() as connection:
            rows = connection.execute(select(vault_versions)).all()
        return {row.object: Expected(row.version, row.manifest) for row in rows}

    def record(self, rekeyed: Sequence[Rekeyed], at: datetime) -> None:
        """Make new versions count, all of them or none."""
        with self._rows.begin() as connection:
            upsert(connection, vault_versions, [{**each._asdict(), "at": at} for each in rekeyed])
