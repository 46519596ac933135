"""An entry as the answer to a request: in an encoding the reader takes, or 304."""

from __future__ import annotations

from sheaf.caching.entry import Entry
from sheaf.http import encodings
from sheaf.http.requests import Request
from sheaf.http.validators import http_date, matches, unchanged_since

TYPE_CHECKING = False  # typing itself takes 4 ms to load
if TYPE_CHECKING:
    from typing import Any


def of(entry: Entry, request: Request, now: float) -> dict[str, Any]:
    """The answer in payload format 2.0; `now` is Unix time."""
    encoding = encodings.choose(request.encodings)
    headers = _headers(entry, encoding, now)
    if _has_it(entry, request, headers):
        return _payload(304, _of_unmodified(headers), "", False)
    return _payload(entry.status, headers, *_body(entry, encoding))


def _payload(status: int, headers: dict[str, str], body: str, is_base64: bool) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": headers,
        "body": body,
        "isBase64Encoded": is_base64,
    }


def _headers(entry: Entry, encoding: str, now: float) -> dict[str, str]:
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


def _body(entry: Entry, encoding: str) -> tuple[str, bool]:
    if encoding == "br" or "content-encoding" not in entry.headers:
        return entry.body.decode("ascii"), True
    from base64 import b64decode, b64encode  # noqa: PLC0415 - for the few who take no brotli

    data = encodings.decompress(b64decode(entry.body), "br")
    if encoding == "identity":
        return data.decode(), False
    return b64encode(encodings.compress(data, encoding, 0)).decode("ascii"), True
