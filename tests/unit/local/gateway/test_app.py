import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, EnvironBuilder, TestResponse

from local.gateway.app import MAX_BODY_BYTES, Gateway
from local.gateway.functions import MAX_EVENT_BYTES
from local.gateway.template import load
from local.laptop import keys
from local.laptop.issuer import Identity, access_token
from local.laptop.sessions import Sessions
from local.laptop.sign_in import SignIn
from tests.unit.local.gateway import handlers

ISSUER = "http://localhost/-/local"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> keys.SigningKey:
    return keys.load(tmp_path_factory.mktemp("home"))


@pytest.fixture
def client(key: keys.SigningKey, tmp_path: Path) -> Client:
    template = load(
        Path(__file__).with_name("template.yaml"), {"Issuer": ISSUER, "Audience": "sheaf"}
    )
    sign_in = SignIn(key, ISSUER, Sessions(tmp_path))
    return Client(Gateway(template, {key.id: key.public}.get, sign_in.respond))


def answered(client: Client, answer: Any, method: str = "GET") -> TestResponse:
    handlers.ANSWERS[:] = [answer]
    return client.open("/answer", method=method)


def problem(response: TestResponse) -> tuple[int, str, str]:
    assert response.content_type == "application/problem+json"
    document = json.loads(response.data)
    assert document["status"] == response.status_code
    assert document["title"] == document["message"]
    return response.status_code, document["type"], document["message"]


def test_a_request_reaches_the_handler_and_its_answer_comes_back(client: Client) -> None:
    response = client.get("/a/b%20c?q=1")
    assert response.status_code == 200
    echoed = json.loads(response.data)
    assert echoed["event"]["pathParameters"] == {"rest": "a/b c"}
    assert echoed["event"]["routeKey"] == "ANY /{rest+}"
    assert (echoed["function"], echoed["memory"]) == ("Echo", 256)
    assert echoed["arn"].endswith(":function:Echo")
    assert 6000 < echoed["remaining"] <= 7000


def test_no_route(client: Client) -> None:
    not_found = (404, "urn:sheaf:problem:not-found", "Not Found")
    assert problem(client.post("/")) == not_found


def test_no_token(client: Client) -> None:
    response = client.put("/things/a")
    assert problem(response) == (401, "urn:sheaf:problem:unauthenticated", "Unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"


def test_no_scope(client: Client, key: keys.SigningKey) -> None:
    """What the local issuer gives is sheaf/write, and these routes want something else."""
    token = access_token(key, ISSUER, Identity("alice", "admin"))
    response = client.put("/things/a", headers={"Authorization": f"Bearer {token}"})
    assert problem(response) == (403, "urn:sheaf:problem:forbidden", "Forbidden")


def test_other_routes_do_not_look_at_the_token(client: Client) -> None:
    response = client.get("/open", headers={"Authorization": "Bearer nonsense"})
    assert response.status_code == 200
    assert "authorizer" not in json.loads(response.data)["event"]["requestContext"]


def test_an_error_in_the_handler(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "local.gateway.app"):
        response = answered(client, ZeroDivisionError("secret"))
    assert problem(response) == (500, "urn:sheaf:problem:internal", "Internal Server Error")
    assert b"secret" not in response.data
    assert "ZeroDivisionError: secret" in caplog.text


def test_a_malformed_answer(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert problem(answered(client, {"statusCode": 200, "body": 1}))[0] == 500
    assert "MalformedResponse" in caplog.text


def test_an_answer_without_a_status(client: Client) -> None:
    response = answered(client, {"ok": True})
    assert (response.status_code, response.json) == (200, {"ok": True})


def test_head_has_the_length_but_not_the_body(client: Client) -> None:
    response = answered(client, {"statusCode": 200, "body": "12345"}, "HEAD")
    assert response.headers["content-length"] == "5"
    assert response.data == b""


def test_a_not_modified_answer_has_no_body(client: Client) -> None:
    response = answered(client, {"statusCode": 304, "headers": {"etag": '"v1"'}})
    assert response.headers["etag"] == '"v1"'
    assert response.data == b""


@pytest.mark.parametrize("size", [MAX_EVENT_BYTES, MAX_BODY_BYTES, MAX_BODY_BYTES + 1])
def test_bodies_pass_if_lambda_takes_them_and_are_refused_otherwise(
    client: Client, size: int
) -> None:
    fitting = b"x" * (MAX_EVENT_BYTES - 4096)
    assert client.post("/a", data=fitting, content_type="text/plain").status_code == 200
    too_large = client.post("/a", data=b"x" * size, content_type="text/plain")
    assert problem(too_large)[:2] == (413, "urn:sheaf:problem:too-large")


@pytest.mark.parametrize(("size", "status"), [(6_000_000, 200), (12_000_000, 413)])
def test_a_body_of_unknown_length_is_whole_or_refused(
    client: Client, size: int, status: int
) -> None:
    builder = EnvironBuilder(
        "/a", method="POST", input_stream=io.BytesIO(b"x" * size), content_type="text/plain"
    )
    environ = builder.get_environ() | {"wsgi.input_terminated": True}
    del environ["CONTENT_LENGTH"]
    response = client.open(environ)
    assert response.status_code == status
    if status == 200:
        assert len(json.loads(response.data)["event"]["body"]) == size
    assert environ["wsgi.input"].read() == b"", "a client that still sends sees no answer"


def test_the_sign_in_goes_before_the_templates_routes(client: Client) -> None:
    assert "keys" in json.loads(client.get("/-/local/jwks.json").data)
    assert json.loads(client.get("/-/local/other").data)["function"] == "Echo"


def test_a_head_of_more_than_ten_kilobytes_is_refused(client: Client) -> None:
    assert client.get("/open", headers={"X-A": "a" * 10_000}).status_code == 200
    refused = client.get("/open", headers={"X-A": "a" * 10_240})
    assert problem(refused)[:2] == (431, "urn:sheaf:problem:too-large")
    assert client.get(f"/open?{'a' * 10_240}").status_code == 431


def test_what_lambda_does_not_take_or_hand_on_is_answered(client: Client) -> None:
    large = b"\0" * 5_000_000  # as base64 it is above six megabytes
    assert problem(client.put("/open", data=large))[0] == 413
    assert problem(answered(client, {"statusCode": 200, "body": "x" * 6_300_000}))[0] == 500
