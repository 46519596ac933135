"""Requests: a typed view of an API Gateway event in payload format 2.0.

Imported for every cached page, so it imports little.
"""

from __future__ import annotations

from collections.abc import Mapping

from sheaf.http.conditions import newest_version
from sheaf.urls import unquoted

TYPE_CHECKING = False  # typing itself takes 4 ms to load
if TYPE_CHECKING:
    from typing import Any


class Request:
    """What the pages function needs of an event. Header names are in lower case."""

    __slots__ = ("headers", "method", "path", "query")

    def __init__(self, event: Mapping[str, Any]) -> None:
        """The request in an event; the path is decoded."""
        self.method: str = event["requestContext"]["http"]["method"]
        path: str = event["rawPath"]
        self.path = unquoted(path) if "%" in path else path  # most need no call
        self.query: str = event.get("rawQueryString", "")
        given: Mapping[str, str] = event.get("headers") or {}
        self.headers = {name.lower(): value for name, value in given.items()}

    @property
    def if_none_match(self) -> str | None:
        """The entity tags that the client has, as it sent them."""
        return self.headers.get("if-none-match")

    @property
    def encodings(self) -> str:
        """The encodings that the client takes, as it sent them."""
        return self.headers.get("accept-encoding", "")

    @property
    def wants_markdown(self) -> bool:
        """Whether the client wants a page's source, and no document."""
        accept = self.headers.get("accept", "")
        if "markdown" not in accept.lower():
            return False
        from sheaf.http import media_types  # noqa: PLC0415 - no browser says so

        return media_types.wants_markdown(accept)

    @property
    def names_version(self) -> bool:
        """Whether the address is that of somebody who has just saved: `?v=` and the new version.

        To a CDN it is another page, so that it has to ask for it.
        """
        return self.query.startswith("v=")

    @property
    def known_version(self) -> int:
        """The newest version of a page that the client tells of, by `?v=` or a tag; else 0."""
        newest = newest_version(self.headers.get("if-none-match"))
        if self.query.startswith("v="):
            named = self.query[2:].partition("&")[0]
            if named.isascii() and named.isdecimal() and len(named) < 16:
                newest = max(newest, int(named))
        return newest

    @property
    def wants_newest(self) -> bool:
        """Whether the client asks for what is at the source, as a browser's reload does."""
        return "no-cache" in self.headers.get("cache-control", "").lower()
