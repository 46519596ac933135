"""What is promised to readers, broken on purpose: what the checker must be able to see.

Each replaces parts of the library in this process, or has old answers served, so it is for a
process under attack only.
"""

import time
from collections.abc import Callable, Iterable
from math import inf
from typing import TYPE_CHECKING, Any

from sheaf.caching import near
from sheaf.caching.versioned import VersionedCache
from sheaf.http.requests import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    Application = Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]

# Each with a word of the violation that is to be found.
NAMES = {
    "no-limit": "who said that he knew",
    "no-bound": "s after version",
    "no-bound-in-outages": "s after version",
    "no-publication": "s after version",
    "old-lists": "was shown by the database",
}
_OLD_SECONDS = 0.5


def applied(mutation: str | None, application: "Application") -> "Application":
    """The application with what a mutation makes of it; None leaves it whole."""
    if mutation == "no-limit":
        Request.known_version = property(lambda _: 0)  # type: ignore[assignment, method-assign]
        Request.names_version = property(lambda _: False)  # type: ignore[assignment, method-assign]
    elif mutation == "no-bound":
        near._REMEMBERED_SECONDS = near._FLOOD_SECONDS = inf
    elif mutation == "no-bound-in-outages":
        near._REMEMBERED_SECONDS_WHILE_DOWN = inf
    elif mutation == "no-publication":
        VersionedCache.publication = _keep_to_itself(VersionedCache.publication)  # type: ignore[method-assign]
    elif mutation == "old-lists":
        return OldLists(application)
    return application


def _keep_to_itself(publication: Callable[..., Any]) -> Callable[..., Any]:
    """Publish under a key that nobody reads."""

    def elsewhere(cache: VersionedCache, key: str, *rest: Any) -> Any:
        return publication(cache, f"{key}?nobody", *rest)

    return elsewhere


class OldLists:
    """Serves lists and searches again that it has served a moment ago."""

    def __init__(self, application: "Application") -> None:
        self._application = application
        self._kept: dict[str, tuple[float, tuple[Any, ...], list[bytes]]] = {}

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve one request."""
        path = environ["PATH_INFO"]
        if path not in ("/api/pages", "/api/search"):
            return self._application(environ, start_response)
        made, started, body = self._kept.get(path, (-inf, (), []))
        if time.monotonic() - made > _OLD_SECONDS:
            started, body = self._ask(environ)
            self._kept[path] = time.monotonic(), started, body
        start_response(*started)
        return body

    def _ask(self, environ: "WSGIEnvironment") -> tuple[tuple[Any, ...], list[bytes]]:
        started: list[tuple[Any, ...]] = []
        body = list(self._application(environ, lambda *how: started.append(how)))  # type: ignore[arg-type]
        return started[0], body
