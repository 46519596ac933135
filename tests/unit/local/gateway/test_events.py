import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug import Request
from werkzeug.test import EnvironBuilder

from local.gateway import events
from local.gateway.routing import Router
from local.gateway.template import Function, Route
from tests.waiting import PATIENCE

ROUTES = [
    Route("ANY", "/", Function("F", "m.f", 3, 128), None),
    Route("ANY", "/{slug+}", Function("F", "m.f", 3, 128), None),
]
Build = Callable[..., dict[str, Any]]


def build(*args: Any, authorization: dict[str, Any] | None = None, **kwargs: Any) -> dict[str, Any]:
    environ = EnvironBuilder(*args, **kwargs).get_environ() | {"REMOTE_ADDR": "192.0.2.1"}
    request = Request(environ)
    match = Router(ROUTES).match(request.method, events.decoded_path(request))
    assert match is not None
    return events.build(request, match, authorization)


def test_an_event_has_the_documented_form() -> None:
    claims = {"claims": {"sub": "alice", "scope": "a b"}, "scopes": ["a", "b"]}
    event = build(
        "/my/path",
        method="POST",
        base_url="http://abc.example.com",
        query_string="parameter1=value1&parameter1=value2&parameter2=v%C3%A9&empty=",
        headers=[
            ("Cookie", "cookie1=a; cookie2=b"),
            ("User-Agent", "agent"),
            ("X-Header", "value1,value2"),
            ("Connection", "close"),
        ],
        data='{"a": 1}',
        content_type="application/json; charset=utf-8",
        authorization=claims,
    )
    context = event["requestContext"]
    headers = event.pop("headers")
    assert headers.pop("x-amzn-trace-id").startswith("Root=1-")
    assert headers == {
        "content-length": "8",
        "content-type": "application/json; charset=utf-8",
        "host": "abc.example.com",
        "user-agent": "agent",
        "x-forwarded-for": "192.0.2.1",
        "x-forwarded-port": "80",
        "x-forwarded-proto": "http",
        "x-header": "value1,value2",
    }
    stamp, epoch, identifier = (context.pop(name) for name in ("time", "timeEpoch", "requestId"))
    assert time.strptime(stamp, "%d/%b/%Y:%H:%M:%S +0000")
    assert abs(epoch / 1000 - time.time()) < PATIENCE
    assert len(identifier) == 16
    assert event == {
        "version": "2.0",
        "routeKey": "ANY /{slug+}",
        "rawPath": "/my/path",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=v%C3%A9&empty=",
        "cookies": ["cookie1=a", "cookie2=b"],
        "queryStringParameters": {
            "parameter1": "value1,value2",
            "parameter2": "vé",
            "empty": "",
        },
        "pathParameters": {"slug": "my/path"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "authorizer": {"jwt": claims},
            "domainName": "abc.example.com",
            "domainPrefix": "abc",
            "http": {
                "method": "POST",
                "path": "/my/path",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "routeKey": "ANY /{slug+}",
            "stage": "$default",
        },
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }


def test_what_a_request_lacks_the_event_lacks() -> None:
    event = build("/")
    absent = {"cookies", "queryStringParameters", "pathParameters", "body", "stageVariables"}
    assert absent.isdisjoint(event)
    assert event["rawQueryString"] == ""
    assert event["isBase64Encoded"] is False
    assert "authorizer" not in event["requestContext"]


def test_paths_are_decoded() -> None:
    event = build("/caf%C3%A9/a%20b%2Fc/")
    assert event["rawPath"] == "/café/a b/c/"
    assert event["requestContext"]["http"]["path"] == "/café/a b/c/"
    assert event["pathParameters"] == {"slug": "café/a b/c/"}


def test_a_path_that_is_not_utf8_is_still_delivered() -> None:
    assert build("/%FF")["pathParameters"] == {"slug": "\N{REPLACEMENT CHARACTER}"}


def test_the_address_of_the_client_is_added_to_those_of_proxies() -> None:
    event = build("/", headers={"X-Forwarded-For": "198.51.100.7"})
    assert event["headers"]["x-forwarded-for"] == "198.51.100.7, 192.0.2.1"
    assert event["requestContext"]["http"]["sourceIp"] == "192.0.2.1"


@pytest.mark.parametrize(
    "content_type",
    ["text/markdown", "application/json", "application/xml", "application/javascript", None],
)
def test_text_is_delivered_as_text(content_type: str | None) -> None:
    event = build("/", method="PUT", data="é".encode(), content_type=content_type)
    assert (event["body"], event["isBase64Encoded"]) == ("é", False)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/octet-stream", b"text"),
        ("application/x-www-form-urlencoded", b"a=b"),
        ("image/png", b"\x89PNG"),
        ("application/json", b'"\xff"'),
    ],
)
def test_the_rest_is_delivered_as_base64(content_type: str, body: bytes) -> None:
    event = build("/", method="PUT", input_stream=None, data=body, content_type=content_type)
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body
    assert event["headers"]["content-length"] == str(len(body))
