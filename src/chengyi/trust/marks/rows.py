"""The tables of marks: families of exports with their secrets, who has copies of them, and the exports themselves."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from chengyi.store.rows import UTC, Json, metadata

families = Table(
    "mark_families",
    metadata,
    Column("id", Text, primary_key=True),
    Column("dataset", Text, nullable=False, index=True),
    Column("terms", Json, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)

recipients = Table(
    "mark_recipients",
    metadata,
    Column("family", Text, primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("recipient", Text, nullable=False),
    Column("code", Text, nullable=False),
    Index("ix_mark_recipients_recipient", "family", "recipient", unique=True),
)

exports = Table(
    "exports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("family", Text, nullable=False, index=True),
    Column("grant_id", Text, nullable=False, index=True),
    Column("dataset", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("department", Text, nullable=False, index=True),
    Column("at", UTC, nullable=False),
    Column("note", Json, nullable=False),
    Column("seal", Text, nullable=False),
    Column("sketch", LargeBinary, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("entry", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
)
"""`note` holds the facts of an export, `seal` the node's keyed code over them, `wrapped` its own secrets."""
