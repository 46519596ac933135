"""A lost answer does no harm: each step is done once, and no loss is told that was none."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from sheaf import redis_client, redis_scripts
from sheaf.caching.entry import Entry
from sheaf.caching.versioned import VersionedCache
from sheaf.locks import LockError, LockNotOwnedError, MultiLock
from sheaf.locks import redis as redis_locks
from sheaf.locks.redis import RedisLock, RedisLocks
from sheaf.redis_scripts import Call
from tests.fixtures import Servers
from tests.integration.sheaf.locks.conftest import stopped
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import address
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def network(clean: Servers) -> Iterator[Proxy]:
    with Proxy(address(clean.cache_url)) as proxy:
        yield proxy


@pytest.fixture
def far(network: Proxy, clean: Servers) -> "redis.Redis":
    """A client on the other side of a network that may lose things, which is connected."""
    client = redis_client.connect(network.url(clean.cache_url))
    RedisLock(client, "x").locked()  # in the locks' own way
    return client


# A connection that is cut, and one on which nothing comes any more.
CUT_OR_SILENT = pytest.mark.parametrize("cut", [True, False], ids=["cut", "silent"])


def lose(network: Proxy, monkeypatch: pytest.MonkeyPatch, *, cut: bool, count: int = 1) -> None:
    if not cut:
        monkeypatch.setattr("sheaf.locks.redis._ANSWER_SECONDS", 2.0)
    network.drop_replies(count, cut=cut)


@CUT_OR_SILENT
def test_of_an_acquisition(
    network: Proxy,
    far: "redis.Redis",
    client: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
    cut: bool,
) -> None:
    lock = RedisLock(far, "x", 60)
    lose(network, monkeypatch, cut=cut)
    assert lock.acquire(blocking_timeout=PATIENCE)
    assert not network.dropping
    assert client.get("x") == lock.local.token
    assert client.get("fence:{x}") == str(lock.fence).encode()
    lock.release()
    assert not client.exists("x")


@CUT_OR_SILENT
@pytest.mark.parametrize("published", [False, True])
def test_of_a_release(
    network: Proxy,
    far: "redis.Redis",
    client: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
    cut: bool,
    published: bool,
) -> None:
    lock, cache = RedisLock(far, "x", 60), VersionedCache(far)
    cache.publish("y", Entry(1, b"so that the server knows the script"))
    assert lock.acquire()
    lose(network, monkeypatch, cut=cut or published)
    if published:
        lock.publish_and_release(cache, "x", Entry(1, b"text"))
    else:
        lock.release()
    assert not network.dropping
    assert not lock.lost
    assert not client.exists("x")
    assert (cache.get("x") is not None) == published
    with pytest.raises(LockNotOwnedError, match="given back before"):
        lock.release()


@CUT_OR_SILENT
def test_of_what_is_published_of_several(
    network: Proxy, far: "redis.Redis", monkeypatch: pytest.MonkeyPatch, cut: bool
) -> None:
    names, cache = ["x", "y"], VersionedCache(far)
    cache.publish("z", Entry(1, b"so that the server knows the script"))
    with MultiLock(RedisLocks(far), names, 60) as both:
        lose(network, monkeypatch, cut=cut)
        both.publish(cache, dict.fromkeys(names, Entry(1, b"text")))
        assert not network.dropping
    assert all(map(cache.get, names))


def test_of_a_release_while_the_next_one_takes_it(
    network: Proxy, far: "redis.Redis", client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    with RedisLock(client, "x", 60):
        pass  # The server knows the scripts now.
    lock, nexts = RedisLock(far, "x", 60), RedisLock(client, "x", 60)
    assert lock.acquire()
    network.drop_replies()
    run = lock._run

    def meanwhile(calls: list[Call], within: float) -> list[object]:
        try:
            return run(calls, within)
        except redis.ConnectionError:
            assert nexts.acquire(blocking=False)
            raise

    monkeypatch.setattr(lock, "_run", meanwhile)
    lock.release()
    assert nexts.owned()


def test_a_release_that_comes_too_late_is_a_loss_all_the_same(
    network: Proxy, far: "redis.Redis"
) -> None:
    lock = RedisLock(far, "x", 0.05)
    assert lock.acquire()
    wait_until(lambda: lock.lost, "it does not expire")
    network.drop_replies()
    with pytest.raises(LockNotOwnedError):
        lock.release()
    assert lock.lost


@CUT_OR_SILENT
@pytest.mark.parametrize(("change", "least", "most"), [(False, 60, 70), (True, 0, 10)])
def test_of_an_extension(
    network: Proxy,
    far: "redis.Redis",
    client: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
    cut: bool,
    change: bool,
    least: int,
    most: int,
) -> None:
    lock = RedisLock(far, "x", 60)
    assert lock.acquire()
    lose(network, monkeypatch, cut=cut)
    assert lock.extend(10, replace_ttl=change)
    assert not network.dropping
    assert least * 0.5 < lock.remaining() <= most
    assert client.pttl("x") <= most * 1000


def test_of_a_new_fence(network: Proxy, far: "redis.Redis", client: "redis.Redis") -> None:
    lock = RedisLock(far, "x", 60)
    assert lock.acquire()
    network.drop_replies()
    above = lock.fence + 10**9
    assert lock.reissue(above) == lock.fence > above
    assert client.get("fence:{x}") == str(lock.fence).encode()


def test_two_lost_answers_leave_nothing_behind(
    network: Proxy, far: "redis.Redis", client: "redis.Redis"
) -> None:
    """As long as the server can be reached at all."""
    for lock in (RedisLock(far, "x", 60), MultiLock(RedisLocks(far), ["x", "y"], 60)):
        network.drop_replies(2)
        with pytest.raises(LockError, match="cannot be reached"):
            lock.acquire()
        assert not network.dropping
        wait_until(lambda: not client.exists("x", "y"), "a lock is left behind")
        assert lock.acquire(blocking_timeout=PATIENCE)
        lock.release()


def test_after_two_lost_answers_a_release_may_be_tried_again(
    network: Proxy, far: "redis.Redis", client: "redis.Redis"
) -> None:
    lock = RedisLock(far, "x", 60)
    assert lock.acquire()
    network.drop_replies(2)
    with pytest.raises(LockError, match="cannot be reached"):
        lock.release()
    assert lock.deadline
    lock.release()
    assert not client.exists("x")


@pytest.mark.parametrize("proof", [RedisLock.reacquire, lambda lock: lock.reissue(1)])
def test_a_release_that_was_not_done_excuses_no_later_loss(
    network: Proxy, far: "redis.Redis", client: "redis.Redis", proof: Callable[[RedisLock], object]
) -> None:
    """After it, the lock was proven to be ours."""
    lock = RedisLock(far, "x", 60)
    assert lock.acquire()
    lock._held().leaving = True  # as two lost requests leave it
    proof(lock)
    client.delete("x")
    with pytest.raises(LockNotOwnedError, match="taken away"):
        lock.release()


def test_a_wait_that_is_cut_goes_on(
    network: Proxy, far: "redis.Redis", client: "redis.Redis"
) -> None:
    holder, waiter = RedisLock(client, "x", 60), RedisLock(far, "x", 60)
    assert holder.acquire()
    seen: list[float] = []

    def cut_and_release() -> float:
        seen.append(time.monotonic())
        network.cut()
        holder.release() if len(seen) == 1 else None
        return math.inf

    give_up_at = time.monotonic() + PATIENCE
    assert RedisLocks(far).acquire_batch([waiter], give_up_at, cut_and_release)
    assert seen


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[str]]:
    """By each thread, the commands that it has asked for."""
    by_thread: dict[int, list[str]] = {}

    def noted(client: Any, key: bytes, words: Sequence[Any], within: float) -> Any:
        by_thread.setdefault(threading.get_ident(), []).append(words[0])
        return ask(client, key, words, within)

    ask = redis_scripts.ask
    for module in (redis_scripts, redis_locks):
        monkeypatch.setattr(module, "ask", noted)
    return by_thread


@pytest.mark.parametrize("several", [False, True])
def test_when_time_is_up_nothing_more_is_asked(
    own: "redis.Redis", asked: dict[int, list[str]], monkeypatch: pytest.MonkeyPatch, several: bool
) -> None:
    """One answer may be waited for beyond it; what was asked for is cleared by another thread."""
    for limit in ("locks.redis._ANSWER_SECONDS", "redis_scripts.QUICK"):
        monkeypatch.setattr(f"sheaf.{limit}", 0.25)
    locks = RedisLocks(own)
    holder = locks.lock("x", 60)
    lock = MultiLock(locks, ["x", "y"], 2) if several else locks.lock("x", 2)
    assert holder.acquire()

    def wait(seconds: float) -> list[str]:
        with pytest.raises(LockError, match="in time"):
            lock.acquire(blocking_timeout=seconds)
        return asked.pop(threading.get_ident())

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait, 2)
        wait_until(lambda: own.info("clients")["blocked_clients"], "it does not wait")
        with stopped(own):
            assert waiting.result()[-1] == "BLPOP"
        with stopped(own):
            assert pool.submit(wait, 0.01).result() == ["EVALSHA"]


def test_many_are_given_back_at_once(own: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sheaf.locks.redis._ANSWER_SECONDS", 0.25)
    many = MultiLock(RedisLocks(own), [f"x{number}" for number in range(20)], 600)
    runs: list[list[Call]] = []
    run = RedisLock._run

    def noted(lock: RedisLock, calls: list[Call], within: float) -> list[Any]:
        runs.append(calls)
        return run(lock, calls, within)

    monkeypatch.setattr(RedisLock, "_run", noted)
    assert many.acquire()
    with stopped(own), pytest.raises(LockError, match="in time"):
        many.release()
    assert [len(calls) for calls in runs] == [20, 20]
    assert all(lock.deadline for lock in many.locks)
    many.release()
    assert len(runs) == 3
    assert not own.exists(*many.names)


@pytest.mark.parametrize("several", [False, True])
def test_waiting_ends_in_time_while_the_server_stands_still(
    own: "redis.Redis", monkeypatch: pytest.MonkeyPatch, several: bool
) -> None:
    """Within one answer's time of what was allowed; a minute was, without it."""
    for limit in ("locks.redis._ANSWER_SECONDS", "redis_scripts.QUICK"):
        monkeypatch.setattr(f"sheaf.{limit}", 0.25)
    lock = MultiLock(RedisLocks(own), ["x", "y"], 2) if several else RedisLock(own, "x", 2)
    assert lock.acquire()
    lock.release()
    with stopped(own):
        began = time.monotonic()
        with pytest.raises(LockError, match="in time"):
            lock.acquire(blocking_timeout=0.2)
        assert 0.2 < time.monotonic() - began < PATIENCE / 2
    # What the server did when it went on ends by itself at the latest.
    wait_until(lambda: not own.exists("x", "y"), "a lock is left behind")
