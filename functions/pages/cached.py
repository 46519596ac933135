"""Pages that are in the cache: found without loading a framework, a client or a driver."""

from __future__ import annotations

from sheaf import settings
from sheaf.caching.entry import Entry
from sheaf.caching.near import DOWN, HIT, MEMORY, MISS, UNEXPECTED
from sheaf.http.requests import Request
from sheaf.http.validators import newest_version
from sheaf.pages import page_cache

__all__ = [
    "DOWN",
    "FOREIGN",
    "HIT",
    "MEMORY",
    "MISS",
    "NEWEST",
    "NO_PAGE",
    "STALE",
    "UNEXPECTED",
    "find",
]

# Why nothing was found, though Redis may have it: not fresh; the reader knows of something newer,
# or wants to be sure; the address is no page's; the request did not come by way of the CDN.
STALE, NEWEST, NO_PAGE, FOREIGN = "stale", "newest", "no page", "foreign"

_FILES = ("/robots.txt", "/sitemap.xml", "/feed.atom", "/favicon.svg")


def find(request: Request, now: float) -> tuple[Entry | None, str]:
    """The page that is asked for and where it was, or None and why not."""
    if not _may_be_a_page(request):
        return None, NO_PAGE
    if request.wants_newest:
        return None, NEWEST
    near = page_cache.near()
    key = page_cache.key(slug_at(request.path))
    entry, how = near.find(key, now, shared=request.names_version)
    if entry is None or near.is_down(now):
        return entry, how
    if not entry.is_fresh(settings.current().build, now):
        return None, STALE
    if request.if_none_match and newest_version(request.if_none_match) > entry.version:
        return None, NEWEST
    return entry, how


def slug_at(path: str) -> str:
    """The slug that a page's path stands for, if it is one: whether it is was not checked."""
    return path[1:] or "home"


def _may_be_a_page(request: Request) -> bool:
    path = request.path
    return (
        request.method in ("GET", "HEAD")
        and not path.startswith(("/-/", "/api/"))
        and not path.endswith((".md", "/") if path != "/" else ".md")
        and path not in _FILES
    )
