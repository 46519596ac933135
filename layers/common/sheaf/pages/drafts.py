"""Drafts: texts that could not be saved because their author's edit lease was taken.

A draft is its author's alone, and is kept for some weeks (see `remove_old`).
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from sheaf.database.tables import drafts
from sheaf.pages.saves import Content
from sheaf.sharding import ownership

MAX_LISTED = 50
_ITEM = tuple(
    drafts.c[name]
    for name in ("id", "slug", "based_on", "title", "tags", "body", "comment", "created_at")
)
_NAMESPACE = UUID("6b0c1b7e-7c54-4f0e-9d5c-5a3c0b1f6d21")


@dataclass(frozen=True)
class Draft:
    """A text that was not saved; `based_on` is the version that its author had read."""

    id: UUID
    slug: str
    based_on: int | None
    title: str
    tags: list[str]
    body: str
    comment: str
    created_at: datetime


def keep(
    connection: Connection,
    slug: str,
    author: str,
    based_on: int | None,
    content: Content,
    comment: str,
) -> UUID:
    """Keep a text for its author and return the draft's id; the same text twice is one draft.

    Raises Moved if the slug is another shard's.
    """
    what = {
        "slug": slug,
        "author": author,
        "based_on": based_on,
        "title": content.title,
        "tags": list(content.tags),
        "body": content.body,
        "comment": comment,
    }
    draft_id = uuid5(_NAMESPACE, json.dumps(what))
    row = {"id": draft_id, **what} | ownership.key(connection, slug)
    if connection.execute(_KEEP, row).one_or_none() is None:
        raise ownership.Moved(slug)
    return draft_id


def _keep() -> ReturningInsert[Any]:
    owned = ownership.writable()
    names = ("id", "slug", "author", "based_on", "title", "tags", "body", "comment")
    values = (bindparam(name, type_=drafts.c[name].type) for name in names)
    row = select(owned.c.slot, *values)
    keeping = insert(drafts).from_select(["slot", *names], row)
    again = {"created_at": func.now()}
    kept = keeping.on_conflict_do_update(index_elements=["id"], set_=again)
    return kept.returning(drafts.c.id)


_KEEP = _keep()


def of_page(connection: Connection, slug: str, author: str) -> list[Draft]:
    """The author's drafts of one page, the newest first, MAX_LISTED at most."""
    statement = (
        select(*_ITEM)
        .where(drafts.c.author == author, drafts.c.slug == slug)
        .order_by(drafts.c.created_at.desc(), drafts.c.id)
        .limit(MAX_LISTED)
    )
    return [Draft(*row) for row in connection.execute(statement)]


def remove_old(connection: Connection, after: timedelta) -> int:
    """Remove the drafts that were kept longer ago than this; says how many."""
    statement = delete(drafts).where(drafts.c.created_at < func.now() - after)
    return connection.execute(statement).rowcount
