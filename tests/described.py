"""Answers of the API against its description: each is one of those that openapi.json has for it."""

import base64
import copy
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from local.gateway import functions
from local.gateway.template import Function
from sheaf.http import encodings
from sheaf.http.representations import DESCRIPTION


def check(method: str, path: str, status: int, media_type: str, body: str) -> None:
    """Raise AssertionError if the API does not describe this answer; the path is as it was sent."""
    if not path.startswith("/api/"):
        return
    schema = _schema(_operation(path, "get" if method == "HEAD" else method.lower()), status)
    if schema is None:
        assert not body, f"{method} {path} {status} has a body, and its description none"
        return
    described, pointer = schema
    assert media_type.partition(";")[0] == described, f"{method} {path} {status}: {media_type}"
    if method == "HEAD" and not body:
        return
    errors = [
        f"{error.json_path}: {error.message}"[:300]
        for error in _validator(pointer).iter_errors(json.loads(body))
    ]
    assert not errors, f"{method} {path} {status} is not as described: {errors}"


# The functions behind the API.
_HANDLERS = ("listing.app.handler", "pages.app.handler", "writes.app.handler")


@contextmanager
def checked() -> Iterator[None]:
    """Have each answer that a test gets in the block checked: from this process, and by HTTP."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functions, "invoke", partial(_invoke, functions.invoke))
        patch.setattr(httpx.Client, "send", _sending(httpx.Client.send))
        yield


def _invoke(invoke: Callable[..., Any], function: Function, event: dict[str, Any]) -> Any:
    answer = invoke(function, event)
    if function.handler in _HANDLERS:
        media_type = answer["headers"].get("content-type", "")
        method, path = event["requestContext"]["http"]["method"], event["rawPath"]
        check(method, path, answer["statusCode"], media_type, text_of(answer))
    return answer


def text_of(answer: Any) -> str:
    """The body of a handler's answer, whatever its encoding."""
    if not answer["isBase64Encoded"]:
        return str(answer["body"])
    encoding = answer["headers"].get("content-encoding", "identity")
    return encodings.decompress(base64.b64decode(answer["body"]), encoding).decode()


def _sending(send: Callable[..., httpx.Response]) -> Callable[..., httpx.Response]:
    def checking(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        answer = send(client, request, **options)
        # What API Gateway itself refuses is not the site's answer.
        if "x-content-type-options" in answer.headers and request.url.path.startswith("/api/"):
            media_type = answer.headers.get("content-type", "")
            check(request.method, request.url.path, answer.status_code, media_type, answer.text)
        return answer

    return checking


@cache
def _description() -> Any:
    """The description, which lets no member pass that it does not have."""
    description = copy.deepcopy(json.loads(DESCRIPTION.read_text(encoding="utf-8")))
    for schema in description["components"]["schemas"].values():
        schema["additionalProperties"] = False
    return description


def _operation(path: str, method: str) -> str | None:
    """Where the description has a request; None: nowhere, so that it is a problem."""
    for template, operations in _description()["paths"].items():
        # Only a slug has slashes.
        pattern = re.escape(template).replace(r"\{slug\}", ".+").replace(r"\{handle\}", "[^/]+")
        if re.fullmatch(pattern, path) and method in operations:
            return f"#/paths/{_escape(template)}/{method}"
    return None


def _schema(operation: str | None, status: int) -> tuple[str, str] | None:
    """The media type of an answer and where its schema is; None if it has no body."""
    pointer = "#/components/responses/Problem"
    if operation and str(status) in _at(f"{operation}/responses"):
        pointer = f"{operation}/responses/{status}"
        pointer = _at(pointer).get("$ref", pointer)
    for media_type in _at(pointer).get("content", ()):
        return media_type, f"{pointer}/content/{_escape(media_type)}/schema"
    return None


def _at(pointer: str) -> Any:
    found = _description()
    for step in _steps(pointer):
        found = found[step]
    return found


def _steps(pointer: str) -> Iterator[str]:
    for step in pointer.split("/")[1:]:
        yield step.replace("~1", "/").replace("~0", "~")


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


@cache
def _validator(pointer: str) -> Draft202012Validator:
    return Draft202012Validator({**_description(), "$ref": pointer})
