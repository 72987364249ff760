"""The table of the audit: the bodies of all acts by ledger index, and what an act is found by.

The indexes by actor, object, session and certificate carry the time as well, so that a span of time is cut out of a
busy actor's acts without reading the acts themselves. Most acts have no session and no certificate, and cost those
two indexes nothing. `erased` names the act that erased the body; where it is set, body, actor, object, session and
certificate are empty.
"""

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
    Column("session", Text, nullable=True),
    Column("certificate", Text, nullable=True),
    Column("erased", BigInteger, nullable=True),
)

Index("ix_acts_object", acts.c.object, acts.c.entry, acts.c.at)
Index("ix_acts_actor", acts.c.actor, acts.c.entry, acts.c.at)
Index("ix_acts_kind", acts.c.kind, acts.c.entry)
for _name in ("session", "certificate"):
    _column = acts.c[_name]
    _set = _column.is_not(None)
    Index(f"ix_acts_{_name}", _column, acts.c.entry, acts.c.at, sqlite_where=_set, postgresql_where=_set)
