"""The tables of sharing: catalogue, requests, grants, accesses."""

from sqlalchemy import Column, Index, Integer, String, Table

from chengyi.store.rows import UTC, Json, metadata

catalogue = Table(
    "catalogue",
    metadata,
    Column("dataset", String, primary_key=True),
    Column("title", Json, nullable=False),
    Column("department", String, nullable=False),
    Column("sharing", String, nullable=False),
    Column("fields", Json, nullable=False),
    Column("packages", Json, nullable=False),
    Column("sources", Json, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", UTC, nullable=False),
    Column("entry", Integer, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", String, primary_key=True),
    Column("dataset", String, nullable=False),
    Column("fields", Json, nullable=False),
    Column("requester", String, nullable=False),
    Column("department", String, nullable=False),
    Column("purpose", Json, nullable=False),
    Column("requested_at", UTC, nullable=False),
    Column("due", UTC, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("grant_id", String),
    Index("ix_requests_department", "department", "state"),
)

grants = Table(
    "grants",
    metadata,
    Column("id", String, primary_key=True),
    Column("standing", String, index=True),
    Column("dataset", String, nullable=False, index=True),
    Column("terms", Json, nullable=False),
    Column("department", String, nullable=False, index=True),
    Column("signature", String, nullable=False),
    Column("seal", String, nullable=False),
    Column("entry", Integer, nullable=False),
    Column("revoked_at", UTC),
)

accesses = Table(
    "accesses",
    metadata,
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("grant_id", String, nullable=False, index=True),
    Column("dataset", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("actor", String, nullable=False),
    Column("case_no", String, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("at", UTC, nullable=False),
)
