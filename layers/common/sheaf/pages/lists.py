"""The lists of the site: each is a value, and `read` gets a page of any of them."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import Column, Select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from sheaf import paging
from sheaf.database import signing_keys, tables
from sheaf.pages import events, reads, revisions, snapshots, tree, users
from sheaf.pages.errors import NotOffered
from sheaf.paging import (
    Cursors,
    Keyset,
    PageRequest,
    Position,
    RowPage,
    SortKey,
    UnknownKey,
    asc,
    desc,
)
from sheaf.search import words
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
    "title": "title_words",
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


@dataclass(frozen=True)
class Listing(ABC, Generic[T]):
    """A list: its rows in their order, and what makes a row into what is shown.

    A cursor is good for a list of the same name and filters only.
    """

    name: str
    filters: Mapping[str, str]
    make: Callable[..., T]

    @abstractmethod
    def fetch(self, wanted: PageRequest, scatter: Scatter) -> RowPage:
        """The rows of a page; raises BadCursor and Moved."""

    @property
    def cursors(self) -> Cursors:
        """What reads and makes the list's cursors."""
        return Cursors(_secrets(int(time.time() // 60)), self.name, self.filters)


@dataclass(frozen=True)
class Selection(Listing[T]):
    """What a statement selects, in a keyset's order: on all shards, or on its owner's alone."""

    statement: Select[Any]
    keyset: Keyset
    owner: str | None = None

    def fetch(self, wanted: PageRequest, scatter: Scatter) -> RowPage:
        """The rows of a page."""
        cursors = self.cursors
        sources = [scattering.source_of(self.owner)] if self.owner else scattering.sources()
        return paging.fetch(sources, self.statement, self.keyset, cursors, wanted, scatter)


@dataclass(frozen=True)
class Folder(Listing[tree.Entry]):
    """The pages and folders directly below a folder by name, which is no page by its number."""

    slug: str

    def fetch(self, wanted: PageRequest, scatter: Scatter) -> RowPage:
        """The rows of a page."""
        return tree.below(scattering.sources(), self.slug, self.cursors, wanted, scatter)


@dataclass(frozen=True)
class Listed(Generic[T]):
    """A page of a list, and the cursors of the pages around it (null at an end).

    `partial` says that a database did not answer, so that items may be missing.
    """

    items: list[T]
    next: str | None
    prev: str | None
    partial: bool = False


def read(listing: Listing[T], wanted: PageRequest, allow_partial: bool = False) -> Listed[T]:
    """A page of a list; without a database that is down only if that is allowed.

    Raises BadCursor, and Unavailable.
    """
    scatter = Scatter(allow_partial)
    try:
        found = shards.following_moves(listing.fetch, wanted, scatter)
    except UnknownKey:
        _secrets.cache_clear()
        found = shards.following_moves(listing.fetch, wanted, scatter)
    items = [listing.make(*row) for row in found.rows]
    return Listed(items, found.next, found.prev, scatter.missing > 0)


def position(listing: Listing[Any], cursor: str, keyset: Keyset) -> Position:
    """The place that a cursor of a list names; raises BadCursor."""
    try:
        return listing.cursors.decode(cursor, keyset)
    except UnknownKey:
        _secrets.cache_clear()
        return listing.cursors.decode(cursor, keyset)


@lru_cache(maxsize=1)
def _secrets(_minute: int) -> Mapping[int, bytes]:
    """The signing keys, read once a minute: a key that was removed is not trusted for longer."""
    return shards.on(shards.HOME, signing_keys.all_secrets)


def all_pages(
    filters: Filters, sort: Sort | None = None, order: Order | None = None
) -> Listing[reads.PageItem]:
    """The pages; without an order times from the newest on, titles and slugs from A to Z.

    Raises NotOffered for a list that no index has in this order.
    """
    keyset = Keyset(_sort_keys(filters, _check_offered(filters, sort), order))
    return Selection("pages", filters.given, reads.PageItem, _select(filters), keyset)


def _check_offered(filters: Filters, sort: Sort | None) -> Sort:
    names = tuple(filters.given)
    sorts = _OFFERED.get(names)
    if sorts is None:
        raise NotOffered(f"There is no list of pages by {' and '.join(names)} together.")
    if sort is not None and sort not in sorts:
        listed = f"by {' and '.join(names)} are sorted by {' or '.join(sorts)}"
        raise NotOffered(f"Pages {listed}, not by {sort}.")
    return sort or sorts[0]


def _sort_keys(filters: Filters, sort: Sort, order: Order | None) -> tuple[SortKey, ...]:
    natural = "desc" if sort in _NEWEST_FIRST else "asc"
    direction = asc if (order or natural) == "asc" else desc
    by = "sort_title" if sort == "title" and not _is_indexed() else _COLUMNS[sort]
    columns, names = _columns(filters), dict.fromkeys((by, "slug"))
    return tuple(map(direction, [columns[name] for name in names]))


def _is_indexed() -> bool:
    """Whether all pages have what people type for titles and tags: the first snapshot says so."""
    return snapshots.newest().number > 0


def _select(filters: Filters) -> Select[Any]:
    tag = filters.tag
    if tag is not None and _is_indexed():
        tag = words.tag_key(tag)
    statement = reads.all_in(filters.state) if tag is None else reads.tagged(tag)
    if filters.author is not None:
        statement = statement.where(tables.pages.c.author == filters.author)
    if filters.prefix is not None:
        statement = statement.where(tables.begins_with(_columns(filters)["slug"], filters.prefix))
    return statement


def _columns(filters: Filters) -> ReadOnlyColumnCollection[str, Column[Any]]:
    # The tags have an index of their own, with the columns that order their pages.
    return (tables.pages if filters.tag is None else tables.page_tags).c


def backlinks(slug: str) -> Listing[reads.PageItem]:
    """The live pages that link to this slug, which need not be a page yet, by their slugs."""
    keyset = Keyset((asc(tables.links.c.source),))
    return Selection("backlinks", {"slug": slug}, reads.PageItem, reads.linking_to(slug), keyset)


def page_revisions(slug: str) -> Listing[revisions.RevisionItem]:
    """The versions of one page, the newest first."""
    keyset, statement = Keyset((desc(tables.revisions.c.version),)), revisions.of_page(slug)
    return Selection(
        "revisions", {"slug": slug}, revisions.RevisionItem, statement, keyset, owner=slug
    )


def changes(
    folder: str = "", author: str | None = None, *, imports: bool = False
) -> Listing[events.Event]:
    """What happened to the pages below a folder (all of them, if it is ""), the newest first.

    By one author, if that is given, and without imports unless they are asked for.
    """
    filters = {"folder": folder, "imports": str(imports)}
    if author is not None:
        filters["author"] = author
    in_time = (tables.events.c.at, tables.events.c.slug, tables.events.c.version)
    statement = events.of(folder, author, imports=imports)
    return Selection("changes", filters, events.event, statement, Keyset(tuple(map(desc, in_time))))


def all_users(sort: UserSort = "handle") -> Listing[users.User]:
    """Everybody who ever edited, by handle, or those with the most edits first."""
    handle = asc(tables.users.c.handle)
    # Turned around: of many people who tie none are read in vain (see tables.py).
    busiest = asc(-tables.users.c.edits)
    keyset = Keyset((handle,) if sort == "handle" else (busiest, handle))
    return Selection("users", {}, users.User, users.everyone(), keyset)


def below(folder: str) -> Folder:
    """The pages and folders directly below a folder, or at the top if that is empty."""
    return Folder("tree", {"folder": folder}, partial(tree.entry, folder), folder)
