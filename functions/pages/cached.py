"""Cached pages: found and sent without loading a framework, a client or a driver."""

from __future__ import annotations

from functools import cache

from sheaf import settings
from sheaf.caching.entry import Entry
from sheaf.caching.near import DOWN, HIT, MEMORY, MISS, UNEXPECTED
from sheaf.http import encodings
from sheaf.http.conditions import http_date, matches, newest_version, unchanged_since
from sheaf.http.requests import Request
from sheaf.http.responses import Response
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
    "response",
]

# Why nothing was found, though Redis may have it: not fresh; the reader knows of something newer,
# or wants to be sure; the address is no page's; the request did not come by way of the CDN.
STALE, NEWEST, NO_PAGE, FOREIGN = "stale", "newest", "no page", "foreign"

# What each process keeps for readers who take no brotli.
_RECODED_CHARACTERS = 8 * 1024 * 1024
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


def response(entry: Entry, request: Request, now: float) -> Response:
    """The answer that an entry is: in an encoding that the reader takes, or 304."""
    encoding = encodings.choose(request.encodings)
    headers = _headers(entry, encoding, now)
    if _has_it(entry, request, headers):
        return Response(304, _of_unmodified(headers))
    body, is_base64 = _body(entry, encoding)
    return Response(entry.status, headers, body, is_base64=is_base64)


def _headers(entry: Entry, encoding: str, now: float) -> dict[str, str]:
    headers = entry.headers.copy()
    if encoding != "br" and "content-encoding" in headers:
        headers["content-encoding"] = encoding
        if encoding == "identity":
            del headers["content-encoding"]
        if "etag" in headers:
            headers["etag"] = headers["etag"].replace('.br"', f'.{encoding}"')
    # The clock of Last-Modified has seconds: until one is over, it may have to tell two versions.
    if entry.modified and now - entry.modified >= 1:
        headers["last-modified"] = http_date(entry.modified)
    return headers


def _has_it(entry: Entry, request: Request, headers: dict[str, str]) -> bool:
    """Whether the reader has this very representation (RFC 9110, 13.2.2)."""
    if entry.status != 200:
        return False
    if request.if_none_match is not None:
        return matches(request.if_none_match, headers.get("etag", ""))
    return "last-modified" in headers and unchanged_since(
        request.headers.get("if-modified-since"), entry.modified
    )


def _of_unmodified(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.startswith("content-")}


def _body(entry: Entry, encoding: str) -> tuple[str, bool]:
    if encoding == "br" or "content-encoding" not in entry.headers:
        return entry.body.decode("ascii"), True
    return _recoder().recode(entry.body, encoding), encoding != "identity"


@cache
def _recoder() -> encodings.Recoder:
    return encodings.Recoder(_RECODED_CHARACTERS)
