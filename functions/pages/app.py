"""Answers for readers' browsers: the address decides what is read, every answer can be cached.

A page in the cache is found by `cached`, which loads next to nothing; the rest is for `routes`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from pages import cached
from sheaf import settings, telemetry
from sheaf.http import origin, responses
from sheaf.http.requests import Request
from sheaf.http.responses import Response

TYPE_CHECKING = False  # typing itself takes 4 ms to load
if TYPE_CHECKING:
    from typing import Any

# What is counted of a request, by how the page was looked for.
_METRICS = {
    cached.HIT: ("CacheHit",),
    cached.MEMORY: ("CacheHit", "MemoryHit"),
    cached.MISS: ("CacheMiss",),
    cached.STALE: ("CacheMiss", "CacheStale"),
    cached.NEWEST: ("CacheBypass",),
    cached.BEHIND: ("CacheBypass",),
    cached.UNEXPECTED: ("CacheMiss", "ReaderFallback"),
    cached.DOWN: ("CacheDown",),
}


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """The answer to one request."""
    now = time.time()
    request = Request(event)
    how = cached.NO_PAGE
    try:
        entry, how = cached.find(request, now) if _is_ours(request) else (None, cached.FOREIGN)
        if entry:
            answer = responses.of(entry, request, now)
        else:
            answer = _answer((request, how, now), context)
    except Exception:  # noqa: BLE001 - the last resort: log it, tell the reader nothing of it
        telemetry.log("ERROR", "unhandled", path=request.path)
        answer = _apologize(request)
    _report(request, context, now, how, answer.status)
    return responses.finish(answer.payload(), request.encodings)


def _is_ours(request: Request) -> bool:
    return origin.is_ours(request.headers, settings.current().origin_keys)


@telemetry.faults_are_logged
def _answer(asked: tuple[Request, str, float], _context: Any) -> Response:
    """What no cached page is: that alone may run out of time."""
    from pages import routes  # noqa: PLC0415 - a cached page needs none of what it loads

    return routes.answer(*asked)


def _apologize(request: Request) -> Response:
    from pages import routes  # noqa: PLC0415

    return routes.apologize(request)


def _report(request: Request, context: Any, now: float, how: str, status: int) -> None:
    metrics = _METRICS.get(how, ())
    if status == 503:
        metrics = (*metrics, "Shed")
    milliseconds = round((time.time() - now) * 1000, 3)
    fields = {"method": request.method, "path": request.path, "status": status, "cache": how}
    telemetry.request(context, now, metrics, **fields, milliseconds=milliseconds)
