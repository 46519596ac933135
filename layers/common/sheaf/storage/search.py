"""Full-text search over live pages: title first, then headings, then text."""

import html
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from sheaf.storage.tables import pages

# Private-use characters mark the words found; the text is escaped before they become tags.
_START, _STOP = "\ue000", "\ue001"
_HEADLINE = f"StartSel={_START}, StopSel={_STOP}, MaxWords=30, MinWords=12, MaxFragments=2"
_SNIPPET_SOURCE_CHARACTERS = 20_000


@dataclass(frozen=True)
class Hit:
    """A page that was found; the snippet is safe HTML with the words in <mark>."""

    slug: str
    title: str
    snippet: str
    updated_at: datetime
    author: str


def search(connection: Connection, words: str, limit: int) -> list[Hit]:
    """The best pages for a query in web-search syntax ("phrase", -minus, or)."""
    query = func.websearch_to_tsquery("simple", words)
    rank = func.ts_rank(pages.c.search, query).label("rank")
    columns = (pages.c.slug, pages.c.title, pages.c.body, pages.c.updated_at, pages.c.author, rank)
    # Snippets are made only for the rows that are shown: ts_headline reads the whole text.
    best = (
        select(*columns)
        .where(pages.c.search.op("@@")(query), pages.c.state == "live")
        .order_by(rank.desc(), pages.c.slug)
        .limit(limit)
        .subquery()
    )
    source = func.translate(func.left(best.c.body, _SNIPPET_SOURCE_CHARACTERS), _START + _STOP, "")
    snippet = func.ts_headline("simple", source, query, _HEADLINE)
    rows = connection.execute(
        select(best.c.slug, best.c.title, snippet, best.c.updated_at, best.c.author).order_by(
            best.c.rank.desc(), best.c.slug
        )
    )
    return [Hit(slug, title, _mark(text), at, author) for slug, title, text, at, author in rows]


def _mark(text: str) -> str:
    return html.escape(text).replace(_START, "<mark>").replace(_STOP, "</mark>")
