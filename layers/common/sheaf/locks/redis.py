"""Locks on Redis or Valkey, one server or a cluster: one script for each step.

They are for contention only: a failover may lose a lock. What must never go wrong is guarded by
the fence, which is carried to where the data is.

`lock` holds the holder's token; `fence` the last fence handed out, floored by the server's clock
in microseconds, so that fences go on rising even if the key was lost; `wait` is there while
somebody waits; `wake` is a list on which the next waiter blocks. All of them expire.
"""

import random
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, NamedTuple

import redis
from redis.crc import key_slot
from redis.exceptions import RedisClusterException

from sheaf.locks.contract import Cache, Lock, LockError, LockNotOwnedError
from sheaf.redis_scripts import Call, Script, run, run_together

# A waiter looks again after this many seconds at most: its wake-up may have gone to another
# waiter that died. Below the timeout of the socket.
_LONGEST_SLEEP = 0.2

# A cluster that cannot be reached is not a RedisError to redis-py.
_FAILURES = (redis.RedisError, RedisClusterException)


_FENCE_MILLISECONDS = 24 * 3600 * 1000

# What `waiting` says to the scripts that acquire.
NOT_WAITING, WILL_WAIT, HAS_WAITED = 0, 1, 2

_NEXT_FENCE = """
local function set_fence(key, fence)
  -- As text: Lua would write so large a number with an exponent.
  return redis.call('SET', key, string.format('%.0f', fence), 'PX', LIFETIME, 'GET')
end
local function next_fence(key, above)
  local now = redis.call('TIME')
  local fence = now[1] * 1000000 + now[2]
  local highest = math.max(above, tonumber(set_fence(key, fence) or '0'))
  if highest >= fence then
    fence = highest + 1
    set_fence(key, fence)
  end
  return fence
end
""".replace("LIFETIME", str(_FENCE_MILLISECONDS))

# KEYS: lock, fence, wait.  ARGV: token, timeout in ms, waiting.
# Returns the fence when the lock is ours, minus the ms until it expires when it is not.
# A retry after a lost reply finds its own token and gets the same fence.
ACQUIRE = Script(
    _NEXT_FENCE
    + """
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    local left = math.max(1, redis.call('PTTL', KEYS[1]))
    if ARGV[3] ~= '0' then redis.call('SET', KEYS[3], '', 'PX', left + 1) end
    return -left
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  local fence = redis.call('GET', KEYS[2])
  if fence then return tonumber(fence) end
end
-- Whoever has waited may not have been alone: the release wakes the next one.
if ARGV[3] == '2' then redis.call('SET', KEYS[3], '', 'PX', ARGV[2]) end
return next_fence(KEYS[2], 0)
"""
)

# KEYS: lock, fence, wait of each lock.
# ARGV: timeout, waiting, then the token of each lock.
# Returns {0, fences…} when all are ours, {number of a busy one, ms until it expires} when not.
ACQUIRE_ALL = Script(
    _NEXT_FENCE
    + """
local count, mine = #KEYS / 3, {}
for i = 1, count do
  local lock = KEYS[3 * i - 2]
  local holder = redis.call('GET', lock)
  mine[i] = holder == ARGV[2 + i]
  if holder and not mine[i] then
    local left = redis.call('PTTL', lock)
    if ARGV[2] ~= '0' then redis.call('SET', KEYS[3 * i], '', 'PX', left + 1) end
    return {i, left}
  end
end
local answer = {0}
for i = 1, count do
  local known = mine[i] and redis.call('GET', KEYS[3 * i - 1])
  redis.call('SET', KEYS[3 * i - 2], ARGV[2 + i], 'PX', ARGV[1])
  if ARGV[2] == '2' then redis.call('SET', KEYS[3 * i], '', 'PX', ARGV[1]) end
  answer[i + 1] = known and tonumber(known) or next_fence(KEYS[3 * i - 1], 0)
end
return answer
"""
)

# KEYS: lock, wait, wake.  ARGV: token.  Returns 1, or 0 when the lock is not ours.
RELEASE = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if redis.call('DEL', KEYS[1], KEYS[2]) == 2 then
  redis.call('DEL', KEYS[3])
  redis.call('RPUSH', KEYS[3], '')
  redis.call('PEXPIRE', KEYS[3], 1000)
end
return 1
""")

# KEYS: lock.  ARGV: token, ms, '1' to replace the time left or '0' to add to it.
# Returns the ms that are left now, or 0 when the lock is not ours.
EXTEND = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local left = tonumber(ARGV[2])
if ARGV[3] == '0' then left = left + math.max(0, redis.call('PTTL', KEYS[1])) end
redis.call('PEXPIRE', KEYS[1], left)
return left
""")

# KEYS: lock, fence.  ARGV: token, the fence to exceed.
# Returns the new fence, or 0 when the lock is not ours.
REISSUE = Script(
    _NEXT_FENCE
    + """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return next_fence(KEYS[2], tonumber(ARGV[2]))
"""
)


class LockKeys(NamedTuple):
    """The keys of one lock (see the module). The braces put all of them into one hash slot."""

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
    pushes to, so a hand-off takes about as long as two round trips: give the client a
    `socket_timeout` above the 0.2 s for which they block. The other parameters, and the ValueError
    for them, are Lock's. Whatever redis-py raises is a LockError here.

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
        trip; its answer is returned (None without it). If it fails, that is a LockError, too.
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

    def publish_and_release(self, cache: Cache, key: str, entry: Any) -> None:
        """As in the contract; one round trip if the cache has this very `client`.

        Then what its script raises is a LockError, too.
        """
        if cache.client is self.client:
            self.release(ahead=cache.publication(key, entry, self.proof))
        else:
            super().publish_and_release(cache, key, entry)

    @property
    def proof(self) -> tuple[str, str]:
        """A key, and the value that it has for as long as the lock is ours.

        For a VersionedCache's `publish`. Asked for before the lock is taken, it proves nothing.
        """
        return self._keys.lock, self._token

    def extend(self, additional_time: float, replace_ttl: bool = False) -> bool:
        """As in the contract; what is added to is the time left by the server's clock."""
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
