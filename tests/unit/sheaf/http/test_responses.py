"""Answers as Lambda takes them."""

import json

import pytest

from sheaf.http import responses
from sheaf.http.responses import Response


@pytest.mark.parametrize("character", ["x", "ü", "\x01", '"', "\U0001f600"])
def test_what_lambda_would_not_hand_on_is_a_problem(character: str) -> None:
    empty = json.dumps(Response(200, {}, "").payload(), ensure_ascii=False)
    size = len(json.dumps(character, ensure_ascii=False).encode()) - 2
    room = (responses.MAX_ANSWER_BYTES - len(empty)) // size
    assert Response(200, {}, character * room).payload()["statusCode"] == 200
    refused = Response(200, {}, character * (room + 1)).payload()
    assert refused["statusCode"] == 406
    assert json.loads(refused["body"])["type"] == "urn:sheaf:problem:answer-too-large"
