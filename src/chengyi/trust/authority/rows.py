"""The tables of the authority: what it issued, and the tokens by which it lets somebody enrol."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from chengyi.store.rows import UTC, metadata

certificates = Table(
    "certificates",
    metadata,
    Column("serial", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("der", LargeBinary, nullable=False),
    Column("issued_at", UTC, nullable=False),
    Column("expires_at", UTC, nullable=False),
    Column("replaces", Text),
    Column("entry", BigInteger),
    Column("revoked_at", UTC),
    Column("reason", Text),
    Index("ix_certificates_name", "kind", "name", "issued_at"),
    Index("ix_certificates_revoked_at", "revoked_at"),
)

enrolment_tokens = Table(
    "enrolment_tokens",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("made_at", UTC, nullable=False),
    Column("expires_at", UTC, nullable=False),
    Column("used_at", UTC),
)
