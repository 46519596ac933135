"""What is particular to locks on Redis."""

import math
import time
from collections.abc import Callable

import pytest
import redis
from redis.exceptions import RedisClusterException

from sheaf import redis_client
from sheaf.caching.entry import Entry
from sheaf.caching.versioned import VersionedCache
from sheaf.locks import LockError, LockNotOwnedError, MultiLock
from sheaf.locks import redis as redis_lock
from sheaf.locks.contract import Meanwhile
from sheaf.locks.holdings import Holding
from sheaf.locks.lua import HAS_WAITED, NOT_WAITING, WILL_WAIT
from sheaf.locks.redis import (
    RedisLock,
    RedisLocks,
    _milliseconds,
    _sleep,
    _wait,
)
from sheaf.redis_scripts import Call, Script, run
from tests.fixtures import Servers
from tests.waiting import PATIENCE, wait_until

WAKE = b"wake:{page:x}"
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
    assert keys == {"page:x", "fence:{page:x}", "wait:{page:x}"}
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
    began = time.monotonic()
    _sleep(client, WAKE, seconds)
    assert time.monotonic() - began < PATIENCE


def test_a_sleeper_is_woken_once_and_else_sleeps_its_time(client: "redis.Redis") -> None:
    client.rpush("wake:{page:x}", "")
    _sleep(client, WAKE, 30)
    assert not client.exists("wake:{page:x}")
    began = time.monotonic()
    _sleep(client, WAKE, 0.05)
    assert time.monotonic() - began >= 0.05


Slept = list[tuple[bytes, float]]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Slept:
    """On which keys was slept for how long; nobody sleeps."""
    taken: Slept = []
    monkeypatch.setattr(
        redis_lock, "_sleep", lambda _client, wake, seconds: taken.append((wake, seconds))
    )
    return taken


def never() -> float:
    """When there is something to do while waiting."""
    return math.inf


def wait(
    client: "redis.Redis", expires_in: float, seconds: float, meanwhile: Meanwhile = never
) -> list[int]:
    """Wait for what is free at the third try; what was said of waiting at each."""
    said: list[int] = []

    def attempt(waiting: int) -> tuple[bytes, float] | None:
        said.append(waiting)
        return (WAKE, expires_in) if len(said) < 3 else None

    lock = RedisLock(client, "x")
    assert _wait(lock, attempt, time.monotonic() + seconds, meanwhile) == (len(said) == 3)
    return said


def test_a_waiter_says_so_and_then_that_it_has(client: "redis.Redis", slept: Slept) -> None:
    assert wait(client, 0.05, 100) == [WILL_WAIT, HAS_WAITED, HAS_WAITED]
    # Until the holder's time is over.
    assert [wake for wake, _ in slept] == [WAKE] * 2
    assert [seconds for _, seconds in slept] == pytest.approx([0.051] * 2)


def test_a_waiter_looks_again_now_and_then(client: "redis.Redis", slept: Slept) -> None:
    for _ in range(20):
        wait(client, 100, 100)
    assert len({seconds for _, seconds in slept}) > 20
    assert all(2.5 <= seconds <= 5 for _, seconds in slept)


def test_nobody_waits_longer_than_allowed(client: "redis.Redis", slept: Slept) -> None:
    wait(client, 100, 0.05)
    assert all(seconds <= 0.05 for _, seconds in slept)
    slept.clear()
    assert wait(client, 100, 0) == [NOT_WAITING]
    assert slept == []


def test_nor_longer_than_there_is_something_to_do(client: "redis.Redis", slept: Slept) -> None:
    wait(client, 100, 100, lambda: time.monotonic() + 1)
    assert all(seconds <= 1.1 for _, seconds in slept)


def test_a_lock_that_does_not_block_is_had_at_once_or_not_at_all(client: "redis.Redis") -> None:
    locks = [
        RedisLock(client, "page:x", 10, blocking=False),
        RedisLocks(client).lock("page:x", 10, blocking=False),
        RedisLock(client, "page:x", 10, blocking_timeout=0.01),
        RedisLocks(client).lock("page:x", 10, blocking_timeout=0.01),
    ]
    for lock in locks:
        client.set("page:x", "theirs", px=10_000)
        assert not lock.acquire()


A_LONG_TIME = 10**8


def test_a_busy_lock_says_which_key_wakes_and_when_it_is_over(client: "redis.Redis") -> None:
    locks = RedisLocks(client)
    several = [RedisLock(client, f"page:{name}", 10) for name in "abc"]
    client.set("page:b", "theirs", px=1000 * A_LONG_TIME)
    holdings = [Holding(b"") for _ in several]
    for busy in (
        several[1]._try(holdings[1], NOT_WAITING, 0),
        locks._try_all(several, holdings, NOT_WAITING, 0),
    ):
        assert busy
        wake, seconds = busy
        assert wake == b"wake:{page:b}"
        assert seconds == pytest.approx(A_LONG_TIME, rel=1e-4)
    assert {key.decode() for key in client.scan_iter()} == {"page:b"}


def test_an_extension_counts_what_the_server_says(client: "redis.Redis") -> None:
    lock = RedisLock(client, "page:x", 10)
    assert lock.acquire()
    assert lock.extend(A_LONG_TIME)
    assert lock.remaining() == pytest.approx(A_LONG_TIME, rel=1e-4)
    assert lock.reissue(1) == lock.fence
    assert lock.remaining() == pytest.approx(A_LONG_TIME, rel=1e-4)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the server was asked, by `time.monotonic`."""
    times: list[float] = []

    def noted(client: "redis.Redis", call: Call, within: float | None = None) -> object:
        times.append(time.monotonic())
        return run(client, call, within)

    monkeypatch.setattr(redis_lock, "run", noted)
    return times


def test_time_counts_from_before_the_server_is_asked(
    client: "redis.Redis", asked: list[float]
) -> None:
    """An answer may be slow: what the server grants has begun by then."""
    lock, another, other = (RedisLock(client, f"page:{name}", 10) for name in "xyz")
    steps: list[Callable[[], object]] = [
        lock.acquire,
        lambda: lock.extend(10, replace_ttl=True),
        lambda: RedisLocks(client).acquire_batch([another, other], 0, never),
    ]
    for step in steps:
        assert step()
        assert max(lock.deadline, another.deadline) <= asked[-1] + 10


def test_locks_taken_together_are_held_as_long_as_the_shortest(client: "redis.Redis") -> None:
    locks = [RedisLock(client, "page:a", 10), RedisLock(client, "page:b", 90)]
    assert RedisLocks(client).acquire_batch(locks, 0, never)
    for lock in locks:
        assert lock.remaining() <= 10
        assert client.pttl(lock.proof[0]) <= 10_000


def test_the_proof_is_there_as_long_as_the_lock_is_ours(client: "redis.Redis") -> None:
    with RedisLock(client, "page:x", 10) as lock:
        key, value = lock.proof
        assert client.get(key) == value
    assert not client.exists(key)


@pytest.mark.parametrize(
    "use", [lambda lock: lock.extend(1), lambda lock: lock.reissue(1), RedisLock.release]
)
def test_a_lock_that_is_known_to_be_gone_stays_so(
    client: "redis.Redis", use: Callable[[RedisLock], object]
) -> None:
    lock = RedisLock(client, "page:x", 10)
    assert lock.acquire()
    client.set("page:x", "theirs", px=10_000)
    assert not lock.lost
    with pytest.raises(LockNotOwnedError):
        use(lock)
    assert lock.lost
    assert lock.remaining() == 0


@pytest.mark.parametrize("lost", [redis.ConnectionError, redis.TimeoutError])
def test_a_script_whose_answer_was_lost_runs_again(
    client: "redis.Redis", monkeypatch: pytest.MonkeyPatch, lost: type[Exception]
) -> None:
    fences: list[int] = []

    def run_and_lose_the_first(client: "redis.Redis", call: Call, within: float) -> int:
        fences.append(run(client, call, within))
        if len(fences) == 1:
            raise lost
        return fences[-1]

    monkeypatch.setattr(redis_lock, "run", run_and_lose_the_first)
    lock = RedisLock(client, "page:x", 10)
    assert lock.acquire(blocking_timeout=PATIENCE)
    assert fences == [lock.fence] * 2


def test_a_script_that_fails_is_not_tried_again(client: "redis.Redis") -> None:
    client.lpush("page:x", "no text")
    lock = RedisLock(client, "page:x", 10)
    for _ in range(2):  # The server knows the scripts the second time.
        client.config_resetstat()
        with pytest.raises(LockError, match=r"^page:x: its key holds something else"):
            lock.acquire(blocking=False)
        # A thread clears up with an EVAL, nobody waits for it.
        wait_until(lambda: "eval" in _calls(client), "nothing was cleared up")
    assert _calls(client) == {"evalsha": 1, "eval": 1}


def test_names_are_taken_in_one_order_each_once(client: "redis.Redis") -> None:
    names = [f"page:{number}" for number in range(100)]
    assert RedisLocks(client).batches(names[::-1] * 2) == [tuple(sorted(names))]


def test_no_time_is_less_than_a_millisecond() -> None:
    assert [_milliseconds(seconds) for seconds in (0, 0.0001, 0.0024, 1.5)] == [1, 1, 2, 1500]


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


def test_a_release_that_fails_beside_its_companion_has_not_been_done(
    client: "redis.Redis",
) -> None:
    lock = RedisLock(client, "page:x", 10)
    assert lock.acquire(blocking=False)
    client.delete("page:x")
    client.rpush("page:x", "no lock")
    with pytest.raises(LockError, match="something else than a lock") as failed:
        lock.release(Call(COUNT, ("count:{page:x}",), ()))
    assert not isinstance(failed.value, LockNotOwnedError)
    assert lock.fence


def test_what_another_client_keeps_is_published_before_the_release(
    client: "redis.Redis", clean: Servers
) -> None:
    with redis.Redis.from_url(clean.cache_url) as other:
        cache, lock = VersionedCache(other), RedisLock(client, "page:x", 10)
        assert lock.acquire(blocking=False)
        assert cache.publish("page:x", Entry(2, b"text"), lock.proof)
        lock.publish_and_release(cache, "page:x", Entry(3, b"text"))
        found = cache.get("page:x")
    # Without the proof nothing is stored, and what is older is removed.
    assert found is None
    assert not lock.locked()


@pytest.mark.parametrize("waits", [True, False])
def test_when_time_is_up_nobody_asks_again(waits: bool) -> None:
    asked: list[float] = []

    def silent() -> None:
        asked.append(time.monotonic())
        raise redis.TimeoutError

    with pytest.raises(LockError, match="in time"):
        redis_lock._twice("x", silent, time.monotonic() + (PATIENCE if waits else -1))
    assert len(asked) == 1 + waits


def test_a_sleeper_asks_for_no_more_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(redis_lock, "ask", lambda _client, *what: asked.append(what))
    _sleep(redis.Redis(), WAKE, 0.5)
    assert asked == [(WAKE, ("BLPOP", WAKE, 0.5), 0.5 + redis_lock._ANSWER_SECONDS)]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (redis.AuthenticationError("invalid"), "refuses the login"),
        (redis.ResponseError("OOM command not allowed when used memory"), "out of memory"),
        (redis.ResponseError("@user_script: 1: READONLY You can't write"), "read-only"),
        (RedisClusterException("no node"), "cannot be reached"),
    ],
)
def test_causes_in_the_words_of_other_servers(error: Exception, cause: str) -> None:
    assert cause in redis_lock._cause(error)


def test_a_server_that_is_not_there_is_a_lock_error(environment: Servers) -> None:
    nobody = redis_client.connect("redis://127.0.0.1:1")
    lock = RedisLock(nobody, "page:x", 10)
    for ask in (lock.acquire, lock.locked):
        with pytest.raises(LockError, match=r"^page:x: the lock service cannot be reached"):
            ask()
    with pytest.raises(LockError, match="cannot be reached"):
        MultiLock(RedisLocks(nobody), ["page:x", "page:y"], 10).acquire()


def _calls(client: "redis.Redis") -> dict[str, int]:
    stats = client.info("commandstats")
    sent = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
    # What the scripts call is counted too; it costs no round trip.
    return {name: calls for name, calls in sent.items() if name in ("evalsha", "eval", "blpop")}
