"""Pages: what readers see."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    Connection,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from sheaf.database.outages import Unavailable
from sheaf.database.tables import (
    is_deleted,
    is_live,
    links,
    page_rendering,
    page_tags,
    pages,
    revisions,
)
from sheaf.rendering import articles
from sheaf.sharding import ownership

# This many readers are served at once: enough for any cache that works, and few enough for the
# database when there is none.
READERS = 32
_READERS_LOCK = 0x5EAF


# How a page got its text: by an edit, which is stored as nothing, or otherwise (see events.py).
Origin = Literal["edit", "import", "restore", "alias"]


def shown_origin(stored: ColumnElement[str]) -> ColumnElement[str]:
    """An Origin, as it is stored."""
    return func.coalesce(func.nullif(stored, ""), "edit")


def shown_file(table: Table) -> ColumnElement[str]:
    """The file of a page or a revision, which has the name of the slug if none is stored."""
    return func.coalesce(func.nullif(table.c.file, ""), table.c.slug + ".md")


def _origin() -> ColumnElement[str]:
    # What code that knows of no origin has saved, the newest revision says. (In this order it is
    # read from its index, whatever the planner believes.)
    newest = (
        select(revisions.c.origin)
        .where(revisions.c.page_id == pages.c.id)
        .order_by(revisions.c.version.desc())
        .limit(literal_column("1", Integer))
        .correlate(pages)
        .scalar_subquery()
    )
    return case((pages.c.origin_version == pages.c.version, pages.c.origin), else_=newest)


# Whether an older renderer has made the HTML, or code that notes none. As one range of an index.
is_stale = tuple_(*page_rendering) < tuple_(true(), articles.RENDERER)

# The columns of a PageItem, in its order.
ITEM = (
    func.coalesce(pages.c.identity, pages.c.id).label("id"),
    pages.c.slug,
    pages.c.title,
    pages.c.tags,
    pages.c.state,
    pages.c.version,
    pages.c.author,
    pages.c.created_at,
    pages.c.updated_at,
    pages.c.blob,
    shown_origin(_origin()).label("origin"),
    shown_file(pages).label("file"),
)
_TEXT = (pages.c.body, pages.c.html, pages.c.moved_to)


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
    # How it got its text.
    origin: Origin
    # The Markdown file that it came from, or would be: its path below the folder of all pages.
    file: str


@dataclass(frozen=True)
class Page(PageItem):
    """A page with its Markdown and the HTML made of it."""

    body: str
    html: str
    # Where it went, if it is here no more.
    moved_to: str | None = None

    @classmethod
    def of(cls, item: PageItem, body: str, html: str, moved_to: str | None = None) -> "Page":
        """The page that is shown so in lists, with its Markdown and HTML."""
        shown = (getattr(item, each.name) for each in fields(PageItem))
        return cls(*(*shown, body, html, moved_to))


def find(connection: Connection, slug: str) -> Page | None:
    """The page, live, tombstone or redirect; None if the slug never had one."""
    statement = select(*ITEM, *_TEXT).where(pages.c.slug == slug, pages.c.version > 0)
    row = connection.execute(statement).one_or_none()
    return Page(*tuple(row)) if row else None


def redirect(connection: Connection, slug: str) -> str | None:
    """Where a slug redirects to; None if it does not."""
    return connection.execute(_REDIRECT, {"slug": slug}).scalar_one_or_none()


def read(connection: Connection, slug: str) -> Page | None:
    """As `find`, for readers; raises Unavailable if READERS of all processes are at it already."""
    row = without_place(connection.execute(_READ, {"slug": slug}).one())
    return Page(*row) if row else None


def without_place(found: Sequence[Any]) -> list[Any] | None:
    """What a statement of `placed` found, None for nothing; raises Unavailable as `read` does."""
    if found[0] is None:
        raise Unavailable("the database serves as many readers as it should")
    return list(found[1:]) if found[1] is not None else None


def placed(
    columns: Sequence[ColumnElement[Any]], source: FromClause, wanted: ColumnElement[bool]
) -> Select[Any]:
    """Take one of the readers' places for the time of the statement, and with it one row at most.

    The first of the columns is never NULL.
    """
    number = func.generate_series(1, READERS).column_valued("number")
    free = func.pg_try_advisory_xact_lock(_READERS_LOCK, number)
    place = select(number).where(free).limit(1).scalar_subquery()
    # OFFSET 0 keeps the planner from asking for the place more than once.
    taken = select(place.label("number")).offset(0).subquery("place")
    found = and_(taken.c.number.is_not(None), wanted)
    return select(taken.c.number, *columns).select_from(taken.join(source, found, isouter=True))


_REDIRECT = select(pages.c.moved_to).where(pages.c.slug == bindparam("slug"))
# Built once: building a statement takes longer than running it.
_READ = placed(
    (*ITEM, *_TEXT),
    pages,
    and_(pages.c.slug == bindparam("slug"), pages.c.version > 0),
)


# The following are selects of pages as lists show them, for paging to order and cut, and for all
# shards (see scattering.py).


def all_in(state: Literal["live", "tombstone"]) -> Select[Any]:
    """The pages in a state."""
    is_in_state = is_live if state == "live" else is_deleted
    return select(*ITEM).where(is_in_state, ownership.readable(pages.c.slot))


def tagged(tag: str) -> Select[Any]:
    """The live pages with this tag, or one of this key, to be ordered by columns of `page_tags`."""
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


def is_one_of(slugs: Sequence[str]) -> ColumnElement[bool]:
    """Whether a page has one of these slugs, each of which is looked up in an index."""
    return pages.c.slug == func.any(cast(list(slugs), ARRAY(Text)))
