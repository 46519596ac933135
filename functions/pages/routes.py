"""What is at an address, beyond pages that are in the cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from redis import RedisError

from pages import cached
from sheaf import slugs, telemetry
from sheaf.caching.entry import Entry
from sheaf.database.outages import Unavailable
from sheaf.hashing import content_tag
from sheaf.http import documents, problems, responses
from sheaf.http.requests import Request
from sheaf.http.responses import Response
from sheaf.pages import page_cache, reads
from sheaf.rendering import static, templates
from sheaf.rendering.static import StaticFile
from sheaf.sharding import shards

_ROBOTS = "User-agent: *\nDisallow: /-/edit/\nDisallow: /-/history/\nDisallow: /api/\n"


def answer(request: Request, how: str, now: float) -> Response:
    """The answer to a request that no cache hit could give, and why (see `cached`)."""
    try:
        found = _find(request, how, now)
    except Exception as error:
        problem = problems.as_problem(error)
        if problem.status == 500:
            raise
        if problem.status == 503:
            why = telemetry.reason(error)
            telemetry.log("WARNING", "unavailable", path=request.path, reason=why)
        found = documents.problem(problem, request.path)
    return cached.response(found, request, now) if isinstance(found, Entry) else found


def apologize(request: Request) -> Response:
    """The answer to a request that met a fault of ours."""
    return documents.problem(problems.internal(), request.path)


def _find(request: Request, how: str, now: float) -> Entry | Response:
    if how == cached.FOREIGN:
        raise problems.wrong_door()
    if request.path.startswith("/api/"):
        raise problems.not_found("such address, or not with this method")
    if request.method not in ("GET", "HEAD"):
        raise problems.method_not_allowed("GET, HEAD")
    return _site_file(request) or _page_or_source(request, how, now)


def _page_or_source(request: Request, how: str, now: float) -> Entry | Response:
    if request.path != "/" and request.path.endswith("/"):
        return responses.redirect(templates.page_path(slugs.parse(request.path.strip("/"))))
    name = cached.slug_at(request.path)
    if name.endswith(".md"):
        return _source(slugs.parse(name.removesuffix(".md")))
    return _page(slugs.parse(name), how == cached.NEWEST, now)


def _site_file(request: Request) -> Entry | Response | None:
    for prefix, found in _SITE_FILES.items():
        if request.path == prefix or (prefix.endswith("/") and request.path.startswith(prefix)):
            return found(request.path.removeprefix(prefix))
    if request.path.startswith("/-/"):
        raise problems.not_found("such address")
    return None


def _static(name: str) -> Entry:
    file = static.find(name)
    if file is None:
        raise problems.not_found("such file")
    return _file(file)


def _favicon(_rest: str) -> Response:
    file = static.read("favicon.svg")
    headers = {"content-type": file.media_type, "cache-control": "max-age=86400"}
    return Response(200, headers, file.body.decode())


def _robots(_rest: str) -> Response:
    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "max-age=3600"}
    return Response(200, headers, _ROBOTS)


def _page(slug: str, newest: bool, now: float) -> Entry:
    """The page, or that there is none; `newest` asks storage, whatever the cache has.

    Raises Unavailable if neither cache nor storage can say. `now` is Unix time.
    """
    near, key = page_cache.near(), page_cache.key(slug)
    try:
        entry = _read_through(key, cache(lambda: _make(slug)), newest, now)
    except Unavailable as failure:
        known = near.recall(key)
        if known is None:
            raise
        telemetry.log(
            "WARNING", "answered from memory", slug=slug, reason=telemetry.reason(failure)
        )
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
        telemetry.log("WARNING", "cache unavailable", reason=telemetry.reason(failure))
        return make()


def _make(slug: str) -> Entry:
    return documents.of(slug, shards.read(slug, reads.read))


def _source(slug: str) -> Entry:
    """The page's Markdown as its authors wrote it, or that there is none; raises Unavailable."""
    found = shards.read(slug, reads.read)
    if found is None or found.state != "live":
        return documents.absent(slug, found.version if found else 0)
    text = found.body.encode()
    return _representation(text, "text/markdown; charset=utf-8", responses.REVALIDATE)


@cache
def _file(found: StaticFile) -> Entry:
    """A static file."""
    return _representation(found.body, found.media_type, responses.IMMUTABLE, quality=11)


def _representation(data: bytes, media_type: str, cache_control: str, quality: int = 5) -> Entry:
    headers = {
        "etag": f'"{content_tag(data)}.{documents.STORED_ENCODING}"',
        "cache-control": cache_control,
        "vary": "accept-encoding",
    }
    return documents.ready(data, media_type, headers, quality=quality)


def _editor(slug: str) -> Entry:
    """The editor for a page; its script loads the text and saves it through the API."""
    return _html(templates.render("edit.html", slug=slug, site=documents.site()))


def _sign_in() -> Entry:
    """Where signing in starts and ends."""
    return _html(templates.render("sign_in.html", site=documents.site()))


def _html(text: str) -> Entry:
    headers = {"cache-control": responses.REVALIDATE, "vary": "accept-encoding"}
    return documents.ready(
        text.encode(), "text/html; charset=utf-8", {**headers, **responses.policy()}
    )


_SITE_FILES: dict[str, Callable[[str], Entry | Response]] = {
    "/-/static/": _static,
    "/-/edit/": lambda rest: _editor(slugs.parse(rest)),
    "/-/sign-in": lambda _rest: _sign_in(),
    "/robots.txt": _robots,
    "/favicon.svg": _favicon,
}
