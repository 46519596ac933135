"""Answers for readers' browsers: the address decides what is read, every answer can be cached."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from pages import documents
from sheaf import slugs, telemetry
from sheaf.rendering import static
from sheaf.web import problems, responses
from sheaf.web.problems import Problem
from sheaf.web.requests import Request
from sheaf.web.responses import Response

_ROBOTS = "User-agent: *\nDisallow: /-/edit/\nDisallow: /-/history/\nDisallow: /api/\n"


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """The answer to one request."""
    request = Request.of(event)
    try:
        response = _answer(request)
    except Problem as problem:
        response = _show(problem, request.path)
    except slugs.BadSlug as error:
        response = _show(problems.bad_request(str(error), "bad-slug"), request.path)
    except Exception:  # noqa: BLE001 - the last resort: log it, tell the reader nothing of it
        telemetry.log("ERROR", "unhandled", path=request.path)
        response = _show(problems.internal(), request.path)
    return response.payload()


def _answer(request: Request) -> Response:
    if request.path.startswith("/api/"):
        raise problems.not_found("such address, or not with this method")
    if request.method not in ("GET", "HEAD"):
        raise problems.method_not_allowed("GET, HEAD")
    return _site_file(request) or _page(request)


def _page(request: Request) -> Response:
    if request.path != "/" and request.path.endswith("/"):
        return responses.redirect(documents.path(slugs.parse(request.path.strip("/"))))
    name = request.path.removeprefix("/") or "home"
    if name.endswith(".md"):
        return documents.source(slugs.parse(name.removesuffix(".md")), request)
    return documents.page(slugs.parse(name), request)


def _site_file(request: Request) -> Response | None:
    for prefix, answer in _SITE_FILES.items():
        if request.path == prefix or (prefix.endswith("/") and request.path.startswith(prefix)):
            return answer(request, request.path.removeprefix(prefix))
    if request.path.startswith("/-/"):
        raise problems.not_found("such address")
    return None


def _static(request: Request, name: str) -> Response:
    file = static.find(name)
    if file is None:
        raise problems.not_found("such file")
    etag = f'"{file.hashed_name}"'
    return responses.text(
        file.body.decode(), file.media_type, etag, request.if_none_match, responses.IMMUTABLE
    )


def _favicon(_request: Request, _rest: str) -> Response:
    file = static.read("favicon.svg")
    return Response(
        200,
        {"content-type": file.media_type, "cache-control": "public, max-age=86400"},
        file.body.decode(),
    )


def _robots(_request: Request, _rest: str) -> Response:
    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "public, max-age=3600"}
    return Response(200, headers, _ROBOTS)


_SITE_FILES: dict[str, Callable[[Request, str], Response]] = {
    "/-/static/": _static,
    "/-/edit/": lambda _request, rest: documents.editor(slugs.parse(rest)),
    "/-/sign-in": lambda _request, _rest: documents.sign_in(),
    "/robots.txt": _robots,
    "/favicon.svg": _favicon,
}


def _show(problem: Problem, path: str) -> Response:
    if path.startswith("/api/"):
        return responses.problem(problem)
    missing = problem.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
    return documents.error(problem, _slug_at(path) if missing else None)


def _slug_at(path: str) -> str | None:
    try:
        return slugs.parse(path.removeprefix("/").removesuffix(".md") or "home")
    except slugs.BadSlug:
        return None
