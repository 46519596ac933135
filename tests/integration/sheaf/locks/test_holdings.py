"""A holding belongs to who took it: threads, processes and objects keep each other out."""

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

import pytest
import redis

from sheaf.locks import Lock, LockError, LockNotOwnedError, Locks
from sheaf.locks.lua import RELEASE
from sheaf.locks.redis import RedisLock, RedisLocks
from sheaf.redis_scripts import run
from tests.fixtures import Servers
from tests.integration.sheaf.locks.conftest import NewName, held
from tests.waiting import PATIENCE, wait_until

T = TypeVar("T")

# Takes a lock that was made before the forks, in four processes, and says who got it. A fifth is
# forked while the lock is held.
FORKS = """
import os, sys, redis
from sheaf.locks import LockError
from sheaf.locks.redis import RedisLock

lock = RedisLock(redis.Redis.from_url(sys.argv[1]), sys.argv[2], 60)

def forked(act):
    out, into = os.pipe()
    if os.fork() == 0:
        os.write(into, repr(act()).encode())
        os._exit(0)
    os.wait()
    os.close(into)
    return eval(os.read(out, 1000))

def release():
    try:
        lock.release()
    except LockError as error:
        return str(error)

print([forked(lambda: lock.acquire(blocking=False)) for _ in range(4)])
lock = RedisLock(lock.client, sys.argv[2] + "/2", 60)
lock.acquire()
print(forked(lambda: (lock.remaining(), lock.owned(), lock.lost, release())))
print(lock.owned())
"""


def in_threads(count: int, act: Callable[[], T]) -> list[T]:
    """What each of so many threads answers, which begin at the same time."""
    together = threading.Barrier(count)

    def begin(_: int) -> T:
        together.wait(PATIENCE)
        return act()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def test_threads_that_share_an_object_keep_each_other_out(locks: Locks, new_name: NewName) -> None:
    lock, inside, met = locks.lock(new_name(), 60, blocking_timeout=PATIENCE), [], []

    def work() -> None:
        for _ in range(5):
            with lock:
                inside.append(1)
                met.append(len(inside))
                inside.pop()

    in_threads(4, work)
    assert met == [1] * 20
    assert not lock.locked()


def test_one_of_them_has_it(locks: Locks, new_name: NewName) -> None:
    lock = locks.lock(new_name(), 60, blocking=False)
    assert sorted(in_threads(4, lock.acquire)) == [False, False, False, True]
    assert lock.locked()


def test_what_another_thread_took_is_not_ours(locks: Locks, new_name: NewName) -> None:
    lock = locks.lock(new_name(), 60)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(lock.acquire).result()
        assert (lock.owned(), lock.remaining(), lock.deadline, lock.lost) == (False, 0, 0, False)
        for use in (lock.release, lock.reacquire, lambda: lock.extend(1), lambda: lock.fence):
            with pytest.raises(LockNotOwnedError, match="never taken"):
                use()
        assert other.submit(lock.owned).result()


def test_without_thread_local_another_thread_may_give_it_back(
    locks: Locks, new_name: NewName
) -> None:
    lock = locks.lock(new_name(), 60, thread_local=False)
    with ThreadPoolExecutor(1) as other:
        for _ in range(2):
            assert other.submit(lock.acquire).result()
            assert lock.owned()
            lock.release()
            assert not lock.locked()
            assert not other.submit(lock.owned).result()
        assert lock.acquire()
        other.submit(lock.release).result()
    assert not lock.locked()


@pytest.mark.parametrize("thread_local", [True, False])
def test_a_late_release_gives_no_later_holding_away(
    locks: Locks, new_name: NewName, thread_local: bool
) -> None:
    lock = locks.lock(new_name(), 0.1, thread_local=thread_local)
    assert lock.acquire()
    with ThreadPoolExecutor(1) as other:
        lock.timeout = 60.0
        assert other.submit(lock.acquire, blocking_timeout=PATIENCE).result()
        with pytest.raises(LockNotOwnedError, match="expired"):
            lock.release()
        assert other.submit(lock.owned).result()


def test_nor_does_one_that_was_long_on_its_way(client: "redis.Redis") -> None:
    lock = RedisLock(client, "x", 60)
    assert lock.acquire()
    late = lock._over(RELEASE, lock._held())
    lock.release()
    assert lock.acquire()
    assert run(client, late) == 0
    assert lock.owned()


def test_each_holding_has_its_own_token(locks: Locks, new_name: NewName) -> None:
    lock, tokens = locks.lock(new_name(), 60), set()
    for _ in range(3):
        with lock:
            tokens.add(lock.token)
    assert len(tokens) == 3
    with pytest.raises(LockNotOwnedError, match="given back before"):
        _ = lock.token


@pytest.mark.parametrize("token", ["mine", b"mine"])
def test_a_token_of_ones_own(locks: Locks, new_name: NewName, token: str) -> None:
    lock = locks.lock(new_name(), 60)
    assert lock.acquire(token=token)
    assert str(lock.token) == "mine"
    assert lock.local.token == b"mine"
    assert lock.owned()
    lock.release()
    assert lock.local.token is None


@pytest.mark.parametrize("token", ["", b"", None])
def test_an_empty_token_is_none(locks: Locks, new_name: NewName, token: str | bytes | None) -> None:
    lock = locks.lock(new_name(), 60)
    assert lock.acquire(token=token)
    assert isinstance(lock.token, UUID)


def test_a_with_in_a_with_of_the_same_object_is_an_error(locks: Locks, new_name: NewName) -> None:
    lock = locks.lock(new_name(), 60)
    with lock:
        for again in (lock.__enter__, lock.acquire, lambda: lock.acquire(blocking=False)):
            with pytest.raises(LockError, match="not reentrant"):
                again()
        assert lock.owned()
    assert not lock.locked()


def test_another_object_waits_in_the_same_thread_too(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    held(locks, name)
    assert not locks.lock(name, 60).acquire(blocking_timeout=0.05)


def test_an_expired_holding_may_be_followed_by_another(locks: Locks, new_name: NewName) -> None:
    lock = locks.lock(new_name(), 0.05)
    assert lock.acquire()
    first = lock.fence
    wait_until(lambda: lock.lost, "it does not expire")
    lock.timeout = 60.0
    assert lock.acquire(blocking_timeout=PATIENCE)
    assert lock.fence > first
    assert not lock.lost


@pytest.mark.parametrize("use", [Lock.release, Lock.reacquire, lambda lock: lock.extend(60)])
def test_what_has_expired_is_lost_also_if_nobody_wants_it(
    locks: Locks, new_name: NewName, use: Callable[[Lock], object]
) -> None:
    lock = locks.lock(new_name(), 0.05)
    assert lock.acquire()
    wait_until(lambda: lock.lost, "it does not expire")
    wait_until(lambda: not lock.locked(), "it does not expire on the server")
    assert not lock.owned()
    with pytest.raises(LockNotOwnedError, match="expired"):
        use(lock)
    assert lock.lost
    assert not lock.locked()


def test_who_tries_once_gets_what_has_expired(locks: Locks, new_name: NewName) -> None:
    holder = held(locks, new_name())
    assert not locks.lock(holder.name, 60).acquire(blocking=False)
    holder.extend(0.2, replace_ttl=True)
    wait_until(lambda: holder.lost, "it does not expire")
    later = locks.lock(holder.name, 60)
    wait_until(lambda: later.acquire(blocking=False), "the expired lock is in the way")
    assert later.fence > 0
    assert not holder.owned()


def test_an_object_that_was_made_before_a_fork_excludes(
    client: "redis.Redis", clean: Servers
) -> None:
    """As `gunicorn --preload` makes them. What the parent holds is not the child's."""
    command = [sys.executable, "-W", "error", "-c", FORKS, clean.cache_url, "x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout.splitlines() == [
        "[True, False, False, False]",
        "(0.0, False, False, 'x/2 was never taken here')",
        "True",
    ], done.stderr


def test_locks_of_redis_py_and_ours_keep_each_other_out(client: "redis.Redis") -> None:
    theirs, ours = client.lock("x", timeout=60), client.lock("x", lock_class=RedisLock)
    assert isinstance(ours, RedisLock)
    assert theirs.acquire(blocking=False)
    assert not ours.acquire(blocking=False)
    theirs.release()
    assert ours.acquire(blocking=False)
    assert not theirs.acquire(blocking=False)
    ours.release()
    assert theirs.acquire(blocking=False)


def test_a_client_that_decodes_will_do(clean: Servers) -> None:
    with redis.Redis.from_url(clean.cache_url, decode_responses=True) as client:
        lock = RedisLocks(client).lock(b"\xff\x00x", 60)
        with lock:
            assert lock.owned()
            assert lock.locked()
            assert lock.reacquire()
        assert not lock.locked()
