"""One contract at the edges, the same on every engine: times, names, and errors that tell why."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sheaf.locks import LockError, LockNotOwnedError, Locks, MultiLock
from sheaf.locks.redis import RedisLock, RedisLocks
from tests.integration.sheaf.locks.conftest import NewName, held, stopped
from tests.waiting import PATIENCE, wait_until

NO_LIFETIMES = [0, -1, -0.0, math.nan, math.inf, -math.inf, 1.1e9, 10**30, 10**400]
NO_TIMES = ["10", b"10", "", [], 1j]


@pytest.mark.parametrize("timeout", NO_LIFETIMES)
def test_what_is_no_lifetime(locks: Locks, new_name: NewName, timeout: float) -> None:
    with pytest.raises(ValueError, match="must expire"):
        locks.lock("x", timeout)
    with pytest.raises(ValueError, match="must expire"):
        MultiLock(locks, ["x"], timeout)
    lock = held(locks, new_name(), 60)
    left = lock.deadline
    for change in (lock.extend, lambda seconds: lock.extend(seconds, replace_ttl=True)):
        with pytest.raises(ValueError, match="must expire"):
            change(timeout)
    assert lock.deadline == left


@pytest.mark.parametrize("timeout", NO_TIMES)
def test_what_is_no_time(locks: Locks, new_name: NewName, timeout: float) -> None:
    lock = held(locks, new_name(), 60)
    other = locks.lock(new_name(), 60)
    for use in (
        lambda: locks.lock("x", timeout),
        lambda: locks.lock("x", 60, blocking_timeout=timeout),
        lambda: lock.extend(timeout),
        lambda: other.acquire(blocking_timeout=timeout),
        lambda: MultiLock(locks, ["x"], timeout),
        lambda: MultiLock(locks, ["x"], 60, blocking_timeout=timeout),
    ):
        with pytest.raises(TypeError):
            use()
    assert not other.locked()


def test_without_a_lifetime_it_is_a_minute(locks: Locks, new_name: NewName) -> None:
    for lock in (locks.lock(new_name()), MultiLock(locks, [new_name()])):
        assert lock.timeout == 60
        assert lock.acquire()
        assert lock.remaining() <= 60


@pytest.mark.parametrize("wait", [0, -1, -math.inf, -0.0, -(10**400)])
def test_to_wait_for_no_time_is_to_try_once(locks: Locks, new_name: NewName, wait: float) -> None:
    name = new_name()
    assert locks.lock(name, 60).acquire(blocking_timeout=wait)
    assert not locks.lock(name, 60).acquire(blocking_timeout=wait)


def test_to_wait_for_no_number_is_an_error(locks: Locks, new_name: NewName) -> None:
    lock = locks.lock(new_name(), 60)
    with pytest.raises(ValueError, match="no number"):
        lock.acquire(blocking_timeout=math.nan)
    with pytest.raises(ValueError, match="no number"):
        locks.lock("x", 60, blocking_timeout=math.nan)
    assert not lock.locked()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.floats() | st.integers() | st.text(max_size=3) | st.binary(max_size=3),
    st.floats() | st.integers(),
)
def test_a_lock_is_made_or_refused(locks: Locks, timeout: float, wait: float) -> None:
    try:
        lock = locks.lock("x", timeout, blocking_timeout=wait)
    except (ValueError, TypeError):
        return
    assert 0 < lock.timeout <= 1e9
    assert lock.blocking_timeout == wait


@pytest.mark.parametrize("timeout", [0.00001, 0.001])
def test_the_shortest_lifetime_is_a_thousandth(
    locks: Locks, new_name: NewName, timeout: float
) -> None:
    name = new_name()
    short = locks.lock(name, timeout)
    assert short.acquire(blocking=False)
    wait_until(lambda: short.lost, "it lives")
    assert locks.lock(name, 60).acquire(blocking_timeout=PATIENCE)


def test_the_longest_is_thirty_years(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    held(locks, name, 1e9)
    assert not locks.lock(name, 60).acquire(blocking_timeout=0.05)


def test_what_is_no_parameter(locks: Locks) -> None:
    for make in (locks.lock, lambda *given, **more: MultiLock(locks, *given, **more)):
        with pytest.raises(TypeError, match="no such parameter: wait, waits"):
            make("x", 60, waits=1, wait=2, blocking=False)  # type: ignore[call-arg]


NAMES = ["a{b", "a}b", "{a}b", "{}", "}{", "{a}{b}", "a/b", "a%2Fb", "..", " ", "\0", "ü\U0001f511"]


def test_every_text_is_a_name_of_its_own(locks: Locks, new_name: NewName) -> None:
    names = [new_name() + name for name in NAMES]
    holders = [held(locks, name, 60) for name in names]
    assert all(holder.owned() for holder in holders)
    for holder in holders:
        assert not locks.lock(holder.name, 60).acquire(blocking=False)
        holder.release()
    with MultiLock(locks, names, 60) as all_of_them:
        assert sorted(all_of_them.names) == sorted(names)
        assert all_of_them.owned()


@pytest.mark.parametrize("name", [b"plain", "ü".encode(), b"\xff\xfe", b"{x}\xff"])
def test_bytes_are_names(locks: Locks, new_name: NewName, name: bytes) -> None:
    name = new_name().encode() + name
    with locks.lock(name, 60) as lock:
        assert lock.owned()
        assert not locks.lock(name, 60).acquire(blocking=False)
        assert not locks.lock(lock.name, 60).acquire(blocking=False)
        assert not MultiLock(locks, [name], 60).acquire(blocking=False)
    with MultiLock(locks, [name, lock.name], 60) as both:
        assert both.names == (lock.name,)


@pytest.mark.parametrize("name", ["", b""])
def test_nothing_is_no_name(locks: Locks, name: str) -> None:
    for make in (lambda: locks.lock(name, 60), lambda: MultiLock(locks, [name], 60)):
        with pytest.raises(ValueError, match="not empty"):
            make()


@pytest.mark.parametrize("name", [5, None, ["x"]])
def test_what_is_no_text_is_no_name(locks: Locks, name: str) -> None:
    for make in (lambda: locks.lock(name, 60), lambda: MultiLock(locks, [name], 60)):
        with pytest.raises(TypeError, match="text or bytes"):
            make()


def test_why_it_is_not_ours(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    lock = locks.lock(name, 60)
    uses: list[Callable[[], object]] = [
        lambda: lock.fence,
        lambda: lock.token,
        lock.release,
        lock.reacquire,
        lambda: lock.extend(1),
        lambda: lock.reissue(1),
    ]
    _refused(uses, "was never taken here")
    assert lock.acquire()
    lock.release()
    _refused(uses, "was given back before")
    lock.timeout = 0.1
    assert lock.acquire()
    assert locks.lock(name, 60).acquire(blocking_timeout=PATIENCE)
    _refused(uses[2:3], "expired, or was taken away")
    _refused(uses, "expired, or was taken away")


def _refused(uses: list[Callable[[], object]], why: str) -> None:
    for use in uses:
        with pytest.raises(LockNotOwnedError, match=why):
            use()


Spoil = Callable[["redis.Redis"], object]


# What a server may have, and what a lock says of it.
SPOILED: dict[str, Spoil] = {
    "its key holds something else than a lock": lambda client: client.lpush("x", "no lock"),
    "is out of memory": lambda client: client.config_set("maxmemory", 1),
    "is read-only": lambda client: client.replicaof("127.0.0.1", 1),
    "does not allow it": lambda client: client.acl_setuser(
        "default", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-evalsha"]
    ),
}


@pytest.mark.parametrize("why", SPOILED)
def test_an_error_tells_its_cause(own: "redis.Redis", why: str) -> None:
    SPOILED[why](own)
    for lock in (RedisLock(own, "x", 60), MultiLock(RedisLocks(own), ["x", "y"], 60)):
        with pytest.raises(LockError, match=why) as told:
            lock.acquire(blocking=False)
        assert isinstance(told.value.__cause__, redis.RedisError)


def test_a_server_that_stands_still_does_not_answer_in_time(
    own: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, other = RedisLock(own, "x", 60), RedisLock(own, "y", 60)
    monkeypatch.setattr("sheaf.redis_scripts.QUICK", 1.0)
    assert lock.acquire(blocking_timeout=PATIENCE)
    monkeypatch.setattr("sheaf.locks.redis._ANSWER_SECONDS", 0.05)
    with stopped(own):
        for use in (other.acquire, other.locked, lock.owned, lock.release, lock.reacquire):
            with pytest.raises(LockError, match=r"^[xy]: .*does not answer in time"):
                use()
        assert lock.deadline
    lock.release()


def test_a_message_names_the_lock(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    held(locks, name)
    with pytest.raises(LockError, match=f"^{name} was not free in time"):
        locks.lock(name, 60, blocking=False).__enter__()


def test_times_only_rise(locks: Locks, new_name: NewName) -> None:
    """With each renewal by the same time, whatever the engine."""
    lock = held(locks, new_name(), 5)
    deadlines = [lock.deadline]
    for _ in range(3):
        lock.reacquire()
        deadlines.append(lock.deadline)
    assert all(earlier <= later for earlier, later in pairwise(deadlines))
