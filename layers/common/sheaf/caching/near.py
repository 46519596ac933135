"""Finding an entry with as little as possible: one GET, or nothing at all.

Under a flood, a process asks Redis for a page about once a second, so that the one server that
has the page is not flooded too. While Redis is down, what is remembered has to do.
"""

from __future__ import annotations

from collections import OrderedDict

from sheaf.caching import entry as entries
from sheaf.caching.entry import Entry
from sheaf.caching.reader import Reader, Unexpected

# How an entry was found, or why it was not.
HIT, MEMORY, MISS, DOWN, UNEXPECTED = "hit", "memory", "miss", "down", "unexpected"
BEHIND = "behind"

Found = tuple[Entry | None, str]

# A flood: asked for again within so short a time. A person who reads what they have just saved
# is slower and gets it from Redis.
_FLOOD_SECONDS = 0.05
_REMEMBERED_SECONDS = 1.0
_REMEMBERED_SECONDS_WHILE_DOWN = 10.0
_REMEMBERED_SECONDS_AT_MOST = 24 * 3600.0
_LEFT_ALONE_SECONDS = 1.0


# An entry's headers and Python's own objects around it, about.
_OVERHEAD_BYTES = 2048


class Kept:
    """An entry, when it was fetched and when it was asked for before (Unix time, seconds).

    The head of what is stored tells, without a look at the rest, if it is still the same.
    """

    __slots__ = ("asked_at", "entry", "fetched_at", "head")

    def __init__(self, entry: Entry, now: float, asked_at: float) -> None:
        self.entry = entry
        self.head = entry.head()
        self.fetched_at = now
        self.asked_at = asked_at

    def age(self, now: float) -> float:
        """Seconds since it was fetched, by the wall clock.

        Another clock would stand still while Lambda freezes the process. One that was set back
        makes the entry look old.
        """
        age = now - self.fetched_at
        return age if age >= 0 else float("inf")


class Memory:
    """Entries by key. When there are more than `limit`, in bytes, the longest unused one goes.

    What an entry takes is estimated: its body and 2 KB.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._size = 0
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def get(self, key: str) -> Kept | None:
        """What is kept for a key, None if nothing is; it counts as used."""
        kept = self._kept.get(key)
        if kept:
            self._kept.move_to_end(key)
        return kept

    def put(self, key: str, entry: Entry, now: float, asked_at: float | None = None) -> None:
        """Keep an entry that was fetched `now` (Unix time), unless it alone is above the limit.

        `asked_at` is when it was asked for, if not now.
        """
        self._drop(key)
        self._size += _size(entry)
        self._kept[key] = Kept(entry, now, now if asked_at is None else asked_at)
        while self._size > self.limit:
            _, oldest = self._kept.popitem(last=False)
            self._size -= _size(oldest.entry)

    def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept:
            self._size -= _size(kept.entry)


def _size(entry: Entry) -> int:
    return len(entry.body) + _OVERHEAD_BYTES


class Breaker:
    """Leaves a service alone that has just failed: open for a while, then closed again.

    The while is `seconds`, or up to a quarter more or less. Times (`now`) are Unix time, by the
    wall clock, since others stand still while Lambda freezes the process.
    """

    def __init__(self, seconds: float) -> None:
        self._longest = 1.25 * seconds
        self._shortest = 0.75 * seconds
        self._open_until = 0.0

    def is_open(self, now: float) -> bool:
        """Whether the service should be left alone."""
        return 0 < self._open_until - now <= self._longest

    def failed(self, now: float) -> None:
        """Note a failure. Processes that failed together do not come back together."""
        # Not needed until something fails, so not loaded before.
        from random import uniform  # noqa: PLC0415

        self._open_until = now + uniform(self._shortest, self._longest)  # noqa: S311


class NearCache:
    """Looks for entries in this process and in Redis; for one thread.

    `reader` is this cache's alone. `memory`, in bytes, is how much it remembers. Times (`now`) are
    Unix time. No failure of Redis is raised: where there is no entry, `find` says why.

    >>> near = NearCache(Reader(url, timeout=0.25), memory=1_000_000)
    >>> near.find("nothing", time.time())
    (None, 'miss')
    >>> near.close()
    """

    def __init__(self, reader: Reader, memory: int) -> None:
        self._reader = reader
        self._memory = Memory(memory)
        self._breaker = Breaker(_LEFT_ALONE_SECONDS)

    def find(self, key: str, now: float, *, shared: bool = False) -> Found:
        """The entry and where it was found (HIT: Redis; MEMORY), or None and why not.

        MISS: Redis has none; BEHIND: it has an older version than this process has had; DOWN: Redis
        fails, or did a moment ago; UNEXPECTED: Redis answered with an error or with something else,
        so use the full client. `shared` is for a caller that knows of a change: as long as Redis is
        there, this process's memory, which may be a second old, is not asked. Only what a `login`
        raises passes through, but for OSError (DOWN) and ValueError (UNEXPECTED).
        """
        kept = None if shared else self._memory.get(key)
        if kept:
            flooded = now - kept.asked_at < _FLOOD_SECONDS
            kept.asked_at = now
            if flooded and kept.age(now) < _REMEMBERED_SECONDS:
                return kept.entry, MEMORY
        if self._breaker.is_open(now):
            return self._without_redis(key, now)
        try:
            return self._ask(key, now)
        except (Unexpected, ValueError):
            return None, UNEXPECTED
        except OSError:
            self._breaker.failed(now)
            return self._without_redis(key, now)

    def _ask(self, key: str, now: float) -> Found:
        data = self._reader.get(entries.name(key))
        if data is None:
            return None, MISS
        kept = self._memory.get(key)
        if kept and data.startswith(kept.head):
            kept.fetched_at = now
            return kept.entry, HIT
        entry = Entry.decode(data)
        if kept and entry.version < kept.entry.version:
            return None, BEHIND
        self._memory.put(key, entry, now)
        return entry, HIT

    def _without_redis(self, key: str, now: float) -> Found:
        kept = self._memory.get(key)
        if kept and kept.age(now) < _REMEMBERED_SECONDS_WHILE_DOWN:
            return kept.entry, MEMORY
        return None, DOWN

    def is_down(self, now: float) -> bool:
        """Whether Redis has failed just now and is left alone."""
        return self._breaker.is_open(now)

    def failed(self, now: float) -> None:
        """Leave Redis alone for a moment: it has failed somebody else."""
        self._breaker.failed(now)

    def remember(self, key: str, entry: Entry, now: float) -> None:
        """Keep an entry that came from elsewhere, as if Redis had given it."""
        self._memory.put(key, entry, now)

    def saved(self, key: str, entry: Entry, now: float) -> None:
        """Keep what this process has stored itself, so that it shows nothing older.

        It is no flood that follows: Redis is asked next.
        """
        self._memory.put(key, entry, now, asked_at=0.0)

    def latest(self, key: str, now: float) -> Entry | None:
        """What is remembered of a key, unless it is older than a second, or None."""
        kept = self._memory.get(key)
        return kept.entry if kept and kept.age(now) < _REMEMBERED_SECONDS else None

    def recall(self, key: str, now: float) -> Entry | None:
        """What is remembered of a key, or None: for when there is nothing better.

        It may be a day old, as entries in Redis may.
        """
        kept = self._memory.get(key)
        return kept.entry if kept and kept.age(now) < _REMEMBERED_SECONDS_AT_MOST else None

    def newest(self, key: str) -> int:
        """The version of a key that this process has shown or stored last; 0 if it knows of none.

        Only what had to be forgotten for want of memory may have been newer.
        """
        kept = self._memory.get(key)
        return kept.entry.version if kept else 0

    def close(self) -> None:
        """End the connection to Redis, and forget everything."""
        self._reader.close()
        self._memory = Memory(self._memory.limit)
