"""What is at an address, beyond pages that are in the cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from http import HTTPStatus

from pages import cached
from sheaf import settings, slugs, telemetry
from sheaf.caching.entry import Entry
from sheaf.database.outages import Unavailable
from sheaf.hashing import content_tag
from sheaf.http import documents, problems, responses
from sheaf.http.requests import Request
from sheaf.http.responses import Response
from sheaf.pages import addresses, lookups, page_cache, read_through, tree
from sheaf.pages.errors import Unaddressed
from sheaf.pages.tree import Folder
from sheaf.rendering import static, templates
from sheaf.rendering.static import StaticFile

_EDITOR = "/-/edit/"
# What is shown of a folder that has no page; the tree has all.
_MOST_BELOW = 200
# What has a page of its own for each page, or for whatever is asked.
_NOT_CRAWLED = (
    *(f"/-/{view}/" for view in ("edit", "history", "diff", "source", "move", "similar")),
    *("/-/new", "/api/"),
)
_ROBOTS = "\n".join(["User-agent: *", *(f"Disallow: {path}" for path in _NOT_CRAWLED), ""])
_NO_ROBOTS = "User-agent: *\nDisallow: /\n"
_SITEMAP = "\nSitemap: {}/sitemap.xml\n"


def answer(request: Request, how: str, now: float) -> Response:
    """The answer to a request that no cache hit could give, and why (see `cached`)."""
    try:
        _check(request, how)
        found = _site_file(request) or _page_or_source(request, how, now)
    except slugs.BadSlug as error:
        found = _nothing(request.path, error)
    except Exception as error:
        problem = problems.as_problem(error)
        if problem.status == 500:
            raise
        if problem.status == 503:
            why = telemetry.reason(error)
            telemetry.log("WARNING", "unavailable", path=request.path, reason=why)
        found = documents.problem(problem, request.path)
    return responses.of(found, request, now) if isinstance(found, Entry) else found


def _nothing(path: str, error: slugs.BadSlug) -> Response:
    """A name that no page may have is no bad name to ask for: nothing is there."""
    if isinstance(error, slugs.Reserved):
        return documents.problem(problems.not_found("such address"), path)
    return documents.misnamed(path.removeprefix(_EDITOR).strip("/").removesuffix(".md"))


def apologize(request: Request) -> Response:
    """The answer to a request that met a fault of ours."""
    return documents.problem(problems.internal(), request.path)


def _check(request: Request, how: str) -> None:
    """Raise the Problem of a request that is for nothing here, whatever the address."""
    if how == cached.FOREIGN:
        raise problems.wrong_door()
    if request.path.startswith("/api/"):
        raise problems.not_found("such address")
    if request.method not in ("GET", "HEAD"):
        raise problems.method_not_allowed("GET, HEAD")


def _page_or_source(request: Request, how: str, now: float) -> Entry | Response:
    if request.path != "/" and request.path.endswith("/"):
        return responses.redirect(templates.page_path(slugs.parse(request.path.strip("/"))))
    name = cached.slug_at(request.path)
    if name.endswith(".md"):
        return _source(slugs.parse(name.removesuffix(".md")), request, now)
    if request.wants_markdown:
        return _source(slugs.parse(name), request, now)
    return _page(slugs.parse(name), request, how, now)


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
    if not settings.current().indexed:
        return Response(200, headers, _NO_ROBOTS)
    try:
        return Response(200, headers, _ROBOTS + _SITEMAP.format(addresses.base()))
    except (Unaddressed, Unavailable):
        return Response(200, headers, _ROBOTS)


def _page(slug: str, request: Request, how: str, now: float) -> Entry:
    """The page, or that there is none. Raises NotYet, or Unavailable."""
    known = request.known_version
    if how == cached.BEHIND:
        known = max(known, page_cache.newest(slug))
    # One that is not fresh any more was found to be no older than what the reader knows of.
    doubted = request.wants_newest or (known > 0 and how != cached.STALE)
    return read_through.page(slug, partial(_make, slug), now, known, doubted=doubted)


def _make(slug: str) -> Entry:
    page = lookups.at(slug)
    return documents.of(slug, page, None if page else _below(slug))


def _below(folder: str) -> Folder | None:
    # A database that does not answer hides no more than what it has.
    try:
        return tree.look(folder, _MOST_BELOW)
    except Unavailable as error:
        telemetry.log("WARNING", "folder not listed", slug=folder, reason=telemetry.reason(error))
        return None


def _source(slug: str, request: Request, now: float) -> Entry:
    """The page's Markdown as its authors wrote it, or that there is none. Raises as `_page`."""
    page, how = cached.look(slug, request, now)
    page = page or _page(slug, request, how, now)
    if page.status == HTTPStatus.PERMANENT_REDIRECT:
        return page.with_header("location", _source_of(page.headers["location"]))
    if page.status != 200:
        return page
    if not page.version:
        return documents.absent(slug)
    version = page.version
    make = partial(_make_source, slug, version)
    return read_through.immutable(slug, f"source={version}", make, now)


def _source_of(path: str) -> str:
    return templates.source_path(settings.start_page()) if path == "/" else f"{path}.md"


def _make_source(slug: str, version: int) -> Entry:
    return documents.source(slug, lookups.revision(slug, version))


@cache
def _file(found: StaticFile) -> Entry:
    """A static file."""
    headers = {
        "etag": f'"{content_tag(found.body)}.{documents.STORED_ENCODING}"',
        "cache-control": responses.IMMUTABLE,
        "vary": "accept-encoding",
    }
    return documents.ready(found.body, found.media_type, headers, quality=11)


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
    _EDITOR: lambda rest: _editor(slugs.parse(rest)),
    "/-/sign-in": lambda _rest: _sign_in(),
    "/robots.txt": _robots,
    "/feed.atom": lambda _rest: responses.redirect("/-/feed.atom"),
    "/favicon.svg": _favicon,
}
