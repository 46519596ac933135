"""Pages to be searched, put into the databases as saves do, but many at once; and what is found."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, insert

from sheaf import hashing
from sheaf.database.tables import links, pages, search_snapshots, word_counts
from sheaf.pages import searches, snapshots
from sheaf.paging import PageRequest
from sheaf.rendering import articles
from sheaf.search import vectors
from sheaf.search.queries import Filters
from sheaf.search.statements import Hit
from sheaf.sharding import shards

EVERYWHERE = Filters()


@dataclass(frozen=True)
class Shelved:
    """A page as a search sees it; `to` are the slugs that it links to."""

    slug: str
    title: str
    plain: str = ""
    headings: str = ""
    tags: tuple[str, ...] = ()
    lang: str = ""
    author: str = "alice"
    to: tuple[str, ...] = ()


def shelve(*shelved: Shelved) -> None:
    """Put pages where they belong, in place of all that are there."""
    clear()
    by_shard = sorted(shelved, key=_shard)
    for shard, some in groupby(by_shard, _shard):
        _insert(shard, list(some))


def clear() -> None:
    """Have no pages, nor anything that was counted of them."""
    for shard in shards.everywhere():
        with shard.begin() as connection:
            for table in (pages, links, search_snapshots, word_counts):
                connection.execute(delete(table))
    snapshots._known.cache_clear()


def _shard(page: Shelved) -> int:
    return shards.current_map().owner(page.slug)


def _insert(shard: int, shelved: list[Shelved]) -> None:
    with shards.at(shard).begin() as connection:
        statement = insert(pages).values({**_VALUES, **vectors.values()})
        for page in shelved:
            connection.execute(statement, _row(page))
            if page.to:
                targets = [{"target": to, "slot": hashing.slot(page.slug)} for to in page.to]
                rows = [{"source": page.slug, **target} for target in targets]
                connection.execute(insert(links), rows)


_VALUES: dict[str, Any] = {
    "state": "live",
    "version": 1,
    "fence": 1,
    "renderer": articles.RENDERER,
    "rendered_version": 1,
}


def _row(page: Shelved) -> dict[str, Any]:
    text = vectors.Text(page.title, page.headings, page.plain, page.tags, page.lang)
    return {
        "slug": page.slug,
        "slot": hashing.slot(page.slug),
        "owner": uuid4(),
        "title": page.title,
        "sort_title": page.title.casefold(),
        "plain": page.plain,
        "tags": list(page.tags),
        "author": page.author,
        **vectors.parameters(text),
    }


def count() -> None:
    """Make a snapshot, as upkeep does when one is due."""
    with shards.home().begin() as home:
        home.exec_driver_sql("UPDATE search_snapshots SET created_at = now() - interval '2 days'")
    assert snapshots.make(0, lambda: True)
    snapshots._known.cache_clear()


def hits(q: str, filters: Filters = EVERYWHERE, limit: int = 100) -> list[Hit]:
    """What the first page of a search has."""
    return searches.find(q, filters, PageRequest(limit)).items


def slugs(q: str, filters: Filters = EVERYWHERE) -> list[str]:
    """Those with all words as they were typed, the best first."""
    return [hit.slug for hit in hits(q, filters) if hit.matched == "all"]


def whole(q: str, size: int, filters: Filters = EVERYWHERE) -> list[Hit]:
    """A whole list, page by page; the same backwards."""
    found = searches.find(q, filters, PageRequest(size))
    read = [found.items]
    while found.next:
        found = searches.find(q, filters, PageRequest(size, found.next))
        read.append(found.items)
        assert len(read) <= 200, "the list has no end"
    forward = list(read)
    while found.prev:
        found = searches.find(q, filters, PageRequest(size, found.prev))
        read.pop()
        assert _shown(found.items) == _shown(read[-1])
    assert len(read) == 1
    return [hit for items in forward for hit in items]


def _shown(items: Iterable[Hit]) -> list[str]:
    return [hit.slug for hit in items]
