"""The steps of a lock on Redis, a script each, and the keys that they work on.

A lock's key is its name, and holds the holder's token, as with redis-py. Beside it, `fence` is the
last fence handed out, floored by the server's clock in microseconds, so that fences go on rising
even if the key was lost; `wait` is there while somebody waits; `wake` is a list on which the next
waiter blocks. All of them expire.
"""

from typing import NamedTuple

from sheaf.redis_scripts import Script

_FENCE_MILLISECONDS = 24 * 3600 * 1000

# What `waiting` says to the scripts that acquire.
NOT_WAITING, WILL_WAIT, HAS_WAITED = 0, 1, 2

# A key without an end, such as a lock of redis-py may have, is waited for like a very long one.
_MS_LEFT = """
local function ms_left(key)
  local left = redis.call('PTTL', key)
  return left == -1 and LIFETIME or math.max(1, left)
end
""".replace("LIFETIME", str(_FENCE_MILLISECONDS))

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
    _MS_LEFT
    + _NEXT_FENCE
    + """
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    local left = ms_left(KEYS[1])
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
    _MS_LEFT
    + _NEXT_FENCE
    + """
local count, mine = #KEYS / 3, {}
for i = 1, count do
  local lock = KEYS[3 * i - 2]
  local holder = redis.call('GET', lock)
  mine[i] = holder == ARGV[2 + i]
  if holder and not mine[i] then
    local left = ms_left(lock)
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

_WAKE = """
local function wake_next(key)
  redis.call('DEL', key)
  redis.call('RPUSH', key, '')
  redis.call('PEXPIRE', key, 1000)
end
"""

# KEYS: lock, wait, wake.  ARGV: token.  Returns 1, or 0 when the lock is not ours.
RELEASE = Script(
    _WAKE
    + """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if redis.call('DEL', KEYS[1], KEYS[2]) == 2 then wake_next(KEYS[3]) end
return 1
"""
)

# KEYS: lock, wait, wake.  ARGV: token.
# For who is gone, with the lock or while waiting for it: a wake-up may have been taken along.
ABANDON = Script(
    _MS_LEFT
    + _WAKE
    + """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  redis.call('SET', KEYS[2], '', 'PX', ms_left(KEYS[1]) + 1)
else
  redis.call('DEL', KEYS[1], KEYS[2])
  wake_next(KEYS[3])
end
"""
)

# KEYS: lock.  ARGV: token, ms, '1' for just that or '0' for at least that.
# Returns the ms that are left now, or 0 when the lock is not ours.
EXTEND = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local left = tonumber(ARGV[2])
if ARGV[3] == '0' then left = math.max(left, redis.call('PTTL', KEYS[1])) end
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
    """The keys of one lock (see the module), which are all in one hash slot."""

    lock: bytes
    fence: bytes
    wait: bytes
    wake: bytes

    @classmethod
    def of(cls, name: str) -> "LockKeys":
        """The keys of the lock with this name.

        By what is in the name's first braces the cluster places it, as it does any key; without
        any, by all of the name. Then it can have no closing brace, as the others are placed by it.
        """
        lock = name.encode("utf-8", "surrogateescape")
        _, _, opened = lock.partition(b"{")
        tag, closed, _ = opened.partition(b"}")
        if tag and closed:
            beside = b":{%s}:%s" % (tag, lock)
        elif b"}" in lock:
            beside = b":{%s}" % lock.replace(b"%", b"%25").replace(b"}", b"%7D")
            lock = b"lock" + beside
        else:
            beside = b":{%s}" % lock
        return cls(lock, b"fence" + beside, b"wait" + beside, b"wake" + beside)
