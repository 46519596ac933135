"""Several locks at once: all or none, in one order, on each engine."""

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import redis

from sheaf.caching.entry import Entry
from sheaf.caching.versioned import VersionedCache
from sheaf.locks import Lock, LockError, LockNotOwnedError, Locks, MultiLock
from sheaf.locks.contract import Meanwhile
from sheaf.locks.redis import RedisLocks
from tests.integration.sheaf.locks.conftest import NewName, held, stays_taken
from tests.waiting import PATIENCE, wait_until


def test_each_name_once_and_in_one_order(locks: Locks, new_name: NewName) -> None:
    names = [new_name() for _ in range(4)]
    orders = {MultiLock(locks, order, 10).names for order in (names, names[::-1], names * 2)}
    assert [sorted(order) for order in orders] == [sorted(names)]


def test_all_or_none(locks: Locks, new_name: NewName) -> None:
    names = [new_name() for _ in range(4)]
    for taken in names:
        holder = held(locks, taken)
        assert not MultiLock(locks, names, 10).acquire(blocking=False)
        assert [locks.lock(name, 1).locked() for name in names] == [name == taken for name in names]
        holder.release()
    with MultiLock(locks, names, 10) as many:
        assert all(locks.lock(name, 1).locked() for name in names)
        assert all(many.fence(name) > 0 for name in names)
        assert many.remaining() > 0
    assert not any(locks.lock(name, 1).locked() for name in names)


@pytest.mark.parametrize("is_near", [True, False])
def test_what_is_published_of_several(
    locks: Locks, new_name: NewName, client: redis.Redis, is_near: bool
) -> None:
    """With proof, where the cache is where the locks are; without it what is older goes."""
    names = [new_name() for _ in range(3)]
    kept = locks.client if is_near and isinstance(locks, RedisLocks) else client
    proves, cache = kept is not client, VersionedCache(kept)
    many = MultiLock(locks, names, 10)
    with many:
        for name in names:
            cache.refresh(name, lambda: Entry(1, b"old"))
        many.publish(cache, dict.fromkeys(names, Entry(2, b"new")))
    assert [cache.get(name) is not None for name in names] == [proves] * 3
    # Not ours any more, so somebody else may have written since.
    many.publish(cache, dict.fromkeys(names, Entry(3, b"late")))
    assert not any(map(cache.get, names))


def test_one_deadline_for_all(locks: Locks, new_name: NewName) -> None:
    names = [new_name() for _ in range(20)]
    for name in names:
        held(locks, name, 60)
    started = time.monotonic()
    assert not MultiLock(locks, names, 10).acquire(blocking_timeout=0.5)
    assert 0.5 <= time.monotonic() - started < 5  # one after the other they would take 10


def test_losing_one_is_losing_all(locks: Locks, new_name: NewName) -> None:
    names = [new_name(), new_name()]
    many = MultiLock(locks, names, 0.5)
    assert many.acquire(blocking_timeout=PATIENCE)
    thief = locks.lock(names[1], 10)
    assert thief.acquire(blocking_timeout=PATIENCE)
    assert many.lost
    with pytest.raises(LockNotOwnedError):
        many.release()
    assert thief.owned()


def test_the_shortest_time_is_that_of_all(locks: Locks, new_name: NewName) -> None:
    many = MultiLock(locks, [new_name(), new_name()], 30)
    assert many.acquire(blocking=False)
    many.locks[0].extend(29)
    assert many.remaining() <= 30


def test_none_is_kept_if_the_service_fails(
    locks: Locks, new_name: NewName, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = MultiLock(locks, [new_name() for _ in range(4)], 10)
    acquire = locks.acquire_batch

    def fail_last(batch: list[Lock], give_up_at: float, meanwhile: Meanwhile) -> bool:
        if batch[-1].name == many.names[-1]:
            raise LockError("no answer")
        return acquire(batch, give_up_at, meanwhile)

    monkeypatch.setattr(locks, "acquire_batch", fail_last)
    with pytest.raises(LockError, match="no answer"):
        many.acquire()
    wait_until(lambda: not any(lock.locked() for lock in many.locks), "one is kept")


def test_opposite_orders_never_deadlock(locks: Locks, new_name: NewName) -> None:
    one, two = new_name(), new_name()

    def work(names: list[str]) -> None:
        for _ in range(25):
            with MultiLock(locks, names, 10, blocking_timeout=PATIENCE):
                pass

    _in_threads(lambda: work([one, two]), lambda: work([two, one]))


def test_without_the_order_they_do(locks: Locks, new_name: NewName) -> None:
    one, two = new_name(), new_name()
    both_hold_one = threading.Barrier(2)
    got: list[bool] = []

    def work(first: str, second: str) -> None:
        with locks.lock(first, 60):
            both_hold_one.wait(PATIENCE)
            got.append(locks.lock(second, 10).acquire(blocking_timeout=0.3))
            both_hold_one.wait(PATIENCE)

    _in_threads(lambda: work(one, two), lambda: work(two, one))
    assert got == [False, False]


def test_there_is_a_name_to_lock(locks: Locks) -> None:
    with pytest.raises(ValueError, match="no names"):
        MultiLock(locks, [], 10)


def test_other_names_are_not_among_them(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    with MultiLock(locks, [name], 10) as many:
        assert many.token(name) == many.locks[0].token
        for ask in (many.fence, many.token):
            with pytest.raises(KeyError, match="nothing"):
                ask("nothing")


def test_what_is_not_free_in_time_is_an_error(locks: Locks, new_name: NewName) -> None:
    names = [new_name(), new_name()]
    held(locks, names[0])
    with (
        pytest.raises(LockError, match="not free in time"),
        MultiLock(locks, names, 10, blocking=False),
    ):
        raise AssertionError("one of them is held by somebody else")
    assert not locks.lock(names[1], 1).locked()


def test_what_is_not_held_cannot_be_given_back(locks: Locks, new_name: NewName) -> None:
    many = MultiLock(locks, [new_name()], 10)
    with pytest.raises(LockNotOwnedError, match="none of the locks"):
        many.release()


def test_losing_one_keeps_no_other_from_being_given_back(locks: Locks, new_name: NewName) -> None:
    many = MultiLock(locks, [new_name() for _ in range(3)], 10)
    assert many.acquire(blocking=False)
    many.locks[0].release()
    held(locks, many.names[0])
    many.locks[1].release()
    many.release()
    assert [locks.lock(name, 1).locked() for name in many.names] == [True, False, False]


@pytest.fixture
def ones(locks: Locks, new_name: NewName) -> list[str]:
    """Names of as many batches, where the engine has any, in the order in which they are taken."""
    names = [new_name() for _ in range(3)]
    return [name for batch in locks.batches(names) for name in batch]


def test_what_it_has_is_renewed_while_it_waits(locks: Locks, ones: list[str]) -> None:
    """For longer than any of them lives."""
    wait_until(lambda: _keeps_what_it_has(locks, ones), "it is not renewed")


def _keeps_what_it_has(locks: Locks, names: list[str]) -> bool:
    """Not if the machine stands still for longer than a lock lives."""
    several, first = MultiLock(locks, names, 1), locks.lock(names[0], 60)
    with ThreadPoolExecutor(1) as pool:
        with locks.lock(names[-1], 60):
            waiting = pool.submit(several.acquire, blocking_timeout=PATIENCE)
            kept = True
            if len(locks.batches(names)) > 1:
                wait_until(first.locked, "it takes none")
                kept = stays_taken(first)
            assert not waiting.done()
        assert waiting.result()
        with suppress(LockNotOwnedError):
            pool.submit(several.release).result()
            return kept
    return False


@pytest.mark.parametrize("locks", ["cluster", "zookeeper"], indirect=True)
def test_what_was_lost_while_it_waited_makes_it_begin_again(
    locks: Locks, ones: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never says yes while one of them is somebody else's. One server takes all in one step."""
    several, first = MultiLock(locks, ones, 0.3), locks.lock(ones[0], 60)
    taken = _unrenewed(several, monkeypatch)
    last = held(locks, ones[-1], 60)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(several.acquire, blocking_timeout=PATIENCE)
        wait_until(lambda: any(taken), "it takes none")
        assert first.acquire(blocking_timeout=PATIENCE)  # when its time is over
        last.release()
        wait_until(lambda: not last.locked() or waiting.done(), "it keeps what it took")
        assert not waiting.done()
        assert first.owned()
        first.release()
        assert waiting.result()


def test_or_give_up_with_nothing(
    locks: Locks, ones: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    several, first = MultiLock(locks, ones, 0.3), locks.lock(ones[0], 60)
    taken = _unrenewed(several, monkeypatch)
    last = held(locks, ones[-1], 60)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(several.acquire, blocking_timeout=5)
        stands = any if len(locks.batches(ones)) > 1 else bool
        wait_until(lambda: stands(taken), "it does not wait")
        assert first.acquire(blocking_timeout=PATIENCE)
        last.release()
        assert not waiting.result()
    assert [lock.name for lock in several.locks if lock.locked()] == [first.name]


def _unrenewed(several: MultiLock, monkeypatch: pytest.MonkeyPatch) -> list[list[Lock]]:
    """Nothing is renewed; what it has got whenever it waits, from now on."""
    seen: list[list[Lock]] = []

    def never(taken: list[Lock]) -> float:
        seen.append(list(taken))
        return math.inf

    monkeypatch.setattr(several, "_due", never)
    return seen


def test_all_are_extended(locks: Locks, ones: list[str]) -> None:
    several = MultiLock(locks, ones, 30)
    for use in (several.reacquire, lambda: several.extend(1)):
        with pytest.raises(LockNotOwnedError):
            use()
    assert not several.owned()
    with several:
        assert several.extend(29)
        assert 30 < several.remaining() <= 59
        assert several.extend(15, replace_ttl=True)
        assert 0 < several.remaining() <= 15
        assert several.reacquire()
        assert 15 < several.remaining() <= 30
        assert several.owned()
        for again in (several.acquire, several.__enter__):
            with pytest.raises(LockError, match="not reentrant"):
                again()
    assert not several.owned()


def test_what_is_lost_is_extended_no_more(locks: Locks, ones: list[str]) -> None:
    several = MultiLock(locks, ones, 0.5)
    assert several.acquire()
    assert locks.lock(ones[1], 60).acquire(blocking_timeout=PATIENCE)
    assert not several.owned()
    for use in (several.reacquire, several.release, several.release):
        with pytest.raises(LockNotOwnedError, match="expired"):
            use()
    assert several.lost


def _in_threads(*tasks: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(tasks)) as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result(PATIENCE)
