"""The lists of the site, a page of one at a time, the same for the API and for people."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Literal, TypeVar

from sqlalchemy import Select
from sqlalchemy.sql.elements import ColumnElement

from sheaf import paging
from sheaf.paging import Cursors, Keyset, Part, Slice, UnknownKey, asc, desc
from sheaf.storage import (
    keys,
    pages,
    queries,
    revisions,
    scattering,
    search,
    shards,
    tables,
    users,
)
from sheaf.storage.scattering import Scatter
from sheaf.web.representations import Listed

T = TypeVar("T")

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
DEFAULT_HITS = 20

Sort = Literal["updated", "created", "title"]
Order = Literal["asc", "desc"]

_SORTS: dict[Sort, ColumnElement[Any]] = {
    "updated": tables.pages.c.updated_at,
    "created": tables.pages.c.created_at,
    "title": tables.pages.c.sort_title,
}


def all_pages(
    sort: Sort, order: Order | None, part: Part, allow_partial: bool = False
) -> Listed[pages.PageItem]:
    """Live pages; without an order the newest first, or titles from A to Z."""
    direction = asc if (order or ("asc" if sort == "title" else "desc")) == "asc" else desc
    keyset = Keyset((direction(_SORTS[sort]), direction(tables.pages.c.slug)))
    return _everywhere("pages", {}, pages.live(), keyset, part, pages.PageItem, allow_partial)


def pages_by(author: str, part: Part) -> Listed[pages.PageItem]:
    """Live pages whose current version is by this author, the newest first."""
    keyset = Keyset((desc(tables.pages.c.updated_at), desc(tables.pages.c.slug)))
    statement = pages.live().where(tables.pages.c.author == author)
    return _everywhere("pages", {"author": author}, statement, keyset, part, pages.PageItem)


def page_revisions(slug: str, part: Part) -> Listed[revisions.RevisionItem]:
    """The versions of one page, the newest first."""
    keyset = Keyset((desc(tables.revisions.c.version),))
    statement, source = revisions.of_page(slug), scattering.source_of(slug)

    def fetch(secrets: Mapping[int, bytes]) -> Slice:
        cursors = Cursors(secrets, "revisions", {"slug": slug})
        return paging.fetch([source], statement, keyset, cursors, part)

    return _listed(fetch, revisions.RevisionItem)


def all_users(part: Part, allow_partial: bool = False) -> Listed[users.User]:
    """Everybody who ever edited, by handle."""
    keyset = Keyset((asc(tables.users.c.handle),))
    return _everywhere("users", {}, users.everyone(), keyset, part, users.User, allow_partial)


def hits(text: str, part: Part, allow_partial: bool = False) -> Listed[search.Hit]:
    """The live pages that a query finds, the best first."""
    query = queries.parse(text)
    statement, keyset = search.matches(query)
    make = partial(search.hit, query)
    return _everywhere("search", {"q": query.terms}, statement, keyset, part, make, allow_partial)


def _everywhere(
    name: str,
    filters: Mapping[str, str],
    statement: Select[Any],
    keyset: Keyset,
    part: Part,
    make: Callable[..., T],
    allow_partial: bool = False,
) -> Listed[T]:
    """A list of what all shards have; raises ShardDown unless a part of it will do."""
    scatter = Scatter(allow_partial)

    def fetch(secrets: Mapping[int, bytes]) -> Slice:
        cursors, sources = Cursors(secrets, name, filters), scattering.sources()
        return paging.fetch(sources, statement, keyset, cursors, part, scatter)

    return replace(_listed(fetch, make), partial=scatter.missing > 0)


def _listed(fetch: Callable[[Mapping[int, bytes]], Slice], make: Callable[..., T]) -> Listed[T]:
    follow = shards.following_moves(lambda: fetch(_secrets(int(time.time() // 60))))
    try:
        found = follow()
    except UnknownKey:
        _secrets.cache_clear()
        found = follow()
    return Listed([make(*row) for row in found.rows], found.next, found.prev)


@lru_cache(maxsize=1)
def _secrets(_minute: int) -> Mapping[int, bytes]:
    """The signing keys, read once a minute: a key that was removed is not trusted for longer."""
    with shards.home().connect() as connection:
        return keys.all_secrets(connection)
