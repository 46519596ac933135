"""Which of our renderers has made a page's HTML, so that upkeep finds what an older one has made.

The code of before leaves both columns as they are. So the renderer is told only of the version that
it was written with, and what that code saves is found, too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Apply."""
    for name, integer in (("renderer", sa.SmallInteger()), ("rendered_version", sa.BigInteger())):
        op.add_column("pages", sa.Column(name, integer, server_default="0", nullable=False))
    op.create_index(
        "pages_by_renderer",
        "pages",
        [sa.text("(rendered_version = version)"), "renderer", "slug"],
        postgresql_where=sa.text("state = 'live'"),
    )
