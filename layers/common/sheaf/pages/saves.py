"""Saves: the one statement that replaces a claimed page, with all that follows from it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    Boolean,
    Connection,
    Select,
    Text,
    bindparam,
    case,
    cast,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from sheaf.database.tables import links, outbox, page_tags, pages, revisions
from sheaf.pages.claims import Claim
from sheaf.pages.reads import ITEM, PageItem
from sheaf.search import vectors
from sheaf.sharding import ownership


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
    """One write: author, content, and the id that it is recognised by if its answer is lost."""

    id: UUID
    author: str
    comment: str
    state: str
    content: Content


def save(connection: Connection, claim: Claim, write: Write) -> PageItem:
    """Replace the claimed page: row, revision, links, tags and outbox, in one statement.

    Raises LockLost if the claim no longer stands, and Moved if the slug is another shard's.
    """
    parameters = _parameters(claim, write) | ownership.key(connection, claim.slug)
    row = connection.execute(_SAVE, parameters).one_or_none()
    return PageItem(*tuple(row)) if row else _already_saved(connection, claim, write)


def _already_saved(connection: Connection, claim: Claim, write: Write) -> PageItem:
    statement = select(*ITEM).where(pages.c.slug == claim.slug, pages.c.write_id == write.id)
    row = connection.execute(statement).one_or_none()
    if row is None:
        ownership.check_writable(connection, claim.slug)
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
        "new_plain": content.plain,
        **vectors.parameters(content.title, content.headings, content.plain),
        "targets": sorted(content.links),
    }


def _save() -> Select[Any]:
    """All that a save writes hangs on the update of the page's row: no row, no effect."""
    saved = _replace()
    effects = (_add_revision, _unlink, _link, _untag, _tag, _announce)
    consequences = [effect(saved) for effect in effects]
    return select(*(saved.c[column.name] for column in ITEM)).add_cte(*consequences)


def _replace() -> CTE:
    now = func.clock_timestamp()
    given = ["state", "write_id", "title", "sort_title", "tags"]
    given += ["body", "html", "plain", "blob", "author"]
    values = {name: bindparam(f"new_{name}", type_=pages.c[name].type) for name in given}
    statement = update(pages).where(
        pages.c.slot == ownership.writable().c.slot,
        pages.c.slug == bindparam("claimed_slug"),
        pages.c.fence == bindparam("claimed_fence"),
        pages.c.owner == bindparam("claimed_owner"),
        pages.c.version == bindparam("claimed_version"),
    )
    return (
        statement.values(
            **values,
            version=pages.c.version + 1,
            search=vectors.vector(),
            created_at=case((pages.c.state == "live", pages.c.created_at), else_=now),
            updated_at=now,
        )
        .returning(*ITEM, pages.c.slot, pages.c.body, pages.c.write_id)
        .cte("saved")
    )


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


def _unlink(saved: CTE) -> CTE:
    gone = links.c.target != func.all(_TARGETS, type_=Boolean)
    return delete(links).where(links.c.source == saved.c.slug, gone).cte("unlinked")


def _link(saved: CTE) -> CTE:
    wanted = select(saved.c.slug, func.unnest(_TARGETS), saved.c.slot)
    fresh = insert(links).from_select(["source", "target", "slot"], wanted)
    return fresh.on_conflict_do_nothing().cte("linked")


def _untag(saved: CTE) -> CTE:
    gone = page_tags.c.tag != func.all(saved.c.tags, type_=Boolean)
    return delete(page_tags).where(page_tags.c.slug == saved.c.slug, gone).cte("untagged")


def _tag(saved: CTE) -> CTE:
    columns = [func.unnest(saved.c.tags).label("tag"), saved.c.slug, saved.c.slot]
    wanted = select(*columns, saved.c.updated_at).distinct()
    fresh = insert(page_tags).from_select(["tag", "slug", "slot", "updated_at"], wanted)
    return fresh.on_conflict_do_update(
        index_elements=[page_tags.c.slug, page_tags.c.tag],
        set_={"updated_at": fresh.excluded.updated_at},
    ).cte("tagged")


_TARGETS = cast(bindparam("targets"), ARRAY(Text))
# Built once: building the statement takes longer than running it.
_SAVE = _save()
