"""The tables of trust: fragments in stores, witnesses, certificates, nonces, exports, and what an act is found by."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns of trust."""
