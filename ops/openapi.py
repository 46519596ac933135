"""Writes the API's description from the routes of its two functions: `make openapi`."""

import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_type_hints

import sheaf
from listing import app as listing
from listing.parameters import Place
from sheaf import slugs
from sheaf.http.representations import DESCRIPTION
from sheaf.http.resolver import MAX_ERRORS, Api
from writes import app as writes

_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_PROBLEM = {
    "description": "What went wrong, for programs and for people (RFC 9457)",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Stable: urn:sheaf:problem:…"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        # Of some problems; docs/errors.md says of which.
        "errors": {
            "type": "array",
            "maxItems": MAX_ERRORS,
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": _TEXT, "message": _TEXT},
            },
        },
        "slug": _TEXT,
        "version": {"type": "integer"},
        "current": {
            "description": "The state that the page is in; null: there is none",
            "type": ["object", "null"],
            "required": ["version", "etag", "state", "author", "updated_at"],
            "properties": {
                "version": {"type": "integer"},
                **dict.fromkeys(("etag", "state", "updated_at"), _TEXT),
                "author": _TEXT_OR_NULL,
            },
        },
        "refused": {
            "description": "The changes of a batch that cannot be done: which one, and why not",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["change", "type", "title", "status", "detail"],
                "properties": {"change": {"type": "integer"}, "status": {"type": "integer"}},
            },
        },
        "holder": _TEXT_OR_NULL,
        "moved_to": _TEXT,
        "draft": _TEXT_OR_NULL,
        "line": {"type": "integer"},
        "seconds_left": {"type": "integer"},
        "message": {"type": "string", "description": "In containers: of what the gateway refuses"},
    },
}
_REFUSAL = {
    "description": "What API Gateway says of a request that it does not hand on",
    "type": "object",
    "required": ["message"],
    "properties": {"message": _TEXT},
}
# What nearly every answer may be instead.
_RESPONSES = {
    "Problem": {
        "description": "A problem",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    },
    "Refusal": {
        "description": "A problem, or API Gateway's own refusal",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
            "application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}},
        },
    },
}
_TAGS = {
    "pages": "Pages: their text, their history, their lists",
    "leases": "Edit leases, which tell others that somebody is editing",
    "drafts": "What somebody has typed and not saved",
    "presence": "Who else is editing a page",
    "users": "Everybody who edited",
    "site": "The site itself",
}
# What parameters look like that the functions take as text. The letters of a slug are not said.
_FORMS: dict[str, dict[str, Any]] = {
    "slug": {"minLength": 1, "maxLength": slugs.MAX_LENGTH},
    "handle": {"minLength": 1, "maxLength": 64},
    "if-match": {"pattern": '"', "examples": ['"v3"']},
    "if-none-match": {"const": "*"},
    "idempotency-key": {"minLength": 1, "maxLength": 512, "examples": ['"f3c1a8"']},
    "sheaf-lease": {"pattern": "^[1-9][0-9]{0,17}$"},
}

# Schemas of the errors that Powertools would send by itself; ours are problems.
_POWERTOOLS_ERRORS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")


def describe() -> str:
    """The description as JSON text, the same for the same routes."""
    halves = [_half(listing.api, security=[]), _half(writes.api, security=[{"token": []}])]
    schemas = _merged([half["components"]["schemas"] for half in halves])
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Sheaf",
            "version": sheaf.__version__,
            "description": "Everything that people can do with a site, programs can do too.",
            "contact": {"name": "Whoever runs the site"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This site"}],
        "tags": [{"name": name, "description": what} for name, what in _TAGS.items()],
        "paths": _merged([half["paths"] for half in halves]),
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM, "Refusal": _REFUSAL},
            "responses": _RESPONSES,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    for unused in (*_POWERTOOLS_ERRORS, *_restore_places(document)):
        document["components"]["schemas"].pop(unused, None)
    for operation in _operations(document):
        _complete(operation)
    return json.dumps(_whole(document), indent=1, ensure_ascii=False) + "\n"


def _complete(operation: dict[str, Any]) -> None:
    """Describe what Powertools leaves out of an operation, and not what it makes up."""
    operation["description"] = inspect.getdoc(_function(operation))
    for parameter in operation.get("parameters", ()):
        described = _without_null(parameter["schema"])
        parameter["schema"] = {**described, **_FORMS.get(parameter["name"], {})}
    operation["responses"] = _responses(operation)


def _responses(operation: dict[str, Any]) -> dict[str, Any]:
    declared = {
        status: response
        for status, response in operation["responses"].items()
        if not any(error in str(response) for error in _POWERTOOLS_ERRORS)
    }
    # Of a problem Powertools does not know the form.
    modelled = {
        status: response
        for status, response in declared.items()
        if not _is_problem(status) or "$ref" in str(response)
    }
    for status, response in modelled.items():
        if status in ("204", "304"):
            response.pop("content", None)
        for content in response.get("content", {}).values():
            _say_one_of(content["schema"])
    return dict(sorted({**_refusals(operation, declared), **modelled}.items()))


def _is_problem(status: str) -> bool:
    """Whether it is of an error, or says in the same form that a page has moved."""
    return status >= "400" or status == "308"


def _refusals(operation: dict[str, Any], declared: Iterable[str]) -> dict[str, Any]:
    """What an operation answers instead: the problems that it declares, and those that all have."""
    statuses = {*filter(_is_problem, declared), "400", "403", "default"}
    if operation["security"]:
        statuses.add("401")
    if "requestBody" in operation:
        statuses |= {"413", "415", "422"}
    gateways = {"401", "403", "413", "default"}
    return {
        status: {"$ref": f"#/components/responses/{'Refusal' if status in gateways else 'Problem'}"}
        for status in statuses
    }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter, which is left out rather than null."""
    others = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    known = {name: value for name, value in schema.items() if name != "anyOf" and value is not None}
    return {**known, **others[0]} if len(others) == 1 else known


def _say_one_of(schema: dict[str, Any]) -> None:
    """Say of models, no two of which have the same members, that an answer is just one of them."""
    if all("$ref" in each for each in schema.get("anyOf", [{}])):
        schema["oneOf"] = schema.pop("anyOf")


def _whole(value: Any) -> Any:
    """The same with whole numbers where bounds of whole numbers are floats."""
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _restore_places(document: dict[str, Any]) -> set[str]:
    """Describe which page of a list is asked for in full; the names of the models of that.

    Powertools describes the fields of a model in the address by no more than their types.
    """
    places = {}
    for operation in _operations(document):
        for model in _places(operation):
            properties = places[model.__name__] = model.model_json_schema()["properties"]
            for parameter in operation["parameters"]:
                if parameter["name"] in properties:
                    parameter["schema"] = properties[parameter["name"]]
    return set(places)


def _places(operation: dict[str, Any]) -> Iterator[type[Place]]:
    """The models in the address of an operation."""
    for hint in get_type_hints(_function(operation)).values():
        if isinstance(hint, type) and issubclass(hint, Place):
            yield hint


def _function(operation: dict[str, Any]) -> Callable[..., Any]:
    """What answers an operation, whose id begins with its name."""
    name = operation["operationId"].partition("_api_")[0]
    function: Callable[..., Any] = getattr(listing, name, None) or getattr(writes, name)
    return function


def _half(resolver: Api, security: list[dict[str, Any]]) -> dict[str, Any]:
    """What Powertools describes of a function, with what its operations ask for."""
    half: dict[str, Any] = json.loads(resolver.get_openapi_json_schema(title="Sheaf"))
    for operation in _operations(half):
        operation["security"] = security
    return half


def _merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            merged[name] = {**merged.get(name, {}), **value}
    return dict(sorted(merged.items()))


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


if __name__ == "__main__":
    DESCRIPTION.write_text(describe(), encoding="utf-8")
