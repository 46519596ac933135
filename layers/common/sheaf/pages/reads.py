"""Pages: what readers see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    func,
    select,
    true,
)
from sqlalchemy.sql.elements import ColumnElement

from sheaf.database.outages import Unavailable
from sheaf.database.tables import is_deleted, is_live, links, page_tags, pages
from sheaf.sharding import ownership

# This many readers are served at once: enough for any cache that works, and few enough for the
# database when there is none.
READERS = 32
_READERS_LOCK = 0x5EAF


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
    """As `find`, for readers; raises Unavailable if READERS of all processes are at it already."""
    place, *row = connection.execute(_READ, {"slug": slug}).one()
    if place is None:
        raise Unavailable("the database serves as many readers as it should")
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


# The following are selects of pages as lists show them, for paging to order and cut, and for all
# shards (see scattering.py).


def all_in(state: Literal["live", "tombstone"]) -> Select[Any]:
    """The pages in a state."""
    is_in_state = is_live if state == "live" else is_deleted
    return select(*ITEM).where(is_in_state, ownership.readable(pages.c.slot))


def tagged(tag: str) -> Select[Any]:
    """The live pages with this tag, to be ordered by columns of `page_tags`."""
    mine = and_(page_tags.c.tag == tag, ownership.readable(page_tags.c.slot))
    return _pages_of(page_tags, page_tags.c.slug).where(mine)


def linking_to(slug: str) -> Select[Any]:
    """The live pages that link to a slug, to be ordered by `links.source`."""
    mine = and_(links.c.target == slug, ownership.readable(links.c.slot))
    return _pages_of(links, links.c.source).where(mine)


def _pages_of(table: Table, slug: ColumnElement[str]) -> Select[Any]:
    """The pages that rows of a table are about, each looked up by its slug."""
    # OFFSET 0 keeps the planner from merging two lists by slug: it would read all pages before
    # the place in the list.
    page = select(*ITEM).where(pages.c.slug == slug).offset(0).lateral("page")
    return select(*page.c).select_from(table.join(page, true()))


def begins_with(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Whether a slug begins so, as a range of an index: no slug holds the last code point."""
    return and_(column >= prefix, column < prefix + "\U0010ffff")
