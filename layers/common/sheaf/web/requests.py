"""Requests: a typed view of an API Gateway event in payload format 2.0."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True)
class Request:
    """What the pages function needs of an event. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """The request in an event; the path is decoded."""
        return cls(
            event["requestContext"]["http"]["method"],
            unquote(event["rawPath"]),
            event.get("rawQueryString", ""),
            {name.lower(): value for name, value in event.get("headers", {}).items()},
        )

    @property
    def if_none_match(self) -> str | None:
        """The entity tags that the client has, as it sent them."""
        return self.headers.get("if-none-match")
