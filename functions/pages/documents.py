"""A page as a document, from the cache or, failing that, from storage into the cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from redis import RedisError

from sheaf import redis_client, settings, telemetry
from sheaf.caching import Entry, PageCache
from sheaf.hashing import etag
from sheaf.rendering import documents, templates
from sheaf.storage import pages, shards
from sheaf.storage.pages import Page
from sheaf.web import problems, responses
from sheaf.web.problems import Problem
from sheaf.web.requests import Request
from sheaf.web.responses import Response

path = templates.page_path


def page(slug: str, request: Request) -> Response:
    """The page as HTML; raises a 404 or 410 Problem."""
    entry = _cached(slug) or _fetch(slug)
    if entry.status == HTTPStatus.GONE:
        raise problems.gone(slug, entry.version)
    return responses.document(entry.body, entry.etag, request.if_none_match)


def source(slug: str, request: Request) -> Response:
    """The page's Markdown as its authors wrote it; raises a 404 or 410 Problem."""
    found = _stored(slug)
    if found.state != "live":
        raise problems.gone(slug, found.version)
    tag = etag(found.body.encode())
    media_type = "text/markdown; charset=utf-8"
    return responses.text(found.body, media_type, tag, request.if_none_match, responses.REVALIDATE)


def editor(slug: str) -> Response:
    """The editor for a page; its script loads the text and saves it through the API."""
    return responses.html(templates.render("edit.html", slug=slug, site=documents.site()))


def sign_in() -> Response:
    """Where signing in starts and ends."""
    return responses.html(templates.render("sign_in.html", site=documents.site()))


def error(problem: Problem, slug: str | None) -> Response:
    """A problem as a document; `slug` if a page could be made there."""
    body = documents.error(problem.status, problem.detail, slug)
    return responses.html(body, problem.status, problem.headers)


def _fetch(slug: str) -> Entry:
    token = _lease(slug)
    entry = documents.entry(_stored(slug))
    with _without_cache_if_it_fails(slug):
        _cache().fill(slug, entry, token)
    return entry


def _lease(slug: str) -> str:
    with _without_cache_if_it_fails(slug):
        return _cache().lease(slug)
    return ""


def _cached(slug: str) -> Entry | None:
    with _without_cache_if_it_fails(slug):
        return _cache().get(slug)
    return None


@contextmanager
def _without_cache_if_it_fails(slug: str) -> Iterator[None]:
    try:
        yield
    except RedisError as failure:
        telemetry.log("WARNING", "cache unavailable", slug=slug, reason=str(failure))


def _stored(slug: str) -> Page:
    with shards.owning(slug).connect() as connection:
        found = pages.find(connection, slug)
    if found is None:
        raise problems.not_found(f"page {slug}")
    return found


def _cache() -> PageCache:
    return PageCache(redis_client.connect(settings.current().cache_url))
