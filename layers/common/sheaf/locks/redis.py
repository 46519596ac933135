"""Locks on Redis or Valkey, one server or a cluster: one script for each step.

They are for contention only: a failover may lose a lock. What must never go wrong is guarded by
the fence, which is carried to where the data is.
"""

import random
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, NamedTuple

import redis
from redis.crc import key_slot
from redis.exceptions import RedisClusterException

from sheaf.locks.contract import Lock, LockError, LockNotOwnedError
from sheaf.locks.redis_scripts import (
    ACQUIRE,
    ACQUIRE_ALL,
    EXTEND,
    HAS_WAITED,
    NOT_WAITING,
    REISSUE,
    RELEASE,
    WILL_WAIT,
)
from sheaf.scripts import Call, Script, run, run_together

# A waiter looks again after this many seconds at most: its wake-up may have gone to another
# waiter that died. Below the timeout of the socket.
_LONGEST_SLEEP = 0.2

# A cluster that cannot be reached is not a RedisError to redis-py.
_FAILURES = (redis.RedisError, RedisClusterException)


class LockKeys(NamedTuple):
    """The keys of one lock. The braces put all of them into one hash slot."""

    lock: str
    fence: str
    wait: str
    wake: str

    @classmethod
    def of(cls, name: str) -> "LockKeys":
        """The keys of the lock with this name."""
        return cls(*(f"{kind}:{{{name}}}" for kind in cls._fields))


class RedisLock(Lock):
    """A lock kept by Redis, with `client` a redis.Redis or redis.RedisCluster.

    Taking it and giving it back are one round trip each. Waiters block on a list that the release
    pushes to, so a hand-off takes about as long as two round trips.
    """

    def __init__(
        self,
        client: "redis.Redis",
        name: str,
        timeout: float,
        *,
        blocking: bool = True,
        blocking_timeout: float | None = None,
    ) -> None:
        super().__init__(name, timeout, blocking=blocking, blocking_timeout=blocking_timeout)
        self.client = client
        self._keys = LockKeys.of(name)
        self._token = str(self.token)

    def _acquire(self, give_up_at: float) -> bool:
        return _wait(self.client, self._try, give_up_at)

    def _try(self, waiting: int) -> tuple[str, float] | None:
        asked_at = time.monotonic()
        arguments = (self._token, _milliseconds(self.timeout), waiting)
        fence = _try_twice(self.client, Call(ACQUIRE, self._keys[:3], arguments))
        if fence < 0:
            return self._keys.wake, -fence / 1000
        # Counted from before the request was sent: the lease may have begun then.
        self._held(fence, asked_at + self.timeout)
        return None

    def release(self, ahead: Call | None = None) -> Any:
        """Give the lock back; raises LockNotOwnedError if it was not ours any more.

        `ahead` is another script of the same server and slot, run just before in the same round
        trip; its answer is returned.
        """
        keys = self._keys
        release = Call(RELEASE, (keys.lock, keys.wait, keys.wake), (self._token,))
        before = None
        try:
            if ahead:
                before, released = run_together(self.client, [ahead, release])
            else:
                released = run(self.client, release)
        except _FAILURES as error:
            raise _failure(self.name) from error
        self._gone(lost=not released)
        if not released:
            raise LockNotOwnedError(f"{self.name} expired before it was released")
        return before

    @property
    def proof(self) -> tuple[str, str]:
        """A key, and the value that it has for as long as the lock is ours."""
        return self._keys.lock, self._token

    def extend(self, additional_time: float, replace_ttl: bool = False) -> bool:
        """Add seconds to the time left, or leave just so many; raises LockNotOwnedError."""
        asked_at = time.monotonic()
        change = (_milliseconds(additional_time), int(replace_ttl))
        left = self._owned_call(EXTEND, self._keys[:1], change)
        self._held(self.fence, asked_at + left / 1000)
        return True

    def reissue(self, above: int) -> int:
        """A new fence for the same holding, higher than `above`; raises LockNotOwnedError."""
        deadline = self._deadline
        fence = self._owned_call(REISSUE, self._keys[:2], (above,))
        self._held(fence, deadline)
        return fence

    def locked(self) -> bool:
        """Whether anybody holds the lock."""
        return self._holder() is not None

    def owned(self) -> bool:
        """Whether this object holds the lock, asked of the server."""
        return self._holder() == self._token

    def _holder(self) -> str | None:
        try:
            holder: Any = self.client.get(self._keys.lock)
        except _FAILURES as error:
            raise _failure(self.name) from error
        return holder.decode() if isinstance(holder, bytes) else holder

    def _owned_call(self, script: Script, keys: tuple[str, ...], change: tuple[int, ...]) -> int:
        """The script's answer, which is 0 when the lock is not ours: then it is lost."""
        _ = self.fence
        answer = int(_try_twice(self.client, Call(script, keys, (self._token, *change))))
        if not answer:
            self._gone(lost=True)
            raise LockNotOwnedError(f"{self.name} expired, or somebody else holds it")
        return answer


class RedisLocks:
    """Locks on one server or one cluster."""

    def __init__(self, client: "redis.Redis") -> None:
        self.client = client

    def lock(
        self,
        name: str,
        timeout: float,
        *,
        blocking: bool = True,
        blocking_timeout: float | None = None,
    ) -> RedisLock:
        """A lock by name, not yet taken."""
        return RedisLock(
            self.client, name, timeout, blocking=blocking, blocking_timeout=blocking_timeout
        )

    def batches(self, names: Iterable[str]) -> list[tuple[str, ...]]:
        """The names by hash slot, and sorted within it: a script reaches the keys of one slot."""
        ordered = sorted(set(names), key=lambda name: (self._slot(name), name.encode()))
        return [tuple(batch) for _, batch in groupby(ordered, key=self._slot)]

    def _slot(self, name: str) -> int:
        return key_slot(name.encode()) if isinstance(self.client, redis.RedisCluster) else 0

    def acquire_batch(self, locks: list[RedisLock], give_up_at: float) -> bool:
        """Take locks whose keys share a slot, all or none, in one script."""
        return _wait(self.client, lambda waiting: self._try_all(locks, waiting), give_up_at)

    def _try_all(self, locks: list[RedisLock], waiting: int) -> tuple[str, float] | None:
        asked_at = time.monotonic()
        keys = [key for lock in locks for key in lock._keys[:3]]
        timeout = min(lock.timeout for lock in locks)
        tokens = [lock._token for lock in locks]
        arguments = (_milliseconds(timeout), waiting, *tokens)
        busy, *rest = _try_twice(self.client, Call(ACQUIRE_ALL, tuple(keys), arguments))
        if busy:
            return locks[busy - 1]._keys.wake, rest[0] / 1000
        for lock, fence in zip(locks, rest, strict=True):
            lock._held(int(fence), asked_at + timeout)
        return None


def _wait(
    client: "redis.Redis", attempt: Callable[[int], tuple[str, float] | None], give_up_at: float
) -> bool:
    """Try, and sleep until woken or until the holder's lease is over, as long as there is time."""
    waiting = WILL_WAIT if give_up_at > time.monotonic() else NOT_WAITING
    while busy := attempt(waiting):
        wake, expires_in = busy
        left = give_up_at - time.monotonic()
        if left <= 0:
            return False
        # Jitter keeps waiters whose wake-up went astray from meeting again.
        sleep = min(expires_in + 0.001, left, _LONGEST_SLEEP * random.uniform(0.5, 1))  # noqa: S311
        _sleep(client, wake, sleep)
        waiting = HAS_WAITED
    return True


def _sleep(client: "redis.Redis", wake: str, seconds: float) -> None:
    try:
        # To Redis 6.2 a thousandth is nothing, and nothing is for ever.
        client.blpop([wake], max(seconds, 0.002))
    except _FAILURES as error:
        raise LockError("the lock service does not answer") from error


def _try_twice(client: "redis.Redis", call: Call) -> Any:
    """The answer of a script that may run again when its reply was lost."""
    try:
        return run(client, call)
    except (redis.ConnectionError, redis.TimeoutError):
        pass
    except _FAILURES as error:
        raise _failure(call.keys[0]) from error
    try:
        return run(client, call)
    except _FAILURES as error:
        raise _failure(call.keys[0]) from error


def _failure(name: str) -> LockError:
    return LockError(f"{name}: the lock service does not answer")


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
