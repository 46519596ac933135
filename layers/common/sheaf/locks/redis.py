"""Locks on Redis or Valkey, one server or a cluster: one script for each step.

They are for contention only: a failover may lose a lock. What must never go wrong is guarded by
the fence, which is carried to where the data is.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain, groupby
from typing import Any, Unpack

import redis
from redis.crc import key_slot
from redis.exceptions import NoPermissionError, RedisClusterException

from sheaf.locks.contract import ALWAYS, Cache, Lock, Meanwhile, take_all
from sheaf.locks.errors import LockError
from sheaf.locks.holder import Options
from sheaf.locks.holdings import Holding, Token, encoded, text_of
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
from sheaf.redis_scripts import (
    LOST_ANSWERS,
    QUICK,
    Call,
    Script,
    ask,
    is_cluster,
    run,
    run_together,
    send,
)

# A waiter looks again after this many seconds at most: its wake-up may have gone to another
# waiter that died. Half of it, at least, so that many waiters cost the server little.
_LONGEST_SLEEP = 5.0
# For how long an answer is waited for, whatever the client's own limit is.
_ANSWER_SECONDS = QUICK
# The same for one that has a text to be stored with it.
_PUBLICATION_SECONDS = 1.0

# A cluster that cannot be reached is not a RedisError to redis-py.
_FAILURES = (redis.RedisError, RedisClusterException)


class RedisLock(Lock):
    """A lock kept by Redis, with `client` a redis.Redis or redis.RedisCluster.

    Taking it and giving it back are one round trip each. Waiters block on a list that the release
    pushes to, so a hand-off takes about as long as two round trips. An answer is waited for 250 ms
    at most, and a connection as long; a lost one makes a step be done again, once, on a cluster in
    the client's own way. The other parameters, and what is raised for them, are Lock's. Whatever
    redis-py raises is a LockError here.

    >>> with RedisLock(client, "tea", timeout=10, blocking_timeout=1) as lock:
    ...     first = lock.fence
    >>> with RedisLock(client, "tea", timeout=10) as lock:
    ...     lock.fence > first, 9 < lock.remaining() <= 10
    (True, True)
    >>> lock.owned()
    False
    """

    def __init__(
        self,
        client: "redis.Redis",
        name: str | bytes,
        timeout: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(name, timeout, **options)
        self.client = client
        self._keys = LockKeys.of(self.name)

    def _begin(self, sign: bytes, given: Token | None) -> Holding:
        return Holding(sign, given)

    def _take(self, holding: Holding, give_up_at: float, meanwhile: Meanwhile) -> bool:
        def attempt(waiting: int) -> tuple[bytes, float] | None:
            return self._try(holding, waiting, give_up_at)

        return _wait(self, attempt, give_up_at, meanwhile)

    def _try(self, holding: Holding, waiting: int, give_up_at: float) -> tuple[bytes, float] | None:
        asked_at = time.monotonic()
        arguments = (holding.sign, _milliseconds(self.timeout), waiting)
        call = Call(ACQUIRE, self._keys[:3], arguments)
        fence = _run_twice(self.client, self.name, call, give_up_at)
        if fence < 0:
            return self._keys.wake, -fence / 1000
        # Counted from before the request was sent: the lease may have begun then.
        holding.fence, holding.deadline = fence, asked_at + self.timeout
        return None

    def release(self, ahead: Call | None = None) -> Any:
        """As in the contract.

        `ahead` is another script of the same server and slot, run just before in the same round
        trip; its answer is returned (None without it). If it fails, that is a LockError after the
        lock was given back.
        """
        return self._hand_back(self._held(), [ahead] if ahead else [])

    def _hand_back(self, holding: Holding, ahead: list[Call]) -> Any:
        *before, answer = _released([(self, holding)], ahead)
        self._conclude(holding, answer)
        if before and isinstance(before[0], Exception):
            raise _failure(self.name, before[0]) from before[0]
        return before[0] if before else None

    def _give_back(self, holding: Holding, until: float = ALWAYS) -> bool:
        (answer,) = _released([(self, holding)], [], until)
        return self._was_ours(holding, answer)

    def _conclude(self, holding: Holding, answer: Any) -> None:
        self._ended(holding, self._was_ours(holding, answer))

    def _was_ours(self, holding: Holding, answer: Any) -> bool:
        """What RELEASE has answered; raises LockError if it failed."""
        if isinstance(answer, Exception):
            raise _failure(self.name, answer) from answer
        # What is not ours any more was given back by an earlier request, or its time came on the
        # way. Its holder had come to the end in time.
        return bool(answer) or holding.leaving

    def _run(self, calls: list[Call], within: float) -> list[Any]:
        if len(calls) == 1:
            return [run(self.client, calls[0], within)]
        return run_together(self.client, calls, within)

    def _over(self, script: Script, holding: Holding) -> Call:
        keys = self._keys
        return Call(script, (keys.lock, keys.wait, keys.wake), (holding.sign,))

    def _abandon(self, holding: Holding) -> None:
        # No answer is waited for: the server may be the reason. Then the lock ends by itself.
        with suppress(*_FAILURES, OSError):
            send(self.client, self._over(ABANDON, holding))

    def publish_and_release(self, cache: Cache, key: str, entry: Any) -> None:
        """As in the contract; one round trip if the cache has this very `client`.

        Then what its script raises is a LockError, too, after the lock was given back.
        """
        if cache.client is self.client:
            holding = self._held()
            self._hand_back(holding, [cache.publication(key, entry, self._proof(holding))])
        else:
            super().publish_and_release(cache, key, entry)

    @property
    def proof(self) -> tuple[bytes, bytes]:
        """A key, and the value that it has for as long as this holding stands.

        For a VersionedCache's `publish`. Raises LockNotOwnedError if the lock is not held.
        """
        return self._proof(self._held())

    def _standing_proof(self) -> tuple[str | bytes, str | bytes]:
        """The same; none if the lock is not held."""
        holding = self._standing()
        return self._proof(holding) if holding else ("", "")

    def _proof(self, holding: Holding) -> tuple[bytes, bytes]:
        return self._keys.lock, holding.sign

    def _renew(
        self, holding: Holding, seconds: float, *, at_least: bool, until: float = ALWAYS
    ) -> bool:
        asked_at = time.monotonic()
        change = (_milliseconds(seconds), int(not at_least))
        left = self._owned_call(EXTEND, self._keys[:1], holding, change, until)
        if left:
            holding.deadline = asked_at + left / 1000
        return bool(left)

    def _new_fence(self, holding: Holding, above: int) -> int:
        return self._owned_call(REISSUE, self._keys[:2], holding, (above,))

    def locked(self) -> bool:
        """Whether anybody holds the lock."""
        return self._holder() is not None

    def _owns(self, holding: Holding) -> bool:
        return self._holder() == holding.sign

    def _holder(self) -> bytes | None:
        key = self._keys.lock

        def look() -> Any:
            return ask(self.client, key, ("GET", key), _ANSWER_SECONDS)

        holder: bytes | None = _twice(self.name, look)
        return holder

    def _owned_call(
        self,
        script: Script,
        keys: tuple[bytes, ...],
        holding: Holding,
        change: tuple[int, ...],
        until: float = ALWAYS,
    ) -> int:
        """The script's answer, which is 0 when the lock is not ours."""
        call = Call(script, keys, (holding.sign, *change))
        return int(_run_twice(self.client, self.name, call, until))


class RedisLocks:
    """Locks on one server or one cluster: `client` is a redis.Redis or redis.RedisCluster.

    >>> locks = RedisLocks(client)
    >>> lock = locks.lock("kettle", timeout=10)
    >>> lock.acquire(), locks.lock("kettle", timeout=10).acquire(blocking=False)
    (True, False)
    >>> lock.release()
    """

    def __init__(self, client: "redis.Redis") -> None:
        self.client = client

    def lock(
        self, name: str | bytes, timeout: float | None = None, **options: Unpack[Options]
    ) -> RedisLock:
        """A lock by name, not yet taken."""
        return RedisLock(self.client, name, timeout, **options)

    def batches(self, names: Iterable[str | bytes]) -> list[tuple[str, ...]]:
        """The names by hash slot, and sorted within it: a script reaches the keys of one slot."""
        texts = {text_of(name) for name in names}
        ordered = sorted(texts, key=lambda name: (self._slot(name), encoded(name)))
        return [tuple(batch) for _, batch in groupby(ordered, key=self._slot)]

    def _slot(self, name: str) -> int:
        return key_slot(LockKeys.of(name).lock) if is_cluster(self.client) else 0

    def acquire_batch(
        self, locks: list[RedisLock], give_up_at: float, meanwhile: Meanwhile
    ) -> bool:
        """Take locks whose keys share a slot, all or none, in one script."""

        def take(*holdings: Holding) -> bool:
            def attempt(waiting: int) -> tuple[bytes, float] | None:
                return self._try_all(locks, holdings, waiting, give_up_at)

            return _wait(locks[0], attempt, give_up_at, meanwhile)

        return take_all(locks, take)

    def publish_batch(
        self, locks: list[RedisLock], cache: Cache, entries: Mapping[str, Any]
    ) -> None:
        """Store the entries of locks whose keys share a slot, in one round trip.

        The cache has to have this very `client` for a proof.
        """
        if cache.client is not self.client:
            for lock in locks:
                cache.publish(lock.name, entries[lock.name])
            return
        calls = [
            cache.publication(lock.name, entries[lock.name], lock._standing_proof())
            for lock in locks
        ]
        try:
            answers = run_together(self.client, calls, _PUBLICATION_SECONDS)
        except LOST_ANSWERS:
            answers = run_together(self.client, calls, _PUBLICATION_SECONDS)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer

    def release_batch(self, locks: list[RedisLock], until: float) -> list[LockError]:
        """Give back locks whose keys share a slot, in one round trip; what failed of it."""
        pairs = [(lock, lock._held()) for lock in locks]
        failures: list[LockError] = []
        try:
            answers = _released(pairs, [], until)
        except LockError as error:
            return [error]
        for (lock, holding), answer in zip(pairs, answers, strict=True):
            try:
                lock._conclude(holding, answer)
            except LockError as error:
                failures.append(error)
        return failures

    def _try_all(
        self, locks: list[RedisLock], holdings: Sequence[Holding], waiting: int, give_up_at: float
    ) -> tuple[bytes, float] | None:
        asked_at = time.monotonic()
        keys = tuple(key for lock in locks for key in lock._keys[:3])
        timeout = min(lock.timeout for lock in locks)
        tokens = [holding.sign for holding in holdings]
        call = Call(ACQUIRE_ALL, keys, (_milliseconds(timeout), waiting, *tokens))
        busy, *rest = _run_twice(self.client, locks[0].name, call, give_up_at)
        if busy:
            return locks[busy - 1]._keys.wake, rest[0] / 1000
        for holding, fence in zip(holdings, rest, strict=True):
            holding.fence, holding.deadline = int(fence), asked_at + timeout
        return None


def _wait(
    lock: RedisLock,
    attempt: Callable[[int], tuple[bytes, float] | None],
    give_up_at: float,
    meanwhile: Meanwhile,
) -> bool:
    """Try, and sleep until woken or until the holder's lease is over, as long as there is time."""
    waiting = WILL_WAIT if give_up_at > time.monotonic() else NOT_WAITING
    while busy := attempt(waiting):
        wake, expires_in = busy
        now = time.monotonic()
        if now >= give_up_at:
            return False
        # Jitter keeps waiters whose wake-up went astray from meeting again.
        sleep = min(expires_in + 0.001, _LONGEST_SLEEP * random.uniform(0.5, 1))  # noqa: S311
        try:
            _sleep(lock.client, wake, min(now + sleep, give_up_at, meanwhile()) - now)
        except _FAILURES as error:
            # If there is time, there is another look, which says what is wrong.
            if time.monotonic() >= give_up_at:
                raise _failure(lock.name, error) from error
        waiting = HAS_WAITED
    return True


def _sleep(client: "redis.Redis", wake: bytes, seconds: float) -> None:
    # To Redis 6.2 a thousandth is nothing, and nothing is for ever.
    seconds = max(seconds, 0.002)
    ask(client, wake, ("BLPOP", wake, seconds), seconds + _ANSWER_SECONDS)


def _released(
    pairs: Sequence[tuple[RedisLock, Holding]], ahead: list[Call], until: float = ALWAYS
) -> list[Any]:
    """What the scripts ahead and RELEASE answer, for locks of one slot; or what each raised."""
    lock, asked_at = pairs[0][0], time.monotonic()
    calls = [*ahead, *(each._over(RELEASE, holding) for each, holding in pairs)]
    within = _PUBLICATION_SECONDS if ahead else _ANSWER_SECONDS
    try:
        try:
            return lock._run(calls, within)
        except LOST_ANSWERS as error:
            for _, holding in pairs:
                holding.leaving = holding.leaving or holding.deadline > asked_at
            if _is_over(error, until):
                raise
        return lock._run(calls, within)
    except _FAILURES as error:
        raise _failure(lock.name, error) from error


def _run_twice(client: "redis.Redis", name: str, call: Call, until: float = ALWAYS) -> Any:
    """The answer of a script that may run again when its reply was lost."""
    return _twice(name, lambda: run(client, call, _ANSWER_SECONDS), until)


def _twice(name: str, ask_for: Callable[[], Any], until: float = ALWAYS) -> Any:
    """An answer, asked for again if it was lost and there is time."""
    try:
        try:
            return ask_for()
        except LOST_ANSWERS as error:
            if _is_over(error, until):
                raise
        return ask_for()
    except _FAILURES as error:
        raise _failure(name, error) from error


def _is_over(error: Exception, until: float) -> bool:
    """Whether there is no time to ask again: a connection that was cut has taken none."""
    return isinstance(error, redis.TimeoutError) and time.monotonic() > until


def _failure(name: str, error: Exception) -> LockError:
    return LockError(f"{name}: {_cause(error)}")


# What fails, by redis-py's errors, the more special first.
_CAUSES: dict[type[Exception], str] = {
    redis.OutOfMemoryError: "the lock service is out of memory",
    redis.ReadOnlyError: "the lock service is read-only: it is a replica",
    NoPermissionError: "the lock service does not allow it",
    redis.AuthenticationError: "the lock service refuses the login",
    redis.TimeoutError: "the lock service does not answer in time",
    redis.ConnectionError: "the lock service cannot be reached",
    RedisClusterException: "the lock service cannot be reached",
}
# By what servers say that have no error of their own for it, and older ones of what a script met.
_SIGNS = {
    "WRONGTYPE": "its key holds something else than a lock",
    "OOM ": _CAUSES[redis.OutOfMemoryError],
    "READONLY": _CAUSES[redis.ReadOnlyError],
}


def _cause(error: Exception) -> str:
    by_kind = (cause for kind, cause in _CAUSES.items() if isinstance(error, kind))
    by_sign = (cause for sign, cause in _SIGNS.items() if sign in str(error))
    return next(chain(by_kind, by_sign), f"the lock service says: {error}")


def _milliseconds(seconds: float) -> int:
    # Never more than was promised.
    return max(1, int(seconds * 1000))
