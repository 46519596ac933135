"""What the page cache promises, on real Redis."""

from collections.abc import Iterator

import pytest
import redis

from sheaf.caching import Entry, PageCache
from tests.conftest import Servers


def _entry(version: int, body: str = "text") -> Entry:
    return Entry(version, 200, '"tag"', "title", body)


@pytest.fixture
def client(clean: Servers) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(clean.cache_url) as client:
        yield client


@pytest.fixture
def cache(client: "redis.Redis") -> PageCache:
    return PageCache(client)


def test_what_was_published_is_found(cache: PageCache) -> None:
    assert cache.get("home") is None
    assert cache.publish("home", _entry(1, "ünï"))
    assert cache.get("home") == _entry(1, "ünï")


def test_an_older_version_never_replaces_a_newer_one(cache: PageCache) -> None:
    cache.publish("home", _entry(10))
    assert not cache.publish("home", _entry(9))
    token = cache.lease("home")
    assert not cache.fill("home", _entry(9), token)
    assert cache.get("home") == _entry(10)


def test_only_one_reader_gets_the_lease(cache: PageCache) -> None:
    token = cache.lease("home")
    assert token
    assert cache.lease("home") == ""
    assert not cache.fill("home", _entry(1), "")
    assert cache.fill("home", _entry(1), token)
    assert not cache.fill("home", _entry(1), token)


def test_a_publish_ends_the_lease_so_a_slow_reader_cannot_put_back_what_it_read(
    cache: PageCache, client: "redis.Redis"
) -> None:
    token = cache.lease("home")
    cache.publish("home", _entry(2))
    client.delete("entry:{page:home}")  # evicted
    assert not cache.fill("home", _entry(1), token)
    assert cache.get("home") is None


def test_the_same_version_can_be_refreshed(cache: PageCache) -> None:
    cache.publish("home", _entry(1, "old template"))
    assert cache.fill("home", _entry(1, "new template"), cache.lease("home"))
    assert cache.get("home") == _entry(1, "new template")


def test_every_key_expires(cache: PageCache, client: "redis.Redis") -> None:
    cache.publish("home", _entry(1))
    cache.lease("home")
    assert sorted(client.keys()) == [b"entry:{page:home}", b"lease:{page:home}"]
    assert all(client.pttl(key) > 0 for key in client.scan_iter())
