"""What each function is asked before it gets traffic, and what it has to answer."""

import time
import uuid
from collections.abc import Callable
from typing import Any

from sheaf import settings
from sheaf.http import origin
from sheaf.rendering import static

# Asks the version that is tried, and returns what it answers.
Ask = Callable[[object], Any]


class Unfit(Exception):
    """A version does not answer as it should; the message says to what, and what it answers."""


def hold(function: str, ask: Ask) -> None:
    """Try a version of the function of this name; raises Unfit."""
    for name, attempt in _TRIALS.items():
        # CloudFormation calls it after the stack, after us, and something of its own.
        if f"-{name}-" in function:
            attempt(ask)
            return
    raise Unfit(f"nobody knows what {function} should answer")


def _pages(ask: Ask) -> None:
    home = _answer(ask, "GET", "/", 200, 404, 410)  # whether there is a home page is up to editors
    kind = home.get("headers", {}).get("content-type", "")
    if not kind.startswith("text/html"):
        raise Unfit(f"GET / is answered in {kind or 'no type'}, not in HTML")
    _answer(ask, "GET", static.url("style.css"), 200)


def _listing(ask: Ask) -> None:
    _answer(ask, "GET", "/api/health", 200)
    _answer(ask, "GET", "/api/pages", 200)


def _writes(ask: Ask) -> None:
    # It starts, and lets nobody in. Neither would this change anything if it did: it says of no
    # version that it is the one to be replaced.
    _answer(ask, "PUT", "/api/pages/home", 401)


def _upkeep(ask: Ask) -> None:
    answer = ask({"dry_run": True})
    if not (isinstance(answer, dict) and {"relayed", "removed", "purge"} <= answer.keys()):
        raise Unfit(f"a dry run is answered with {answer}")


def _answer(ask: Ask, method: str, path: str, *statuses: int) -> dict[str, Any]:
    answer = ask(event(method, path))
    if not isinstance(answer, dict) or answer.get("statusCode") not in statuses:
        wanted = " or ".join(map(str, statuses))
        raise Unfit(f"{method} {path} should be answered {wanted}, not {str(answer)[:500]}")
    return answer


_TRIALS: dict[str, Callable[[Ask], None]] = {
    "PagesFunction": _pages,
    "ListingFunction": _listing,
    "WritesFunction": _writes,
    "UpkeepFunction": _upkeep,
}


def event(method: str, path: str) -> dict[str, Any]:
    """A request without claims, which has come by way of our own CDN; a PUT has a JSON body."""
    headers = {"accept": "*/*", "host": "gate.invalid", "user-agent": "sheaf-gate"}
    for key in settings.current().origin_keys[:1]:
        headers[origin.HEADER] = key
    body = {}
    if method == "PUT":
        headers["content-type"] = "application/json"
        body["body"] = "{}"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": _context(method, path),
        **body,
        "isBase64Encoded": False,
    }


def _context(method: str, path: str) -> dict[str, Any]:
    return {
        "accountId": "anonymous",
        "apiId": "gate",
        "domainName": "gate.invalid",
        "domainPrefix": "gate",
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "sheaf-gate",
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": "$default",
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
        "timeEpoch": int(time.time() * 1000),
    }
