"""What is at an address, beyond pages that are in the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pages import documents, hits, replies
from sheaf import slugs, telemetry
from sheaf.caching.entry import Entry
from sheaf.http import problems, responses
from sheaf.http.problems import Problem
from sheaf.http.requests import Request
from sheaf.http.responses import Response
from sheaf.rendering import static

_ROBOTS = "User-agent: *\nDisallow: /-/edit/\nDisallow: /-/history/\nDisallow: /api/\n"


def answer(request: Request, how: str, now: float) -> dict[str, Any]:
    """The answer to a request that no hit in the cache could give; `how` says why (see `hits`)."""
    try:
        found = _find(request, how, now)
    except Exception as error:
        problem = problems.as_problem(error)
        if problem.status == 500:
            raise
        if problem.status == 503:
            telemetry.log("WARNING", "database unavailable", path=request.path)
        found = _show(problem, request.path)
    return replies.of(found, request, now) if isinstance(found, Entry) else found.payload()


def apologize(request: Request) -> dict[str, Any]:
    """The answer to a request that met a fault of ours."""
    return _show(problems.internal(), request.path).payload()


def _find(request: Request, how: str, now: float) -> Entry | Response:
    if how == hits.FOREIGN:
        raise problems.wrong_door()
    if request.path.startswith("/api/"):
        raise problems.not_found("such address, or not with this method")
    if request.method not in ("GET", "HEAD"):
        raise problems.method_not_allowed("GET, HEAD")
    return _site_file(request) or _page(request, how, now)


def _page(request: Request, how: str, now: float) -> Entry | Response:
    if request.path != "/" and request.path.endswith("/"):
        return responses.redirect(documents.path(slugs.parse(request.path.strip("/"))))
    name = hits.slug_at(request.path)
    if name.endswith(".md"):
        return documents.source(slugs.parse(name.removesuffix(".md")))
    return documents.page(slugs.parse(name), how == hits.NEWEST, now)


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
    return documents.file(file)


def _favicon(_rest: str) -> Response:
    file = static.read("favicon.svg")
    headers = {"content-type": file.media_type, "cache-control": "max-age=86400"}
    return Response(200, headers, file.body.decode())


def _robots(_rest: str) -> Response:
    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "max-age=3600"}
    return Response(200, headers, _ROBOTS)


_SITE_FILES: dict[str, Callable[[str], Entry | Response]] = {
    "/-/static/": _static,
    "/-/edit/": lambda rest: documents.editor(slugs.parse(rest)),
    "/-/sign-in": lambda _rest: documents.sign_in(),
    "/robots.txt": _robots,
    "/favicon.svg": _favicon,
}


def _show(problem: Problem, path: str) -> Response:
    if path.startswith("/api/"):
        return responses.problem(problem)
    return documents.error(problem)
