"""Pages that have moved: where to, under which id, and where their history goes on."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_SLUG = sa.Text(collation="C")


def upgrade() -> None:
    """Apply."""
    op.add_column("pages", sa.Column("identity", sa.Uuid()))
    op.add_column("pages", sa.Column("moved_to", _SLUG))
    op.add_column("revisions", sa.Column("moved_to", _SLUG))
    op.add_column("revisions", sa.Column("moved_from", _SLUG))
    op.add_column("idempotency_keys", sa.Column("identity", sa.Uuid()))
