"""The tree: what is directly below a folder, which is what slugs begin with before a slash."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    Text,
    cast,
    collate,
    func,
    literal,
    literal_column,
    select,
)

from sheaf import paging
from sheaf.database.tables import is_live, page_path, pages
from sheaf.pages.reads import is_one_of
from sheaf.paging import (
    START,
    Cursors,
    Keyset,
    PageRequest,
    Position,
    Row,
    RowPage,
    Scatter,
    Source,
    asc,
)
from sheaf.sharding import ownership, scattering

# What a name in a path goes on with is a space, for a slash, or else is behind this.
_JUST_BEHIND = "!"
_BEHIND_ALL = "\U0010ffff"  # no slug holds the last code point

NAMES = Keyset((asc(literal_column("name", Text(collation="C"))),))


@dataclass(frozen=True)
class Entry:
    """A name in a folder: of a page, of a folder of more pages, or of both."""

    name: str
    slug: str
    page: bool
    folder: bool


def below(
    sources: Sequence[Source], folder: str, cursors: Cursors, wanted: PageRequest, scatter: Scatter
) -> RowPage:
    """The rows of entries directly below a folder (at the top, if it is empty), by name.

    Raises BadCursor. The part is not one by number.
    """
    position = START if wanted.cursor is None else cursors.decode(wanted.cursor, NAMES)
    # A folder has pages in most shards, so each is asked for as many names as are wanted in all.
    statement = _names(folder, position, wanted.limit + 1)
    streams = scatter([partial(source, statement) for source in sources])
    merged = _united(paging.merge(streams, NAMES, backward=position.backward))
    found = list(islice(merged, wanted.limit + 1))
    return paging.page_at(position, found, wanted.limit, NAMES, cursors)


def entry(folder: str, name: str, is_page: bool, is_folder: bool) -> Entry:
    """The entry that a row of `below` is."""
    return Entry(name, f"{folder}/{name}" if folder else name, is_page, is_folder)


@dataclass(frozen=True)
class Child:
    """What is directly below a folder: a page with its title, or a folder without a page."""

    slug: str
    title: str
    page: bool


def children(folder: str, limit: int) -> list[Child]:
    """Up to so many of what is directly below a folder, by title; raises Unavailable.

    If there are more, they are the first by name.
    """
    rows = sorted(scattering.rows(_names(folder, START, limit)), key=itemgetter(0))
    found = [entry(folder, *row[:3]) for row in islice(_united(rows), limit)]
    titles = _titles([each.slug for each in found if each.page])
    below = [Child(each.slug, titles.get(each.slug, each.name), each.page) for each in found]
    return sorted(below, key=lambda child: (child.title.casefold(), child.slug))


def _titles(slugs: Sequence[str]) -> dict[str, str]:
    if not slugs:
        return {}
    statement = select(pages.c.slug, pages.c.title).where(
        is_live, is_one_of(slugs), ownership.readable(pages.c.slot)
    )
    return dict(scattering.rows(statement))


def _united(rows: Iterable[Row]) -> Iterator[Row]:
    """One row for each name: one shard may have the page, and others what is below.

    (Where nothing at all is behind a name, it is no folder by NULL.)
    """
    for name, same in groupby(rows, itemgetter(0)):
        _, are_pages, are_folders, _ = zip(*same, strict=True)
        yield name, any(are_pages), any(are_folders), name


def _names(folder: str, position: Position, limit: int) -> Select[Any]:
    """At most `limit` names from a position on, with what they are, and again as their key."""
    first = f"{folder}/".replace("/", " ") if folder else ""
    steps = _steps(first, position, limit)
    name, path = steps.c.name, literal(first, Text) + steps.c.name
    is_page = _nearest(path).scalar_subquery() == path
    is_folder = _nearest(path + " ").scalar_subquery() < path + _JUST_BEHIND
    columns: list[ColumnElement[Any]] = [name, is_page, is_folder, name]
    return select(*columns).where(steps.c.number > 0).order_by(steps.c.number)


def _steps(first: str, position: Position, limit: int) -> CTE:
    """A loose scan: each step finds a name, and the next goes on behind everything that has it.

    All paths in the folder begin with `first`.
    """
    end = _BEHIND_ALL if position.backward else ""
    start = position.key[0] if position.key else end
    steps = select(
        literal_column("0", Integer).label("number"),
        collate(cast(start, Text), "C").label("name"),
    ).cte("steps", recursive=True)
    path = literal(first, Text) + steps.c.name
    if position.backward:
        page = _nearest(path, backward=True).lateral("page")
        is_in_folder = page.c.path >= first
    else:
        page = _nearest(path + _JUST_BEHIND).lateral("page")
        is_in_folder = page.c.path < first + _BEHIND_ALL
    name = func.split_part(page.c.path, " ", first.count(" ") + 1)
    return steps.union_all(
        select(steps.c.number + 1, name)
        .select_from(steps.join(page, is_in_folder))
        .where(steps.c.number < limit)
    )


def _nearest(path: ColumnElement[str], *, backward: bool = False) -> Select[Any]:
    """The first path of a live page from this one on, or the last one before it.

    Whether it is near enough is asked of the result: of a range with two ends PostgreSQL believes
    that it is short, and would rather sort all of it. The limit is written out for its plan.
    """
    is_there = page_path < path if backward else page_path >= path
    return (
        select(page_path.label("path"))
        .where(is_live, is_there, ownership.readable(pages.c.slot))
        .order_by(page_path.desc() if backward else page_path.asc())
        .limit(literal_column("1", Integer))
    )
