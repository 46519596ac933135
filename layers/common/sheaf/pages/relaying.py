"""Relaying the outbox: publishing what a dead writer did not, and counting edits."""

from collections import defaultdict
from collections.abc import Callable

from sqlalchemy import Engine

from sheaf.caching.entry import Entry
from sheaf.database.transactions import transactional
from sheaf.pages import aliases, lookups, outbox, page_cache, users
from sheaf.pages.outbox import Change
from sheaf.pages.reads import Page
from sheaf.sharding import shards

# Makes what the cache keeps at a slug, of its page or of there being none.
Document = Callable[[str, Page | None], Entry]


def relay(number: int, limit: int, document: Document) -> list[Change]:
    """Relay up to `limit` changes of a shard; if a step fails, all stay for the next time.

    Each step may be done twice: changes are counted once, an old version is not published, and an
    alias leads to its page already. Raises Unavailable and LockError.
    """
    return shards.following_moves(_relay, number, limit, document)


def _relay(number: int, limit: int, document: Document) -> list[Change]:
    changes = shards.on(number, outbox.oldest, limit)
    # In their order, so of several changes of a page the newest stays.
    newest = {change.slug: change.version for change in changes}
    for slug, version in sorted(newest.items()):
        cached = page_cache.versioned().get(page_cache.key(slug))
        # The writer has done it, unless it has died before.
        if not cached or cached.version < version:
            publish(slug, document)
    waiting = aliases.make(changes, document)
    done = [change for change in changes if change.slug not in waiting]
    _count(number, done)
    shards.on(number, outbox.remove, done)
    return done


def publish(slug: str, document: Document) -> None:
    """Make what the cache has of a page again, as the database has the page now."""
    key = page_cache.key(slug)
    page_cache.versioned().refresh(key, lambda: document(slug, lookups.at(slug)))


def _count(number: int, changes: list[Change]) -> None:
    """Count the edits where their authors are kept."""
    by_shard: dict[Engine, list[Change]] = defaultdict(list)
    for change in changes:
        if change.author is not None:
            by_shard[shards.owning(change.author)].append(change)
    for engine, theirs in by_shard.items():
        with transactional(engine).begin() as connection:
            users.count_edits(connection, number, theirs)
