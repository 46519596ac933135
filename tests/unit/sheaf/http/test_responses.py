"""Answers as Lambda takes them."""

import json
from typing import Any

import pytest

from sheaf.http import responses
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
