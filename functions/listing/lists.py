"""The lists of the site, a page of one at a time, the same for the API and for people."""

import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Literal, TypeVar

from sqlalchemy import Column, Select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from sheaf import paging
from sheaf.database import signing_keys, tables
from sheaf.http import problems
from sheaf.http.representations import Listed
from sheaf.pages import reads, revisions, tree, users
from sheaf.paging import Cursors, Keyset, Part, Slice, SortKey, UnknownKey, asc, desc
from sheaf.search import queries, statements
from sheaf.sharding import scattering, shards
from sheaf.sharding.scattering import Scatter

T = TypeVar("T")

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
DEFAULT_HITS = 20

Sort = Literal["updated", "created", "title", "slug"]
Order = Literal["asc", "desc"]
State = Literal["live", "tombstone"]
UserSort = Literal["handle", "edits"]

_COLUMNS: dict[Sort, str] = {
    "updated": "updated_at",
    "created": "created_at",
    "title": "sort_title",
    "slug": "slug",
}
_NEWEST_FIRST = ("updated", "created")
# By which filters together a list can be had, and in which orders: those that an index has. The
# first is the one without being asked.
_OFFERED: dict[tuple[str, ...], tuple[Sort, ...]] = {
    (): ("updated", "created", "title", "slug"),
    ("tag",): ("updated", "slug"),
    ("author",): ("updated",),
    ("prefix",): ("slug",),
    ("tag", "prefix"): ("slug",),
    ("state",): ("updated", "slug"),
    ("prefix", "state"): ("slug",),
}


@dataclass(frozen=True)
class Filters:
    """Which pages: all that are live, unless said otherwise."""

    tag: str | None = None
    author: str | None = None
    prefix: str | None = None
    state: State = "live"

    @property
    def given(self) -> dict[str, str]:
        """Those that leave something out."""
        given = {"tag": self.tag, "author": self.author, "prefix": self.prefix}
        given["state"] = self.state if self.state != "live" else None
        return {name: value for name, value in given.items() if value is not None}


def all_pages(
    filters: Filters,
    sort: Sort | None,
    order: Order | None,
    part: Part,
    allow_partial: bool = False,
) -> Listed[reads.PageItem]:
    """The pages; without an order times from the newest on, titles and slugs from A to Z.

    Raises a Problem for a list that no index has in this order.
    """
    keyset = Keyset(_sort_keys(filters, _check_offered(filters, sort), order))
    statement = _select(filters)
    return _everywhere(
        "pages", filters.given, statement, keyset, part, reads.PageItem, allow_partial
    )


def _check_offered(filters: Filters, sort: Sort | None) -> Sort:
    names = tuple(filters.given)
    sorts = _OFFERED.get(names)
    if sorts is None:
        raise problems.bad_request(f"There is no list of pages by {' and '.join(names)} together.")
    if sort is not None and sort not in sorts:
        listed = f"by {' and '.join(names)} are sorted by {' or '.join(sorts)}"
        raise problems.bad_request(f"Pages {listed}, not by {sort}.")
    return sort or sorts[0]


def _sort_keys(filters: Filters, sort: Sort, order: Order | None) -> tuple[SortKey, ...]:
    natural = "desc" if sort in _NEWEST_FIRST else "asc"
    direction = asc if (order or natural) == "asc" else desc
    columns = _columns(filters)
    names = dict.fromkeys((_COLUMNS[sort], "slug"))
    return tuple(direction(columns[name]) for name in names)


def _select(filters: Filters) -> Select[Any]:
    statement = reads.all_in(filters.state) if filters.tag is None else reads.tagged(filters.tag)
    if filters.author is not None:
        statement = statement.where(tables.pages.c.author == filters.author)
    if filters.prefix is not None:
        prefix = unicodedata.normalize("NFC", filters.prefix)
        statement = statement.where(reads.begins_with(_columns(filters)["slug"], prefix))
    return statement


def _columns(filters: Filters) -> ReadOnlyColumnCollection[str, Column[Any]]:
    # The tags have an index of their own, with the columns that order their pages.
    return (tables.pages if filters.tag is None else tables.page_tags).c


def backlinks(slug: str, part: Part, allow_partial: bool = False) -> Listed[reads.PageItem]:
    """The live pages that link to this slug, which need not be a page yet, by their slugs."""
    keyset = Keyset((asc(tables.links.c.source),))
    statement, filters = reads.linking_to(slug), {"slug": slug}
    return _everywhere("backlinks", filters, statement, keyset, part, reads.PageItem, allow_partial)


def page_revisions(slug: str, part: Part) -> Listed[revisions.RevisionItem]:
    """The versions of one page, the newest first."""
    keyset = Keyset((desc(tables.revisions.c.version),))
    statement, source = revisions.of_page(slug), scattering.source_of(slug)

    def fetch(secrets: Mapping[int, bytes]) -> Slice:
        cursors = Cursors(secrets, "revisions", {"slug": slug})
        return paging.fetch([source], statement, keyset, cursors, part)

    return _listed(fetch, revisions.RevisionItem)


def all_users(sort: UserSort, part: Part, allow_partial: bool = False) -> Listed[users.User]:
    """Everybody who ever edited, by handle, or those with the most edits first."""
    handle = asc(tables.users.c.handle)
    # Turned around: of many people who tie none are read in vain (see tables.py).
    busiest = asc(-tables.users.c.edits)
    keyset = Keyset((handle,) if sort == "handle" else (busiest, handle))
    return _everywhere("users", {}, users.everyone(), keyset, part, users.User, allow_partial)


def hits(text: str, part: Part, allow_partial: bool = False) -> Listed[statements.Hit]:
    """The live pages that a query finds, the best first."""
    query = queries.parse(text)
    statement, keyset = statements.matches(query)
    make = partial(statements.hit, query)
    return _everywhere("search", {"q": query.terms}, statement, keyset, part, make, allow_partial)


def below(folder: str, part: Part, allow_partial: bool = False) -> Listed[tree.Entry]:
    """The pages and folders directly below a folder, or at the top if that is empty, by name."""

    def fetch(secrets: Mapping[int, bytes], scatter: Scatter) -> Slice:
        cursors = Cursors(secrets, "tree", {"folder": folder})
        return tree.below(scattering.sources(), folder, cursors, part, scatter)

    return _scattered(fetch, partial(tree.entry, folder), allow_partial)


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

    def fetch(secrets: Mapping[int, bytes], scatter: Scatter) -> Slice:
        cursors, sources = Cursors(secrets, name, filters), scattering.sources()
        return paging.fetch(sources, statement, keyset, cursors, part, scatter)

    return _scattered(fetch, make, allow_partial)


def _scattered(
    fetch: Callable[[Mapping[int, bytes], Scatter], Slice],
    make: Callable[..., T],
    allow_partial: bool,
) -> Listed[T]:
    scatter = Scatter(allow_partial)
    listed = _listed(lambda secrets: fetch(secrets, scatter), make)
    return replace(listed, partial=scatter.missing > 0)


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
        return signing_keys.all_secrets(connection)
