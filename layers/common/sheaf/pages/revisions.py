"""Revisions: every version that a page ever had."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, and_, bindparam, select

from sheaf.database.tables import pages, revisions
from sheaf.pages import reads
from sheaf.pages.reads import Origin

# As many as one looks through to say who changed a page.
_AUTHORS = 100
_ITEM = (
    revisions.c.version,
    revisions.c.title,
    revisions.c.author,
    revisions.c.comment,
    revisions.c.created_at,
    revisions.c.state,
    revisions.c.blob,
    revisions.c.moved_to,
    revisions.c.moved_from,
    reads.shown_origin(revisions.c.origin).label("origin"),
    reads.shown_file(revisions).label("file"),
)


@dataclass(frozen=True)
class RevisionItem:
    """A revision as the history shows it; it goes on where the page moved to, or came from."""

    version: int
    title: str
    author: str
    comment: str
    created_at: datetime
    state: str
    blob: str
    moved_to: str | None
    moved_from: str | None
    # How it came about. (A move is by itself no import, though the page may stay one.)
    origin: Origin
    # As a PageItem's, at that time.
    file: str


@dataclass(frozen=True)
class Revision(RevisionItem):
    """A revision with its Markdown."""

    tags: list[str]
    body: str


def of_page(slug: str) -> Select[Any]:
    """A select of the revisions of the page at this slug, for paging to order and cut."""
    page_id = select(pages.c.id).where(pages.c.slug == slug).scalar_subquery()
    return select(*_ITEM).where(revisions.c.page_id == page_id)


def last_title(connection: Connection, slug: str) -> str | None:
    """The title of the newest version that has a text; None if there is none."""
    live = of_page(slug).where(revisions.c.state == "live")
    newest = live.with_only_columns(revisions.c.title).order_by(revisions.c.version.desc()).limit(1)
    return connection.execute(newest).scalar_one_or_none()


# Built once, as is that of a page.
_FIND = reads.placed(
    (*_ITEM, revisions.c.tags, revisions.c.body),
    revisions.join(pages, pages.c.id == revisions.c.page_id),
    and_(pages.c.slug == bindparam("slug"), revisions.c.version == bindparam("version")),
)


def find(connection: Connection, slug: str, version: int) -> Revision | None:
    """One version of a page, or None; raises Unavailable as `reads.read` does."""
    named = {"slug": slug, "version": version}
    row = reads.without_place(connection.execute(_FIND, named).one())
    return Revision(*row) if row else None


def authors(connection: Connection, slug: str, version: int) -> list[str]:
    """Who saved the page after a version, the last one first, by its newest revisions."""
    newest = _after(slug, version, revisions.c.author).order_by(revisions.c.version.desc())
    return list(dict.fromkeys(connection.execute(newest.limit(_AUTHORS)).scalars()))


def came_from(connection: Connection, slug: str, version: int) -> str | None:
    """Where the page was until it moved here, first after a version; None if it did not."""
    return _first_after(connection, slug, version, revisions.c.moved_from)


def went_to(connection: Connection, slug: str, version: int) -> str | None:
    """Where the page moved from here, first after a version; None if it did not."""
    return _first_after(connection, slug, version, revisions.c.moved_to)


def _first_after(
    connection: Connection, slug: str, version: int, column: Column[str | None]
) -> str | None:
    named = _after(slug, version, column).where(column.is_not(None))
    return connection.execute(named.order_by(revisions.c.version).limit(1)).scalar_one_or_none()


def _after(slug: str, version: int, column: Column[Any]) -> Select[Any]:
    return of_page(slug).with_only_columns(column).where(revisions.c.version > version)
