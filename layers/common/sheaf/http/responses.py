"""Responses: answers in payload format 2.0, with the headers that their kind always carries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from sheaf import settings
from sheaf.http.problems import Problem
from sheaf.http.validators import matches

REVALIDATE = "no-cache"
IMMUTABLE = "max-age=31536000, immutable"
_PRIVATE = "no-store"
# A page may be kept by shared caches for a minute, and shown by any cache a little longer while it
# asks again; ours, which we purge, reads cdn-cache-control. If we do not answer, old beats nothing.
PAGE = {
    "cache-control": "max-age=0, s-maxage=60, stale-while-revalidate=60, stale-if-error=86400",
    "cdn-cache-control": "max-age=60, stale-while-revalidate=600, stale-if-error=86400",
    "vary": "accept-encoding",
}
# Where no page is there may be one any moment.
ABSENT = {"cache-control": "max-age=0, s-maxage=10", "vary": "accept-encoding"}


@dataclass(frozen=True)
class Response:
    """An answer: status, headers (names in lower case), with those that all have, and text."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", safe(self.headers))

    def payload(self) -> dict[str, Any]:
        """The answer as a handler returns it to API Gateway."""
        return {
            "statusCode": self.status,
            "headers": self.headers,
            "body": self.body,
            "isBase64Encoded": False,
        }


_SAFETY = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


def safe(headers: Mapping[str, str]) -> dict[str, str]:
    """These headers, and those that every answer carries."""
    return {**_SAFETY, **headers}


def text(
    body: str, media_type: str, etag: str, if_none_match: str | None, cache_control: str
) -> Response:
    """A representation with a validator: 304 without a body when the client has it already."""
    headers = {"etag": etag, "cache-control": cache_control}
    if matches(if_none_match, etag):
        return Response(304, headers)
    return Response(200, {**headers, "content-type": media_type}, body)


def html(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A document that nobody need keep, under the site's content security policy."""
    common = {"content-type": "text/html; charset=utf-8", "cache-control": REVALIDATE}
    return Response(status, {**common, **policy(), **(headers or {})}, body)


def json_text(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer; instants and ids are written as text."""
    common = {"content-type": "application/json", "cache-control": REVALIDATE}
    return Response(status, {**common, **(headers or {})}, encode(value))


def redirect(location: str) -> Response:
    """308: the same thing has its address elsewhere, for ever."""
    return Response(308, {"location": location, "cache-control": REVALIDATE})


def problem(error: Problem) -> Response:
    """Problem details (RFC 9457)."""
    headers = {"content-type": "application/problem+json", "cache-control": _PRIVATE}
    return Response(error.status, {**headers, **error.headers}, encode(error.document()))


def encode(value: object) -> str:
    """Compact JSON; what JSON does not know is written as text (ISO 8601 for instants)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_text)


def _text(value: Any) -> str:
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


@cache
def policy() -> dict[str, str]:
    """The content security policy of HTML: nothing inline, nothing from elsewhere but images."""
    token = urlsplit(settings.current().token_url)
    token_origin = f" {token.scheme}://{token.netloc}" if token.netloc else ""
    return {
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; "
            f"connect-src 'self'{token_origin}; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )
    }
