"""The schema of the first slice of the river."""

import sqlalchemy as sa
from alembic import op

from chengyi.store.rows import UTC, Json

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "accesses",
        sa.Column("entry", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("grant_id", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("at", UTC(), nullable=False),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_accesses")),
    )
    op.create_index(op.f("ix_accesses_grant_id"), "accesses", ["grant_id"], unique=False)
    op.create_table(
        "acts",
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", UTC(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_acts")),
    )
    op.create_index("ix_acts_actor", "acts", ["actor", "entry"], unique=False)
    op.create_index("ix_acts_kind", "acts", ["kind", "entry"], unique=False)
    op.create_index("ix_acts_object", "acts", ["object", "entry"], unique=False)
    op.create_table(
        "alert_evidence",
        sa.Column("alert", sa.String(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("alert", name=op.f("pk_alert_evidence")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("title", Json(), nullable=False),
        sa.Column("reasons", Json(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("raised_at", UTC(), nullable=False),
        sa.Column("figure", sa.String(), nullable=True),
        sa.Column("definition", Json(), nullable=False),
        sa.Column("evidence", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("rule", "version", "subject", name=op.f("uq_alerts_rule")),
    )
    op.create_index(op.f("ix_alerts_state"), "alerts", ["state"], unique=False)
    op.create_table(
        "answers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("answered_by", sa.String(), nullable=False),
        sa.Column("answered_at", UTC(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
    )
    op.create_index(op.f("ix_answers_order_id"), "answers", ["order_id"], unique=False)
    op.create_table(
        "catalogue",
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("title", Json(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("sharing", sa.String(), nullable=False),
        sa.Column("fields", Json(), nullable=False),
        sa.Column("packages", Json(), nullable=False),
        sa.Column("sources", Json(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UTC(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", name=op.f("pk_catalogue")),
    )
    op.create_table(
        "checks",
        sa.Column("submission", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("property", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("finding_zh", sa.Text(), nullable=False),
        sa.Column("finding_en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("submission", "ordinal", name=op.f("pk_checks")),
    )
    op.create_table(
        "computations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("indicator", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", Json(), nullable=False),
        sa.Column("inputs", Json(), nullable=False),
        sa.Column("figures", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("computed_at", UTC(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_computations")),
    )
    op.create_index("ix_computations_indicator", "computations", ["indicator", "entry"], unique=False)
    op.create_table(
        "dataset_packages",
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("noted", sa.BigInteger(), nullable=False),
        sa.Column("faults", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("event_time", UTC(), nullable=False),
        sa.Column("drift", Json(), nullable=False),
        sa.PrimaryKeyConstraint("package", name=op.f("pk_dataset_packages")),
    )
    op.create_index(op.f("ix_dataset_packages_dataset"), "dataset_packages", ["dataset"], unique=False)
    op.create_index(op.f("ix_dataset_packages_source"), "dataset_packages", ["source"], unique=False)
    op.create_table(
        "dataset_sources",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("writing", Json(), nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_dataset_sources")),
    )
    op.create_index(op.f("ix_dataset_sources_dataset"), "dataset_sources", ["dataset"], unique=False)
    op.create_table(
        "datasets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", Json(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("sharing", sa.Text(), nullable=False),
        sa.Column("fields", Json(), nullable=False),
        sa.Column("entities", Json(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UTC(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_datasets")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("alert", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", UTC(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("submission", sa.String(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(op.f("ix_decisions_alert"), "decisions", ["alert"], unique=False)
    op.create_table(
        "deliveries_refused",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("refused_at", UTC(), nullable=False),
        sa.Column("refused_by", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("source", "name", "code", name=op.f("pk_deliveries_refused")),
    )
    op.create_table(
        "delivery_marks",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "name", name=op.f("pk_delivery_marks")),
    )
    op.create_table(
        "dossier_events",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("at", UTC(), nullable=False),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_dossier_events")),
    )
    op.create_index(op.f("ix_dossier_events_dossier"), "dossier_events", ["dossier"], unique=False)
    op.create_table(
        "dossier_members",
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("entity", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("leaf", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("anchor", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("reasons", Json(), nullable=False),
        sa.PrimaryKeyConstraint("package", "row", "entity", "kind", name=op.f("pk_dossier_members")),
    )
    op.create_index(op.f("ix_dossier_members_dossier"), "dossier_members", ["dossier"], unique=False)
    op.create_index(op.f("ix_dossier_members_identity"), "dossier_members", ["identity"], unique=False)
    op.create_table(
        "dossiers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("weakest", sa.Float(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Integer(), nullable=True),
        sa.Column("into", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossiers")),
    )
    op.create_index("ix_dossiers_kind_label", "dossiers", ["kind", "label"], unique=False)
    op.create_table(
        "figure_evidence",
        sa.Column("figure", sa.String(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("figure", name=op.f("pk_figure_evidence")),
    )
    op.create_table(
        "figures",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("computation", sa.String(), nullable=False),
        sa.Column("indicator", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("group_key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("computed_at", UTC(), nullable=False),
        sa.Column("evidence", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=True),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("missing", Json(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figures")),
    )
    op.create_index(op.f("ix_figures_computation"), "figures", ["computation"], unique=False)
    op.create_index("ix_figures_indicator", "figures", ["indicator", "group_key"], unique=False)
    op.create_table(
        "grants",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("standing", sa.String(), nullable=True),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("terms", Json(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("revoked_at", UTC(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_dataset"), "grants", ["dataset"], unique=False)
    op.create_index(op.f("ix_grants_department"), "grants", ["department"], unique=False)
    op.create_index(op.f("ix_grants_standing"), "grants", ["standing"], unique=False)
    op.create_table(
        "item_numbers",
        sa.Column("fonds", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fonds", "category", name=op.f("pk_item_numbers")),
    )
    op.create_table(
        "link_runs",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("at", UTC(), nullable=False),
        sa.Column("mentions", sa.BigInteger(), nullable=False),
        sa.Column("dossiers", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_link_runs")),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("alert", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("issued_by", sa.String(), nullable=False),
        sa.Column("issued_at", UTC(), nullable=False),
        sa.Column("due", UTC(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_alert"), "orders", ["alert"], unique=False)
    op.create_index(op.f("ix_orders_department"), "orders", ["department"], unique=False)
    op.create_table(
        "packages",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("archival_code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("fonds", sa.Text(), nullable=False),
        sa.Column("record_class", sa.Text(), nullable=False),
        sa.Column("retention", sa.Text(), nullable=False),
        sa.Column("sharing", sa.Text(), nullable=False),
        sa.Column("submission", sa.Text(), nullable=False),
        sa.Column("metadata", Json(), nullable=False),
        sa.Column("event_time", UTC(), nullable=False),
        sa.Column("archived_at", UTC(), nullable=False),
        sa.Column("archived_by", sa.Text(), nullable=False),
        sa.Column("inventory", sa.Text(), nullable=False),
        sa.Column("inventory_object", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_packages")),
        sa.UniqueConstraint("id", "version", name=op.f("uq_packages_id")),
        sa.UniqueConstraint("submission", name=op.f("uq_packages_submission")),
    )
    op.create_index("ix_packages_archival_code", "packages", ["archival_code"], unique=False)
    op.create_index("ix_packages_entry", "packages", ["entry"], unique=False)
    op.create_index("ix_packages_source", "packages", ["source", "entry"], unique=False)
    op.create_table(
        "requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("fields", Json(), nullable=False),
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("purpose", Json(), nullable=False),
        sa.Column("requested_at", UTC(), nullable=False),
        sa.Column("due", UTC(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("grant_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    op.create_index("ix_requests_department", "requests", ["department", "state"], unique=False)
    op.create_table(
        "row_faults",
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("column", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("package", "row", "place", name=op.f("pk_row_faults")),
    )
    op.create_index(op.f("ix_row_faults_dataset"), "row_faults", ["dataset"], unique=False)
    op.create_table(
        "submissions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("event_time", UTC(), nullable=False),
        sa.Column("captured_at", UTC(), nullable=False),
        sa.Column("captured_by", sa.Text(), nullable=False),
        sa.Column("prior", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
    )
    op.create_index("ix_submissions_entry", "submissions", ["entry"], unique=False)
    op.create_index("ix_submissions_source", "submissions", ["source", "sequence", "ordinal"], unique=False)
    op.create_index("ix_submissions_state", "submissions", ["state", "entry"], unique=False)
    op.create_table(
        "components",
        sa.Column("submission", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["submission"], ["submissions.id"], name=op.f("fk_components_submission_submissions")),
        sa.PrimaryKeyConstraint("submission", "path", name=op.f("pk_components")),
    )
    op.create_table(
        "package_components",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ref"], ["packages.ref"], name=op.f("fk_package_components_ref_packages")),
        sa.PrimaryKeyConstraint("ref", "path", name=op.f("pk_package_components")),
    )
    op.create_table(
        "record_text",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ref"], ["packages.ref"], name=op.f("fk_record_text_ref_packages")),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_record_text")),
    )
    op.create_index("ix_record_text_id", "record_text", ["id"], unique=False)
    op.create_table(
        "row_seals",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("reader", Json(), nullable=False),
        sa.Column("columns", Json(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ref"], ["packages.ref"], name=op.f("fk_row_seals_ref_packages")),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_row_seals")),
    )
