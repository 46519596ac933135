"""What a search needs to rank many pages and to find what was not quite typed.

The code of before saves pages without it, and upkeep adds it, as it does to all that were there.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"

_LIVE = sa.text("state = 'live'")


def upgrade() -> None:
    """Apply."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    _add_columns()
    _create_tables()


def _add_columns() -> None:
    for column in (
        sa.Column("words", postgresql.ARRAY(sa.SmallInteger()), server_default="{}"),
        sa.Column("weights", sa.LargeBinary(), server_default=sa.text("'\\x02'")),
        sa.Column("title_words", sa.Text(collation="C"), server_default=""),
        sa.Column("linked_even", sa.Integer(), server_default="0"),
        sa.Column("linked_odd", sa.Integer(), server_default="0"),
    ):
        column.nullable = False
        op.add_column("pages", column)
    # Read for each page that is found: never from elsewhere.
    for name in ("words", "weights"):
        op.execute(f"ALTER TABLE pages ALTER COLUMN {name} SET STORAGE MAIN")
    # At each save PostgreSQL would try to compress it, which makes hardly any smaller.
    op.execute("ALTER TABLE pages ALTER COLUMN search SET STORAGE EXTERNAL")
    op.create_index(
        "pages_by_title_words", "pages", ["title_words", "slug"], postgresql_where=_LIVE
    )
    op.create_index(
        "pages_title_words",
        "pages",
        ["title_words"],
        postgresql_using="gin",
        postgresql_ops={"title_words": "gin_trgm_ops"},
        postgresql_where=_LIVE,
    )


def _create_tables() -> None:
    op.create_table(
        "search_snapshots",
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("langs", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("changes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
    )
    op.create_table(
        "word_counts",
        sa.Column("word", sa.Text(collation="C"), primary_key=True),
        sa.Column("snapshot", sa.BigInteger(), primary_key=True),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("is_name", sa.Boolean(), nullable=False),
    )
    op.create_index(
        "word_counts_of_names",
        "word_counts",
        ["word"],
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
        postgresql_where=sa.text("is_name"),
    )
