"""What the cold readers of a page go through: Sheaf, two caches as their manuals say, and none."""

import asyncio
import os
from collections.abc import Callable

import redis
from cashews import Cache
from dogpile.cache import make_region

import pages.app
from bench import page
from local.gateway.functions import Context
from sheaf.http import documents
from sheaf.pages import reads as stored
from sheaf.sharding import shards

Read = Callable[[str], object]
SECONDS = 3600


def sheaf() -> Read:
    """The pages function."""

    def read(slug: str) -> None:
        answer = pages.app.handler(page.event(slug, page.HEADERS), Context("bench", 512, 30))
        if answer["statusCode"] != 200:
            raise RuntimeError(f"the page's status is {answer['statusCode']}")

    return read


def dogpile() -> Read:
    """dogpile.cache with its distributed lock."""
    arguments = {
        "url": os.environ["SHEAF_CACHE_URL"],
        "redis_expiration_time": 2 * SECONDS,
        "distributed_lock": True,
        "thread_local_lock": False,
    }
    region = make_region().configure("dogpile.cache.redis", SECONDS, arguments)
    return lambda slug: region.get_or_create(slug, lambda: read_and_render(slug))


def cashews() -> Read:
    """cashews with `lock=True`."""
    cache, loop = Cache(), asyncio.Runner()
    cache.setup(os.environ["SHEAF_CACHE_URL"])

    @cache(ttl=SECONDS, key="cashews:{slug}", lock=True)
    async def cached(slug: str) -> str:
        return read_and_render(slug)

    return lambda slug: loop.run(cached(slug))


def unguarded() -> Read:
    """redis-py: look into the cache; read, render and store what is not there."""
    client = redis.Redis.from_url(os.environ["SHEAF_CACHE_URL"])

    def read(slug: str) -> None:
        key = f"unguarded:{slug}"
        if client.get(key) is None:
            client.set(key, read_and_render(slug), ex=SECONDS)

    return read


def read_and_render(slug: str) -> str:
    """The page as Sheaf makes it on a miss: one SELECT, one look around, one template."""
    with shards.owning(slug).connect() as connection:
        found = stored.find(connection, slug)
    assert found, "it was stored before"
    return documents.document(found)


OURS, OURS_OLD = "Sheaf", "Sheaf, page there but too old"
PEERS: dict[str, Callable[[], Read]] = {
    OURS: sheaf,
    OURS_OLD: sheaf,
    "dogpile.cache, distributed lock": dogpile,
    "cashews, lock=True": cashews,
    "redis-py, no guard": unguarded,
}
