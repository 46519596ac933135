"""Plain text for snippets, and search vectors of pairs of characters and folded words.

What is there is indexed again, so the functions that this migration came with are used, and not a
copy of them.
"""

import sqlalchemy as sa
from alembic import op

from sheaf.database.tables import pages
from sheaf.rendering import markdown, source
from sheaf.search import vectors
from sheaf.search.vectors import Text

revision = "0003"
down_revision = "0002"

_BATCH = 100


def upgrade() -> None:
    """Apply."""
    op.add_column("pages", sa.Column("plain", sa.Text(), server_default="", nullable=False))
    columns = (pages.c.slug, pages.c.title, pages.c.body)
    live = sa.select(*columns).where(pages.c.state == "live").order_by(pages.c.slug).limit(_BATCH)
    last = ""
    while batch := op.get_bind().execute(live.where(pages.c.slug > last)).all():
        for slug, title, body in batch:
            _index(slug, title, body)
        last = batch[-1].slug


def _index(slug: str, title: str, body: str) -> None:
    rendered = markdown.render_stored(source.parse(body).text, slug)
    found = vectors.parameters(Text(title, rendered.headings, rendered.plain))
    statement = pages.update().where(pages.c.slug == slug)
    statement = statement.values(plain=rendered.plain, search=vectors.values()["search"])
    op.get_bind().execute(statement, {"new_search": found["new_search"]})
