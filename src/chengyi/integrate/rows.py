"""The tables of integration: what each dataset was made of, what waits, and how dossiers came to be.

Rules: the lake holds the values, these tables hold counts, places and codes; no citizen number and no telephone number
stands here in the clear; a dossier is never deleted, only retired, and every merge, split and retirement is an event.
"""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, Table, Text

from chengyi.store.rows import UTC, Json, metadata

datasets = Table(
    "datasets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("title", Json, nullable=False),
    Column("department", Text, nullable=False),
    Column("sharing", Text, nullable=False),
    Column("fields", Json, nullable=False),
    Column("entities", Json, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", UTC, nullable=False),
)

dataset_sources = Table(
    "dataset_sources",
    metadata,
    Column("source", Text, primary_key=True),
    Column("dataset", Text, nullable=False, index=True),
    Column("snapshot", Text, nullable=False),
    Column("contract", Text, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("writing", Json),
)
"""How far each source was taken: `entry` is the last archiving act, `writing` the packages of a write under way."""

dataset_packages = Table(
    "dataset_packages",
    metadata,
    Column("package", Text, primary_key=True),
    Column("dataset", Text, nullable=False, index=True),
    Column("source", Text, nullable=False, index=True),
    Column("department", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("noted", BigInteger, nullable=False),
    Column("faults", BigInteger, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("event_time", UTC, nullable=False),
    Column("drift", Json, nullable=False),
)
"""What became of each package: ``in`` the dataset, ``refused`` whole, or ``superseded`` by a later one."""

row_faults = Table(
    "row_faults",
    metadata,
    Column("package", Text, primary_key=True),
    Column("row", BigInteger, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("dataset", Text, nullable=False, index=True),
    Column("column", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
)

link_runs = Table(
    "link_runs",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("input", Text, nullable=False),
    Column("at", UTC, nullable=False),
    Column("mentions", BigInteger, nullable=False),
    Column("dossiers", BigInteger, nullable=False),
    Column("entry", BigInteger, nullable=False),
)

dossiers = Table(
    "dossiers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("members", Integer, nullable=False),
    Column("weakest", Float, nullable=False),
    Column("opened", Integer, nullable=False),
    Column("retired", Integer),
    Column("into", Text),
    Index("ix_dossiers_kind_label", "kind", "label"),
)

dossier_members = Table(
    "dossier_members",
    metadata,
    Column("package", Text, primary_key=True),
    Column("row", BigInteger, primary_key=True),
    Column("entity", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("leaf", Text, nullable=False),
    Column("dossier", Text, nullable=False, index=True),
    Column("anchor", Text, nullable=False),
    Column("identity", Text, nullable=False, index=True),
    Column("probability", Float, nullable=False),
    Column("reasons", Json, nullable=False),
)
"""Which row belongs to which dossier. `anchor` names the sender's record through all deliveries, `identity` the citizen
number or other exact number, both as keyed codes."""

dossier_events = Table(
    "dossier_events",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("event", Text, nullable=False),
    Column("dossier", Text, nullable=False, index=True),
    Column("other", Text, nullable=False),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("at", UTC, nullable=False),
)
