"""Locks on Redis: one script to take a lock, one to give it back.

A lock is the key `lock:{name}`, whose value is the holder's token, and `fence:{name}`, the last
fence handed out. Fences are floored by the server's clock in microseconds: they go on rising even
if the key was lost. That is for contention only: what must never go wrong is guarded by the
claims in SQL, to which the fence and the token are carried.
"""

import random
import time
from typing import Any
from uuid import UUID, uuid4

import redis

from sheaf.locks import LockError, LockNotOwnedError

# KEYS: lock, fence.  ARGV: token, lease in ms, lifetime of the fence key in ms.
# Returns {fence, 0} when the lock is ours, {0, ms until it expires} when it is not.
# A retry after a lost reply finds its own token and gets the same fence.
_ACQUIRE = """
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  local fence = redis.call('GET', KEYS[2])
  if fence then return {fence, 0} end
elseif holder then
  return {'0', redis.call('PTTL', KEYS[1])}
end
local now = redis.call('TIME')
local floor = tonumber(now[1]) * 1000000 + tonumber(now[2])
local previous = tonumber(redis.call('GET', KEYS[2]) or '0')
local fence = string.format('%.0f', math.max(previous + 1, floor))
redis.call('SET', KEYS[2], fence, 'PX', ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {fence, 0}
"""

# KEYS: lock.  ARGV: token.
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""

_FENCE_MILLISECONDS = 24 * 3600 * 1000
_LONGEST_PAUSE = 0.05


class RedisLock:
    """A lock by name on one Redis server or cluster; `lease` is its lifetime in seconds.

    One object is one attempt to hold the lock, by one thread of one process.
    """

    def __init__(self, client: "redis.Redis", name: str, lease: float) -> None:
        self._client = client
        self._name = name
        self._lease = lease
        self._fence = 0
        self._deadline = 0.0
        self.token: UUID = uuid4()

    @property
    def fence(self) -> int:
        """The number of this holding; raises LockNotOwnedError when nothing is held."""
        if not self._fence:
            raise LockNotOwnedError(f"{self._name} is not held")
        return self._fence

    def acquire(self, wait: float) -> bool:
        """Take the lock, waiting up to `wait` seconds; raises LockError if Redis fails."""
        give_up = time.monotonic() + wait
        while True:
            expires_in = self._try()
            if self._fence:
                return True
            left = give_up - time.monotonic()
            if left <= 0:
                return False
            # Jitter keeps waiters from meeting again; never sleep past the holder's lease.
            pause = min(random.uniform(0.2, 1) * _LONGEST_PAUSE, max(expires_in, 0.001))  # noqa: S311
            time.sleep(min(pause, left))

    def release(self) -> None:
        """Give the lock back; raises LockNotOwnedError if it was not ours any more."""
        if not self._run(_RELEASE, [self._key], [str(self.token)]):
            raise LockNotOwnedError(f"{self._name} expired before it was released")
        self._fence, self._deadline = 0, 0.0

    def remaining(self) -> float:
        """Seconds for which the lock is ours for certain; 0 when it is not."""
        return max(0.0, self._deadline - time.monotonic())

    def _try(self) -> float:
        asked_at = time.monotonic()
        keys = [self._key, f"fence:{{{self._name}}}"]
        arguments: list[str | int] = [str(self.token), int(self._lease * 1000), _FENCE_MILLISECONDS]
        fence, expires_in = self._run(_ACQUIRE, keys, arguments)
        self._fence = int(fence)
        # Counted from before the request was sent: the lease may have begun then.
        self._deadline = asked_at + self._lease if self._fence else 0.0
        return int(expires_in) / 1000

    @property
    def _key(self) -> str:
        return f"lock:{{{self._name}}}"

    def _run(self, script: str, keys: list[str], arguments: list[str | int]) -> Any:
        try:
            return self._client.eval(script, len(keys), *keys, *arguments)
        except redis.RedisError as error:
            raise LockError(f"{self._name}: the lock service does not answer") from error
