"""Search in SQL: what a query finds on a shard, and what titles suggest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    all_,
    and_,
    cast,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from sheaf import texts
from sheaf.database.tables import is_live, pages
from sheaf.paging import Keyset, asc
from sheaf.search import snippets, words
from sheaf.search.queries import Query
from sheaf.search.ranking import PLACES, Order, Place
from sheaf.search.snippets import Mark
from sheaf.sharding import ownership

# So many pages are ranked. Where more are found, these are chosen first; the list ends with them.
MOST_RANKED = 5000
# Above every title that begins in the same way.
_LAST_CHARACTER = "\U0010ffff"

# Which words of a query a page has: all as they were typed; all, but apart; all, some of them as
# beginnings; those that may have been meant; or some.
Matched = Literal["all", "apart", "beginnings", "meant", "some"]
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
    """A query as it is asked on each shard: with the order of a snapshot, and its number."""

    query: Query
    order: Order
    langs: tuple[str, ...]
    snapshot: int
    # Pages that are left out, by the content tags of their slugs, which are short.
    without: tuple[str, ...] = ()

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
        found = self._chosen(None, one_more=True).subquery("chosen").c
        return select(self.order.is_in_title(found), found.linked, found.slug)

    def up_to(self, count: int) -> Select[Any]:
        """How many pages are found, up to so many: on each shard."""
        found = select(literal(1)).where(*self._conditions())
        return select(func.count()).select_from(found.limit(_written(count)).subquery())

    def _chosen(self, last: ChoiceKey | None, *, one_more: bool = False) -> Select[Any]:
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
        return statement.order_by(*order).limit(_written(MOST_RANKED + one_more))

    def _conditions(self) -> list[ColumnElement[bool]]:
        filters = self.query.filters
        conditions: list[ColumnElement[bool]] = [is_live]
        if tsquery := self.query.tsquery(self.langs):
            # In a select of its own, so that it is read once and not for every page.
            read = select(cast(literal(tsquery, Text), TSQUERY)).scalar_subquery()
            conditions.append(pages.c.search.op("@@")(read))
        if filters.folder:
            below = pages.c.slug.startswith(f"{filters.folder}/", autoescape=True)
            conditions.append(or_(pages.c.slug == filters.folder, below))
        if filters.author:
            conditions.append(pages.c.author == filters.author)
        if self.without:
            # As an array, so that all shards can be sent the same statement.
            conditions.append(all_(literal([*self.without], ARRAY(Text))) != _SLUG_TAG)
        return [*conditions, ownership.readable(pages.c.slot)]


_SHOWN = ("slug", "title", "plain", "updated_at", "author")
# As hashing.content_tag makes it.
_SLUG_TAG = func.left(
    func.encode(func.sha256(func.convert_to(pages.c.slug, "UTF8")), "hex"),
    literal_column("20", Integer),
    type_=Text,
)


def _up_to(is_in_title: ColumnElement[bool], found: Any, last: ChoiceKey) -> ColumnElement[bool]:
    titled, linked, slug = last
    same = and_(found.linked == linked, found.slug <= slug)
    here = and_(is_in_title == literal(titled, Boolean), or_(found.linked > linked, same))
    return here if titled else or_(is_in_title, here)


def _written(limit: int) -> ColumnElement[int]:
    """Not as a parameter: a plan is made for it."""
    return literal_column(str(limit), Integer)


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


def present(tsqueries: dict[str, str]) -> Select[Any]:
    """Those names whose query finds any page; for all shards."""
    each = (
        select(literal(name, Text).label("name"))
        .where(pages.c.search.op("@@")(cast(literal(query, Text), TSQUERY)), is_live)
        .where(ownership.readable(pages.c.slot))
        .limit(_written(1))
        .subquery()
        for name, query in tsqueries.items()
    )
    return union_all(*(select(one.c.name) for one in each))  # type: ignore[return-value]


def suggested(typed: str, limit: int) -> Select[Any]:
    """Live pages with a title that begins so, and then those with a word in it that does: slug,
    title, whether it is one of the second kind, and what titles are sorted by. For all shards.

    A title may begin as it was typed, or in the letters that people type for it.
    """
    line, key = (texts.line(typed) or typed).casefold(), words.key(typed)
    begins = pages.c.title_words.startswith(key, autoescape=True)
    inside = pages.c.title_words.contains(f" {key}", autoescape=True)
    in_order = (pages.c.title_words, pages.c.slug)
    kinds = [
        _titled(_between(pages.c.sort_title, line), 0, (pages.c.sort_title, pages.c.slug), limit),
        _titled(_between(pages.c.title_words, key), 0, in_order, limit),
        _titled(and_(inside, not_(begins)), 1, in_order, limit),
    ]
    found = union_all(*kinds).subquery()
    return select(found)


def _between(column: ColumnElement[str], beginning: str) -> ColumnElement[bool]:
    """A range of an index in byte order."""
    return and_(column >= beginning, column < beginning + _LAST_CHARACTER)


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
