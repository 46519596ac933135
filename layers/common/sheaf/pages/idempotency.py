"""Idempotency keys: a write that is sent again gets the answer of the first, and is done once.

What came of a write is kept in its own statement, so it is there exactly if the write is. A write
that was refused has done nothing: sent again, it is judged anew.

The header is draft-ietf-httpapi-idempotency-key-header-07's.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from sheaf.database.tables import idempotency_keys, revisions
from sheaf.pages import reads
from sheaf.pages.reads import Page
from sheaf.rendering.source import SourceWarning

_KEYS = idempotency_keys.c


@dataclass(frozen=True)
class Key:
    """What its author calls a request with this method, and the request's digest."""

    text: str
    author: str
    method: str
    request: str


@dataclass(frozen=True)
class Saved:
    """A change that was committed, whether the page is new, and warnings about its text."""

    page: Page
    is_new: bool
    warnings: tuple[SourceWarning, ...]


class KeyUsed(Exception):
    """A write with this key was done already: nothing of another one is."""


class KeyReused(ValueError):
    """The key is that of another request of the same person."""


def find(connection: Connection, slug: str, key: Key) -> Saved | None:
    """What came of the write with this key; raises KeyReused if that was another request."""
    name = {"slug": slug, "author": key.author, "method": key.method, "key": key.text}
    row = connection.execute(_FIND, name).one_or_none()
    if row is None:
        return None
    request, is_new, warnings, *page = row
    if request != key.request:
        raise KeyReused(slug)
    return Saved(Page(*page), is_new, tuple(SourceWarning(**warning) for warning in warnings))


def keep(saved: CTE) -> CTE:
    """Keep what comes of a save by its key: no row saved, nothing kept.

    Takes the parameters of `parameters`. If the key is used already, nothing of the save is done
    (see `is_used`).
    """
    given = ("author", "method", "key", "request", "is_new", "warnings")
    columns: dict[str, ColumnElement[Any]] = {
        **{name: bindparam(f"kept_{name}", type_=_KEYS[name].type) for name in given},
        "slug": saved.c.slug,
        "slot": saved.c.slot,
        "page_id": saved.c.row,
        "identity": saved.c.id,
        "version": saved.c.version,
        "page_created_at": saved.c.created_at,
    }
    return (
        insert(idempotency_keys).from_select(list(columns), select(*columns.values())).cte("kept")
    )


def parameters(key: Key, *, is_new: bool, warnings: Sequence[SourceWarning]) -> dict[str, object]:
    """What `keep` is to keep of a save besides its row."""
    return {
        "kept_author": key.author,
        "kept_method": key.method,
        "kept_key": key.text,
        "kept_request": key.request,
        "kept_is_new": is_new,
        "kept_warnings": [asdict(warning) for warning in warnings],
    }


def is_used(error: IntegrityError) -> bool:
    """Whether a statement failed because its key is there already."""
    found = isinstance(error.orig, UniqueViolation) and error.orig.diag.constraint_name
    return found == idempotency_keys.primary_key.name


def remove_old(connection: Connection, after: timedelta) -> int:
    """Forget the keys that were used longer ago than this; says how many."""
    statement = delete(idempotency_keys).where(_KEYS.created_at < func.now() - after)
    return connection.execute(statement).rowcount


# As `Page` has it, of the page when the version had been saved. Who has saved is told the text, and
# not what was made of it.
_PAGE = (
    func.coalesce(_KEYS.identity, revisions.c.page_id),
    revisions.c.slug,
    revisions.c.title,
    revisions.c.tags,
    revisions.c.state,
    revisions.c.version,
    revisions.c.author,
    _KEYS.page_created_at,
    revisions.c.created_at,
    revisions.c.blob,
    reads.shown_origin(revisions.c.origin),
    reads.shown_file(revisions),
    revisions.c.body,
    literal(""),
)
_MADE = and_(revisions.c.page_id == _KEYS.page_id, revisions.c.version == _KEYS.version)
_FIND = (
    select(_KEYS.request, _KEYS.is_new, _KEYS.warnings, *_PAGE)
    .select_from(idempotency_keys.join(revisions, _MADE))
    .where(*(_KEYS[name] == bindparam(name) for name in ("slug", "author", "method", "key")))
)
