"""What a handler returned, as the HTTP response API Gateway makes of it."""

import base64
import binascii
import json
from http import HTTPStatus
from typing import Any

from werkzeug import Response
from werkzeug.datastructures import Headers

from sheaf.http.responses import safe

PROBLEMS = {
    HTTPStatus.BAD_REQUEST: "bad-request",
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.REQUEST_TIMEOUT: "too-slow",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-large",
    HTTPStatus.REQUEST_URI_TOO_LONG: "too-large",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "too-large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}
HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"www-authenticate": "Bearer"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"retry-after": "30"},
}


class MalformedResponse(ValueError):
    """The handler's answer is not what API Gateway accepts."""


def refusal(status: HTTPStatus) -> Response:
    """Return the gateway's own answer: API Gateway's "message" within a problem document."""
    problem = {
        "type": f"urn:sheaf:problem:{PROBLEMS[status]}",
        "title": status.phrase,
        "status": status,
        "detail": f"{status.phrase}, says the gateway.",
        "message": status.phrase,
    }
    headers = safe({"cache-control": "no-store", **HEADERS.get(status, {})})
    return Response(json.dumps(problem), status, headers, content_type="application/problem+json")


def convert(result: Any, method: str) -> Response:
    """The response to a `method` request; raises MalformedResponse."""
    if not (isinstance(result, dict) and "statusCode" in result):
        text = result if isinstance(result, str) else json.dumps(result)
        return Response(text, content_type="application/json")
    body = _body(result)
    response = Response(body or None, _status(result["statusCode"]), _headers(result))
    if body or method != "HEAD":
        response.content_length = len(body)
    return response


def _status(value: Any) -> int:
    try:
        status = int(value)
    except (TypeError, ValueError):
        status = 0
    if not 200 <= status <= 599:
        raise MalformedResponse(f"statusCode is {value!r}")
    return status


def _headers(result: dict[str, Any]) -> Headers:
    given, cookies = result.get("headers") or {}, result.get("cookies") or []
    if not isinstance(given, dict) or not isinstance(cookies, list):
        raise MalformedResponse("headers must be an object and cookies a list")
    headers = Headers()
    for name, value in given.items():
        if not isinstance(value, str | int | float):
            raise MalformedResponse(f"header {name} is {value!r}")
        headers[name] = value if isinstance(value, str) else json.dumps(value)
    for cookie in cookies:
        headers.add("Set-Cookie", cookie)
    return headers


def _body(result: dict[str, Any]) -> bytes:
    body = result.get("body") or ""
    if not isinstance(body, str):
        raise MalformedResponse(f"body is of type {type(body).__name__}")
    if not result.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedResponse("body is not base64") from error
