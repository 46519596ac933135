"""What the cache stores, and who may: on one server and on a cluster with TLS."""

import time
from collections.abc import Callable

import pytest
import redis

from sheaf.caching.entry import Entry
from sheaf.caching.versioned import _LOOK, Proof, VersionedCache, _milliseconds
from sheaf.locks.redis import RedisLock
from sheaf.redis_scripts import Call, run
from tests.integration.sheaf.caching.conftest import (
    ENTRY,
    LEASE,
    NewCache,
    entry_of,
    expect_no_call,
    lease_of,
    lock,
    save,
    version_of,
)
from tests.integration.sheaf.conftest import KEY


def _lost(store: "redis.Redis") -> Proof:
    """The proof of somebody whose lock is gone."""
    with lock(store) as proof:
        return proof


def _taken_over(store: "redis.Redis") -> Proof:
    """The proof of somebody whose lock is another's now."""
    lost = _lost(store)
    assert RedisLock(store, KEY, 10).acquire(blocking=False)
    return lost


def _none(store: "redis.Redis") -> Proof:
    return "", ""


def test_what_was_published_under_a_lock_is_found(
    cache: VersionedCache, store: "redis.Redis"
) -> None:
    assert cache.get(KEY) is None
    published = Entry(1, "ünï\n".encode(), 200, {"etag": '"v1"'}, 5.5)
    save(cache, store, published)
    found = cache.get(KEY)
    assert found
    assert found == published.stamped(found.build, found.fresh_until)
    assert cache.look(KEY) == (found, "")


@pytest.mark.parametrize("proof", [_none, _lost, _taken_over])
def test_without_a_lock_what_is_older_is_removed_and_nothing_stored(
    cache: VersionedCache, store: "redis.Redis", proof: Callable[["redis.Redis"], Proof]
) -> None:
    save(cache, store, entry_of(2))
    late = proof(store)
    assert not cache.publish(KEY, entry_of(1), late)
    assert not cache.publish(KEY, entry_of(2, "another text"), late)
    found = cache.get(KEY)
    assert found
    assert (found.version, found.body) == (2, b"text")
    assert not cache.publish(KEY, entry_of(3), late)
    assert version_of(cache) is None
    assert not cache.publish(KEY, entry_of(4), late)
    assert version_of(cache) is None


def test_no_proof_is_none_whatever_the_lease_is(
    cache: VersionedCache, store: "redis.Redis"
) -> None:
    store.set(LEASE, "", px=60_000)
    assert not cache.publish(KEY, entry_of(1))
    assert version_of(cache) is None


def test_an_older_version_never_replaces_a_newer_one(
    new_cache: NewCache, store: "redis.Redis"
) -> None:
    cache = new_cache(fresh=0)
    # As text "9" is above "10".
    save(cache, store, entry_of(10))
    with lock(store) as proof:
        assert not cache.publish(KEY, entry_of(9), proof)
    assert not cache.fill(KEY, entry_of(9), lease_of(cache))
    assert version_of(cache) == 10


def test_one_reader_at_a_time_has_the_lease(cache: VersionedCache) -> None:
    token = lease_of(cache)
    assert cache.look(KEY) == (None, "")
    assert cache.fill(KEY, entry_of(1), token)
    assert version_of(cache) == 1


def test_a_fill_needs_a_lease_that_stands(new_cache: NewCache) -> None:
    cache = new_cache()
    token = lease_of(new_cache(lease=0.03))
    for wrong in ("", "0" * len(token)):
        assert not cache.fill(KEY, entry_of(1), wrong)
    time.sleep(0.05)
    assert not cache.fill(KEY, entry_of(1), token)
    second = lease_of(cache)
    assert not cache.fill(KEY, entry_of(1), token)
    assert cache.fill(KEY, entry_of(1), second)
    assert not cache.fill(KEY, entry_of(2), second)
    assert version_of(cache) == 1


@pytest.mark.parametrize("proven", [True, False])
def test_a_publication_ends_the_lease(
    cache: VersionedCache, store: "redis.Redis", proven: bool
) -> None:
    token = lease_of(cache)
    with lock(store) as proof:
        cache.publish(KEY, entry_of(2), *([proof] if proven else []))
    store.delete(ENTRY)  # evicted
    assert not cache.fill(KEY, entry_of(1), token)
    assert version_of(cache) is None
    assert lease_of(cache)


def test_the_same_version_can_be_made_anew(new_cache: NewCache, store: "redis.Redis") -> None:
    cache = new_cache(fresh=0)
    save(cache, store, entry_of(1, "old template"))
    assert cache.fill(KEY, entry_of(1, "new template"), lease_of(cache))
    found = cache.get(KEY)
    assert found
    assert found.body == b"new template"


def test_every_key_expires(cache: VersionedCache, store: "redis.Redis") -> None:
    token = lease_of(cache)
    assert 0 < store.pttl(LEASE) <= 5_000
    assert cache.fill(KEY, entry_of(0), token)
    assert 0 < store.pttl(ENTRY) <= 30_000
    save(cache, store, entry_of(1))
    assert 30_000 < store.pttl(ENTRY) <= 24 * 3600 * 1000

    def make() -> Entry:
        assert 0 < store.pttl(LEASE) <= 5_000
        return entry_of(2)

    cache.refresh(KEY, make)
    assert 30_000 < store.pttl(ENTRY) <= 24 * 3600 * 1000


def test_that_there_is_nothing_is_fresh_as_long_as_it_is_kept(cache: VersionedCache) -> None:
    began = time.time()
    assert cache.fill(KEY, Entry(0, b"", 404), lease_of(cache))
    found, token = cache.look(KEY)
    assert found
    assert (found.status, token) == (404, "")
    assert began + 28 <= found.fresh_until <= time.time() + 30


def test_a_tombstone_is_a_version_like_others(new_cache: NewCache, store: "redis.Redis") -> None:
    cache = new_cache(fresh=0)
    save(cache, store, entry_of(1))
    token = lease_of(cache)
    save(cache, store, Entry(2, b"gone", 410))
    assert not cache.fill(KEY, entry_of(1), token)
    assert not cache.fill(KEY, entry_of(1), lease_of(cache))
    found = cache.get(KEY)
    assert found
    assert (found.version, found.status) == (2, 410)
    save(cache, store, entry_of(3))
    assert version_of(cache) == 3


def test_what_is_not_fresh_is_made_by_one_and_served_to_the_others(
    new_cache: NewCache, store: "redis.Redis"
) -> None:
    cache = new_cache(fresh=0)
    save(cache, store, entry_of(1))
    old = cache.get(KEY)
    entry, token = cache.look(KEY)
    assert entry == old
    assert token
    assert cache.look(KEY) == (old, "")
    assert cache.fetch(KEY, expect_no_call) == old


def test_entries_of_one_moment_do_not_age_together(cache: VersionedCache) -> None:
    times, began = set(), time.time()
    for number in range(20):
        cache.refresh(f"{KEY}/{number}", lambda: entry_of(1))
        found = cache.get(f"{KEY}/{number}")
        assert found
        times.add(found.fresh_until)
    assert len(times) > 5
    assert max(times) - time.time() <= 300
    assert min(times) - began >= 230


def test_an_entry_is_not_fresh_any_more_when_its_time_has_come(
    cache: VersionedCache, store: "redis.Redis"
) -> None:
    save(cache, store, entry_of(1))
    found = cache.get(KEY)
    assert found
    for now, token in ((found.fresh_until - 1, b""), (found.fresh_until, b"mine")):
        look = Call(_LOOK, (ENTRY, LEASE), (found.build, now, "mine", 60_000))
        assert run(store, look) == [found.encode(), token]


def test_a_cache_that_is_told_of_no_build_is_of_the_first(store: "redis.Redis") -> None:
    cache = VersionedCache(store)
    cache.refresh(KEY, lambda: entry_of(1))
    found = cache.get(KEY)
    assert found
    assert found.build == 0


def test_no_time_is_less_than_a_millisecond() -> None:
    assert [_milliseconds(seconds) for seconds in (0, 0.0001, 0.0024, 1.5)] == [1, 1, 2, 1500]


def test_a_newer_build_makes_anew_what_an_older_one_made(
    new_cache: NewCache, store: "redis.Redis"
) -> None:
    older, newer = new_cache(1), new_cache(2)
    save(older, store, entry_of(1))
    assert older.look(KEY)[1] == ""
    entry, token = newer.look(KEY)
    assert entry
    assert newer.fill(KEY, entry_of(1), token)
    for cache in (older, newer):
        found, token = cache.look(KEY)
        assert found
        assert (found.build, token) == (2, "")


def test_a_refresh_replaces_what_is_there(cache: VersionedCache, store: "redis.Redis") -> None:
    save(cache, store, entry_of(1))
    assert cache.refresh(KEY, lambda: entry_of(2)) == entry_of(2)
    assert version_of(cache) == 2


def test_a_refresh_ends_the_lease_of_who_looked_before(
    cache: VersionedCache, store: "redis.Redis"
) -> None:
    token = lease_of(cache)
    cache.refresh(KEY, lambda: entry_of(2))
    assert version_of(cache) == 2
    store.delete(ENTRY)  # evicted
    assert not cache.fill(KEY, entry_of(1), token)


def test_a_refresh_that_took_too_long_leaves_nothing_older(
    new_cache: NewCache, store: "redis.Redis"
) -> None:
    cache, tokens = new_cache(fresh=0), []
    save(cache, store, entry_of(1))

    def make() -> Entry:
        time.sleep(0.05)
        tokens.append(lease_of(cache))
        return entry_of(2)

    assert new_cache(lease=0.03).refresh(KEY, make) == entry_of(2)
    assert version_of(cache) is None
    assert not cache.fill(KEY, entry_of(1), tokens[0])
    assert version_of(cache) is None


def test_a_refresh_leaves_what_is_newer(cache: VersionedCache, store: "redis.Redis") -> None:
    def make() -> Entry:
        save(cache, store, entry_of(3))
        return entry_of(2)

    cache.refresh(KEY, make)
    assert version_of(cache) == 3
