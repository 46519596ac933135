"""Search in SQL: what a query finds on a shard, and what titles suggest."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    cast,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from sheaf import texts
from sheaf.database.tables import is_live, pages
from sheaf.paging import Keyset, asc
from sheaf.search import snippets
from sheaf.search.queries import Query
from sheaf.search.ranking import PLACES, Order, Place
from sheaf.sharding import ownership

# So many pages are ranked. Where more are found, these are chosen first; the list ends with them.
MOST_RANKED = 5000
# Above every title that begins in the same way.
_LAST_CHARACTER = "\U0010ffff"

# By what pages are chosen: whether the title has all words, how many pages link to it, the slug.
ChoiceKey = tuple[bool, int, str]


@dataclass(frozen=True)
class Hit:
    """A search hit: a page that was found; the snippet is safe HTML with the words in <mark>.

    `place` is where the words are, `rank` what they weigh there, and `links` how many pages link to
    it, as far as was counted: in this order search hits come, and then by slug.
    """

    slug: str
    title: str
    snippet: str
    updated_at: datetime
    author: str
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
    """A query as it is asked on each shard: with the order of a snapshot, and its number."""

    query: Query
    order: Order
    langs: tuple[str, ...]
    snapshot: int

    def hits(self, step: str, last: ChoiceKey | None) -> tuple[Select[Any], Keyset]:
        """A select of the pages, up to the `last` that was chosen, and their order, the best first.

        For all shards. A cursor has the step of the search and the snapshot's number first.
        """
        chosen = self._chosen(last).subquery("chosen")
        # OFFSET 0 keeps the planner from ranking a page as often as its rank is named.
        ranked = (
            select(
                literal(step, Text(collation="C")).label("step"),
                literal(self.snapshot, BigInteger).label("snapshot"),
                *(chosen.c[name] for name in _SHOWN),
                self.order.place(chosen.c).label("place"),
                (-self.order.score(chosen.c)).label("distance"),
                (-chosen.c.linked).label("unlinked"),
            )
            .offset(0)
            .subquery("found")
            .c
        )
        shown = [ranked[name] for name in _SHOWN]
        statement = select(*shown, ranked.place, -ranked.distance, -ranked.unlinked)
        order = ("step", "snapshot", "place", "distance", "unlinked", "slug")
        return statement, Keyset(tuple(asc(ranked[name]) for name in order))

    def chosen_keys(self) -> Select[Any]:
        """The keys of the pages that may be ranked, and of one more: on each shard."""
        found = self._chosen(None, MOST_RANKED + 1).subquery("chosen").c
        return select(self.order.is_in_title(found), found.linked, found.slug)

    def more_than(self, count: int) -> Select[Any]:
        """A row for each page, as far as one more than so many."""
        return select(literal(1)).where(*self._conditions()).limit(literal_column(str(count + 1)))

    def _chosen(self, last: ChoiceKey | None, most: int = MOST_RANKED) -> Select[Any]:
        columns = [*_SHOWN, "title_words"]
        linked = pages.c.linked_odd if self.snapshot % 2 else pages.c.linked_even
        facts = self.order.facts(pages.c)
        found = (
            select(
                *(pages.c[name] for name in columns),
                linked.label("linked"),
                *(fact.label(name) for name, fact in facts.items()),
            )
            .where(*self._conditions())
            .offset(0)
            .subquery("matching")
        )
        is_in_title = self.order.is_in_title(found.c)
        statement = select(found)
        if last is not None:
            statement = statement.where(_up_to(is_in_title, found.c, last))
        order = (is_in_title.desc(), found.c.linked.desc(), found.c.slug)
        return statement.order_by(*order).limit(literal_column(str(most), Integer))

    def _conditions(self) -> list[ColumnElement[bool]]:
        filters = self.query.filters
        tsquery = cast(literal(self.query.tsquery(self.langs), Text), TSQUERY)
        # In a select of its own, so that it is read once and not for every page.
        conditions = [pages.c.search.op("@@")(select(tsquery).scalar_subquery()), is_live]
        if filters.folder:
            below = pages.c.slug.startswith(f"{filters.folder}/", autoescape=True)
            conditions.append(or_(pages.c.slug == filters.folder, below))
        if filters.author:
            conditions.append(pages.c.author == filters.author)
        return [*conditions, ownership.readable(pages.c.slot)]


_SHOWN = ("slug", "title", "plain", "updated_at", "author")


def _up_to(is_in_title: ColumnElement[bool], found: Any, last: ChoiceKey) -> ColumnElement[bool]:
    titled, linked, slug = last
    same = and_(found.linked == linked, found.slug <= slug)
    here = and_(is_in_title == literal(titled, Boolean), or_(found.linked > linked, same))
    return here if titled else or_(is_in_title, here)


def hit(
    query: Query,
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
    snippet = snippets.cut(plain, query.wanted)
    return Hit(slug, title, snippet, updated_at, author, PLACES[place], rank, links)


def present(tsqueries: dict[str, str]) -> Select[Any]:
    """Those names whose query finds any page; for all shards."""
    each = (
        select(literal(name, Text).label("name"))
        .where(pages.c.search.op("@@")(cast(literal(query, Text), TSQUERY)), is_live)
        .where(ownership.readable(pages.c.slot))
        .limit(literal_column("1", Integer))
        .subquery()
        for name, query in tsqueries.items()
    )
    return union_all(*(select(one.c.name) for one in each))  # type: ignore[return-value]


def beginning(typed: str, limit: int) -> Select[Any]:
    """Live pages whose titles begin so, in any case, from A to Z: slug, title and sort key.

    A range of the index on titles, which are in byte order there. For all shards. The limit is
    written out for its plan.
    """
    title, first = pages.c.sort_title, (texts.line(typed) or typed).casefold()
    return (
        select(pages.c.slug, pages.c.title, title)
        .where(
            is_live,
            title >= first,
            title < first + _LAST_CHARACTER,
            ownership.readable(pages.c.slot),
        )
        .order_by(title, pages.c.slug)
        .limit(literal_column(str(limit), Integer))
    )
