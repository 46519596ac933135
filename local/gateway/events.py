"""HTTP requests as API Gateway's payload format 2.0."""

import base64
import secrets
import time
from typing import Any
from urllib.parse import parse_qsl

from werkzeug import Request

from local.gateway.routing import Match

Event = dict[str, Any]
TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
# Cookies have a field of their own; the others concern one connection only.
LEFT_OUT = ("cookie", "connection", "keep-alive", "transfer-encoding", "upgrade")


def decoded_path(request: Request) -> str:
    """The path as HTTP APIs deliver it: with %-escapes decoded, %2F included."""
    path: str = request.environ["PATH_INFO"]
    return path.encode("latin-1").decode(errors="replace") or "/"


def build(request: Request, match: Match, authorization: Event | None) -> Event:
    """The event for `request`; `authorization` is what the route's authorizer found."""
    optional = {
        "cookies": [each.strip() for each in request.headers.get("cookie", "").split(";") if each],
        "queryStringParameters": _query(request),
        "pathParameters": match.parameters,
    }
    return {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": decoded_path(request),
        "rawQueryString": request.query_string.decode("latin-1"),
        **{name: value for name, value in optional.items() if value},
        "headers": _headers(request),
        "requestContext": _context(request, match, authorization),
        **_body(request),
    }


def _query(request: Request) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(request.query_string.decode("latin-1"), keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _headers(request: Request) -> dict[str, str]:
    headers = {name.lower(): value for name, value in request.headers}
    for name in LEFT_OUT:
        headers.pop(name, None)
    if body := request.get_data():
        headers["content-length"] = str(len(body))
    client = request.remote_addr or ""
    forwarded = headers.get("x-forwarded-for")
    return headers | {
        "x-amzn-trace-id": f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}",
        "x-forwarded-for": f"{forwarded}, {client}" if forwarded else client,
        "x-forwarded-port": str(request.environ["SERVER_PORT"]),
        "x-forwarded-proto": request.scheme,
    }


def _context(request: Request, match: Match, authorization: Event | None) -> Event:
    now = time.time()
    domain = request.host.partition(":")[0]
    return {
        "accountId": "123456789012",
        "apiId": "local",
        **({"authorizer": {"jwt": authorization}} if authorization else {}),
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": decoded_path(request),
            "protocol": request.environ["SERVER_PROTOCOL"],
            "sourceIp": request.remote_addr or "",
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": secrets.token_urlsafe(12),
        "routeKey": match.route.key,
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }


def _body(request: Request) -> Event:
    body = request.get_data()
    if not body:
        return {"isBase64Encoded": False}
    kind = request.mimetype or "text/plain"
    if kind.startswith("text/") or kind in TEXT_TYPES:
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass  # not the text it claims to be
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
