"""Pages: what readers see, and the one transaction that replaces it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Text,
    cast,
    delete,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR, insert

from sheaf.hashing import slot
from sheaf.storage.claims import Claim
from sheaf.storage.tables import links, outbox, pages, revisions

_ITEM = (
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


class LockLost(Exception):
    """Someone else claimed the page before our write: nothing of it was stored."""


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


@dataclass(frozen=True)
class Content:
    """What a write puts into a page: its text and all that was derived from it."""

    title: str
    tags: tuple[str, ...]
    body: str
    html: str
    blob: str
    headings: str
    plain: str
    links: frozenset[str]


EMPTY = Content("", (), "", "", "", "", "", frozenset())


@dataclass(frozen=True)
class Write:
    """One write: who, what, and the id by which it is recognised if its answer is lost."""

    id: UUID
    author: str
    comment: str
    state: str
    content: Content


def find(connection: Connection, slug: str) -> Page | None:
    """The page, live or tombstone; None if the slug never had one."""
    statement = select(*_ITEM, pages.c.body, pages.c.html).where(
        pages.c.slug == slug, pages.c.version > 0
    )
    row = connection.execute(statement).one_or_none()
    return Page(*tuple(row)) if row else None


def live() -> Select[Any]:
    """A select of live pages as lists show them, for paging to order and cut."""
    return select(*_ITEM).where(pages.c.state == "live")


def save(connection: Connection, claim: Claim, write: Write) -> PageItem:
    """Replace the claimed page in one transaction: row, revision, links and outbox.

    The caller commits. Raises LockLost if the claim no longer stands.
    """
    saved = _replace(claim, write).cte("saved")
    statement = select(saved).add_cte(_revision(saved, claim, write), _event(saved, claim))
    row = connection.execute(statement).one_or_none()
    if row is None:
        return _already_saved(connection, claim, write)
    _relink(connection, claim.slug, write.content.links)
    return PageItem(*tuple(row))


def _replace(claim: Claim, write: Write) -> Any:
    content = write.content
    values: dict[str, Any] = {
        "state": write.state,
        "version": claim.version + 1,
        "write_id": write.id,
        "title": content.title,
        "sort_title": content.title.casefold(),
        "tags": list(content.tags),
        "body": content.body,
        "html": content.html,
        "blob": content.blob,
        "author": write.author,
        "search": _search_vector(content),
        "updated_at": func.clock_timestamp(),
    }
    if not claim.live:
        values["created_at"] = func.clock_timestamp()
    return (
        update(pages)
        .where(
            pages.c.slug == claim.slug,
            pages.c.fence == claim.fence,
            pages.c.owner == claim.owner,
            pages.c.version == claim.version,
        )
        .values(values)
        .returning(*_ITEM)
    )


def _search_vector(content: Content) -> ColumnElement[Any]:
    def weighted(text: str, weight: str) -> ColumnElement[Any]:
        vector = func.to_tsvector("simple", text, type_=TSVECTOR)
        return func.setweight(vector, literal_column(f"'{weight}'"), type_=TSVECTOR)

    title, headings = weighted(content.title, "A"), weighted(content.headings, "B")
    return title.op("||")(headings).op("||")(weighted(content.plain, "D"))


def _revision(saved: CTE, claim: Claim, write: Write) -> CTE:
    columns = {
        "page_id": saved.c.id,
        "version": saved.c.version,
        "slot": literal(slot(claim.slug)),
        "slug": saved.c.slug,
        "state": saved.c.state,
        "based_on": literal(claim.version or None, BigInteger),
        "write_id": literal(write.id),
        "title": saved.c.title,
        "tags": saved.c.tags,
        "body": literal(write.content.body),
        "blob": saved.c.blob,
        "author": saved.c.author,
        "comment": literal(write.comment),
        "created_at": saved.c.updated_at,
    }
    return insert(revisions).from_select(list(columns), select(*columns.values())).cte("revised")


def _event(saved: CTE, claim: Claim) -> CTE:
    columns = {
        "slot": literal(slot(claim.slug)),
        "slug": saved.c.slug,
        "version": saved.c.version,
        "author": saved.c.author,
    }
    return insert(outbox).from_select(list(columns), select(*columns.values())).cte("announced")


def _relink(connection: Connection, slug: str, targets: frozenset[str]) -> None:
    stale = delete(links).where(links.c.source == slug, links.c.target.not_in(targets))
    wanted = select(
        literal(slug), func.unnest(cast(sorted(targets), ARRAY(Text))), literal(slot(slug))
    )
    fresh = insert(links).from_select(["source", "target", "slot"], wanted)
    connection.execute(fresh.on_conflict_do_nothing().add_cte(stale.cte("stale")))


def _already_saved(connection: Connection, claim: Claim, write: Write) -> PageItem:
    statement = select(*_ITEM).where(pages.c.slug == claim.slug, pages.c.write_id == write.id)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise LockLost(claim.slug)
    return PageItem(*tuple(row))
