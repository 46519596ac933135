"""The lists of the site, a page of one at a time, the same for the API and for people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal, TypeVar

from sqlalchemy import Select
from sqlalchemy.sql.elements import ColumnElement

from sheaf import paging
from sheaf.paging import Cursors, Keyset, Slice
from sheaf.storage import keys, pages, queries, revisions, search, shards, tables, users
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


@dataclass(frozen=True)
class Part:
    """Which part of a list is wanted: at most `limit` items, from the cursor on."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


def all_pages(sort: Sort, order: Order | None, part: Part) -> Listed[pages.PageItem]:
    """Live pages; without an order the newest first, or titles from A to Z."""
    order = order or ("asc" if sort == "title" else "desc")
    column = _SORTS[sort]
    keyset = Keyset((column, tables.pages.c.slug), descending=order == "desc")
    return _list(f"pages {sort} {order}", pages.live(), keyset, part, pages.PageItem)


def pages_by(author: str, part: Part) -> Listed[pages.PageItem]:
    """Live pages whose current version is by this author, the newest first."""
    keyset = Keyset((tables.pages.c.updated_at, tables.pages.c.slug), descending=True)
    statement = pages.live().where(tables.pages.c.author == author)
    return _list(f"pages by {author}", statement, keyset, part, pages.PageItem)


def page_revisions(slug: str, part: Part) -> Listed[revisions.RevisionItem]:
    """The versions of one page, the newest first."""
    keyset = Keyset((tables.revisions.c.version,), descending=True)
    return _list(f"revisions {slug}", revisions.of_page(slug), keyset, part, revisions.RevisionItem)


def all_users(part: Part) -> Listed[users.User]:
    """Everybody who ever edited, by handle."""
    keyset = Keyset((tables.users.c.handle,), descending=False)
    return _list("users", users.everyone(), keyset, part, users.User)


def hits(text: str, part: Part) -> Listed[search.Hit]:
    """The live pages that a query finds, the best first."""
    query = queries.parse(text)
    statement, keyset = search.matches(query)
    return _list(f"search {query.terms}", statement, keyset, part, partial(search.hit, query))


def _list(
    name: str, statement: Select[Any], keyset: Keyset, part: Part, make: Callable[..., T]
) -> Listed[T]:
    cursors = Cursors(_secrets(), name)
    with shards.home().connect() as connection:
        found: Slice = paging.fetch(connection, statement, keyset, cursors, part.limit, part.cursor)
    return Listed([make(*row) for row in found.rows], found.next, found.prev)


@cache
def _secrets() -> Mapping[int, bytes]:
    with shards.home().connect() as connection:
        return keys.all_secrets(connection)
