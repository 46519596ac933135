"""Answers as Lambda takes them."""

import json
from base64 import b64decode
from typing import Any

import pytest

from sheaf.http import encodings, responses
from sheaf.http.responses import Response


@pytest.mark.parametrize("character", ["x", "ü", "\x01", '"', "\U0001f600"])
def test_what_lambda_would_not_hand_on_is_a_problem(character: str) -> None:
    def answer(length: int) -> dict[str, Any]:
        return responses.finish(Response(200, {}, character * length).payload(), "")

    empty = json.dumps(answer(0), ensure_ascii=False)
    size = len(json.dumps(character, ensure_ascii=False).encode()) - 2
    room = (responses.MAX_ANSWER_BYTES - len(empty)) // size
    assert answer(room)["statusCode"] == 200
    refused = answer(room + 1)
    assert refused["statusCode"] == 406
    assert json.loads(refused["body"])["type"] == "urn:sheaf:problem:answer-too-large"


@pytest.mark.parametrize("accepted", ["", "gzip", "br, gzip"])
def test_what_is_worth_it_is_compressed(accepted: str) -> None:
    plain = responses.json_text(["word"] * 500).payload()
    answer = responses.finish(plain, accepted)
    encoding = encodings.choose(accepted)
    assert answer["headers"].get("content-encoding", "identity") == encoding
    assert answer["headers"]["vary"] == "accept-encoding"
    body = answer["body"].encode()
    packed = b64decode(body) if answer["isBase64Encoded"] else body
    assert encodings.decompress(packed, encoding).decode() == plain["body"]
    if accepted:
        assert len(answer["body"]) < len(plain["body"]) / 10


@pytest.mark.parametrize(
    "answer",
    [
        responses.json_text("short"),
        Response(200, {"content-type": "image/png"}, "x" * 5000),
        Response(200, {"content-type": "text/html"}, "x" * 5000, is_base64=True),
        Response(304),
    ],
)
def test_all_else_stays_as_it_is(answer: Response) -> None:
    assert responses.finish(answer.payload(), "br, gzip") == answer.payload()
