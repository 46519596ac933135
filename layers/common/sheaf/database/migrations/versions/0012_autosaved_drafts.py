"""Drafts that editors keep while somebody types."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "drafts",
        sa.Column("autosaved", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
