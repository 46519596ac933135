"""Private API of dependencies: what of it is used stands in one place each, and is there.

A new release of a dependency may take it away without a word: then these tests say so.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psycopg.errors
import pytest
import redis
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (
    OpenAPIRequestValidationMiddleware,
)
from kazoo.client import KazooClient
from kazoo.protocol.connection import ConnectionHandler

ROOT = Path(__file__).parents[2]
FOLDERS = ("functions", "layers/common/sheaf", "local", "ops")
# By dependency: what of it, and where.
USED = {
    # What `signal` is made of, without its enumerations: they take half a millisecond of a start.
    "_signal": ({"_signal"}, "common/sheaf/telemetry.py"),
    # What `socket` is made of, without its enumerations and `selectors`: they take 3 ms of a start.
    "_socket": ({"_socket"}, "sheaf/caching/reader.py"),
    # What its generators yield a timeout as, for a statement that we wait for ourselves.
    "psycopg": ({"_WaitTimeout"}, "sheaf/database/connections.py"),
    # Slugs may hold slashes, which the parameters of its routes may not. It takes parameters that a
    # route does not know, and lists for objects; of other methods it says that there is no address.
    "aws_lambda_powertools": (
        {
            *("_compile_regex", "_convert_matches_into_route_keys"),
            *("_request_validation_middleware", "_static_routes", "_dynamic_routes"),
        },
        "sheaf/http/resolver.py",
    ),
    # Whether anything came on it while nobody asked. redis-py's own way takes three calls.
    "redis": ({"_sock"}, "common/sheaf/redis_scripts.py"),
    # An answer that was left out ends the connection, and not its thread for good; what a signal's
    # handler raises passes; how long a session lasts is agreed upon with the servers.
    "kazoo": (
        {
            *("_call", "_conn_retry", "_connect", "_connection", "_pending", "_queue"),
            *("_read_response", "_write_sock"),
        },
        "sheaf/locks/zookeeper_client.py",
    ),
}
NAMES = {name for names, _ in USED.values() for name in names}
# Named so, and public: of named tuples, and of CPython.
PUBLIC = {"_fields", "_replace", "_getframe"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)


def foreign_names(tree: ast.Module, ours: set[str]) -> Iterator[str]:
    """Private names that are taken from elsewhere: imported, or an attribute nobody here has."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (each.name for each in node.names if is_private(each.name))
        elif isinstance(node, ast.Import):
            names = {part for each in node.names for part in each.name.split(".")}
            yield from filter(is_private, names)
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in ours:
            yield node.attr


def own_names(tree: ast.Module) -> Iterator[str]:
    """The private names that a module gives: to functions, variables and attributes of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def test_each_stands_in_one_place() -> None:
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    trees = {file: ast.parse(file.read_text()) for file in files}
    ours = {name for tree in trees.values() for name in own_names(tree)} - NAMES
    found: dict[str, set[str]] = defaultdict(set)
    for file, tree in trees.items():
        dependencies = set(imported(tree))
        names_of = [names for dependency, (names, _) in USED.items() if dependency in dependencies]
        for name in foreign_names(tree, ours):
            # What has the name of one of theirs, where theirs is not imported, is ours.
            if name not in NAMES or any(name in names for names in names_of):
                found[name].add("/".join(file.parts[-3:]))
    assert {name: places for name, places in found.items() if name not in PUBLIC} == {
        name: {place} for names, place in USED.values() for name in names
    }


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (psycopg.errors, "_WaitTimeout"),
        (APIGatewayHttpResolver, "_compile_regex"),
        (APIGatewayHttpResolver, "_convert_matches_into_route_keys"),
        (APIGatewayHttpResolver(), "_static_routes"),
        (APIGatewayHttpResolver(), "_dynamic_routes"),
        (APIGatewayHttpResolver(enable_validation=True), "_request_validation_middleware"),
        (OpenAPIRequestValidationMiddleware, "_get_body"),
        (ConnectionHandler, "_read_response"),
        (KazooClient(), "_conn_retry"),
        (KazooClient(), "_connection"),
        (KazooClient(), "_pending"),
        (KazooClient(), "_call"),
        (KazooClient(), "_queue"),
        (ConnectionHandler, "_connect"),
        (KazooClient()._connection, "_write_sock"),
        (redis.Connection(), "_sock"),  # type: ignore[no-untyped-call]
    ],
)
def test_it_is_there(owner: object, name: str) -> None:
    assert hasattr(owner, name)
