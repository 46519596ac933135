"""The site's page cache: `sheaf.caching` as the settings say.

Imported for every cached page, so what only others need is imported when it is used.
"""

from __future__ import annotations

import time
from functools import cache, partial

from sheaf import settings
from sheaf.caching.near import NearCache
from sheaf.caching.reader import Login, Reader
from sheaf.urls import Url

TYPE_CHECKING = False  # typing itself takes 4 ms to load
if TYPE_CHECKING:
    from collections.abc import Callable

    from sheaf.caching.entry import Entry
    from sheaf.caching.versioned import VersionedCache

# A page that is not there after this time is looked for elsewhere.
_TIMEOUT_SECONDS = 0.25
_MEMORY_BYTES = 32 * 1024 * 1024
# For how long a page is shown without a second thought, since a save replaces it.
_FRESH_SECONDS = 300.0
# Of each page there is any number of what never changes: so it goes sooner than pages do.
_IMMUTABLE_SECONDS = 3600.0
# It is made in less. If who began it is gone, or never heard that it was to be the one, all others
# are kept out for so long.
_MAKING_SECONDS = 5.0


def key(slug: str) -> str:
    """The key of a page, which is also the name of its lock: both are in one slot of Redis."""
    return f"page:{slug}"


@cache
def near() -> NearCache:
    """The cache as readers use it first: one for the whole process."""
    return NearCache(
        Reader(settings.current().cache_url, _TIMEOUT_SECONDS, _login()), _MEMORY_BYTES
    )


def _login() -> Login | None:
    current = settings.current()
    if current.auth != "iam":
        return None
    from sheaf.aws.presigning import Credentials, cache_token  # noqa: PLC0415

    user = Url(current.cache_url).user or "default"

    def log_in() -> tuple[str, str]:
        credentials = Credentials.from_environment()
        return user, cache_token(credentials, current.region, current.cache_name, user)

    return log_in


def versioned() -> VersionedCache:
    """The cache with all its rules, on the full client."""
    return _full()(fresh=_FRESH_SECONDS)


def checked(entry: Entry, now: float) -> Entry:
    """A page that was read from storage `now` (Unix time), stamped with that for its `age`."""
    return entry.stamped(entry.build, int(now + entry.fresh_seconds(_FRESH_SECONDS)))


def saved(key: str, entry: Entry) -> None:
    """Let this process show no older page than the one that it has just stored."""
    now = time.time()
    near().saved(key, checked(entry, now), now)


def newest(slug: str) -> int:
    """The newest version of a page that this process has shown or saved; 0 if it knows of none."""
    return near().newest(key(slug))


def age(entry: Entry, now: float) -> int:
    """How many seconds ago a page was read from storage, at most. (At least: a fifth of 300 less.)

    `now` is Unix time.
    """
    return max(0, int(now + entry.fresh_seconds(_FRESH_SECONDS)) - entry.fresh_until)


def immutable() -> VersionedCache:
    """The same for what never changes, and takes so long to make that one at a time does it."""
    forever = {"fresh": _IMMUTABLE_SECONDS, "kept": _IMMUTABLE_SECONDS, "missing": 1.0}
    return _full()(**forever, lease=_MAKING_SECONDS, costly=True)


def _full() -> Callable[..., VersionedCache]:
    from sheaf import redis_client  # noqa: PLC0415 - takes 90 ms
    from sheaf.caching.versioned import VersionedCache  # noqa: PLC0415

    current = settings.current()
    return partial(VersionedCache, redis_client.connect(current.cache_url), current.build)
