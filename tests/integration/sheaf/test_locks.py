"""What a lock promises, on real Redis."""

import time
from collections.abc import Iterator
from uuid import UUID

import pytest
import redis

from sheaf import redis_client
from sheaf.locks import LockError, LockNotOwnedError
from sheaf.locks.redis import RedisLock
from tests.conftest import Servers


@pytest.fixture
def client(clean: Servers) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(clean.cache_url) as client:
        yield client


def test_one_holder_at_a_time_with_rising_fences(client: "redis.Redis") -> None:
    first, second = RedisLock(client, "page:x", 10), RedisLock(client, "page:x", 10)
    assert first.acquire(0)
    assert not second.acquire(0)
    assert 9 < first.remaining() <= 10
    assert second.remaining() == 0
    first.release()
    assert second.acquire(0)
    with pytest.raises(LockNotOwnedError):
        _ = first.fence
    assert second.fence > 0


def test_fences_rise_from_holder_to_holder_even_if_redis_forgets(client: "redis.Redis") -> None:
    fences = []
    for _ in range(3):
        lock = RedisLock(client, "page:x", 10)
        assert lock.acquire(0)
        fences.append(lock.fence)
        client.flushall()
    assert fences == sorted(set(fences))


def test_acquiring_again_after_a_lost_reply_gives_the_same_fence(client: "redis.Redis") -> None:
    lock = RedisLock(client, "page:x", 10)
    assert lock.acquire(0)
    fence = lock.fence
    assert lock.acquire(0)
    assert lock.fence == fence


def test_an_expired_lock_is_lost_and_its_release_hurts_nobody(client: "redis.Redis") -> None:
    slow, quick = RedisLock(client, "page:x", 0.05), RedisLock(client, "page:x", 10)
    assert slow.acquire(0)
    assert quick.acquire(1)
    assert slow.remaining() == 0
    with pytest.raises(LockNotOwnedError):
        slow.release()
    assert quick.remaining() > 0
    assert client.get("lock:{page:x}") == str(quick.token).encode()


def test_waiting_is_bounded_and_ends_when_the_lock_is_free(client: "redis.Redis") -> None:
    holder, waiter = RedisLock(client, "page:x", 0.3), RedisLock(client, "page:x", 1)
    assert holder.acquire(0)
    before = time.monotonic()
    assert not waiter.acquire(0.1)
    assert 0.1 <= time.monotonic() - before < 0.25
    assert waiter.acquire(2)
    assert time.monotonic() - before < 1


def test_every_key_expires(client: "redis.Redis") -> None:
    assert RedisLock(client, "page:x", 10).acquire(0)
    assert sorted(client.keys()) == [b"fence:{page:x}", b"lock:{page:x}"]
    assert all(client.pttl(key) > 0 for key in client.scan_iter())


def test_a_server_that_does_not_answer_is_a_lock_error(environment: Servers) -> None:
    nobody = redis_client.connect("redis://127.0.0.1:1")
    with pytest.raises(LockError):
        RedisLock(nobody, "page:x", 10).acquire(0)


def test_tokens_are_unique(client: "redis.Redis") -> None:
    tokens = {RedisLock(client, "page:x", 10).token for _ in range(10)}
    assert len(tokens) == 10
    assert all(isinstance(token, UUID) for token in tokens)
