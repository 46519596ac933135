"""Drafts: texts that are not saved: while they are typed, or because an edit lease was taken.

A draft is its author's alone, and is kept for some weeks (see `remove_old`). What is typed replaces
the draft of a moment before, and no other: who types in two places has two drafts.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import (
    Connection,
    Select,
    Uuid,
    bindparam,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from sheaf import hashing
from sheaf.database.tables import drafts
from sheaf.pages.errors import TooManyDrafts
from sheaf.pages.saves import Content
from sheaf.rendering import markdown, source
from sheaf.sharding import ownership, scattering, shards

MAX_LISTED = 50
# So many of one person are kept on a shard while they are typed.
MAX_AUTOSAVED = 200
_ROWS_AT_ONCE = 20
_HEAD = ("id", "slug", "based_on", "title", "comment", "autosaved", "created_at")
_ITEM = tuple(drafts.c[name] for name in (*_HEAD, "tags", "body"))
_NAMESPACE = UUID("6b0c1b7e-7c54-4f0e-9d5c-5a3c0b1f6d21")


@dataclass(frozen=True)
class DraftItem:
    """A draft as lists show it; `based_on` is the version that its author had read.

    `autosaved`: kept while it was typed; else when it was to be saved, and the lease was lost.
    """

    id: UUID
    slug: str
    based_on: int | None
    title: str
    comment: str
    autosaved: bool
    created_at: datetime


@dataclass(frozen=True)
class Draft(DraftItem):
    """A draft with its text."""

    tags: list[str]
    body: str


@dataclass(frozen=True)
class Typed:
    """What somebody has typed, and the draft that it takes the place of, if that is still there."""

    body: str
    comment: str
    based_on: int | None
    replaces: UUID | None


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


def autosave(connection: Connection, slug: str, author: str, typed: Typed) -> DraftItem:
    """Keep what somebody types, in the place of what it was before; the same again is the same.

    Raises TooManyDrafts if the author has MAX_AUTOSAVED others here, and Moved if the slug is not
    this shard's.
    """
    parts = source.parse(typed.body)
    what = {
        "slug": slug,
        "author": author,
        "based_on": typed.based_on,
        "title": source.title(parts, markdown.first_heading(parts.text), slug).text,
        "tags": list(parts.metadata.tags),
        "body": typed.body,
        "comment": typed.comment,
    }
    draft_id = uuid5(_NAMESPACE, json.dumps([what, "autosaved"]))
    row = {"id": draft_id, "replaced": typed.replaces, **what} | ownership.key(connection, slug)
    kept = connection.execute(_AUTOSAVE, row).one_or_none()
    if kept is None:
        ownership.check_writable(connection, slug)
        raise TooManyDrafts(MAX_AUTOSAVED)
    return DraftItem(*kept)


_NAMES = ("id", "slug", "author", "based_on", "title", "tags", "body", "comment")


def _row() -> Select[Any]:
    values = (bindparam(name, type_=drafts.c[name].type) for name in _NAMES)
    return select(ownership.writable().c.slot, *values)


def _keep() -> ReturningInsert[Any]:
    keeping = insert(drafts).from_select(["slot", *_NAMES], _row())
    again = {"created_at": func.now()}
    kept = keeping.on_conflict_do_update(index_elements=["id"], set_=again)
    return kept.returning(drafts.c.id)


def _autosave() -> Select[Any]:
    """One statement, so that a text that cannot be kept removes none."""
    mine, new = drafts.c.author == bindparam("author"), bindparam("id", type_=Uuid)
    old = bindparam("replaced", type_=Uuid)
    is_other = drafts.c.id.not_in([new, func.coalesce(old, new)])
    others = select(func.count()).where(mine, drafts.c.autosaved, is_other).scalar_subquery()
    row = _row().add_columns(literal(True)).where(others < MAX_AUTOSAVED)
    keeping = insert(drafts).from_select(["slot", *_NAMES, "autosaved"], row)
    again = {"created_at": func.now(), "slug": keeping.excluded.slug, "slot": keeping.excluded.slot}
    kept = (
        keeping.on_conflict_do_update(index_elements=["id"], set_=again)
        .returning(*(drafts.c[name] for name in _HEAD))
        .cte("kept")
    )
    replaced = (
        delete(drafts)
        .where(mine, drafts.c.id == old, drafts.c.id != new, select(kept.c.id).exists())
        .cte("replaced")
    )
    return select(kept).add_cte(replaced)


_KEEP, _AUTOSAVE = _keep(), _autosave()


def move(connection: Connection, slug: str, moved_to: str) -> None:
    """Let all drafts of a page go along with it, within one shard."""
    there = {"slug": moved_to, "slot": hashing.slot(moved_to)}
    connection.execute(update(drafts).where(drafts.c.slug == slug).values(there))


def ids(connection: Connection, slug: str) -> list[UUID]:
    """The ids of all drafts of a page."""
    statement = select(drafts.c.id).where(drafts.c.slug == slug)
    return list(connection.execute(statement).scalars())


def read(slug: str, wanted: Sequence[UUID]) -> Iterator[list[dict[str, Any]]]:
    """Drafts of a page as they are stored, some at a time: each may be long."""
    for start in range(0, len(wanted), _ROWS_AT_ONCE):
        yield shards.read(slug, _rows, wanted[start : start + _ROWS_AT_ONCE])


def _rows(connection: Connection, _slug: str, wanted: Sequence[UUID]) -> list[dict[str, Any]]:
    found = connection.execute(select(drafts).where(drafts.c.id.in_(wanted)))
    return [dict(row) for row in found.mappings()]


def add(connection: Connection, slug: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add drafts of a page of another shard to this one's."""
    there = {"slug": slug, "slot": hashing.slot(slug)}
    connection.execute(insert(drafts).values([{**row, **there} for row in rows]))


def remove(connection: Connection, wanted: Sequence[UUID]) -> None:
    """Remove the drafts with these ids."""
    connection.execute(delete(drafts).where(drafts.c.id.in_(wanted)))


def of_page(connection: Connection, slug: str, author: str) -> list[Draft]:
    """The author's drafts of one page, the newest first, MAX_LISTED at most."""
    statement = (
        select(*_ITEM)
        .where(drafts.c.author == author, drafts.c.slug == slug)
        .order_by(drafts.c.created_at.desc(), drafts.c.id)
        .limit(MAX_LISTED)
    )
    return [Draft(*row) for row in connection.execute(statement)]


def of_author(author: str) -> list[DraftItem]:
    """The author's drafts of all pages, the newest first, MAX_LISTED at most."""
    newest = (drafts.c.created_at.desc(), drafts.c.id)
    statement = (
        select(*(drafts.c[name] for name in _HEAD))
        .where(drafts.c.author == author, ownership.readable(drafts.c.slot))
        .order_by(*newest)
        .limit(MAX_LISTED)
    )
    found = [DraftItem(*row) for row in scattering.rows(statement)]
    found.sort(key=lambda draft: draft.created_at, reverse=True)
    return found[:MAX_LISTED]


def forget(connection: Connection, slug: str, author: str, draft: UUID | None = None) -> None:
    """Remove one of the author's drafts of a page, or all; raises Moved.

    None may be there.
    """
    statement = delete(drafts).where(drafts.c.author == author, drafts.c.slug == slug)
    if draft:
        statement = statement.where(drafts.c.id == draft)
    if not connection.execute(statement).rowcount:
        ownership.check_writable(connection, slug)


def remove_old(connection: Connection, after: timedelta) -> int:
    """Remove the drafts that were kept longer ago than this; says how many."""
    statement = delete(drafts).where(drafts.c.created_at < func.now() - after)
    return connection.execute(statement).rowcount
