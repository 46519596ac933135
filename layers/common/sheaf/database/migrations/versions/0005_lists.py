"""Indexes for the lists of pages by name, deleted pages and busy people; tags by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    _index_pages()
    op.create_index("users_by_edits", "users", [sa.text("(- edits)"), "handle"])
    op.create_table(
        "page_tags",
        sa.Column("slug", sa.Text(collation="C"), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("slug", "tag"),
    )
    op.execute(
        "INSERT INTO page_tags (slug, tag, slot, updated_at)"
        " SELECT DISTINCT slug, unnest(tags), slot, updated_at FROM pages WHERE state = 'live'"
    )
    op.create_index("page_tags_by_update", "page_tags", ["tag", "updated_at", "slug"])
    op.create_index("page_tags_by_slug", "page_tags", ["tag", "slug"])


def _index_pages() -> None:
    live, deleted = sa.text("state = 'live'"), sa.text("state = 'tombstone'")
    op.create_index("pages_by_slug", "pages", ["slug"], postgresql_where=live)
    op.create_index(
        "pages_deleted_by_update", "pages", ["updated_at", "slug"], postgresql_where=deleted
    )
    op.create_index("pages_deleted_by_slug", "pages", ["slug"], postgresql_where=deleted)
