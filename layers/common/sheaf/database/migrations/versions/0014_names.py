"""An index of live pages by the last name of their slugs, for links that name a page."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Apply."""
    name, slug = sa.text("lower(regexp_replace(slug, '^.*/', ''))"), sa.text("lower(slug)")
    live = sa.text("state = 'live'")
    op.create_index("pages_by_name", "pages", [name, slug], postgresql_where=live)
