"""The floor: a handler with an answer of about the page's size, which it does not have to get."""

from typing import Any

ANSWER = {
    "statusCode": 200,
    "headers": {"content-type": "text/html; charset=utf-8"},
    "body": "c2hlYWYh" * 2100,
    "isBase64Encoded": True,
}


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The answer."""
    return ANSWER
