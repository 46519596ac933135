"""Relays the outbox: publishes what a dead writer did not, and counts edits."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from sheaf import redis_client, settings, telemetry
from sheaf.caching import PageCache
from sheaf.locks import Lock, LockError, engines
from sheaf.rendering import documents
from sheaf.storage import claims, drafts, outbox, pages, shards, users

_BATCH = 200
_SPARE_MILLISECONDS = 5000
_ABANDONED_AFTER = timedelta(days=1)
_DRAFTS_KEPT = timedelta(days=30)
# Longer than a batch takes; what a dead instance held is free after it.
_LOCK_SECONDS = 10.0

logger = telemetry.logger()


@logger.inject_lambda_context
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Relay until the outbox is empty or the time is nearly up; says how many changes it was.

    One instance works at a time: the others leave at once.
    """
    lock = engines.current().lock("upkeep", _LOCK_SECONDS, blocking=False)
    if not lock.acquire():
        logger.info("another instance is at work")
        return {"relayed": 0, "removed": 0}
    with _released_after(lock):
        relayed = _relay_all(lock, context)
        removed = _remove_old()
    logger.info("upkeep done", relayed=relayed, removed=removed)
    return {"relayed": relayed, "removed": removed}


@contextmanager
def _released_after(lock: Lock) -> Iterator[None]:
    try:
        yield
    finally:
        try:
            lock.release()
        except LockError as failure:
            logger.warning("not released", reason=str(failure))


def _relay_all(lock: Lock, context: LambdaContext) -> int:
    """Batch after batch; raises LockNotOwnedError when another instance has taken our place."""
    relayed = 0
    while context.get_remaining_time_in_millis() > _SPARE_MILLISECONDS:
        lock.reacquire()
        count = relay()
        relayed += count
        if count < _BATCH:
            break
    return relayed


def _remove_old() -> int:
    with shards.home().connect() as connection:
        removed = claims.remove_abandoned(connection, _ABANDONED_AFTER)
        return removed + drafts.remove_old(connection, _DRAFTS_KEPT)


def relay() -> int:
    """Relay one batch; if publishing fails, all of it stays in the outbox for the next time."""
    cache = PageCache(redis_client.connect(settings.current().cache_url))
    with shards.transactional(shards.home()).begin() as connection:
        changes = outbox.take(connection, _BATCH)
        if changes:
            users.count_edits(connection, Counter(change.author for change in changes))
        for slug in sorted({change.slug for change in changes}):
            page = pages.find(connection, slug)
            if page:
                cache.publish(slug, documents.entry(page))
    return len(changes)
