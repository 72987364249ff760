"""The table of trust: the bodies of all acts, by ledger index."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from chengyi.store.rows import UTC, metadata

acts = Table(
    "acts",
    metadata,
    Column("entry", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", UTC, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_acts_object", "object", "entry"),
    Index("ix_acts_actor", "actor", "entry"),
    Index("ix_acts_kind", "kind", "entry"),
)
