import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, get_args

import pytest
from aws_lambda_powertools.event_handler import Response as PowertoolsResponse
from aws_lambda_powertools.event_handler.api_gateway import Route
from pydantic import BaseModel

from listing import app as listing
from sheaf import settings
from sheaf.http.resolver import Api, reply
from tests.context import new_context
from writes import app as writes

# Of every kind that JSON has, and what is too little or too much of it.
VALUES: Sequence[Any] = (
    *(None, True, False, 0, -5, 10**30, 1.5, "", "x", "x" * 2000, "\0", "\ud800"),
    *([], [1], ["x"] * 60, ["x"] * 101, {}, {"a": 1}),
)
WORDS = ("", "x", "x" * 4000, "-1", "1.5", "1000", "9" * 5000, "\0", "true")
OF_PYDANTIC = re.compile(
    "Input should|should have|should match|Field required|Extra inputs|[Vv]alidation|Value error"
    "|valid (string|integer|boolean|list|dict|UUID)|instance|True|False|None|is not valid"
)


def every_model(of: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in of.__subclasses__():
        yield model
        yield from every_model(model)


OURS = {model.__name__ for model in every_model() if not model.__module__.startswith("aws")}


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models of which a value of this type may be made."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


def bodies(model: type[BaseModel]) -> Iterator[Any]:
    """What may be sent for a model, with something wrong nearly everywhere."""
    yield from VALUES
    for name, field in model.model_fields.items():
        inner = (body for one in models(field.annotation) for body in bodies(one))
        for value in (*VALUES, *inner):
            yield {field.alias or name: value}
            yield {field.alias or name: [value]}


def unanswered(function: Callable[..., Any]) -> Callable[..., Any]:
    """What takes all that a route takes, and does nothing with it."""

    @wraps(function)
    def take(**_: Any) -> PowertoolsResponse[str]:
        return reply({})

    return take


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """The routes of all functions, without what they do."""
    found = Api()
    for route in routes():
        found.route(route.path, route.method)(unanswered(route.func))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHEAF_DATABASE_URLS", "postgresql://h/d")
        patch.setenv("SHEAF_CACHE_URL", "redis://h")
        settings.current.cache_clear()
        yield found
    settings.current.cache_clear()


def routes() -> list[Route]:
    return [
        route
        for part in (listing.api, writes.api)
        for route in (*part._static_routes, *part._dynamic_routes)
    ]


def said(api: Api, route: Route, **event: Any) -> list[str]:
    """What is told of each wrong value."""
    path = route.path.replace("<slug>", "a").replace("<handle>", "alice")
    http = {"method": route.method, "path": path}
    answer = api.resolve(
        {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"content-type": "application/json"},
            "requestContext": {"http": http, "stage": "$default"},
            **event,
        },
        new_context(),
    )
    assert answer["statusCode"] in (200, 400, 413, 422)
    problem = json.loads(answer["body"])
    for one in problem.get("errors", ()):
        assert not OF_PYDANTIC.search(one["message"]), one
        assert not OURS & set(re.findall(r"\w+", one["message"])), one
    return [one["message"] for one in problem.get("errors", ())]


def test_a_wrong_body_is_told_in_plain_words(api: Api) -> None:
    told = {
        message
        for route in routes()
        for parameter in route.dependant.body_params
        for model in models(parameter.field_info.annotation)
        for body in bodies(model)
        for message in said(api, route, body=json.dumps(body))
    }
    assert told >= {
        "is missing",
        "is unknown here",
        "must be an object",
        "must be a list",
        "must be text",
        "must be a whole number",
        "must be true or false",
        "must be true",
        "must be 'import'",
        "must be a UUID",
        "must be at least 10",
        "must be at most 3600",
        "must be less than 1000000000000000000",
        "must have 1 or more characters",
        "must have 500 or fewer characters",
        "must have 1 or more members",
        "must have 50 or fewer members",
        "must match ^[A-Za-z0-9-]{1,40}$",
    }


def test_a_wrong_query_is_told_in_plain_words(api: Api) -> None:
    told = {
        message
        for route in routes()
        for name in parameters(route)
        for word in WORDS
        for message in said(api, route, queryStringParameters={name: word})
    }
    assert told >= {
        "is missing",
        "must be a whole number",
        "must be a whole number with fewer digits",
        "must be true or false",
        "must be 'asc' or 'desc'",
        "must be a UUID",
        "must be at least 1",
        "must be at most 100",
        "must have 200 or fewer characters",
    }


def test_a_change_of_a_batch_that_is_no_object(api: Api) -> None:
    [post] = [route for route in routes() if route.path == "/api/batches"]
    assert said(api, post, body='{"changes": [1]}') == ["must be an object"]
    body = '{"changes": [{"slug": "a", "delete": false, "if_match": "x"}]}'
    assert said(api, post, body=body) == ["must be true"]


def parameters(route: Route) -> Iterator[str]:
    for parameter in route.dependant.query_params:
        found = list(models(parameter.field_info.annotation))
        yield from (name for model in found for name in model.model_fields)
        if not found:
            yield parameter.alias
