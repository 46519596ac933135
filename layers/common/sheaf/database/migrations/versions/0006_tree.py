"""An index of live pages in the order of the tree."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
    path, live = sa.text("replace(slug, '/', ' ')"), sa.text("state = 'live'")
    op.create_index("pages_by_path", "pages", [path], postgresql_where=live)
