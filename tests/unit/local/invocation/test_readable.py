from base64 import b64encode

import pytest

from local.invocation.__main__ import readable
from sheaf.http import encodings

HTML = {"content-type": "text/html"}
JSON = {"content-type": "application/problem+json"}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, "null"),
        ({"purge": ["/größe"]}, '{\n  "purge": [\n    "/größe"\n  ]\n}'),
        (
            {"statusCode": 200, "headers": HTML, "body": "<p>"},
            "200\ncontent-type: text/html\n\n<p>",
        ),
        (
            {"statusCode": 404, "headers": JSON, "body": '{"status":404}'},
            '404\ncontent-type: application/problem+json\n\n{\n  "status": 404\n}',
        ),
        (
            {
                "statusCode": 200,
                "headers": {"content-encoding": "br"},
                "body": b64encode(encodings.compress(b"word", "br", 1)).decode(),
                "isBase64Encoded": True,
            },
            "200\ncontent-encoding: br\n\nword",
        ),
        ({"statusCode": 204, "headers": {}, "body": ""}, "204\n\n"),
    ],
)
def test_an_answer_is_readable(answer: object, text: str) -> None:
    assert readable(answer) == text
