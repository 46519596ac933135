"""What one process remembers: the entries used last, up to so many bytes."""

from __future__ import annotations

from collections import OrderedDict

from sheaf.caching.entry import Entry

# An entry's headers and Python's own objects around it, about.
_OVERHEAD_BYTES = 2048


class Kept:
    """An entry, when it was fetched and when it was asked for before (Unix time, seconds).

    The head of what is stored tells, without a look at the rest, if it is still the same.
    """

    __slots__ = ("asked_at", "entry", "fetched_at", "head")

    def __init__(self, entry: Entry, now: float) -> None:
        self.entry = entry
        self.head = entry.head()
        self.fetched_at = self.asked_at = now

    def age(self, now: float) -> float:
        """Seconds since it was fetched, by the clock on the wall.

        Another clock would stand still while Lambda freezes the process. One that was set back
        makes the entry look old.
        """
        age = now - self.fetched_at
        return age if age >= 0 else float("inf")


class Memory:
    """Entries by key. When there are more than `limit` bytes, the longest unused one goes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._size = 0
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def get(self, key: str) -> Kept | None:
        """What is kept for a key."""
        kept = self._kept.get(key)
        if kept:
            self._kept.move_to_end(key)
        return kept

    def put(self, key: str, entry: Entry, now: float) -> None:
        """Keep an entry that was fetched just now."""
        self.drop(key)
        self._kept[key] = Kept(entry, now)
        self._size += _size(entry)
        while self._size > self.limit:
            _, oldest = self._kept.popitem(last=False)
            self._size -= _size(oldest.entry)

    def drop(self, key: str) -> None:
        """Forget a key."""
        kept = self._kept.pop(key, None)
        if kept:
            self._size -= _size(kept.entry)


def _size(entry: Entry) -> int:
    return len(entry.body) + _OVERHEAD_BYTES
