"""The tables of the brain: computations and figures, alerts, orders, answers, decisions, and evidence lists.

`entry` is empty only between the moment a thing is written and the moment its act is on record; `service` closes
that gap whenever it starts.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from chengyi.store.rows import UTC, Json, metadata

computations = Table(
    "computations",
    metadata,
    Column("id", String, primary_key=True),
    Column("indicator", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("definition", Json, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("figures", Integer, nullable=False),
    Column("digest", String, nullable=False),
    Column("computed_at", UTC, nullable=False),
    Column("entry", Integer, nullable=False),
    Index("ix_computations_indicator", "indicator", "entry"),
)

figures = Table(
    "figures",
    metadata,
    Column("id", String, primary_key=True),
    Column("computation", String, nullable=False, index=True),
    Column("indicator", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("group_key", String, nullable=False),
    Column("value", String, nullable=False),
    Column("computed_at", UTC, nullable=False),
    Column("evidence", Integer, nullable=False),
    Column("root", String, nullable=False),
    Column("expected", Integer),
    Column("received", Integer, nullable=False),
    Column("missing", Json, nullable=False),
    Column("entry", Integer, nullable=False),
    Index("ix_figures_indicator", "indicator", "group_key"),
)

figure_evidence = Table(
    "figure_evidence",
    metadata,
    Column("figure", String, primary_key=True),
    Column("lines", LargeBinary, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String, primary_key=True),
    Column("app", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("subject", String, nullable=False),
    Column("title", Json, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("severity", String, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("raised_at", UTC, nullable=False),
    Column("figure", String),
    Column("definition", Json, nullable=False),
    Column("evidence", Integer, nullable=False),
    Column("root", String, nullable=False),
    Column("entry", Integer, nullable=False),
    UniqueConstraint("rule", "version", "subject"),
)

alert_evidence = Table(
    "alert_evidence",
    metadata,
    Column("alert", String, primary_key=True),
    Column("lines", LargeBinary, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("id", String, primary_key=True),
    Column("alert", String, nullable=False, index=True),
    Column("department", String, nullable=False, index=True),
    Column("task", String, nullable=False),
    Column("issued_by", String, nullable=False),
    Column("issued_at", UTC, nullable=False),
    Column("due", UTC, nullable=False),
    Column("entry", Integer),
)

answers = Table(
    "answers",
    metadata,
    Column("id", String, primary_key=True),
    Column("order_id", String, nullable=False, index=True),
    Column("text", String, nullable=False),
    Column("answered_by", String, nullable=False),
    Column("answered_at", UTC, nullable=False),
    Column("entry", Integer),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", String, primary_key=True),
    Column("alert", String, nullable=False, index=True),
    Column("outcome", String, nullable=False),
    Column("ground", String, nullable=False),
    Column("decided_by", String, nullable=False),
    Column("decided_at", UTC, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("digest", String, nullable=False),
    Column("submission", String, nullable=False),
    Column("entry", Integer),
)
