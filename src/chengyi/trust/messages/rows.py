"""The table of nonces that were used."""

from sqlalchemy import Column, Index, Table, Text

from chengyi.store.rows import UTC, metadata

message_nonces = Table(
    "message_nonces",
    metadata,
    Column("keyid", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("until", UTC, nullable=False),
    Index("ix_message_nonces_until", "until"),
)
