import pytest

from local.invocation.__main__ import readable

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
                "body": "AAAA",
                "isBase64Encoded": True,
            },
            "200\ncontent-encoding: br\n\n(3 bytes in br)",
        ),
        ({"statusCode": 204, "headers": {}, "body": ""}, "204\n\n"),
    ],
)
def test_an_answer_is_readable(answer: object, text: str) -> None:
    assert readable(answer) == text
