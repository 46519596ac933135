"""Relaying the outbox: publishing what a dead writer did not, and counting edits."""

from collections import defaultdict
from collections.abc import Callable

from sqlalchemy import Engine

from sheaf.caching.entry import Entry
from sheaf.database.transactions import transactional
from sheaf.pages import outbox, page_cache, reads, users
from sheaf.pages.outbox import Change
from sheaf.pages.reads import Page
from sheaf.sharding import shards

# Makes what the cache keeps at a slug, of its page or of there being none.
Document = Callable[[str, Page | None], Entry]


def relay(number: int, limit: int, document: Document) -> list[Change]:
    """Relay up to `limit` changes of a shard; if a step fails, all stay for the next time.

    Each step may be done twice: changes are counted once, and an old version is not published.
    Raises Unavailable.
    """
    return shards.following_moves(_relay, number, limit, document)


def _relay(number: int, limit: int, document: Document) -> list[Change]:
    changes = shards.on(number, outbox.oldest, limit)
    # In their order, so of several changes of a page the newest stays.
    newest = {change.slug: change.version for change in changes}
    for slug, version in sorted(newest.items()):
        _publish(slug, version, document)
    _count(number, changes)
    shards.on(number, outbox.remove, changes)
    return changes


def _publish(slug: str, version: int, document: Document) -> None:
    """Do what the writer did not: see to it that the cache has this version or a newer one."""
    key, cache = page_cache.key(slug), page_cache.versioned()
    cached = cache.get(key)
    if not cached or cached.version < version:
        cache.refresh(key, lambda: document(slug, shards.read(slug, reads.find)))


def _count(number: int, changes: list[Change]) -> None:
    """Count the edits where their authors are kept."""
    by_shard: dict[Engine, list[Change]] = defaultdict(list)
    for change in changes:
        by_shard[shards.owning(change.author)].append(change)
    for engine, theirs in by_shard.items():
        with transactional(engine).begin() as connection:
            users.count_edits(connection, number, theirs)
