"""Pages: what readers see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, select

from sheaf.storage.tables import pages

# The columns of a PageItem, in its order.
ITEM = (
    pages.c.id,
    pages.c.slug,
    pages.c.title,
    pages.c.tags,
    pages.c.state,
    pages.c.version,
    pages.c.author,
    pages.c.created_at,
    pages.c.updated_at,
    pages.c.blob,
)


@dataclass(frozen=True)
class PageItem:
    """A page as lists show it."""

    id: UUID
    slug: str
    title: str
    tags: list[str]
    state: str
    version: int
    author: str
    created_at: datetime
    updated_at: datetime
    blob: str


@dataclass(frozen=True)
class Page(PageItem):
    """A page with its Markdown and the HTML made of it."""

    body: str
    html: str


def find(connection: Connection, slug: str) -> Page | None:
    """The page, live or tombstone; None if the slug never had one."""
    statement = select(*ITEM, pages.c.body, pages.c.html).where(
        pages.c.slug == slug, pages.c.version > 0
    )
    row = connection.execute(statement).one_or_none()
    return Page(*tuple(row)) if row else None


def live() -> Select[Any]:
    """A select of live pages as lists show them, for paging to order and cut."""
    return select(*ITEM).where(pages.c.state == "live")
