"""Full-text search over live pages: title first, then headings, then text."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    REAL,
    ColumnElement,
    Double,
    Integer,
    Select,
    Text,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from sheaf import texts
from sheaf.database.tables import is_live, pages
from sheaf.paging import Keyset, asc
from sheaf.search import snippets, words
from sheaf.search.queries import Query
from sheaf.sharding import ownership

# What a term is worth in the text (D, C), in a heading (B), in the title (A). ts_rank adds up what
# stands close together: if these were nearer to each other, a wordy text would beat a title.
_WEIGHTS = [0.001, 0.001, 0.1, 1.0]
# Above every title that begins in the same way.
_LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class Hit:
    """A search hit: a page that was found; the snippet is safe HTML with the words in <mark>.

    Ranks of one query are comparable, also when they come from several databases.
    """

    slug: str
    title: str
    snippet: str
    updated_at: datetime
    author: str
    rank: float


@dataclass(frozen=True)
class Suggestion:
    """A page whose title begins as what was typed."""

    slug: str
    title: str


def matches(query: Query) -> tuple[Select[Any], Keyset]:
    """A select of the pages for a query, and their order, the best first, for paging to cut.

    For all shards.
    """
    tsquery = _tsquery(query)
    # As a double a rank keeps its value on its way through a cursor.
    rank = cast(func.ts_rank(cast(_WEIGHTS, ARRAY(REAL)), pages.c.search, tsquery), Double)
    columns = (pages.c.slug, pages.c.title, pages.c.plain, pages.c.updated_at, pages.c.author)
    # OFFSET 0 keeps the planner from ranking a page as often as its rank is named.
    found = (
        select(*columns, (-rank).label("distance"))
        .where(
            pages.c.search.op("@@")(tsquery),
            is_live,
            ownership.readable(pages.c.slot),
        )
        .offset(0)
        .subquery("found")
    )
    shown = [found.c[column.name] for column in columns]
    keyset = Keyset((asc(found.c.distance), asc(found.c.slug)))
    return select(*shown, -found.c.distance), keyset


def hit(
    query: Query,
    slug: str,
    title: str,
    plain: str,
    updated_at: datetime,
    author: str,
    rank: float,
) -> Hit:
    """The search hit that a row of `matches` is."""
    return Hit(slug, title, snippets.cut(plain, query.wanted), updated_at, author, rank)


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


def _tsquery(query: Query) -> ColumnElement[Any]:
    parsed = cast(func.websearch_to_tsquery("simple", query.terms), Text)
    # Web-search syntax knows no prefixes; a single character is one (see words.queried).
    prefixed = func.regexp_replace(parsed, f"'({words.CHARACTER})'", r"'\1':*", "g")
    # In a select of its own, so that it is worked out once and not for every page.
    return select(cast(prefixed, TSQUERY)).scalar_subquery()
