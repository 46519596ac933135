"""The cache's rules, on one server and on a cluster with TLS."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import redis

from sheaf.caching.entry import Entry
from sheaf.caching.versioned import _LOOK, Proof, VersionedCache, _milliseconds
from sheaf.locks.redis import RedisLock
from sheaf.redis_scripts import Call, run
from tests.integration.sheaf.conftest import KEY, Backend
from tests.waiting import PATIENCE

ENTRY, LEASE = f"entry:{{{KEY}}}", f"lease:{{{KEY}}}"
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
def _lock(store: "redis.Redis") -> Iterator[Proof]:
    """What proves that nobody else may write."""
    with RedisLock(store, KEY, 10) as lock:
        yield lock.proof


def _lost(store: "redis.Redis") -> Proof:
    """The proof of somebody whose lock is gone."""
    with _lock(store) as proof:
        return proof


def _taken_over(store: "redis.Redis") -> Proof:
    """The proof of somebody whose lock is another's now."""
    lost = _lost(store)
    assert RedisLock(store, KEY, 10).acquire(blocking=False)
    return lost


def _none(store: "redis.Redis") -> Proof:
    return "", ""


def _entry(version: int, body: str = "text") -> Entry:
    return Entry(version, body.encode())


def _save(cache: VersionedCache, store: "redis.Redis", entry: Entry) -> None:
    with _lock(store) as proof:
        assert cache.publish(KEY, entry, proof)


def _version(cache: VersionedCache) -> int | None:
    found = cache.get(KEY)
    return found.version if found else None


def _lease(cache: VersionedCache) -> str:
    """The token of a fill lease that must be free."""
    token = cache.look(KEY)[1]
    assert token
    return token


def _expect_no_call() -> Entry:
    pytest.fail("made, though nobody should")


def test_what_was_published_under_a_lock_is_found(
    cache: VersionedCache, store: "redis.Redis"
) -> None:
    assert cache.get(KEY) is None
    published = Entry(1, "ünï\n".encode(), 200, {"etag": '"v1"'}, 5.5)
    _save(cache, store, published)
    found = cache.get(KEY)
    assert found
    assert found == published.stamped(found.build, found.fresh_until)
    assert cache.look(KEY) == (found, "")


@pytest.mark.parametrize("proof", [_none, _lost, _taken_over])
def test_without_a_lock_what_is_older_is_removed_and_nothing_stored(
    cache: VersionedCache, store: "redis.Redis", proof: Callable[["redis.Redis"], Proof]
) -> None:
    _save(cache, store, _entry(2))
    late = proof(store)
    assert not cache.publish(KEY, _entry(1), late)
    assert not cache.publish(KEY, _entry(2, "another text"), late)
    found = cache.get(KEY)
    assert found
    assert (found.version, found.body) == (2, b"text")
    assert not cache.publish(KEY, _entry(3), late)
    assert _version(cache) is None
    assert not cache.publish(KEY, _entry(4), late)
    assert _version(cache) is None


def test_no_proof_is_none_whatever_the_lease_is(
    cache: VersionedCache, store: "redis.Redis"
) -> None:
    store.set(LEASE, "", px=60_000)
    assert not cache.publish(KEY, _entry(1))
    assert _version(cache) is None


def test_an_older_version_never_replaces_a_newer_one(
    new_cache: NewCache, store: "redis.Redis"
) -> None:
    cache = new_cache(fresh=0)
    # As text "9" is above "10".
    _save(cache, store, _entry(10))
    with _lock(store) as proof:
        assert not cache.publish(KEY, _entry(9), proof)
    assert not cache.fill(KEY, _entry(9), _lease(cache))
    assert _version(cache) == 10


def test_one_reader_at_a_time_has_the_lease(cache: VersionedCache) -> None:
    token = _lease(cache)
    assert cache.look(KEY) == (None, "")
    assert cache.fill(KEY, _entry(1), token)
    assert _version(cache) == 1


def test_a_fill_needs_a_lease_that_stands(new_cache: NewCache) -> None:
    cache = new_cache()
    token = _lease(new_cache(lease=0.03))
    for wrong in ("", "0" * len(token)):
        assert not cache.fill(KEY, _entry(1), wrong)
    time.sleep(0.05)
    assert not cache.fill(KEY, _entry(1), token)
    second = _lease(cache)
    assert not cache.fill(KEY, _entry(1), token)
    assert cache.fill(KEY, _entry(1), second)
    assert not cache.fill(KEY, _entry(2), second)
    assert _version(cache) == 1


@pytest.mark.parametrize("proven", [True, False])
def test_a_publication_ends_the_lease(
    cache: VersionedCache, store: "redis.Redis", proven: bool
) -> None:
    token = _lease(cache)
    with _lock(store) as proof:
        cache.publish(KEY, _entry(2), *([proof] if proven else []))
    store.delete(ENTRY)  # evicted
    assert not cache.fill(KEY, _entry(1), token)
    assert _version(cache) is None
    assert _lease(cache)


def test_the_same_version_can_be_made_anew(new_cache: NewCache, store: "redis.Redis") -> None:
    cache = new_cache(fresh=0)
    _save(cache, store, _entry(1, "old template"))
    assert cache.fill(KEY, _entry(1, "new template"), _lease(cache))
    found = cache.get(KEY)
    assert found
    assert found.body == b"new template"


def test_every_key_expires(cache: VersionedCache, store: "redis.Redis") -> None:
    token = _lease(cache)
    assert 0 < store.pttl(LEASE) <= 5_000
    assert cache.fill(KEY, _entry(0), token)
    assert 0 < store.pttl(ENTRY) <= 30_000
    _save(cache, store, _entry(1))
    assert 30_000 < store.pttl(ENTRY) <= 24 * 3600 * 1000

    def make() -> Entry:
        assert 0 < store.pttl(LEASE) <= 5_000
        return _entry(2)

    cache.refresh(KEY, make)
    assert 30_000 < store.pttl(ENTRY) <= 24 * 3600 * 1000


def test_that_there_is_nothing_is_fresh_as_long_as_it_is_kept(cache: VersionedCache) -> None:
    began = time.time()
    assert cache.fill(KEY, Entry(0, b"", 404), _lease(cache))
    found, token = cache.look(KEY)
    assert found
    assert (found.status, token) == (404, "")
    assert began + 28 <= found.fresh_until <= time.time() + 30


def test_a_tombstone_is_a_version_like_others(new_cache: NewCache, store: "redis.Redis") -> None:
    cache = new_cache(fresh=0)
    _save(cache, store, _entry(1))
    token = _lease(cache)
    _save(cache, store, Entry(2, b"gone", 410))
    assert not cache.fill(KEY, _entry(1), token)
    assert not cache.fill(KEY, _entry(1), _lease(cache))
    found = cache.get(KEY)
    assert found
    assert (found.version, found.status) == (2, 410)
    _save(cache, store, _entry(3))
    assert _version(cache) == 3


def test_what_is_not_fresh_is_made_by_one_and_served_to_the_others(
    new_cache: NewCache, store: "redis.Redis"
) -> None:
    cache = new_cache(fresh=0)
    _save(cache, store, _entry(1))
    old = cache.get(KEY)
    entry, token = cache.look(KEY)
    assert entry == old
    assert token
    assert cache.look(KEY) == (old, "")
    assert cache.fetch(KEY, _expect_no_call) == old


def test_entries_of_one_moment_do_not_age_together(cache: VersionedCache) -> None:
    times, began = set(), time.time()
    for number in range(20):
        cache.refresh(f"{KEY}/{number}", lambda: _entry(1))
        found = cache.get(f"{KEY}/{number}")
        assert found
        times.add(found.fresh_until)
    assert len(times) > 5
    assert max(times) - time.time() <= 300
    assert min(times) - began >= 230


def test_an_entry_is_not_fresh_any_more_when_its_time_has_come(
    cache: VersionedCache, store: "redis.Redis"
) -> None:
    _save(cache, store, _entry(1))
    found = cache.get(KEY)
    assert found
    for now, token in ((found.fresh_until - 1, b""), (found.fresh_until, b"mine")):
        look = Call(_LOOK, (ENTRY, LEASE), (found.build, now, "mine", 60_000))
        assert run(store, look) == [found.encode(), token]


def test_a_cache_that_is_told_of_no_build_is_of_the_first(store: "redis.Redis") -> None:
    cache = VersionedCache(store)
    cache.refresh(KEY, lambda: _entry(1))
    found = cache.get(KEY)
    assert found
    assert found.build == 0


def test_no_time_is_less_than_a_millisecond() -> None:
    assert [_milliseconds(seconds) for seconds in (0, 0.0001, 0.0024, 1.5)] == [1, 1, 2, 1500]


def test_a_newer_build_makes_anew_what_an_older_one_made(
    new_cache: NewCache, store: "redis.Redis"
) -> None:
    older, newer = new_cache(1), new_cache(2)
    _save(older, store, _entry(1))
    assert older.look(KEY)[1] == ""
    entry, token = newer.look(KEY)
    assert entry
    assert newer.fill(KEY, _entry(1), token)
    for cache in (older, newer):
        found, token = cache.look(KEY)
        assert found
        assert (found.build, token) == (2, "")


def test_a_refresh_replaces_what_is_there(cache: VersionedCache, store: "redis.Redis") -> None:
    _save(cache, store, _entry(1))
    assert cache.refresh(KEY, lambda: _entry(2)) == _entry(2)
    assert _version(cache) == 2


def test_a_refresh_ends_the_lease_of_who_looked_before(
    cache: VersionedCache, store: "redis.Redis"
) -> None:
    token = _lease(cache)
    cache.refresh(KEY, lambda: _entry(2))
    assert _version(cache) == 2
    store.delete(ENTRY)  # evicted
    assert not cache.fill(KEY, _entry(1), token)


def test_a_refresh_that_took_too_long_leaves_nothing_older(
    new_cache: NewCache, store: "redis.Redis"
) -> None:
    cache, tokens = new_cache(fresh=0), []
    _save(cache, store, _entry(1))

    def make() -> Entry:
        time.sleep(0.05)
        tokens.append(_lease(cache))
        return _entry(2)

    assert new_cache(lease=0.03).refresh(KEY, make) == _entry(2)
    assert _version(cache) is None
    assert not cache.fill(KEY, _entry(1), tokens[0])
    assert _version(cache) is None


def test_a_refresh_leaves_what_is_newer(cache: VersionedCache, store: "redis.Redis") -> None:
    def make() -> Entry:
        _save(cache, store, _entry(3))
        return _entry(2)

    cache.refresh(KEY, make)
    assert _version(cache) == 3


def test_what_is_fresh_is_not_made(cache: VersionedCache, store: "redis.Redis") -> None:
    _save(cache, store, _entry(1))
    assert cache.fetch(KEY, _expect_no_call).version == 1


def test_many_who_miss_at_once_make_one_value(new_cache: NewCache) -> None:
    cache = new_cache(lease=PATIENCE, patience=PATIENCE)
    readers, made = 12, []
    together = threading.Barrier(readers)

    def make() -> Entry:
        made.append(1)
        time.sleep(0.1)
        return _entry(1)

    def read(_: int) -> int:
        together.wait(PATIENCE)
        return cache.fetch(KEY, make).version

    with ThreadPoolExecutor(readers) as pool:
        assert list(pool.map(read, range(readers))) == [1] * readers
    assert len(made) == 1


def test_a_filler_that_never_fills_is_not_waited_for_longer_than_patience(
    new_cache: NewCache,
) -> None:
    cache = new_cache(lease=PATIENCE, patience=0.2)
    _lease(cache)
    began = time.monotonic()
    assert cache.fetch(KEY, lambda: _entry(1)) == _entry(1)
    assert 0.2 <= time.monotonic() - began < 20
    assert _version(cache) is None


def test_a_waiter_looks_again_less_and_less_often(new_cache: NewCache, pauses: list[float]) -> None:
    cache = new_cache(lease=30, patience=0.2)
    _lease(cache)
    cache.fetch(KEY, lambda: _entry(1))
    longest = [min(0.002 * 2 ** min(number, 9), 0.05) for number in range(len(pauses))]
    assert len(pauses) > 6
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, longest, strict=True))
    assert len(set(pauses)) == len(pauses)


def test_a_lease_that_ended_goes_to_who_waits(new_cache: NewCache) -> None:
    cache = new_cache(lease=0.1, patience=PATIENCE)
    _lease(cache)
    began = time.monotonic()
    cache.fetch(KEY, lambda: _entry(1))
    assert time.monotonic() - began < 20
    assert _version(cache) == 1


def test_what_is_old_serves_when_making_it_fails(new_cache: NewCache, store: "redis.Redis") -> None:
    cache, tries = new_cache(fresh=0), []
    _save(cache, store, _entry(1))

    def fail() -> Entry:
        tries.append(1)
        raise TimeoutError

    for _ in range(3):
        assert cache.fetch(KEY, fail, forgive=(TimeoutError,)).version == 1
    # Until the fill lease ends nobody tries again.
    assert len(tries) == 1
    store.delete(LEASE)
    with pytest.raises(TimeoutError):
        cache.fetch(KEY, fail, forgive=(ValueError,))


def test_nothing_serves_when_nothing_is_there(new_cache: NewCache) -> None:
    def fail() -> Entry:
        raise TimeoutError

    cache = new_cache(patience=0.05)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            cache.fetch(KEY, fail, forgive=(TimeoutError,))


@pytest.mark.parametrize("data", ["", "foreign", "1 2 3 {}"])
def test_what_cannot_be_read_is_nothing_and_is_replaced(
    cache: VersionedCache, store: "redis.Redis", data: str
) -> None:
    store.set(ENTRY, data, px=10_000)
    assert cache.get(KEY) is None
    entry, token = cache.look(KEY)
    assert entry is None
    assert cache.fill(KEY, _entry(1), token)
    assert _version(cache) == 1


def test_a_server_that_forgot_the_scripts_learns_them_again(
    cache: VersionedCache, store: "redis.Redis"
) -> None:
    store.script_flush()
    token = _lease(cache)
    store.script_flush()
    assert cache.fill(KEY, _entry(1), token)
