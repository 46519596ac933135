"""Entries that are fetched, by many at once, and doubted: on one server and on a cluster."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import redis

from sheaf.caching.entry import Entry
from sheaf.caching.versioned import NotYet, VersionedCache
from tests.integration.sheaf.caching.conftest import (
    ENTRY,
    LEASE,
    MARK,
    NewCache,
    entry_of,
    expect_no_call,
    lease_of,
    save,
    version_of,
)
from tests.integration.sheaf.conftest import KEY
from tests.waiting import PATIENCE


def test_what_is_fresh_is_not_made(cache: VersionedCache, store: "redis.Redis") -> None:
    save(cache, store, entry_of(1))
    assert cache.fetch(KEY, expect_no_call).version == 1


def _read_at_once(readers: int, read: Callable[[], Entry]) -> list[int]:
    """The versions that so many read, who begin together."""
    together = threading.Barrier(readers)

    def wait_and_read(_: int) -> int:
        together.wait(PATIENCE)
        return read().version

    with ThreadPoolExecutor(readers) as pool:
        return list(pool.map(wait_and_read, range(readers)))


def test_many_who_miss_at_once_make_one_value(new_cache: NewCache) -> None:
    cache, made = new_cache(lease=PATIENCE, patience=PATIENCE), []

    def make() -> Entry:
        made.append(1)
        time.sleep(0.1)
        return entry_of(1)

    assert _read_at_once(12, lambda: cache.fetch(KEY, make)) == [1] * 12
    assert len(made) == 1


def test_a_filler_that_never_fills_is_not_waited_for_longer_than_patience(
    new_cache: NewCache,
) -> None:
    cache = new_cache(lease=PATIENCE, patience=0.2)
    lease_of(cache)
    began = time.monotonic()
    assert cache.fetch(KEY, lambda: entry_of(1)) == entry_of(1)
    assert 0.2 <= time.monotonic() - began < 20
    assert version_of(cache) is None


def test_a_waiter_looks_again_less_and_less_often(new_cache: NewCache, pauses: list[float]) -> None:
    cache = new_cache(lease=30, patience=0.2)
    lease_of(cache)
    cache.fetch(KEY, lambda: entry_of(1))
    longest = [min(0.002 * 2 ** min(number, 9), 0.05) for number in range(len(pauses))]
    assert len(pauses) > 6
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, longest, strict=True))
    assert len(set(pauses)) == len(pauses)


def test_a_lease_that_ended_goes_to_who_waits(new_cache: NewCache) -> None:
    cache = new_cache(lease=0.1, patience=PATIENCE)
    lease_of(cache)
    began = time.monotonic()
    cache.fetch(KEY, lambda: entry_of(1))
    assert time.monotonic() - began < 20
    assert version_of(cache) == 1


def test_what_is_old_serves_when_making_it_fails(new_cache: NewCache, store: "redis.Redis") -> None:
    cache, tries = new_cache(fresh=0), []
    save(cache, store, entry_of(1))

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


def test_what_is_costly_is_not_made_by_those_who_have_waited(new_cache: NewCache) -> None:
    cache = new_cache(lease=PATIENCE, patience=0.05, costly=True)
    lease_of(cache)
    with pytest.raises(NotYet):
        cache.fetch(KEY, expect_no_call)


@pytest.mark.parametrize("error", [TimeoutError, KeyError])
def test_what_is_costly_is_tried_again_at_once_when_making_it_fails(
    new_cache: NewCache, error: type[Exception]
) -> None:
    cache = new_cache(lease=PATIENCE, patience=0, costly=True)

    def fail() -> Entry:
        raise error

    with pytest.raises(error):
        cache.fetch(KEY, fail, forgive=(TimeoutError,))
    assert cache.fetch(KEY, lambda: entry_of(1)).version == 1


def test_a_lease_is_given_up_by_its_holder_alone(new_cache: NewCache, store: "redis.Redis") -> None:
    cache = new_cache(costly=True)

    def fail_late() -> Entry:
        store.set(LEASE, "another's", px=60_000)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        cache.fetch(KEY, fail_late)
    assert store.get(LEASE) == b"another's"


def test_of_those_who_doubt_one_in_a_while_makes_it_again(
    new_cache: NewCache, store: "redis.Redis"
) -> None:
    cache = new_cache(pause=PATIENCE)
    save(cache, store, entry_of(1))
    assert cache.doubt(KEY, lambda: entry_of(2)).version == 2
    for known in (0, 1, 2):
        assert cache.doubt(KEY, expect_no_call, known).version == 2
    for known in (3, 999_999_999_999_999):
        with pytest.raises(NotYet):
            cache.doubt(KEY, expect_no_call, known)
    store.delete(MARK)
    assert cache.doubt(KEY, lambda: entry_of(2), 3).version == 2
    assert 0 < store.pttl(MARK) <= PATIENCE * 1000


def test_what_somebody_knows_of_is_not_made_again_for_them(
    cache: VersionedCache, store: "redis.Redis"
) -> None:
    save(cache, store, entry_of(2))
    for known in (1, 2):
        assert cache.doubt(KEY, expect_no_call, known).version == 2
    assert not store.exists(MARK)


def test_of_many_who_doubt_at_once_one_makes_it_again(
    new_cache: NewCache, store: "redis.Redis"
) -> None:
    cache, made = new_cache(pause=PATIENCE, patience=PATIENCE), []

    def make() -> Entry:
        made.append(1)
        return entry_of(1)

    assert _read_at_once(16, lambda: cache.doubt(KEY, make)) == [1] * 16
    assert len(made) == 1


def test_who_doubts_waits_for_another_only_where_nothing_is(
    new_cache: NewCache, store: "redis.Redis", pauses: list[float]
) -> None:
    cache = new_cache(pause=PATIENCE, patience=0.05, lease=PATIENCE)
    store.set(MARK, "", px=60_000)
    lease_of(cache)
    assert cache.doubt(KEY, lambda: entry_of(1)) == entry_of(1)
    assert pauses
    pauses.clear()
    save(cache, store, entry_of(1))
    with pytest.raises(NotYet):
        cache.doubt(KEY, expect_no_call, 2)
    assert pauses == []


@pytest.mark.parametrize(("known", "serves"), [(0, True), (1, True), (2, False)])
def test_what_is_stored_serves_who_doubts_when_making_it_fails(
    cache: VersionedCache, store: "redis.Redis", known: int, serves: bool
) -> None:
    save(cache, store, entry_of(1))
    store.delete(MARK)

    def fail() -> Entry:
        raise TimeoutError

    doubting = partial(cache.doubt, KEY, fail, known, (TimeoutError,))
    if serves:
        assert doubting().version == 1
    else:
        with pytest.raises(TimeoutError):
            doubting()


@pytest.mark.parametrize("data", ["", "foreign", "1 2 3 {}"])
def test_what_cannot_be_read_is_nothing_and_is_replaced(
    cache: VersionedCache, store: "redis.Redis", data: str
) -> None:
    store.set(ENTRY, data, px=10_000)
    assert cache.get(KEY) is None
    entry, token = cache.look(KEY)
    assert entry is None
    assert cache.fill(KEY, entry_of(1), token)
    assert version_of(cache) == 1


def test_a_server_that_forgot_the_scripts_learns_them_again(
    cache: VersionedCache, store: "redis.Redis"
) -> None:
    store.script_flush()
    token = lease_of(cache)
    store.script_flush()
    assert cache.fill(KEY, entry_of(1), token)
