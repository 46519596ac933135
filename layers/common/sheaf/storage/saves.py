"""Saves: the one transaction that replaces a claimed page and all that follows from it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Connection,
    Insert,
    Select,
    Text,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR, insert

from sheaf.hashing import slot
from sheaf.storage.claims import Claim
from sheaf.storage.pages import ITEM, PageItem
from sheaf.storage.tables import links, outbox, pages, revisions


class LockLost(Exception):
    """Someone else claimed the page before our write: nothing of it was stored."""


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


def save(connection: Connection, claim: Claim, write: Write) -> PageItem:
    """Replace the claimed page: row, revision, outbox and links, in the caller's transaction.

    Raises LockLost if the claim no longer stands.
    """
    row = connection.execute(_REPLACE, _parameters(claim, write)).one_or_none()
    if row is None:
        return _already_saved(connection, claim, write)
    targets = sorted(write.content.links)
    here = {"source": claim.slug, "slot": slot(claim.slug), "targets": targets}
    connection.execute(_RELINK, here)
    return PageItem(*tuple(row))


def _already_saved(connection: Connection, claim: Claim, write: Write) -> PageItem:
    statement = select(*ITEM).where(pages.c.slug == claim.slug, pages.c.write_id == write.id)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise LockLost(claim.slug)
    return PageItem(*tuple(row))


def _parameters(claim: Claim, write: Write) -> dict[str, object]:
    content = write.content
    return {
        "claimed_slug": claim.slug,
        "claimed_fence": claim.fence,
        "claimed_owner": claim.owner,
        "claimed_version": claim.version,
        "new_state": write.state,
        "new_write_id": write.id,
        "new_title": content.title,
        "new_sort_title": content.title.casefold(),
        "new_tags": list(content.tags),
        "new_body": content.body,
        "new_html": content.html,
        "new_blob": content.blob,
        "new_author": write.author,
        "comment": write.comment,
        "headings": content.headings,
        "plain": content.plain,
    }


# The statements are built once: building them takes longer than running them.


def _replace() -> Select[Any]:
    """One statement for page, revision and outbox: they are written together or not at all."""
    saved = _update()
    shown = (saved.c[column.name] for column in ITEM)
    return select(*shown).add_cte(_add_revision(saved), _announce(saved))


def _update() -> CTE:
    now = func.clock_timestamp()
    given = ("state", "write_id", "title", "sort_title", "tags", "body", "html", "blob", "author")
    values = {name: bindparam(f"new_{name}", type_=pages.c[name].type) for name in given}
    statement = update(pages).where(
        pages.c.slug == bindparam("claimed_slug"),
        pages.c.fence == bindparam("claimed_fence"),
        pages.c.owner == bindparam("claimed_owner"),
        pages.c.version == bindparam("claimed_version"),
    )
    return (
        statement.values(
            **values,
            version=pages.c.version + 1,
            search=_search_vector(),
            created_at=case((pages.c.state == "live", pages.c.created_at), else_=now),
            updated_at=now,
        )
        .returning(*ITEM, pages.c.slot, pages.c.body, pages.c.write_id)
        .cte("saved")
    )


def _search_vector() -> ColumnElement[object]:
    def weighted(parameter: str, weight: str) -> ColumnElement[object]:
        vector = func.to_tsvector("simple", bindparam(parameter, type_=Text), type_=TSVECTOR)
        return func.setweight(vector, literal_column(f"'{weight}'"), type_=TSVECTOR)

    title, headings = weighted("new_title", "A"), weighted("headings", "B")
    return title.op("||")(headings).op("||")(weighted("plain", "D"))


def _add_revision(saved: CTE) -> CTE:
    columns = {
        "page_id": saved.c.id,
        "based_on": func.nullif(saved.c.version - 1, 0),
        "comment": bindparam("comment", type_=Text),
        "created_at": saved.c.updated_at,
    }
    same = [
        "version",
        "slot",
        "slug",
        "state",
        "write_id",
        "title",
        "tags",
        "body",
        "blob",
        "author",
    ]
    columns |= {name: saved.c[name] for name in same}
    return insert(revisions).from_select(list(columns), select(*columns.values())).cte("revised")


def _announce(saved: CTE) -> CTE:
    columns = [saved.c.slot, saved.c.slug, saved.c.version, saved.c.author]
    names = [column.name for column in columns]
    return insert(outbox).from_select(names, select(*columns)).cte("announced")


def _relink() -> Insert:
    source = bindparam("source", type_=Text)
    targets = cast(bindparam("targets"), ARRAY(Text))
    gone = links.c.target != func.all(targets, type_=Boolean)
    stale = delete(links).where(links.c.source == source, gone)
    wanted = select(source, func.unnest(targets), bindparam("slot", type_=links.c.slot.type))
    fresh = insert(links).from_select(["source", "target", "slot"], wanted)
    return fresh.on_conflict_do_nothing().add_cte(stale.cte("stale"))


_REPLACE = _replace()
_RELINK = _relink()
