"""Which route answers a request: API Gateway's order of preference."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from local.gateway.template import Route


class Match(NamedTuple):
    """A route and the values of its path's variables."""

    route: Route
    parameters: dict[str, str]


class Router:
    """Routes, most specific first.

    From left to right a fixed segment goes before a variable and that before a greedy one; on the
    same path a method of its own goes before ANY; $default comes last.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        ordered = sorted(routes, key=lambda route: (_rank(route.path), route.method == "ANY"))
        self._routes = [(route, re.compile(_pattern(route.path), re.DOTALL)) for route in ordered]

    def match(self, method: str, path: str) -> Match | None:
        """The route for a decoded `path`, or None."""
        for route, pattern in self._routes:
            if route.method in (method, "ANY") and (found := pattern.fullmatch(path)):
                names = re.findall(r"\{(.+?)\+?\}", route.path)
                return Match(route, dict(zip(names, found.groups(), strict=True)))
        return None


def _rank(path: str) -> list[int]:
    if path == "$default":
        return [3]
    return [2 if "+}" in segment else int("{" in segment) for segment in path.split("/")]


def _pattern(path: str) -> str:
    if path == "$default":
        return ".*"
    return "/".join(map(_segment_pattern, path.split("/")))


def _segment_pattern(segment: str) -> str:
    if "{" not in segment:
        return re.escape(segment)
    return "(.+)" if "+}" in segment else "([^/]+)"
