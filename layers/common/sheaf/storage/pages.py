"""Pages: what readers see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, func, select

from sheaf.storage import ownership
from sheaf.storage.tables import pages

# So many readers are served at once: enough for any cache that works, and few enough for the
# database when there is none.
READERS = 32
_READERS_LOCK = 0x5EAF


class Crowded(Exception):
    """The database serves as many readers as it should."""


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


def read(connection: Connection, slug: str) -> Page | None:
    """As `find`, for readers; raises Crowded when so many others are at it, from all processes."""
    place, *row = connection.execute(_READ, {"slug": slug}).one()
    if place is None:
        raise Crowded(slug)
    return Page(*row) if row[0] else None


def _read() -> Select[Any]:
    """Take one of the readers' places for the time of the statement, and with it the page."""
    number = func.generate_series(1, READERS).column_valued("number")
    free = func.pg_try_advisory_xact_lock(_READERS_LOCK, number)
    place = select(number).where(free).limit(1).scalar_subquery()
    # OFFSET 0 keeps the planner from asking for the place more than once.
    taken = select(place.label("number")).offset(0).subquery("place")
    found = and_(
        taken.c.number.is_not(None), pages.c.slug == bindparam("slug"), pages.c.version > 0
    )
    return select(taken.c.number, *ITEM, pages.c.body, pages.c.html).select_from(
        taken.join(pages, found, isouter=True)
    )


# Built once: building a statement takes longer than running it.
_READ = _read()


def live() -> Select[Any]:
    """A select of live pages as lists show them, for paging to order and cut.

    For all shards (see scattering.py).
    """
    return select(*ITEM).where(pages.c.state == "live", ownership.readable(pages.c.slot))
