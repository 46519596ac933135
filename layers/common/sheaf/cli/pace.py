"""Pace: how many pages a request may have, and how many requests are on their way at a time.

A site says in Server-Timing how long it has worked on a request, `work`, and where readers wait for
the processes that do this work, it names `readers`. While it does, one request at a time is on its
way, and is no more work than a reader can wait for. An idle site gets larger ones.
"""

import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

# What a request may keep a site's process busy with, where readers wait for it and where nobody
# does: who comes then waits once.
READERS_SECONDS, IDLE_SECONDS = 0.05, 0.5
# So many pages are in the first requests. A page is as much work as so many bytes of text.
_FIRST, _PAGE_BYTES = 5, 4096
# So much has the newest measure to say.
_NEWEST = 0.3
_TIMED = re.compile(r"(?:^|,)\s*work\s*;\s*dur=([0-9.]+)")
_READERS = re.compile(r"(?:^|,)\s*readers\s*(?:[;,]|$)")
_T = TypeVar("_T")


class Pace:
    """The pace of one run. Answers may be heard in several threads; portions are of one."""

    def __init__(self, most_pages: int, most_bytes: int) -> None:
        self._most_pages, self._most_bytes = most_pages, most_bytes
        self._seconds: float | None = None  # of a page, as far as that is known
        self.has_readers = False

    def hear(self, timing: str, pages: int, size: int) -> None:
        """Learn from an answer to a request with these pages, which had so many bytes of text."""
        self.has_readers = bool(_READERS.search(timing))
        if said := _TIMED.search(timing):
            seconds = float(said[1]) / 1000 / _effort(pages, size)
            known = seconds if self._seconds is None else self._seconds
            self._seconds = known + _NEWEST * (seconds - known)

    def portion(self, waiting: "deque[_T]", size_of: Callable[[_T], int | None]) -> Sequence[_T]:
        """Take from what waits what goes next at a time: what has no size goes by itself."""
        portion, size = [first := waiting.popleft()], size_of(first)
        while size is not None and waiting and len(portion) < self._most_pages:
            more = size_of(waiting[0])
            if more is None or not self._may_be(len(portion) + 1, size + more):
                break
            portion.append(waiting.popleft())
            size += more
        return portion

    def _may_be(self, pages: int, size: int) -> bool:
        if self._seconds is None:
            return pages <= _FIRST
        bound = READERS_SECONDS if self.has_readers else IDLE_SECONDS
        return _effort(pages, size) * self._seconds <= bound and size <= self._most_bytes


def _effort(pages: int, size: int) -> float:
    return pages + size / _PAGE_BYTES
