import base64
import json
from typing import Any

import pytest

from local.gateway.responses import MalformedResponse, convert


def test_an_answer_with_a_status_is_taken_as_it_is() -> None:
    response = convert(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "text/x; charset=utf-8", "etag": '"v1"', "x-count": 3},
            "cookies": ["a=1; Path=/", "b=2"],
            "body": "é",
        },
        "GET",
    )
    assert response.status_code == 201
    assert response.headers["content-type"] == "text/x; charset=utf-8"
    assert response.headers["etag"] == '"v1"'
    assert response.headers["x-count"] == "3"
    assert response.headers.getlist("set-cookie") == ["a=1; Path=/", "b=2"]
    assert response.data == "é".encode()


def test_base64_becomes_bytes() -> None:
    body = base64.b64encode(b"\x1f\x8b\x00").decode()
    response = convert({"statusCode": "200", "body": body, "isBase64Encoded": True}, "GET")
    assert response.data == b"\x1f\x8b\x00"
    assert response.content_length == 3


def test_a_status_alone_is_enough() -> None:
    response = convert({"statusCode": 204, "headers": None, "cookies": None, "body": None}, "GET")
    assert (response.status_code, response.data) == (204, b"")


@pytest.mark.parametrize(
    ("result", "body"),
    [({"a": [1]}, b'{"a": [1]}'), ("Hello", b"Hello"), (None, b"null"), ([1, 2], b"[1, 2]")],
)
def test_anything_else_is_json(result: Any, body: bytes) -> None:
    response = convert(result, "GET")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.data == body


@pytest.mark.parametrize(
    "wrong",
    [
        {"statusCode": "many"},
        {"statusCode": None},
        {"statusCode": 99},
        {"headers": ["a"]},
        {"headers": {"a": ["b"]}},
        {"headers": {"a": None}},
        {"cookies": "a=b"},
        {"body": {"a": 1}},
        {"body": "not base64!", "isBase64Encoded": True},
    ],
)
def test_malformed_answers_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedResponse):
        convert({"statusCode": 200, **wrong}, "GET")


def test_the_length_is_that_of_the_body_whatever_the_handler_says() -> None:
    answer = {"statusCode": 200, "headers": {"content-length": "99"}, "body": "abc"}
    assert convert(answer, "GET").content_length == 3
    assert convert(answer, "HEAD").content_length == 3


def test_an_answer_to_head_may_give_the_length_without_the_body() -> None:
    answer = {"statusCode": 200, "headers": {"content-length": "99"}, "body": ""}
    assert convert(answer, "HEAD").content_length == 99
    assert convert(answer, "GET").content_length == 0


def test_json_is_valid_json() -> None:
    assert json.loads(convert({"é": 1.5}, "GET").data) == {"é": 1.5}
