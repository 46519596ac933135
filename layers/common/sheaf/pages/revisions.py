"""Revisions: every version that a page ever had."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from sheaf.database.tables import pages, revisions

_ITEM = (
    revisions.c.version,
    revisions.c.title,
    revisions.c.author,
    revisions.c.comment,
    revisions.c.created_at,
    revisions.c.state,
    revisions.c.blob,
)


@dataclass(frozen=True)
class RevisionItem:
    """A revision as the history shows it."""

    version: int
    title: str
    author: str
    comment: str
    created_at: datetime
    state: str
    blob: str


@dataclass(frozen=True)
class Revision(RevisionItem):
    """A revision with its Markdown."""

    tags: list[str]
    body: str


def of_page(slug: str) -> Select[Any]:
    """A select of the revisions of the page at this slug, for paging to order and cut."""
    page_id = select(pages.c.id).where(pages.c.slug == slug).scalar_subquery()
    return select(*_ITEM).where(revisions.c.page_id == page_id)


def find(connection: Connection, slug: str, version: int) -> Revision | None:
    """One version of a page, or None."""
    statement = (
        select(*_ITEM, revisions.c.tags, revisions.c.body)
        .join(pages, pages.c.id == revisions.c.page_id)
        .where(pages.c.slug == slug, revisions.c.version == version)
    )
    row = connection.execute(statement).one_or_none()
    return Revision(*row) if row else None
