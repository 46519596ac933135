"""Edit leases, and drafts for what they keep from being saved."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    instant = sa.DateTime(timezone=True)
    for column in (
        sa.Column("lease_holder", sa.Text(), nullable=True),
        sa.Column("lease_fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_taken_at", instant, nullable=True),
        sa.Column("lease_taken_from", sa.Text(), nullable=True),
        sa.Column("lease_expires_at", instant, nullable=True),
    ):
        op.add_column("pages", column)
    op.create_table(
        "drafts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("slug", sa.Text(collation="C"), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("based_on", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("drafts_by_author", "drafts", ["author", "slug", "created_at"], unique=False)
