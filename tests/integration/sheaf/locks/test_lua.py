"""The locks' scripts, each by itself: what it answers, and what it leaves behind."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from sheaf.locks.lua import (
    ABANDON,
    ACQUIRE,
    ACQUIRE_ALL,
    EXTEND,
    HAS_WAITED,
    NOT_WAITING,
    REISSUE,
    RELEASE,
    WILL_WAIT,
    LockKeys,
)
from sheaf.locks.redis import RedisLock
from sheaf.redis_scripts import Call, run
from tests.waiting import wait_until

KEYS = LockKeys.of("page:x")
SEVERAL = [LockKeys.of(f"page:x/{number}") for number in range(3)]
OURS = ["ours/0", "ours/1", "ours/2"]
A_DAY = 24 * 3600 * 1000


def acquire(client: "redis.Redis", token: str, waiting: int = NOT_WAITING) -> int:
    return int(run(client, Call(ACQUIRE, KEYS[:3], (token, 60_000, waiting))))


def acquire_all(client: "redis.Redis", waiting: int = NOT_WAITING) -> Any:
    keys = tuple(key for keys in SEVERAL for key in keys[:3])
    return run(client, Call(ACQUIRE_ALL, keys, (60_000, waiting, *OURS)))


def outlasts(client: "redis.Redis", wait: bytes, lock: bytes) -> bool:
    """Whether one key expires after the other."""
    return bool(client.pttl(wait) > client.pttl(lock))


def in_a_minute(milliseconds: int) -> bool:
    return 30_000 < milliseconds <= 60_000


def test_a_fence_is_the_clock_and_is_kept_for_a_day(client: "redis.Redis") -> None:
    seconds = client.time()[0]
    fence = acquire(client, "ours")
    assert seconds <= fence / 1_000_000 < seconds + 60
    assert client.get(KEYS.fence) == str(fence).encode()
    assert A_DAY - 60_000 < client.pttl(KEYS.fence) <= A_DAY


def test_a_fence_rises_though_the_clock_stands_behind(client: "redis.Redis") -> None:
    ahead = 9 * 10**15  # the next centuries; Lua counts exactly up to 2**53
    client.set(KEYS.fence, ahead)
    for number in range(1, 4):
        assert acquire(client, "ours") == ahead + number
        client.delete(KEYS.lock)
    assert A_DAY - 60_000 < client.pttl(KEYS.fence) <= A_DAY


def test_a_free_lock_is_ours_for_its_time(client: "redis.Redis") -> None:
    fence = acquire(client, "ours")
    assert client.get(KEYS.lock) == b"ours"
    assert client.get(KEYS.fence) == str(fence).encode()
    assert in_a_minute(client.pttl(KEYS.lock))


@pytest.mark.parametrize("waiting", [NOT_WAITING, WILL_WAIT, HAS_WAITED])
def test_only_who_has_waited_lets_the_release_wake_the_next(
    client: "redis.Redis", waiting: int
) -> None:
    acquire(client, "ours", waiting)
    assert in_a_minute(client.pttl(KEYS.wait)) == (waiting == HAS_WAITED)
    assert client.exists(KEYS.wait) == (waiting == HAS_WAITED)


@pytest.mark.parametrize("waiting", [NOT_WAITING, WILL_WAIT, HAS_WAITED])
def test_a_waiter_is_noted_as_long_as_the_lock_is_held(client: "redis.Redis", waiting: int) -> None:
    client.set(KEYS.lock, "theirs", px=60_000)
    answer = acquire(client, "ours", waiting)
    assert in_a_minute(-answer)
    assert client.get(KEYS.lock) == b"theirs"
    assert client.exists(KEYS.fence) == 0
    assert outlasts(client, KEYS.wait, KEYS.lock) == (waiting != NOT_WAITING)


def test_a_lock_that_never_ends_is_a_very_long_one(client: "redis.Redis") -> None:
    client.set(KEYS.lock, "theirs")  # as redis-py's do without a timeout
    assert acquire(client, "ours") == -24 * 3600 * 1000


def test_a_retry_gets_the_same_fence_and_the_whole_time(client: "redis.Redis") -> None:
    fence = acquire(client, "ours")
    client.pexpire(KEYS.lock, 20_000)
    assert acquire(client, "ours") == fence
    assert in_a_minute(client.pttl(KEYS.lock))
    client.delete(KEYS.fence)
    assert acquire(client, "ours") > fence


def test_several_free_locks_are_ours_for_their_time(client: "redis.Redis") -> None:
    busy, *fences = acquire_all(client)
    assert (busy, len(fences)) == (0, 3)
    for keys, token, fence in zip(SEVERAL, OURS, fences, strict=True):
        assert client.get(keys.lock) == token.encode()
        assert client.get(keys.fence) == str(fence).encode()
        assert in_a_minute(client.pttl(keys.lock))


@pytest.mark.parametrize("waiting", [NOT_WAITING, WILL_WAIT, HAS_WAITED])
def test_of_several_each_lets_the_release_wake_the_next(
    client: "redis.Redis", waiting: int
) -> None:
    acquire_all(client, waiting)
    for keys in SEVERAL:
        assert in_a_minute(client.pttl(keys.wait)) == (waiting == HAS_WAITED)
        assert client.exists(keys.wait) == (waiting == HAS_WAITED)


@pytest.mark.parametrize("waiting", [NOT_WAITING, WILL_WAIT, HAS_WAITED])
@pytest.mark.parametrize("busy", [0, 1, 2])
def test_one_of_several_that_is_busy_keeps_the_others_free(
    client: "redis.Redis", busy: int, waiting: int
) -> None:
    client.set(SEVERAL[busy].lock, "theirs", px=60_000)
    number, milliseconds = acquire_all(client, waiting)
    assert number == busy + 1
    assert in_a_minute(milliseconds)
    assert outlasts(client, SEVERAL[busy].wait, SEVERAL[busy].lock) == (waiting != NOT_WAITING)
    there = set(client.scan_iter())
    assert there == {SEVERAL[busy].lock, *([SEVERAL[busy].wait] if waiting else [])}


def test_a_retry_for_several_gets_the_fences_of_those_that_are_ours(client: "redis.Redis") -> None:
    _, *fences = acquire_all(client)
    client.pexpire(SEVERAL[0].lock, 20_000)
    client.delete(SEVERAL[1].lock, SEVERAL[2].fence)
    _, *again = acquire_all(client)
    assert again[0] == fences[0]
    assert again[1] > fences[1]  # it may have been another's in between
    assert again[2] > fences[2]
    assert all(in_a_minute(client.pttl(keys.lock)) for keys in SEVERAL)


def test_a_release_wakes_one_who_waits_and_leaves_no_other_wake_up(client: "redis.Redis") -> None:
    wait_until(lambda: _wakes_one(client), "nobody is woken")


def _wakes_one(client: "redis.Redis") -> bool:
    for _ in range(2):
        acquire(client, "ours", HAS_WAITED)
        assert run(client, Call(RELEASE, (KEYS.lock, KEYS.wait, KEYS.wake), ("ours",))) == 1
    return _is_free_and_one_is_woken(client)


def test_a_release_wakes_nobody_where_nobody_waits(client: "redis.Redis") -> None:
    acquire(client, "ours")
    assert run(client, Call(RELEASE, (KEYS.lock, KEYS.wait, KEYS.wake), ("ours",))) == 1
    assert client.exists(KEYS.wake) == 0


def test_what_is_anothers_stays_as_it_is(client: "redis.Redis") -> None:
    client.set(KEYS.lock, "theirs", px=60_000)
    client.set(KEYS.wait, "", px=60_000)
    client.set(KEYS.fence, 7, px=60_000)
    assert run(client, Call(RELEASE, (KEYS.lock, KEYS.wait, KEYS.wake), ("ours",))) == 0
    assert run(client, Call(EXTEND, KEYS[:1], ("ours", 90_000, 1))) == 0
    assert run(client, Call(REISSUE, KEYS[:2], ("ours", 9))) == 0
    assert (client.get(KEYS.lock), client.get(KEYS.fence)) == (b"theirs", b"7")
    assert all(in_a_minute(client.pttl(key)) for key in KEYS[:3])
    assert client.exists(KEYS.wake) == 0


def test_what_is_left_is_replaced_or_made_as_much_at_least(client: "redis.Redis") -> None:
    client.set(KEYS.lock, "ours", px=40_000)
    for least, left in ((20_000, 40_000), (60_000, 60_000), (60_000, 60_000)):
        assert left - 20_000 < run(client, Call(EXTEND, KEYS[:1], ("ours", least, 0))) <= left
        assert left - 20_000 < client.pttl(KEYS.lock) <= left
    assert run(client, Call(EXTEND, KEYS[:1], ("ours", 20_000, 1))) == 20_000
    assert 0 < client.pttl(KEYS.lock) <= 20_000
    client.set(KEYS.lock, "ours")  # its time is over but for less than a millisecond
    assert run(client, Call(EXTEND, KEYS[:1], ("ours", 700, 0))) == 700


ABANDONED = Call(ABANDON, (KEYS.lock, KEYS.wait, KEYS.wake), ("ours",))


@pytest.mark.parametrize("holder", ["ours", None])
def test_who_is_gone_leaves_no_lock_and_passes_the_wake_up_on(
    client: "redis.Redis", holder: str | None
) -> None:
    wait_until(lambda: _passes_on(client, holder), "nobody is woken")


def _passes_on(client: "redis.Redis", holder: str | None) -> bool:
    if holder:
        acquire(client, holder, HAS_WAITED)
    run(client, ABANDONED)
    return _is_free_and_one_is_woken(client)


def _is_free_and_one_is_woken(client: "redis.Redis") -> bool:
    """Not if the machine stands still for as long as a wake-up lives."""
    assert client.exists(KEYS.lock, KEYS.wait) == 0
    return client.llen(KEYS.wake) == 1 and 0 < client.pttl(KEYS.wake) <= 1000


def test_who_is_gone_has_the_holder_wake_the_next(client: "redis.Redis") -> None:
    client.set(KEYS.lock, "theirs", px=60_000)
    run(client, ABANDONED)
    assert client.get(KEYS.lock) == b"theirs"
    assert outlasts(client, KEYS.wait, KEYS.lock)
    assert client.exists(KEYS.wake) == 0


def test_a_new_fence_is_above_what_is_named_and_what_was_given(client: "redis.Redis") -> None:
    client.set(KEYS.lock, "ours", px=60_000)
    ahead = 9 * 10**15
    assert run(client, Call(REISSUE, KEYS[:2], ("ours", ahead))) == ahead + 1
    assert run(client, Call(REISSUE, KEYS[:2], ("ours", 1))) == ahead + 2


def test_the_release_of_a_woken_waiter_wakes_the_next(client: "redis.Redis") -> None:
    holder, waiter = RedisLock(client, "page:x", 10), RedisLock(client, "page:x", 10)
    assert holder.acquire()
    assert client.exists(KEYS.wait) == 0
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waiter.acquire, blocking_timeout=20)
        deadline = time.monotonic() + 20
        while not client.exists(KEYS.wait):
            assert time.monotonic() < deadline
        holder.release()
        assert waiting.result(20)
    assert client.exists(KEYS.wait) == 1


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("page:x", ("page:x", "fence:{page:x}")),
        ("a{b}c", ("a{b}c", "fence:{b}:a{b}c")),
        ("a{b", ("a{b", "fence:{a{b}")),
        ("a}b%", ("lock:{a%7Db%25}", "fence:{a%7Db%25}")),
        ("{}x", ("lock:{{%7Dx}", "fence:{{%7Dx}")),
    ],
)
def test_a_key_is_the_name_if_the_others_can_be_beside_it(name: str, keys: tuple[str, str]) -> None:
    lock, fence, *_ = LockKeys.of(name)
    assert (lock.decode(), fence.decode()) == keys


@given(st.text(alphabet="ab{}%:", min_size=1), st.text(alphabet="ab{}%:", min_size=1))
def test_names_have_keys_of_their_own_in_one_slot(name: str, other: str) -> None:
    keys = LockKeys.of(name)
    assert len({key_slot(key) for key in keys}) == 1
    assert len(set(keys)) == 4
    if name != other:
        assert not {*keys[1:]} & {*LockKeys.of(other)[1:]}
