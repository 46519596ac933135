"""Search in SQL: what a query finds on a shard, and what titles suggest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnClause,
    ColumnElement,
    Double,
    Integer,
    Select,
    Text,
    and_,
    column,
    literal,
    literal_column,
    not_,
    select,
    table,
    text,
    union_all,
)

from sheaf import hashing, texts
from sheaf.database.tables import begins_with, is_live, pages
from sheaf.paging import Keyset, asc
from sheaf.search import snippets, words
from sheaf.search.queries import Narrowing
from sheaf.search.ranking import PLACES, Order, Place
from sheaf.search.snippets import Mark
from sheaf.sharding import ownership

# So many pages are ranked. Where more are found, these are chosen first; the list ends with them.
MOST_RANKED = 5000
# An index of three letters in a row finds words inside of titles, of which so many are looked at:
# those of so many bytes, as two characters of Chinese are enough.
_LEAST_INSIDE, _MOST_INSIDE = 3, 200

# Which words of a query a page has: all as they were typed; all, with NOT and OR as words; all, but
# apart or in other forms; all, some of them as beginnings; those that may have been meant; or some.
Matched = Literal["all", "literal", "apart", "beginnings", "meant", "some"]
# By what pages are chosen: whether the title has all words, how many pages link to it, the slug.
ChoiceKey = tuple[bool, int, str]


@dataclass(frozen=True)
class Hit:
    """A search hit: a page that was found; the snippet is safe HTML with the words in <mark>.

    `matched` says which words it has, `place` where they are, `rank` what they weigh there, and
    `links` how many pages link to it, as far as was counted: in this order search hits come, and
    then by slug.
    """

    slug: str
    title: str
    snippet: str
    updated_at: datetime
    author: str
    matched: Matched
    place: Place
    rank: float
    links: int


@dataclass(frozen=True)
class Suggestion:
    """A page whose title begins as what was typed, or has a word that does."""

    slug: str
    title: str


@dataclass(frozen=True)
class Search:
    """A query as it is asked on each shard: in the order of a snapshot, and with its number."""

    order: Order
    langs: tuple[str, ...]
    snapshot: int
    # Pages that are left out, by the content tags of their slugs, which are short.
    without: tuple[str, ...] = ()
    # Whether there may be more pages than are ranked.
    may_be_long: bool = True

    def hits(self, step: str, last: ChoiceKey | None) -> tuple[Select[Any], Keyset]:
        """A select of the pages, up to the `last` that was chosen, and their order, the best first.

        For all shards. A cursor has the step of the search and the snapshot's number first. How
        many pages a shard has ranked is in the last column.
        """
        chosen, given = self._chosen(last, MOST_RANKED)
        # OFFSET 0 keeps the planner from ranking a page as often as its rank is named.
        ranked = (
            f"SELECT CAST(:step AS text) AS step, CAST(:snapshot AS bigint) AS snapshot,"  # noqa: S608
            f" {', '.join(_SHOWN)}, {self.order.place} AS place, -({self.order.score}) AS distance,"
            f" -linked AS unlinked, count(*) OVER () AS ranked FROM ({chosen}) AS chosen OFFSET 0"
        )
        given |= {"step": step, "snapshot": self.snapshot, **self.order.compared}
        found = text(ranked).bindparams(**given).columns(*_RANKED).subquery("found").c
        shown = [found[name] for name in _SHOWN]
        statement = select(*shown, found.place, -found.distance, -found.unlinked, found.ranked)
        return statement, _keyset(found)

    def chosen_keys(self) -> Select[Any]:
        """The keys of the pages that may be ranked, and of one more: on each shard."""
        chosen, given = self._chosen(None, MOST_RANKED + 1)
        keys = (column("is_titled", Boolean), column("linked", Integer), column("slug", Text))
        found = text(f"SELECT is_titled, linked, slug FROM ({chosen}) AS chosen")  # noqa: S608
        return select(found.bindparams(**given).columns(*keys).subquery())

    def up_to(self, count: int) -> Select[Any]:
        """How many pages are found, up to so many: on each shard."""
        conditions, given = self._conditions()
        found = f"SELECT 1 FROM pages WHERE {conditions} LIMIT {count}"  # noqa: S608
        counted = text(f"SELECT count(*) FROM ({found}) AS found")  # noqa: S608
        return select(counted.bindparams(**given).columns(column("count", Integer)).subquery())

    def _chosen(self, last: ChoiceKey | None, most: int) -> tuple[str, dict[str, object]]:
        conditions, given = self._conditions()
        linked = "linked_odd" if self.snapshot % 2 else "linked_even"
        columns = [*_SHOWN, "title_words", f"{linked} AS linked", *self.order.facts]
        matching = f"SELECT {', '.join(columns)} FROM pages WHERE {conditions} OFFSET 0"  # noqa: S608
        if not self.may_be_long:
            return matching, given | self.order.asked
        up_to = ""
        if last is not None:
            up_to = f"WHERE {_UP_TO}"
            given |= {"last_titled": last[0], "last_linked": last[1], "last_slug": last[2]}
        chosen = (
            f"SELECT * FROM (SELECT *, {self.order.is_in_title} AS is_titled"  # noqa: S608
            f" FROM ({matching}) AS matching) AS titled {up_to}"
            f" ORDER BY is_titled DESC, linked DESC, slug LIMIT {most}"
        )
        return chosen, given | self.order.asked

    def _conditions(self) -> tuple[str, dict[str, object]]:
        conditions, given = [str(is_live), _READABLE], dict[str, object]()
        if tsquery := self.order.needed.tsquery(self.langs):
            # In a select of its own, so that it is read once and not for every page.
            conditions.append("search @@ (SELECT CAST(:tsquery AS tsquery))")
            given["tsquery"] = tsquery
        for number, each in enumerate(self.order.needed.narrowing):
            if each.kind != "tag":  # which is in the query
                condition, values = _narrowed(each, number)
                conditions.append(f"NOT ({condition})" if each.leaves_out else f"({condition})")
                given |= values
        if self.without:
            conditions.append(f"{_SLUG_TAG} <> ALL (:without)")
            given["without"] = list(self.without)
        return " AND ".join(conditions), given


_SHOWN = ("slug", "title", "plain", "updated_at", "author")
_RANKED: tuple[ColumnClause[Any], ...] = (
    column("step", Text(collation="C")),
    column("snapshot", BigInteger),
    *(column(name, pages.c[name].type) for name in _SHOWN),
    column("place", Integer),
    column("distance", Double),
    column("unlinked", Integer),
    column("ranked", Integer),
)


def _keyset(found: Any) -> Keyset:
    order = ("step", "snapshot", "place", "distance", "unlinked", "slug")
    return Keyset(tuple(asc(found[name]) for name in order))


# That of any search, for its cursors.
KEYSET = _keyset(table("found", *(column(each.name, each.type) for each in _RANKED)).c)
# As `slug_tag`.
_SLUG_TAG = "left(encode(sha256(convert_to(slug, 'UTF8')), 'hex'), 12)"
_READABLE = str(ownership.readable(pages.c.slot))
_UP_TO = """(
    is_titled > :last_titled OR is_titled = :last_titled
    AND (linked > :last_linked OR linked = :last_linked AND slug <= :last_slug)
)"""


def _narrowed(narrowing: Narrowing, number: int) -> tuple[str, dict[str, object]]:
    """What a page has to meet, and the parameters of that, which have a number."""
    value, own = narrowing.value, f"narrowing_{number}"
    if narrowing.kind == "author":
        return f"author = :{own}", {own: value}
    # "0" is what comes behind a slash.
    given: dict[str, object] = {
        own: value,
        f"{own}_first": f"{value}/",
        f"{own}_beyond": f"{value}0",
    }
    return f"slug = :{own} OR slug >= :{own}_first AND slug < :{own}_beyond", given


def _written(limit: int) -> ColumnElement[int]:
    """Not as a parameter: a plan is made for it."""
    return literal_column(str(limit), Integer)


def slug_tag(slug: str) -> str:
    """By what a page is left out: short, for a cursor, and sure enough for a few."""
    return hashing.content_tag(slug.encode())[:12]


def hit(
    marks: Sequence[Mark],
    matched: Matched,
    slug: str,
    title: str,
    plain: str,
    updated_at: datetime,
    author: str,
    place: int,
    rank: float,
    links: int,
) -> Hit:
    """The search hit that a row of `hits` is."""
    snippet = snippets.cut(plain, marks)
    return Hit(slug, title, snippet, updated_at, author, matched, PLACES[place], rank, links)


def present(tsqueries: Mapping[str, str]) -> Select[Any]:
    """The names whose query finds any page, and how many it finds: on each shard."""
    found = text(_PRESENT).bindparams(names=[*tsqueries], queries=[*tsqueries.values()])
    return select(found.columns(column("name", Text), column("pages", Integer)).subquery())


# Where one page would do, PostgreSQL would rather read the table until it comes upon one.
_PRESENT = f"""
    SELECT name, found.pages
    FROM unnest(CAST(:names AS text[]), CAST(:queries AS text[])) AS asked (name, query),
        LATERAL (SELECT count(*) AS pages FROM pages
            WHERE search @@ CAST(asked.query AS tsquery) AND {is_live} AND {_READABLE}) AS found
    WHERE found.pages > 0
"""  # noqa: S608


def suggested(typed: str, limit: int) -> Select[Any]:
    """Live pages with a title that begins so, and then those with a word in it that does: slug,
    title, whether it is one of the second kind, and what titles are sorted by. For all shards.

    A title may begin as it was typed, or in the letters that people type for it. Where very many
    have such a word inside, some of them are looked at.
    """
    line, key = (texts.line(typed) or typed).casefold(), words.key(typed)
    begins = pages.c.title_words.startswith(key, autoescape=True)
    inside = pages.c.title_words.contains(f" {key}", autoescape=True)
    kinds = [
        _titled(begins_with(title, beginning), 0, (title, pages.c.slug), limit)
        for title, beginning in ((pages.c.sort_title, line), (pages.c.title_words, key))
    ]
    if len(key.encode()) >= _LEAST_INSIDE:
        kinds.append(_titled(and_(inside, not_(begins)), 1, (), _MOST_INSIDE))
    found = union_all(*kinds).subquery()
    return select(found)


def _titled(
    condition: ColumnElement[bool],
    kind: int,
    order: Sequence[ColumnElement[str]],
    limit: int,
) -> Select[Any]:
    columns = (pages.c.slug, pages.c.title, literal(kind, Integer).label("kind"))
    return (
        select(*columns, pages.c.title_words)
        .where(is_live, condition, ownership.readable(pages.c.slot))
        .order_by(*order)
        .limit(_written(limit))
    )
