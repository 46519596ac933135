"""Cached pages: found and sent without loading a framework, a client or a driver."""

from __future__ import annotations

from sheaf import settings
from sheaf.caching.entry import Entry
from sheaf.caching.near import BEHIND, DOWN, HIT, MEMORY, MISS, UNEXPECTED
from sheaf.http.requests import Request
from sheaf.pages import page_cache

__all__ = [
    "BEHIND",
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
    "look",
]

# Why nothing was found, though Redis may have it: not fresh; the reader knows of something newer,
# or wants to be sure; the address is no page's; the request did not come by way of the CDN.
STALE, NEWEST, NO_PAGE, FOREIGN = "stale", "newest", "no page", "foreign"

_FILES = ("/robots.txt", "/sitemap.xml", "/feed.atom", "/favicon.svg", "/llms.txt")


def find(request: Request, now: float) -> tuple[Entry | None, str]:
    """The page that is asked for and where it was, or None and why not."""
    if not _may_be_a_page(request):
        return None, NO_PAGE
    return look(slug_at(request.path), request, now)


def look(slug: str, request: Request, now: float) -> tuple[Entry | None, str]:
    """The page at a slug, for a request that need not be for the page itself, as `find` does."""
    if request.wants_newest:
        return None, NEWEST
    near = page_cache.near()
    entry, how = near.find(page_cache.key(slug), now, shared=request.names_version)
    if entry is None:
        return None, how
    # Most readers tell nothing of versions: they are not looked for.
    if (request.query or request.if_none_match) and entry.version < request.known_version:
        return None, NEWEST
    if near.is_down(now) or entry.is_fresh(settings.current().build, now):
        return entry, how
    return None, STALE


def slug_at(path: str) -> str:
    """The slug that a page's path stands for, if it is one: whether it is was not checked."""
    return path[1:] or settings.start_page()


def _may_be_a_page(request: Request) -> bool:
    path = request.path
    return (
        request.method in ("GET", "HEAD")
        and not path.startswith(("/-/", "/api/"))
        and not path.endswith((".md", "/") if path != "/" else ".md")
        and path not in _FILES
        and not request.wants_markdown
    )
