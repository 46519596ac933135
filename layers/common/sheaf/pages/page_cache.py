"""The site's page cache: `sheaf.caching` as the settings say.

Imported for every cached page, so what only others need is imported when it is used.
"""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from sheaf import settings
from sheaf.caching.near import NearCache
from sheaf.caching.reader import Login, Reader

TYPE_CHECKING = False  # typing itself takes 4 ms to load
if TYPE_CHECKING:
    from sheaf.caching.versioned import VersionedCache

# A page that is not there after this time is looked for elsewhere.
_TIMEOUT_SECONDS = 0.25
_MEMORY_BYTES = 32 * 1024 * 1024


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

    user = urlsplit(current.cache_url).username or "default"

    def log_in() -> tuple[str, str]:
        credentials = Credentials.from_environment()
        return user, cache_token(credentials, current.region, current.cache_name, user)

    return log_in


def versioned() -> VersionedCache:
    """The cache with all its rules, on the full client."""
    from sheaf import redis_client  # noqa: PLC0415 - takes 90 ms
    from sheaf.caching.versioned import VersionedCache  # noqa: PLC0415

    current = settings.current()
    return VersionedCache(redis_client.connect(current.cache_url), current.build)
