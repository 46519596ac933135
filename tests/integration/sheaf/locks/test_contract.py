"""What every lock promises, whichever engine keeps it."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from sheaf.locks import Lock, LockError, LockNotOwnedError, Locks, redis
from tests.integration.sheaf.locks.conftest import NewName, held, stays_taken
from tests.waiting import PATIENCE, wait_until


def test_one_holder_at_a_time(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    first, second = held(locks, name), locks.lock(name, 10)
    assert not second.acquire(blocking=False)
    assert first.remaining() > 0
    assert second.remaining() == 0
    first.release()
    assert second.acquire(blocking=False)


def test_fences_rise_from_holder_to_holder(locks: Locks, new_name: NewName) -> None:
    name, fences = new_name(), []
    for _ in range(5):
        lock = held(locks, name)
        fences.append(lock.fence)
        lock.release()
    assert fences == sorted(set(fences))
    assert fences[0] > 0


def test_names_with_slashes_and_spaces_are_different_locks(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    holders = [held(locks, f"{name}{ending}") for ending in ("", "/a", " a", "/a/b", "/ü")]
    assert all(holder.owned() for holder in holders)


def test_only_the_holder_can_release(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    holder, stranger = held(locks, name), locks.lock(name, 10)
    with pytest.raises(LockNotOwnedError):
        stranger.release()
    assert holder.owned()
    holder.release()
    with pytest.raises(LockNotOwnedError):
        holder.release()
    with pytest.raises(LockNotOwnedError):
        _ = holder.fence


def test_an_expired_lock_is_lost_and_its_release_hurts_nobody(
    locks: Locks, new_name: NewName
) -> None:
    name = new_name()
    slow, quick = held(locks, name, 0.1), locks.lock(name, 10)
    assert quick.acquire(blocking_timeout=PATIENCE)
    assert slow.remaining() == 0
    assert slow.lost
    assert quick.fence > slow.fence
    with pytest.raises(LockNotOwnedError):
        slow.release()
    assert quick.owned()
    assert not quick.lost


def test_releasing_is_not_a_loss(locks: Locks, new_name: NewName) -> None:
    lock = held(locks, new_name())
    lock.release()
    assert not lock.lost
    assert lock.deadline == 0


def test_extend_adds_or_replaces(locks: Locks, new_name: NewName) -> None:
    lock = held(locks, new_name(), 30)
    fence = lock.fence
    assert lock.extend(29)
    assert 30 < lock.remaining() <= 59
    assert lock.extend(15, replace_ttl=True)
    assert 0 < lock.remaining() <= 15
    assert lock.reacquire()
    assert 15 < lock.remaining() <= 30
    assert lock.fence == fence


def test_an_extended_lock_outlives_its_first_timeout(locks: Locks, new_name: NewName) -> None:
    wait_until(lambda: _outlives(held(locks, new_name(), 2), locks), "it ends")


def _outlives(lock: Lock, locks: Locks) -> bool:
    """Not if the machine stands still before it is extended."""
    with suppress(LockNotOwnedError):
        lock.extend(60)
        return stays_taken(locks.lock(lock.name, 60)) and lock.owned()
    return False


def test_a_lost_lock_cannot_be_extended(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    slow = held(locks, name, 0.1)
    assert locks.lock(name, 10).acquire(blocking_timeout=PATIENCE)
    with pytest.raises(LockNotOwnedError):
        slow.extend(10)
    assert slow.lost
    with pytest.raises(LockNotOwnedError):
        slow.reacquire()


def test_locked_and_owned_ask_the_service(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    mine, other = locks.lock(name, 10), locks.lock(name, 10)
    assert not mine.locked()
    assert not mine.owned()
    mine.acquire()
    assert mine.owned()
    assert other.locked()
    assert not other.owned()


def test_the_block_releases_even_after_an_error(locks: Locks, new_name: NewName) -> None:
    lock = locks.lock(new_name(), 10)
    with pytest.raises(ZeroDivisionError), lock:
        _ = 1 / (not lock.owned())
    assert not lock.locked()


def test_the_block_is_not_entered_without_the_lock(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    held(locks, name)
    with (
        pytest.raises(LockError, match="not free in time"),
        locks.lock(name, 10, blocking_timeout=0.05),
    ):
        pytest.fail("entered")


def test_waiting_is_bounded(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    held(locks, name, 60)
    started = time.monotonic()
    assert not locks.lock(name, 10).acquire(blocking_timeout=0.2)
    assert 0.2 <= time.monotonic() - started < 10


def test_a_waiter_that_gave_up_is_not_in_the_way(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    holder = held(locks, name)
    assert not locks.lock(name, 10).acquire(blocking_timeout=0.05)
    holder.release()
    assert locks.lock(name, 10).acquire(blocking=False)


def test_a_release_wakes_the_waiter(
    locks: Locks, new_name: NewName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "_LONGEST_SLEEP", PATIENCE)  # so that it would not see by itself
    name = new_name()
    with ThreadPoolExecutor(1) as pool:
        holder, waiter = held(locks, name, PATIENCE), locks.lock(name, 10)
        waiting = pool.submit(waiter.acquire, blocking_timeout=PATIENCE)
        time.sleep(0.2)
        holder.release()
        released = time.monotonic()
        assert waiting.result(PATIENCE)
        assert time.monotonic() - released < 20


def test_many_holders_never_meet(locks: Locks, new_name: NewName) -> None:
    name, fences, inside = new_name(), [], []

    def work(_: int) -> None:
        for _ in range(15):
            with locks.lock(name, 10, blocking_timeout=PATIENCE) as lock:
                inside.append(1)
                assert len(inside) == 1
                fences.append(lock.fence)
                inside.pop()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(fences) == 90
    assert fences == sorted(set(fences))


def test_a_new_fence_for_the_holder_alone(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    holder, stranger = held(locks, name), locks.lock(name, 10)
    above = holder.fence + 10**9
    assert holder.reissue(above) > above
    assert holder.fence > above
    assert holder.reissue(1) > above
    with pytest.raises(LockNotOwnedError):
        stranger.reissue(1)


def test_no_new_fence_after_a_loss(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    slow = held(locks, name, 0.5)
    fence = slow.fence
    assert locks.lock(name, 10).acquire(blocking_timeout=PATIENCE)
    with pytest.raises(LockNotOwnedError):
        slow.reissue(fence)
    assert slow.lost
