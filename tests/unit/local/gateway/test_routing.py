import itertools

import pytest

from local.gateway.routing import Router
from local.gateway.template import Function, Route

FUNCTION = Function("F", "m.f", 3, 128)
KEYS = [
    "$default",
    "ANY /{all+}",
    "GET /",
    "GET /pets",
    "ANY /pets",
    "GET /pets/{id}",
    "GET /pets/{id}/toys/{rest+}",
    "GET /pets/dog",
    "PUT /pets/{id}",
    "GET /pets/{rest+}",
]


def router(keys: list[str]) -> Router:
    return Router(route(key) for key in keys)


def route(key: str) -> Route:
    method, _, path = key.rpartition(" ")
    return Route(method or "ANY", path, FUNCTION, None)


@pytest.mark.parametrize(
    ("request_line", "key", "parameters"),
    [
        ("GET /", "GET /", {}),
        ("POST /", "$default", {}),
        ("GET /pets", "GET /pets", {}),
        ("POST /pets", "ANY /pets", {}),
        ("GET /pets/dog", "GET /pets/dog", {}),
        ("GET /pets/cat", "GET /pets/{id}", {"id": "cat"}),
        ("GET /pets/cat/", "GET /pets/{rest+}", {"rest": "cat/"}),
        ("GET /pets/cat/tail", "GET /pets/{rest+}", {"rest": "cat/tail"}),
        ("GET /pets/cat/toys/a/b", "GET /pets/{id}/toys/{rest+}", {"id": "cat", "rest": "a/b"}),
        ("PUT /pets/dog", "PUT /pets/{id}", {"id": "dog"}),
        ("DELETE /pets/dog", "ANY /{all+}", {"all": "pets/dog"}),
        ("GET /a\nb", "ANY /{all+}", {"all": "a\nb"}),
        ("GET /pets.", "ANY /{all+}", {"all": "pets."}),
    ],
)
def test_the_most_specific_route_answers(
    request_line: str, key: str, parameters: dict[str, str]
) -> None:
    method, _, path = request_line.partition(" ")
    match = router(KEYS).match(method, path)
    assert match is not None
    assert (match.route.key, match.parameters) == (key, parameters)


def test_no_route() -> None:
    assert router(["GET /pets"]).match("GET", "/pets/") is None
    assert router(["GET /pets"]).match("HEAD", "/pets") is None


def test_the_order_of_the_template_does_not_matter() -> None:
    keys = ["ANY /{all+}", "GET /a/{x}", "ANY /a/{x}", "GET /a/b"]
    for order in itertools.permutations(keys):
        match = router(list(order)).match("GET", "/a/b")
        assert match is not None
        assert match.route.key == "GET /a/b"
        match = router(list(order)).match("GET", "/a/c")
        assert match is not None
        assert match.route.key == "GET /a/{x}"
