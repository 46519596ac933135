"""Destinations: which of the pages that links may lead to are there, looked up to show an article.

All links of an article are looked up at once, in one statement for each shard. Nothing of it is
stored: a page that comes or goes touches no other.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from sheaf import slugs, telemetry, texts
from sheaf.database.outages import Unavailable
from sheaf.database.tables import folded_name, folded_slug, is_live, last_name, pages, reader_epochs
from sheaf.rendering import linked
from sheaf.rendering.linked import Link
from sheaf.rendering.links import Target
from sheaf.sharding import ownership, scattering

# Links beyond these look as if their pages were there.
MOST_LINKS = 1000
# Of pages with one title so many are looked at for one in the same folder.
_MOST_ALIKE = 100
# No page waits longer for how its links look.
_SECONDS = 0.5
_PAGE, _FOLDER, _PATH, _NAME, _BESIDE, _TITLE = "page", "folder", "path", "name", "beside", "title"
_BY_NAME, _BY_TITLE = (folded_name, folded_slug), (pages.c.sort_title, pages.c.slug)
_Rows = defaultdict[tuple[str, str], set[str]]


def shown(html: str, slug: str, file: str = "") -> str:
    """The article of the page at `slug` with its links as they are.

    A link leads to the first page that it may mean and that is there, be it spelled with other
    capitals, and to where it was stored if none is: then it looks missing. `file` is the page's
    own, where relative links start. What databases do not say looks as if it were there.
    """
    links = linked.found(html, slug, file)
    if not links:
        return linked.shown(html)
    looked_up = dict(list(links.items())[:MOST_LINKS])
    found = _found(list(dict.fromkeys(looked_up.values())), slug, slugs.folder_of(slug, file))
    decided = {tag: found.target(link) for tag, link in looked_up.items()}
    if not found.is_all:
        decided = {tag: target for tag, target in decided.items() if target}
    return linked.shown(html, decided)


class _Found:
    """What the shards have of what was asked for; `is_all` if each of them has answered."""

    def __init__(self, rows: Iterable[Any], *, is_all: bool) -> None:
        self.is_all = is_all
        self._rows: _Rows = defaultdict(set)
        for kind, key, slug in rows:
            self._rows[kind, key].add(slug)

    def target(self, link: Link) -> Target | None:
        """Where a link leads, None if nothing is there."""
        slug = self._named(link) if link.name else None
        if slug:
            return link.readings[0].to(slug) if link.readings else None
        there = next((each for each in link.readings if self._is_there(each.slug)), None)
        return there or next(self._otherwise_spelled(link), None)

    def _is_there(self, slug: str) -> bool:
        return bool(self._rows[_PAGE, slug] or self._rows[_FOLDER, slug])

    def _otherwise_spelled(self, link: Link) -> Iterator[Target]:
        """Pages at the same paths but for capitals, which not all that serves files tells apart."""
        for each in link.readings:
            yield from map(each.to, sorted(self._at(each.slug)))

    def _named(self, link: Link) -> str | None:
        """The page of a name: at its path, else the only one called so, else by its title."""
        if at := next(filter(None, (self._at(each.slug) for each in link.readings)), None):
            return min(at)
        called = set[str]().union(*(self._rows[_NAME, each] for each in names(link)))
        if len(called) == 1:
            return min(called)
        entitled = title(link.name)
        beside, elsewhere = self._rows[_BESIDE, entitled], self._rows[_TITLE, entitled]
        if beside:
            return min(beside)
        return min(elsewhere) if len(elsewhere) == 1 and not called else None

    def _at(self, path: str) -> set[str]:
        """The pages at a path, be it spelled with other capitals."""
        exact = self._rows[_PAGE, path]
        return exact or set[str]().union(*(self._rows[_PATH, each] for each in spellings(path)))


def title(name: str) -> str:
    """What a title is sorted by, of a page that a link names."""
    return texts.line(name).casefold()


def names(link: Link) -> list[str]:
    """The last names that a page may have that a link names; none if the link says where it is."""
    if not link.readings or "/" in link.name:
        return []
    return [path.rpartition("/")[2] for path in spellings(link.readings[0].slug)]


def spellings(path: str) -> list[str]:
    """A path as the index of names may have it: without capitals of ASCII, and others as they come.

    PostgreSQL has none of them in a way that all of its servers share.

    >>> spellings("a/Über")
    ['a/Über', 'a/über']
    """
    folder, slash, name = path.rpartition("/")
    cases = (name, name.lower(), name.upper(), name.title(), name.capitalize())
    return list(dict.fromkeys(_without_capitals(f"{folder}{slash}{case}") for case in cases))


def _without_capitals(text: str) -> str:
    return text.encode().lower().decode()


def _found(links: list[Link], slug: str, folder: str) -> _Found:
    named = [link for link in links if link.name]
    asked = _parameters(links, folder)
    try:
        rows, is_all = scattering.rows_in(_SECONDS, _statement(names_too=bool(named)), asked)
    except Unavailable as error:
        telemetry.log("WARNING", "links not looked up", slug=slug, reason=telemetry.reason(error))
        return _Found((), is_all=False)
    if not is_all:
        why = "a database does not answer"
        telemetry.log("WARNING", "links not looked up", slug=slug, reason=why)
    return _Found(rows, is_all=is_all)


def _parameters(links: list[Link], folder: str) -> dict[str, object]:
    paths = {each.slug for link in links for each in link.readings}
    return {
        "paths": sorted(paths),
        "spelled": sorted({spelled for path in paths for spelled in spellings(path)}),
        "names": sorted({name for link in links if link.name for name in names(link)}),
        "titles": sorted({title(link.name) for link in links if link.name}),
        "before": f"{folder}/" if folder else "",
    }


# Built once: building a statement takes longer than running it.
@cache
def _statement(*, names_too: bool) -> Select[Any]:
    """What there is of what links may mean, as rows of a kind, what was asked, and a slug."""
    parts = [_asked(), _pages(), _folders(), _otherwise_spelled()]
    if names_too:
        parts += _of_names()
    found = union_all(*parts).subquery("found")
    return select(found.c.kind, found.c.key, found.c.slug)


def _asked() -> Select[Any]:
    """A row in any case, or the shard would be asked if it was the right one."""
    is_right = ownership.is_up_to_date()
    return _rows("asked", literal(""), literal("")).select_from(reader_epochs).where(is_right)


def _pages() -> Select[Any]:
    is_there = or_(is_live, pages.c.state == literal_column("'redirect'"))
    wanted = pages.c.slug == func.any(_array("paths"))
    return _rows(_PAGE, pages.c.slug, pages.c.slug).where(
        is_there, wanted, ownership.readable(pages.c.slot)
    )


def _folders() -> Select[Any]:
    wanted = _wanted("paths")
    # A `0` is next to a slash.
    is_below = (pages.c.slug > wanted.c.key + "/", pages.c.slug < wanted.c.key + "0")
    return _each(_FOLDER, wanted, _first(*is_below, order=(pages.c.slug,)))


def _otherwise_spelled() -> Select[Any]:
    wanted = _wanted("spelled")
    same = (_is(folded_name, last_name(wanted.c.key)), folded_slug == wanted.c.key)
    return _each(_PATH, wanted, _first(*same, order=_BY_NAME))


def _of_names() -> Iterator[Select[Any]]:
    called, titled = _wanted("names"), _wanted("titles")
    yield _each(_NAME, called, _first(_is(folded_name, called.c.key), order=_BY_NAME, most=2))
    is_titled = _is(pages.c.sort_title, titled.c.key)
    yield _each(_TITLE, titled, _first(is_titled, order=_BY_TITLE, most=2))
    beside = _each(_BESIDE, titled, _first(is_titled, order=_BY_TITLE, most=_MOST_ALIKE))
    folder = func.regexp_replace(
        beside.selected_columns.slug, literal_column("'[^/]*$'"), literal_column("''")
    )
    yield beside.where(folder == bindparam("before", type_=Text))


def _is(column: ColumnElement[str], key: ColumnElement[str]) -> ColumnElement[bool]:
    """As a range, so that only the index in whose order it is will do."""
    return column.between(key, key)


def _wanted(name: str) -> Any:
    return func.unnest(_array(name)).table_valued("key", name="wanted").render_derived()


def _array(name: str) -> ColumnElement[Any]:
    return cast(bindparam(name), ARRAY(Text))


def _first(
    *which: ColumnElement[bool], order: tuple[ColumnElement[str], ...], most: int = 1
) -> Select[Any]:
    """The slugs of live pages, no more than are wanted, from an index in this order.

    The limit is written out for its plan.
    """
    mine = (is_live, *which, ownership.readable(pages.c.slot))
    limit = literal_column(str(most), Integer)
    return select(pages.c.slug).where(*mine).order_by(*order).limit(limit)


def _each(kind: str, wanted: Any, found: Select[Any]) -> Select[Any]:
    """For each key that is wanted, the pages that a select finds for it."""
    page = found.lateral("page")
    source: FromClause = wanted.join(page, true())
    return _rows(kind, wanted.c.key, page.c.slug).select_from(source)


def _rows(kind: str, key: ColumnElement[Any], slug: ColumnElement[Any]) -> Select[Any]:
    of_kind = literal_column(f"'{kind}'", Text).label("kind")
    columns: list[Any] = [of_kind, cast(key, Text).label("key"), cast(slug, Text).label("slug")]
    return select(*columns)
