"""Relays the outbox: publishes what a dead writer did not, and counts edits."""

from collections import Counter
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from sheaf import redis_client, settings, telemetry
from sheaf.caching import PageCache
from sheaf.rendering import documents
from sheaf.storage import claims, outbox, pages, shards, users

_BATCH = 200
_SPARE_MILLISECONDS = 5000
_ABANDONED_AFTER = timedelta(days=1)

logger = telemetry.logger()


@logger.inject_lambda_context
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Relay until the outbox is empty or the time is nearly up; says how many changes it was."""
    relayed = 0
    while context.get_remaining_time_in_millis() > _SPARE_MILLISECONDS:
        count = relay()
        relayed += count
        if count < _BATCH:
            break
    with shards.home().connect() as connection:
        removed = claims.remove_abandoned(connection, _ABANDONED_AFTER)
    logger.info("upkeep done", relayed=relayed, removed=removed)
    return {"relayed": relayed, "removed": removed}


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
