"""The tables of the archive.

`packages.entry` is empty until the act of keeping stands in the ledger; only then can a package be seen.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from chengyi.store.rows import UTC, Json, metadata

packages = Table(
    "packages",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("archival_code", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("fonds", Text, nullable=False),
    Column("record_class", Text, nullable=False),
    Column("retention", Text, nullable=False),
    Column("sharing", Text, nullable=False),
    Column("submission", Text, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("event_time", UTC, nullable=False),
    Column("archived_at", UTC, nullable=False),
    Column("archived_by", Text, nullable=False),
    Column("inventory", Text, nullable=False),
    Column("inventory_object", Text, nullable=False),
    Column("entry", BigInteger),
    UniqueConstraint("id", "version"),
    UniqueConstraint("submission"),
    Index("ix_packages_archival_code", "archival_code"),
    Index("ix_packages_source", "source", "entry"),
    Index("ix_packages_entry", "entry"),
)

package_components = Table(
    "package_components",
    metadata,
    Column("ref", Text, ForeignKey("packages.ref"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("object", Text, nullable=False),
)

checks = Table(
    "checks",
    metadata,
    Column("submission", Text, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("code", Text, nullable=False),
    Column("property", Text, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("finding_zh", Text, nullable=False),
    Column("finding_en", Text, nullable=False),
)

row_seals = Table(
    "row_seals",
    metadata,
    Column("ref", Text, ForeignKey("packages.ref"), primary_key=True),
    Column("component", Text, nullable=False),
    Column("reader", Json, nullable=False),
    Column("columns", Json, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("root", Text, nullable=False),
)

record_text = Table(
    "record_text",
    metadata,
    Column("ref", Text, ForeignKey("packages.ref"), primary_key=True),
    Column("id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_record_text_id", "id"),
)

item_numbers = Table(
    "item_numbers",
    metadata,
    Column("fonds", Text, primary_key=True),
    Column("category", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)
