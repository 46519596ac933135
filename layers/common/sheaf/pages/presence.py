"""Presence: who has a page open to edit it at this moment, as far as Redis knows.

A mark is one person's in one tab. It ends by itself unless it is set again, and refuses nobody.
"""

from dataclasses import dataclass

from redis import RedisError

from sheaf import redis_client, redis_scripts, settings, telemetry
from sheaf.redis_scripts import Call, Script

MARK_SECONDS = 60
# So many marks of a page are kept. Where there are more, those go that end first.
MAX_MARKS = 100

# KEYS: marks.  ARGV: mark, lifetime in ms, how many are kept.
# Sets the mark, and answers all that have not ended.
_MARK = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, -1)
""")

# KEYS: marks.  ARGV: mark.
_UNMARK = Script("return redis.call('ZREM', KEYS[1], ARGV[1])")


@dataclass(frozen=True)
class Presence:
    """Who else edits a page: other people, and in how many more tabs oneself.

    Both are None when nobody knows.
    """

    others: list[str] | None
    own_tabs: int | None


def mark(slug: str, handle: str, tab: str) -> Presence:
    """Say that somebody edits a page in a tab, and hear who else does.

    `tab` has no line break. No failure of Redis is raised.
    """
    mine = _mark(handle, tab)
    found = _run(Call(_MARK, (_key(slug),), (mine, MARK_SECONDS * 1000, MAX_MARKS)))
    if found is None:
        return Presence(None, None)
    handles = [each.decode().partition("\n")[0] for each in found if each != mine]
    others = sorted(set(handles) - {handle})
    return Presence(others, handles.count(handle))


def unmark(slug: str, handle: str, tab: str) -> None:
    """Say that somebody does not edit a page in a tab any more."""
    _run(Call(_UNMARK, (_key(slug),), (_mark(handle, tab),)))


def _run(call: Call) -> list[bytes] | None:
    try:
        client = redis_client.connect(settings.current().cache_url)
        found: list[bytes] = redis_scripts.run(client, call, redis_scripts.QUICK)
    except RedisError as failure:
        telemetry.logger().warning("presence unknown", reason=telemetry.reason(failure))
        return None
    return found


def _key(slug: str) -> str:
    return f"presence:{slug}"


def _mark(handle: str, tab: str) -> bytes:
    return f"{handle}\n{tab}".encode()
