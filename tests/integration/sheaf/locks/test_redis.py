"""What is particular to locks on Redis."""

from collections.abc import Callable

import pytest
import redis

from sheaf import redis_client
from sheaf.locks import LockError, MultiLock
from sheaf.locks.redis import RedisLock, RedisLocks, _sleep
from sheaf.scripts import Call, Script
from tests.conftest import Servers

COUNT = Script("return redis.call('INCR', KEYS[1])")


def test_fences_rise_even_if_redis_forgets(client: "redis.Redis") -> None:
    fences = []
    for _ in range(5):
        lock = RedisLock(client, "page:x", 10)
        assert lock.acquire(blocking=False)
        fences.append(lock.fence)
        client.flushall()
    assert fences == sorted(set(fences))


def test_fences_rise_even_if_the_clock_stands_behind(client: "redis.Redis") -> None:
    ahead = 9 * 10**15  # the next centuries; Lua counts exactly up to 2**53
    client.set("fence:{page:x}", ahead)
    lock = RedisLock(client, "page:x", 10)
    assert lock.acquire(blocking=False)
    assert lock.fence == ahead + 1


def test_a_server_that_forgot_the_scripts_learns_them_again(client: "redis.Redis") -> None:
    lock = RedisLock(client, "page:x", 10)
    steps: list[Callable[[], object]] = [
        lambda: lock.acquire(blocking=False),
        lambda: lock.extend(1),
        lambda: lock.reissue(lock.fence),
        lambda: lock.release(Call(COUNT, ("{page:x}",), ())) == 1,
    ]
    for step in steps:
        client.script_flush()
        assert step()
    assert not lock.locked()


def test_every_key_expires_and_all_share_a_slot(client: "redis.Redis") -> None:
    holder, waiter = RedisLock(client, "page:x", 10), RedisLock(client, "page:x", 10)
    assert holder.acquire(blocking=False)
    assert not waiter.acquire(blocking_timeout=0.01)
    keys = {key.decode() for key in client.scan_iter()}
    assert keys == {"lock:{page:x}", "fence:{page:x}", "wait:{page:x}"}
    assert all(client.pttl(key) > 0 for key in keys)
    holder.release()
    assert {key.decode() for key in client.scan_iter()} == {"fence:{page:x}", "wake:{page:x}"}
    assert client.pttl("wake:{page:x}") > 0


def test_two_round_trips(client: "redis.Redis") -> None:
    several = MultiLock(RedisLocks(client), ["page:a", "page:b"], 10)
    for lock in (RedisLock(client, "page:x", 10), several):
        with lock:
            pass  # The server knows the scripts now.
        client.config_resetstat()
        assert lock.acquire()
        assert _calls(client) == {"evalsha": 1}
        lock.release()
    assert _calls(client) == {"evalsha": 3}


@pytest.mark.parametrize("seconds", [0, 0.0001, 0.001, 0.01])
def test_nobody_sleeps_for_ever_who_has_next_to_no_time(
    client: "redis.Redis", seconds: float
) -> None:
    _sleep(client, "wake:{page:x}", seconds)  # or the socket's timeout makes it a LockError


def test_a_release_can_take_another_script_along(client: "redis.Redis") -> None:
    lock = RedisLock(client, "page:x", 10)
    assert lock.acquire(blocking=False)
    assert lock.release(Call(COUNT, ("count:{page:x}",), ())) == 1
    assert not lock.locked()


def test_a_failing_companion_does_not_keep_the_lock(client: "redis.Redis") -> None:
    lock = RedisLock(client, "page:x", 10)
    assert lock.acquire(blocking=False)
    client.set("count:{page:x}", "no number")
    with pytest.raises(LockError):
        lock.release(Call(COUNT, ("count:{page:x}",), ()))
    assert not lock.locked()


def test_a_server_that_does_not_answer_is_a_lock_error(environment: Servers) -> None:
    nobody = redis_client.connect("redis://127.0.0.1:1")
    with pytest.raises(LockError, match="does not answer"):
        RedisLock(nobody, "page:x", 10).acquire()
    with pytest.raises(LockError, match="does not answer"):
        MultiLock(RedisLocks(nobody), ["page:x", "page:y"], 10).acquire()


def _calls(client: "redis.Redis") -> dict[str, int]:
    stats = client.info("commandstats")
    sent = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
    # What the scripts call is counted too; it costs no round trip.
    return {name: calls for name, calls in sent.items() if name in ("evalsha", "eval", "blpop")}
