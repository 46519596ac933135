"""From which file a page came, and whether an import has saved it last.

Each column has a default that is no row's own, so no row is written. The code of before leaves all
of them as they are: `origin` is told only of the version that it was written with, and of any other
one the revision says it (see reads.py).
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply."""
    op.add_column("pages", _text("origin"))
    op.add_column(
        "pages", sa.Column("origin_version", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("pages", _text("file"))
    op.add_column("revisions", _text("file"))


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)
