"""The tree: what is directly below a folder, which is what slugs begin with before a slash."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice, zip_longest
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
from sheaf.search import words
from sheaf.sharding import ownership, scattering

# What a name in a path goes on with is a space, for a slash, or else is behind this.
_JUST_BEHIND = "!"
_BEHIND_ALL = "\U0010ffff"  # no slug holds the last code point

_DIGITS = re.compile("([0-9]+)")

NAMES = Keyset((asc(literal_column("name", Text(collation="C"))),))


@dataclass(frozen=True)
class Entry:
    """A name in a folder: of a page, of a folder of more pages, or of both.

    `title` is the page's, if there is one.
    """

    name: str
    slug: str
    page: bool
    folder: bool
    title: str | None


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


def entry(folder: str, name: str, title: str | None, is_folder: bool) -> Entry:
    """The entry that a row of `below` is."""
    slug = f"{folder}/{name}" if folder else name
    return Entry(name, slug, title is not None, is_folder, title)


@dataclass(frozen=True)
class Folder:
    """What people see of a folder: the way to it from the top, and what is directly below it.

    The last of `path` is the folder itself; there is none at the top.
    """

    path: tuple[Entry, ...]
    entries: list[Entry]


def look(slug: str, limit: int) -> Folder:
    """A folder with up to so many entries, the first by name, as people look for them.

    Raises Unavailable.
    """
    entries = united(slug, scattering.rows(_names(slug, START, limit)))[:limit]
    titles = _titles(path_of(slug)) if entries else {}
    return Folder(path_to(slug, titles), as_read(entries))


def path(slug: str) -> tuple[Entry, ...]:
    """The folders from the top to this one, with the titles of their pages; raises Unavailable."""
    return path_to(slug, _titles(path_of(slug)))


def path_of(slug: str) -> list[str]:
    """The slugs from the top to this one.

    >>> path_of("a/b/c")
    ['a', 'a/b', 'a/b/c']
    """
    names = slug.split("/") if slug else []
    return ["/".join(names[:number]) for number in range(1, len(names) + 1)]


def path_to(slug: str, titles: Mapping[str, str]) -> tuple[Entry, ...]:
    """The folders from the top to this one, of which some have pages with these titles."""
    slugs = path_of(slug)
    parts = ((slug.rpartition("/")[2], slug, titles.get(slug)) for slug in slugs)
    return tuple(Entry(name, slug, title is not None, True, title) for name, slug, title in parts)


def _titles(slugs: Sequence[str]) -> dict[str, str]:
    if not slugs:
        return {}
    statement = select(pages.c.slug, pages.c.title).where(
        is_live, is_one_of(slugs), ownership.readable(pages.c.slot)
    )
    return dict(scattering.rows(statement))


def united(folder: str, rows: Iterable[Row]) -> list[Entry]:
    """The entries of a folder, by name, of rows of all shards, in any order."""
    return [entry(folder, *row[:3]) for row in _united(sorted(rows, key=itemgetter(0)))]


def as_read(entries: Sequence[Entry]) -> list[Entry]:
    """Entries in the order in which people look for them: folders first, each kind by title.

    A number in a title counts as one: 10 comes behind 9.
    """
    titles = [*map(words.key, [each.title or each.name for each in entries])]
    places = [
        (not each.folder, _with_numbers(title), each.slug, each)
        for each, title in zip(entries, titles, strict=True)
    ]
    return [each for *_, each in sorted(places, key=itemgetter(0, 1, 2))]


def _with_numbers(title: str) -> tuple[Any, ...]:
    """A title as texts, each with the number behind it: the longer one is the greater one."""
    parts = _DIGITS.split(title)
    numbers = [digits.lstrip("0") for digits in parts[1::2]]
    values = [(len(digits), digits) for digits in numbers]
    return tuple(zip_longest(parts[::2], values, fillvalue=(0, "")))


def _united(rows: Iterable[Row]) -> Iterator[Row]:
    """One row for each name: one shard may have the page, and others what is below.

    (Where nothing at all is behind a name, it is no folder by NULL.)
    """
    for name, same in groupby(rows, itemgetter(0)):
        _, titles, are_folders, _ = zip(*same, strict=True)
        title = next((title for title in titles if title is not None), None)
        yield name, title, any(are_folders), name


def _names(folder: str, position: Position, limit: int) -> Select[Any]:
    """At most `limit` names from a position on, with what they are, and again as their key."""
    end = _BEHIND_ALL if position.backward else ""
    start = position.key[0] if position.key else end
    return names(
        literal(beginning(folder), Text), literal(start, Text), limit, backward=position.backward
    )


def beginning(folder: str) -> str:
    """What the paths of all that is in a folder begin with."""
    return f"{folder}/".replace("/", " ") if folder else ""


def names(
    first: ColumnElement[str],
    start: ColumnElement[str],
    limit: int,
    *,
    backward: bool = False,
    called: str = "steps",
) -> Select[Any]:
    """At most `limit` names in a folder, from one on: name, title, whether it is a folder, name.

    `first` is the `beginning` of the folder. Selects that are `called` otherwise can be in one
    statement.
    """
    steps = _steps(first, start, limit, backward=backward, called=called)
    name, path = steps.c.name, first + steps.c.name
    is_folder = _nearest(path + " ").scalar_subquery() < path + _JUST_BEHIND
    slug = func.replace(path, literal_column("' '"), literal_column("'/'"), type_=Text)
    columns: list[ColumnElement[Any]] = [name, title(slug), is_folder, name]
    return select(*columns).where(steps.c.number > 0).order_by(steps.c.number)


def title(slug: ColumnElement[str]) -> ColumnElement[str]:
    """The title of the live page at a slug; NULL if there is none."""
    # As a range, and in its order, so that only the index of slugs will do.
    which = (is_live, pages.c.slug.between(slug, slug), ownership.readable(pages.c.slot))
    page = select(pages.c.title).where(*which).order_by(pages.c.slug)
    return page.limit(literal_column("1", Integer)).scalar_subquery()


def _steps(
    first: ColumnElement[str],
    start: ColumnElement[str],
    limit: int,
    *,
    backward: bool,
    called: str,
) -> CTE:
    """A loose scan: each step finds a name, and the next goes on behind everything that has it."""
    steps = select(
        literal_column("0", Integer).label("number"),
        collate(cast(start, Text), "C").label("name"),
    ).cte(called, recursive=True)
    path = first + steps.c.name
    if backward:
        page = _nearest(path, backward=True).lateral("page")
        is_in_folder = page.c.path >= first
    else:
        page = _nearest(path + _JUST_BEHIND).lateral("page")
        is_in_folder = page.c.path < first + _BEHIND_ALL
    name = func.split_part(page.c.path, " ", _depth(first) + 1)
    return steps.union_all(
        select(steps.c.number + 1, name)
        .select_from(steps.join(page, is_in_folder))
        .where(steps.c.number < limit)
    )


def _depth(first: ColumnElement[str]) -> ColumnElement[int]:
    spaces = func.replace(first, literal_column("' '"), literal_column("''"), type_=Text)
    return func.length(first) - func.length(spaces)


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
