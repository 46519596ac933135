"""A page as a document, from the cache or, failing that, from storage into the cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from redis import RedisError

from sheaf import telemetry
from sheaf.caching.entry import Entry
from sheaf.database.errors import Unavailable
from sheaf.hashing import content_tag
from sheaf.http import documents, responses
from sheaf.http.problems import Problem
from sheaf.http.responses import Response
from sheaf.pages import page_cache, reads
from sheaf.rendering import templates
from sheaf.rendering.static import StaticFile
from sheaf.sharding import shards

path = templates.page_path


def page(slug: str, newest: bool, now: float) -> Entry:
    """The page, or that there is none; `newest` asks storage, whatever the cache has.

    Raises Unavailable if neither cache nor storage can say. `now` is Unix time.
    """
    near, key = page_cache.near(), page_cache.key(slug)
    try:
        entry = _read_through(key, cache(lambda: _make(slug)), newest, now)
    except Unavailable:
        known = near.recall(key)
        if known is None:
            raise
        telemetry.log("WARNING", "database unavailable", slug=slug)
        return known
    near.remember(key, entry, now)
    return entry


def _read_through(key: str, make: Callable[[], Entry], newest: bool, now: float) -> Entry:
    """The entry by way of Redis if it answers. `make` does its work once, however often called."""
    near = page_cache.near()
    if near.is_down(now):
        return make()
    try:
        versioned = page_cache.versioned()
        if newest:
            return versioned.refresh(key, make)
        return versioned.fetch(key, make, forgive=(Unavailable,))
    except RedisError as failure:
        near.failed(now)
        telemetry.log("WARNING", "cache unavailable", reason=str(failure))
        return make()


def _make(slug: str) -> Entry:
    found = shards.read(slug, reads.read)
    return documents.entry(found) if found else documents.absent(slug)


def source(slug: str) -> Entry:
    """The page's Markdown as its authors wrote it, or that there is none; raises Unavailable."""
    found = shards.read(slug, reads.read)
    if found is None or found.state != "live":
        return documents.absent(slug, found.version if found else 0)
    text = found.body.encode()
    return _representation(text, "text/markdown; charset=utf-8", responses.REVALIDATE)


def file(found: StaticFile) -> Entry:
    """A static file."""
    return _file(found)


@cache
def _file(found: StaticFile) -> Entry:
    return _representation(found.body, found.media_type, responses.IMMUTABLE, quality=11)


def _representation(data: bytes, media_type: str, cache_control: str, quality: int = 5) -> Entry:
    headers = {
        "etag": f'"{content_tag(data)}.{documents.STORED_ENCODING}"',
        "cache-control": cache_control,
        "vary": "accept-encoding",
    }
    return documents.ready(data, media_type, headers, quality=quality)


def editor(slug: str) -> Entry:
    """The editor for a page; its script loads the text and saves it through the API."""
    return _html(templates.render("edit.html", slug=slug, site=documents.site()))


def sign_in() -> Entry:
    """Where signing in starts and ends."""
    return _html(templates.render("sign_in.html", site=documents.site()))


def _html(text: str) -> Entry:
    headers = {"cache-control": responses.REVALIDATE, "vary": "accept-encoding"}
    return documents.ready(
        text.encode(), "text/html; charset=utf-8", {**headers, **responses.policy()}
    )


def error(problem: Problem) -> Response:
    """A problem as a document."""
    body = documents.error(problem.status, problem.detail)
    return responses.html(body, problem.status, problem.headers)
