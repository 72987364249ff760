"""The tables of collection.

`submissions.entry` is empty until the act of receiving stands in the ledger; only then is a submission pending
for the archive. `delivery_marks` holds the cheap signs (size, times) by which an unchanged delivery is not read again.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from chengyi.store.rows import UTC, metadata

submissions = Table(
    "submissions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("sequence", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("event_time", UTC, nullable=False),
    Column("captured_at", UTC, nullable=False),
    Column("captured_by", Text, nullable=False),
    Column("prior", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("bytes", BigInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("entry", BigInteger),
    Index("ix_submissions_source", "source", "sequence", "ordinal"),
    Index("ix_submissions_state", "state", "entry"),
    Index("ix_submissions_entry", "entry"),
)

components = Table(
    "components",
    metadata,
    Column("submission", Text, ForeignKey("submissions.id"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("object", Text, nullable=False),
)

delivery_marks = Table(
    "delivery_marks",
    metadata,
    Column("source", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("mark", Text, nullable=False),
    Column("deliveries", Integer, nullable=False, default=1),
)

deliveries_refused = Table(
    "deliveries_refused",
    metadata,
    Column("source", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("refused_at", UTC, nullable=False),
    Column("refused_by", Text, nullable=False),
    Column("entry", BigInteger),
)
