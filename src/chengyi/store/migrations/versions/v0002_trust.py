"""The tables of trust: fragments in stores, witnesses, certificates, nonces, exports, and what an act is found by."""

import sqlalchemy as sa
from alembic import op

from chengyi.store.rows import UTC, Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns of trust."""
    _acts()
    _authority()
    _marks()
    _anchors_and_messages()
    _vault()


def _acts() -> None:
    """Give acts their session, their certificate and the mark of erasure, and their indexes the time."""
    with op.batch_alter_table("acts") as acts:
        acts.add_column(sa.Column("session", sa.Text(), nullable=True))
        acts.add_column(sa.Column("certificate", sa.Text(), nullable=True))
        acts.add_column(sa.Column("erased", sa.BigInteger(), nullable=True))
    for name in ("actor", "object"):
        op.drop_index(f"ix_acts_{name}", table_name="acts")
        op.create_index(f"ix_acts_{name}", "acts", [name, "entry", "at"], unique=False)
    for name in ("session", "certificate"):
        kept = sa.text(f"{name} IS NOT NULL")
        columns = [name, "entry", "at"]
        op.create_index(f"ix_acts_{name}", "acts", columns, sqlite_where=kept, postgresql_where=kept)


def _anchors_and_messages() -> None:
    """Add the queue and proofs of anchors, the serial numbers of time-stamps, and the nonces of signed requests."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "anchors",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", big, autoincrement=False, nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("queued_at", UTC(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try", UTC(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("proof", Json(), nullable=True),
        sa.PrimaryKeyConstraint("origin", "size", name=op.f("pk_anchors")),
    )
    op.create_table(
        "stamp_serials",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("last", big, nullable=False),
        sa.PrimaryKeyConstraint("authority", name=op.f("pk_stamp_serials")),
    )
    op.create_table(
        "message_nonces",
        sa.Column("keyid", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("until", UTC(), nullable=False),
        sa.PrimaryKeyConstraint("keyid", "nonce", name=op.f("pk_message_nonces")),
    )
    op.create_index("ix_message_nonces_until", "message_nonces", ["until"], unique=False)


def _marks() -> None:
    """Add families of exports with their secrets, their recipients, and the exports."""
    op.create_table(
        "mark_families",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("terms", Json(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mark_families")),
    )
    op.create_index(op.f("ix_mark_families_dataset"), "mark_families", ["dataset"], unique=False)
    op.create_table(
        "mark_recipients",
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("family", "ordinal", name=op.f("pk_mark_recipients")),
    )
    op.create_index("ix_mark_recipients_recipient", "mark_recipients", ["family", "recipient"], unique=True)
    op.create_table(
        "exports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("at", UTC(), nullable=False),
        sa.Column("note", Json(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    for name in ("department", "family", "grant_id"):
        op.create_index(op.f(f"ix_exports_{name}"), "exports", [name], unique=False)


def _authority() -> None:
    """Add the certificates that were issued, and the tokens to enrol with."""
    op.create_table(
        "certificates",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", UTC(), nullable=False),
        sa.Column("expires_at", UTC(), nullable=False),
        sa.Column("replaces", sa.Text(), nullable=True),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", UTC(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_certificates")),
    )
    op.create_index("ix_certificates_name", "certificates", ["kind", "name", "issued_at"], unique=False)
    op.create_index("ix_certificates_revoked_at", "certificates", ["revoked_at"], unique=False)
    op.create_table(
        "enrolment_tokens",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("made_at", UTC(), nullable=False),
        sa.Column("expires_at", UTC(), nullable=False),
        sa.Column("used_at", UTC(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_enrolment_tokens")),
    )


def _vault() -> None:
    """Add the versions of re-keyed objects, retired stores, the progress of scrubs, and what they found."""
    op.create_table(
        "vault_versions",
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("at", UTC(), nullable=False),
        sa.PrimaryKeyConstraint("object", name=op.f("pk_vault_versions")),
    )
    op.create_table(
        "vault_retirements",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("replacement", sa.Text(), nullable=False),
        sa.Column("begun_at", UTC(), nullable=False),
        sa.Column("done_at", UTC(), nullable=True),
        sa.PrimaryKeyConstraint("store", name=op.f("pk_vault_retirements")),
    )
    op.create_table(
        "vault_rounds",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", UTC(), nullable=False),
        sa.Column("done_at", UTC(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_vault_rounds")),
    )
    op.create_table(
        "vault_damages",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("found_at", UTC(), nullable=False),
        sa.PrimaryKeyConstraint("store", "object", name=op.f("pk_vault_damages")),
    )
