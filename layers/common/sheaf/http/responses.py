"""Responses: answers in payload format 2.0, with the headers that their kind always carries.

Imported for every cached page, so it imports little.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from sheaf import settings
from sheaf.http import encodings
from sheaf.http.conditions import http_date, matches, unchanged_since
from sheaf.urls import Url

TYPE_CHECKING = False  # typing itself takes 4 ms to load
if TYPE_CHECKING:
    from typing import Any

    from sheaf.caching.entry import Entry
    from sheaf.http.problems import Problem
    from sheaf.http.requests import Request

# Lambda hands no larger answer on, as JSON.
MAX_ANSWER_BYTES = 6 * 1024 * 1024 + 100
REVALIDATE = "no-cache"
IMMUTABLE = "max-age=31536000, immutable"
_PRIVATE = "no-store"
# Of an address at which programs find a page's source.
NEGOTIATED = "accept, accept-encoding"
# A page may be kept by shared caches for a minute, and shown by any cache a little longer while it
# asks again. CloudFront, which we purge, goes by s-maxage; a CDN that knows RFC 9213 reads
# cdn-cache-control. If we do not answer, old beats nothing.
PAGE = {
    "cache-control": "max-age=0, s-maxage=60, stale-while-revalidate=60, stale-if-error=86400",
    "cdn-cache-control": "max-age=60, stale-while-revalidate=600, stale-if-error=86400",
    "vary": NEGOTIATED,
}
# What is of one version does not change. The CDN can be told to forget it, and browsers cannot.
OF_VERSION = {
    "cache-control": "max-age=600, s-maxage=86400, stale-if-error=86400",
    "vary": "accept-encoding",
}
# Where a page was, which has moved: it may be made again there any moment.
MOVED = {**PAGE, "cache-control": "max-age=0, must-revalidate, s-maxage=60"}
# Where no page is there may be one any moment.
ABSENT = {"cache-control": "max-age=0, s-maxage=10", "vary": NEGOTIATED}


# What each process keeps for readers who take no brotli.
_RECODED_CHARACTERS = 8 * 1024 * 1024


class Response:
    """An answer: its status, its headers (names in lower case) with those that all have, its body.

    `is_base64` says that the body is bytes, in base64.
    """

    __slots__ = ("body", "headers", "is_base64", "status")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        *,
        is_base64: bool = False,
    ) -> None:
        self.status = status
        self.headers = safe(headers or {})
        self.body = body
        self.is_base64 = is_base64

    def payload(self) -> dict[str, Any]:
        """The answer as a handler returns it to API Gateway, once it is finished."""
        return {
            "statusCode": self.status,
            "headers": self.headers,
            "body": self.body,
            "isBase64Encoded": self.is_base64,
        }


def of(entry: Entry, request: Request, now: float) -> Response:
    """The answer that a cached entry is: in an encoding that the reader takes, or 304."""
    encoding = encodings.choose(request.encodings)
    headers = _headers_in(entry, encoding, now)
    if _has_it(entry, request, headers):
        return Response(304, _of_unmodified(headers))
    body, is_base64 = _body_in(entry, encoding)
    return Response(entry.status, headers, body, is_base64=is_base64)


def _headers_in(entry: Entry, encoding: str, now: float) -> dict[str, str]:
    headers = entry.headers.copy()
    if encoding != "br" and "content-encoding" in headers:
        headers["content-encoding"] = encoding
        if encoding == "identity":
            del headers["content-encoding"]
        if "etag" in headers:
            headers["etag"] = headers["etag"].replace('.br"', f'.{encoding}"')
    # The clock of Last-Modified has seconds: until one is over, it may have to tell two versions.
    if entry.modified and now - entry.modified >= 1:
        headers["last-modified"] = http_date(entry.modified)
    return headers


def _has_it(entry: Entry, request: Request, headers: dict[str, str]) -> bool:
    """Whether the reader has this very representation (RFC 9110, 13.2.2)."""
    if entry.status != 200:
        return False
    if request.if_none_match is not None:
        return matches(request.if_none_match, headers.get("etag", ""))
    return "last-modified" in headers and unchanged_since(
        request.headers.get("if-modified-since"), entry.modified
    )


def _of_unmodified(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.startswith("content-")}


def _body_in(entry: Entry, encoding: str) -> tuple[str, bool]:
    if encoding == "br" or "content-encoding" not in entry.headers:
        return entry.body.decode("ascii"), True
    return _recoder().recode(entry.body, encoding), encoding != "identity"


@cache
def _recoder() -> encodings.Recoder:
    return encodings.Recoder(_RECODED_CHARACTERS)


# A smaller body is one packet in any encoding.
_LEAST_COMPRESSED = 1000
_COMPRESSIBLE = (
    *("text/", "application/json", "application/problem+json"),
    *("image/svg+xml", "application/xml", "application/atom+xml"),
)
# Of brotli: another one would make a list a tenth smaller and take three times as long.
_QUALITY = 4


def finish(payload: dict[str, Any], accepted: str) -> dict[str, Any]:
    """An answer in an encoding that the client takes; a problem if Lambda would not hand it on."""
    if payload["isBase64Encoded"] or len(payload["body"]) < _LEAST_COMPRESSED:
        return payload
    payload = _compressed(payload, accepted)
    # As JSON no character takes more than six bytes, and all else not as many as that.
    if len(payload["body"]) * 6 + 100_000 < MAX_ANSWER_BYTES or _size(payload) <= MAX_ANSWER_BYTES:
        return payload
    from sheaf.http import problems  # noqa: PLC0415 - for next to nobody

    return problem(problems.answer_too_large(MAX_ANSWER_BYTES)).payload()


def _compressed(payload: dict[str, Any], accepted: str) -> dict[str, Any]:
    headers = payload["headers"]
    if not headers.get("content-type", "").startswith(_COMPRESSIBLE):
        return payload
    headers = {"vary": "accept-encoding", **headers}
    encoding = encodings.choose(accepted)
    if encoding == "identity":
        return {**payload, "headers": headers}
    from base64 import b64encode  # noqa: PLC0415 - not for a page in the cache, which has it done

    body = encodings.compress(payload["body"].encode(), encoding, _QUALITY)
    return {
        **payload,
        "headers": {**headers, "content-encoding": encoding},
        "body": b64encode(body).decode("ascii"),
        "isBase64Encoded": True,
    }


def _size(payload: dict[str, Any]) -> int:
    return len(json.dumps(payload, ensure_ascii=False).encode(errors="surrogatepass"))


_SAFETY = {
    "strict-transport-security": "max-age=31536000",
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
    headers = {"etag": etag, "cache-control": cache_control, "vary": "accept-encoding"}
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


def see_other(location: str, cache_control: str = _PRIVATE) -> Response:
    """303: go on there, this time."""
    return Response(303, {"location": location, "cache-control": cache_control})


def problem(error: Problem) -> Response:
    """Problem details (RFC 9457)."""
    headers = {"content-type": "application/problem+json", "cache-control": _PRIVATE}
    return Response(error.status, {**headers, **error.headers}, encode(error.document()))


def encode(value: object) -> str:
    """Compact JSON; what JSON does not know is written as text (ISO 8601 for instants)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_text)


def _text(value: Any) -> str:
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


def _own_style(accent: str) -> str:
    if not accent:
        return ""
    from sheaf.rendering import accents  # noqa: PLC0415 - not for a page in the cache

    return f" {accents.source(accent)}"


@cache
def policy() -> dict[str, str]:
    """The content security policy of HTML: nothing inline but the accent, and but for
    images nothing from elsewhere.

    No script makes HTML of text, but for the editor, which shows previews that the site has made.
    """
    current = settings.current()
    token = Url(current.token_url)
    token_origin = f" {token.scheme}://{token.authority}" if token.authority else ""
    return {
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; "
            f"style-src 'self'{_own_style(current.accent)}; img-src 'self' data: https:; "
            "require-trusted-types-for 'script'; trusted-types sheaf; "
            f"connect-src 'self'{token_origin}; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )
    }
