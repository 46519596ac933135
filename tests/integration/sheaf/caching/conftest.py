"""A cache on each kind of Redis, and what tests of it have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis

from sheaf.caching.entry import Entry
from sheaf.caching.versioned import Proof, VersionedCache
from sheaf.locks.redis import RedisLock
from tests.integration.sheaf.conftest import KEY, Backend

ENTRY, LEASE, MARK = (f"{kind}:{{{KEY}}}" for kind in ("entry", "lease", "doubt"))
NewCache = Callable[..., VersionedCache]


@pytest.fixture
def store(backend: Backend) -> "redis.Redis":
    """Each kind of Redis in turn."""
    client: redis.Redis = backend.client
    return client


@pytest.fixture
def new_cache(store: "redis.Redis") -> NewCache:
    """Makes a cache: new_cache(build, fresh=…, lease=…)."""
    return lambda build=0, **times: VersionedCache(store, build, **times)


@pytest.fixture
def cache(new_cache: NewCache) -> VersionedCache:
    return new_cache()


@contextmanager
def lock(store: "redis.Redis") -> Iterator[Proof]:
    """What proves that nobody else may write."""
    with RedisLock(store, KEY, 10) as lock:
        yield lock.proof


def entry_of(version: int, body: str = "text") -> Entry:
    return Entry(version, body.encode())


def save(cache: VersionedCache, store: "redis.Redis", entry: Entry) -> None:
    with lock(store) as proof:
        assert cache.publish(KEY, entry, proof)


def version_of(cache: VersionedCache) -> int | None:
    found = cache.get(KEY)
    return found.version if found else None


def lease_of(cache: VersionedCache) -> str:
    """The token of a fill lease that must be free."""
    token = cache.look(KEY)[1]
    assert token
    return token


def expect_no_call() -> Entry:
    pytest.fail("made, though nobody should")
