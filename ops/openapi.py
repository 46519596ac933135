"""Writes the API's description from the routes of its two functions: `make openapi`."""

import json
from typing import Any

import sheaf
from listing.app import resolver as reading
from sheaf.http.openapi import FILE
from sheaf.http.resolver import Api
from writes.app import api as writing

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
                },
            }
        }
    },
}

# Schemas of the errors that Powertools would send by itself; ours are problems.
_POWERTOOLS_ERRORS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")


def describe() -> str:
    """The description as JSON text, the same for the same routes."""
    halves = [_half(reading), _half(writing)]
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
    for operation in _operations(halves[1]):
        operation["security"] = [{"token": []}]
    for operation in _operations(document):
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


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
    FILE.write_text(describe(), encoding="utf-8")
