"""Requests as API Gateway would send them, in payload format 2.0."""

import time
import uuid
from typing import Any

from sheaf import settings
from sheaf.http import origin


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
