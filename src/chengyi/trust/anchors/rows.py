"""The tables of anchors: checkpoints that wait for the chain or are on it, and the serial numbers of time-stamps."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from chengyi.store.rows import UTC, Json, metadata

_BIG = BigInteger().with_variant(Integer, "sqlite")

anchors = Table(
    "anchors",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("size", _BIG, primary_key=True, autoincrement=False),
    Column("root", Text, nullable=False),
    Column("queued_at", UTC, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", UTC, nullable=False),
    Column("fault", Text, nullable=False),
    Column("proof", Json, nullable=True),
)

stamp_serials = Table(
    "stamp_serials",
    metadata,
    Column("authority", Text, primary_key=True),
    Column("last", _BIG, nullable=False),
)
