"""Writes the API's description from the routes of its two functions: `make openapi`."""

import json
from collections.abc import Iterator
from typing import Any, get_type_hints

import sheaf
from listing import app as listing
from listing.parameters import Place
from sheaf.http.representations import DESCRIPTION
from sheaf.http.resolver import Api
from writes.app import api as writing

_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_PROBLEM = {
    "description": "What went wrong, for programs and for people (RFC 9457)",
    "content": {
        "application/problem+json": {
            "schema": {
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
                    "holder": _TEXT_OR_NULL,
                    "draft": _TEXT_OR_NULL,
                    "seconds_left": {"type": "integer"},
                },
            }
        }
    },
}

# Schemas of the errors that Powertools would send by itself; ours are problems.
_POWERTOOLS_ERRORS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")


def describe() -> str:
    """The description as JSON text, the same for the same routes."""
    halves = [_half(listing.api), _half(writing)]
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Sheaf", "version": sheaf.__version__},
        "paths": _merged([half["paths"] for half in halves]),
        "components": {
            **_merged([half.get("components", {}) for half in halves]),
            "responses": {"Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    for unused in _POWERTOOLS_ERRORS:
        document["components"]["schemas"].pop(unused, None)
    for model in _restore_places(document):
        document["components"]["schemas"].pop(model)
    for operation in _operations(halves[1]):
        operation["security"] = [{"token": []}]
    for operation in _operations(document):
        operation["responses"].pop("422", None)
        for status in {"204", "304"} & operation["responses"].keys():
            operation["responses"][status].pop("content", None)
        operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _restore_places(document: dict[str, Any]) -> set[str]:
    """Describe which page of a list is asked for in full; the names of the models of that.

    Powertools describes the fields of a model in the address by no more than their types.
    """
    places = {}
    for operation in _operations(document):
        for model in _places(operation["operationId"]):
            properties = places[model.__name__] = model.model_json_schema()["properties"]
            for parameter in operation["parameters"]:
                if parameter["name"] in properties:
                    parameter["schema"] = properties[parameter["name"]]
    return set(places)


def _places(operation_id: str) -> Iterator[type[Place]]:
    """The models in the address of the route whose function an operation is named by."""
    function = getattr(listing, operation_id.partition("_api_")[0], None)
    for hint in get_type_hints(function).values() if function else ():
        if isinstance(hint, type) and issubclass(hint, Place):
            yield hint


def _half(resolver: Api) -> dict[str, Any]:
    half: dict[str, Any] = json.loads(resolver.get_openapi_json_schema(title="Sheaf"))
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
