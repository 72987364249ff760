"""The tables of the vault: which version of an object is the true one, which stores are in use, what care found."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from chengyi.store.rows import UTC, metadata

vault_versions = Table(
    "vault_versions",
    metadata,
    Column("object", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("at", UTC, nullable=False),
)

vault_retirements = Table(
    "vault_retirements",
    metadata,
    Column("store", Text, primary_key=True),
    Column("replacement", Text, nullable=False),
    Column("begun_at", UTC, nullable=False),
    Column("done_at", UTC, nullable=True),
)

vault_rounds = Table(
    "vault_rounds",
    metadata,
    Column("name", Text, primary_key=True),
    Column("after", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Column("checked", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("begun_at", UTC, nullable=False),
    Column("done_at", UTC, nullable=True),
)

vault_damages = Table(
    "vault_damages",
    metadata,
    Column("store", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("found_at", UTC, nullable=False),
)
