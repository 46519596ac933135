import base64
import json
import time
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from aws_lambda_powertools.event_handler import Response as PowertoolsResponse
from aws_lambda_powertools.event_handler.openapi.params import Query
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from redis import ConnectionError as RedisConnectionError
from sqlalchemy.exc import OperationalError, ProgrammingError

from sheaf import settings
from sheaf.http import problems
from sheaf.http.resolver import MAX_BODY_BYTES, MAX_ERRORS, Api, as_problem, reply
from sheaf.pages.errors import Deleted
from sheaf.paging import BadCursor, BadPage
from sheaf.slugs import BadSlug
from tests.context import new_context


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (problems.forbidden("editor"), 403),
        (BadSlug("rule"), 400),
        (BadCursor("cursor"), 400),
        (BadPage("page"), 400),
        (OperationalError("SELECT", {}, Exception("secret host")), 503),
        (ProgrammingError("SELECT", {}, Exception("secret column")), 500),
        (RedisConnectionError("secret host"), 503),
        (ZeroDivisionError("secret"), 500),
    ],
)
def test_every_error_is_a_problem_and_tells_no_secret(error: Exception, status: int) -> None:
    problem = as_problem(error)
    assert problem.status == status
    assert "secret" not in str(problem.document())


def test_problem_documents_have_the_members_of_the_standard() -> None:
    document = as_problem(Deleted("home", 3)).document()
    assert document["type"] == "urn:sheaf:problem:gone"
    assert (document["status"], document["title"]) == (410, "Gone")
    assert (document["slug"], document["version"]) == ("home", 3)


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    body: str
    tags: list[str] = []


class Window(BaseModel):
    limit: int = 50
    cursor: str | None = None


api = Api()


@api.put("/api/notes/<slug>")
def put_note(slug: str, note: Note) -> PowertoolsResponse[str]:
    return reply(note.model_dump())


@api.put("/api/leases/<slug>")
def put_lease(slug: str, note: Note | None = None) -> PowertoolsResponse[str]:
    return reply({"given": note is not None})


@api.get("/api/notes")
def list_notes(
    window: Annotated[Window, Query()], tag: str | None = None, limit_of: str = ""
) -> PowertoolsResponse[str]:
    return reply({"limit": window.limit, "tag": tag})


@api.get("/-/notes/<slug>")
def view(slug: str, cursor: str = "") -> PowertoolsResponse[str]:
    return reply({"slug": slug})


@pytest.fixture(autouse=True, scope="module")
def _settings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHEAF_DATABASE_URLS", "postgresql://h/d")
        patch.setenv("SHEAF_CACHE_URL", "redis://h")
        settings.current.cache_clear()
        yield
    settings.current.cache_clear()


def call(method: str, path: str, query: str = "", **event: Any) -> tuple[int, Any]:
    answer = api.resolve(
        {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"content-type": "application/json"},
            "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
            "queryStringParameters": dict(pair.split("=") for pair in query.split("&") if pair),
            **event,
        },
        new_context(),
    )
    return answer["statusCode"], json.loads(answer["body"])


def put(data: bytes, path: str = "/api/notes/a", **event: Any) -> tuple[int, Any]:
    body = base64.b64encode(data).decode()
    return call("PUT", path, body=body, isBase64Encoded=True, **event)


def put_text(text: str) -> tuple[int, Any]:
    return call("PUT", "/api/notes/a", body=text, isBase64Encoded=False)


NESTED = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda of: st.lists(of) | st.dictionaries(st.text() | st.just("body"), of),
)
BODIES = (
    st.binary()
    | st.builds(lambda value: json.dumps(value).encode(), NESTED)
    | st.builds(
        lambda text, coding: json.dumps({"body": text}, ensure_ascii=False).encode(coding),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7"]),
    )
)


@given(BODIES)
def test_any_body_is_taken_or_refused_and_the_same_in_base64(data: bytes) -> None:
    status, answer = put(data)
    assert status in ((422,) if not data else (200, 400, 422))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        assert status == 400
    else:
        assert put_text(text) == (status, answer)
    if status == 200:
        sent = json.loads(data.decode("utf-8-sig"))
        assert isinstance(sent, dict)
        assert answer["body"] == sent["body"]


@pytest.mark.parametrize(
    "data",
    [
        '{"body":"x"}'.encode("utf-16"),
        '{"body":"x"}'.encode("utf-16-le"),
        '{"body":"x"}'.encode("utf-32"),
        b'{"body":"\xed\xa0\x80"}',
        b'{"body":NaN}',
        b'{"body":-Infinity}',
        b'{"body":"x"}}',
        b'{"body":' + b"[" * 100_000,
        b'{"body":' + b"9" * 10_000 + b"}",
    ],
    ids=["UTF-16", "UTF-16LE", "UTF-32", "surrogate", "NaN", "infinity", "more", "deep", "big"],
)
def test_what_is_no_json_in_utf_8(data: bytes) -> None:
    status, answer = put(data)
    assert (status, answer["type"]) == (400, "urn:sheaf:problem:bad-request")


def test_a_lone_surrogate_in_an_event_is_no_utf_8() -> None:
    assert put_text('{"body":"\ud800"}')[0] == 400


def test_a_byte_order_mark_says_nothing() -> None:
    data = b'\xef\xbb\xbf{"body":"x"}'
    assert put(data) == put_text(data.decode()) == (200, {"body": "x", "tags": []})
    assert put(b"\xef\xbb\xbf" + data)[0] == 400


@pytest.mark.parametrize(
    "value", [[], [{"body": "A"}], [{"body": "A"}, {"body": "B"}], [None], 5, "x", True, [[]]]
)
@pytest.mark.parametrize("path", ["/api/notes/a", "/api/leases/a"])
def test_what_is_no_object(path: str, value: Any) -> None:
    status, answer = put(json.dumps(value).encode(), path)
    errors = [{"field": "body", "message": "must be an object"}]
    assert (status, answer["errors"]) == (422, errors)


def test_a_body_that_may_be_left_out() -> None:
    assert put(b"", "/api/leases/a") == put(b"null", "/api/leases/a") == (200, {"given": False})
    assert put(b'{"body":"x"}', "/api/leases/a") == (200, {"given": True})


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/jsonp", "application/x-www-form-urlencoded"]
)
def test_a_body_of_another_type(content_type: str) -> None:
    headers = {"content-type": content_type}
    assert put(b'{"body":"x"}', headers=headers)[0] == 415
    assert call("GET", "/api/notes", body="text", headers=headers)[0] == 200


def test_a_body_that_is_too_large() -> None:
    value = json.dumps({"body": "x" * MAX_BODY_BYTES}).encode()
    assert put(value)[0] == put_text(value.decode())[0] == 413


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"body": "x", **{f"key-{number}": 1 for number in range(60_000)}}, 1),
        ({"body": "x", **{f"key-{number}": 1 for number in range(90)}}, MAX_ERRORS),
        ({"body": "x", "tags": [1] * 300_000}, 1),
        ({"body": "x", "tags": [1] * 90}, MAX_ERRORS),
        ({"body": "x", "k" * 1_000_000: 1}, 1),
        ({"body": "x", "k": {str(number): 1 for number in range(60_000)}}, 1),
    ],
    ids=["many", "several", "items", "some items", "long", "deeper"],
)
def test_what_is_told_of_errors_is_little_and_quick(value: Any, told: int) -> None:
    data = json.dumps(value).encode()
    before = time.process_time()
    status, answer = put(data)
    assert time.process_time() - before < 2
    assert (status, len(answer["errors"])) == (422, told)
    assert len(json.dumps(answer)) < 10_000


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), st.just("1"), max_size=4))
def test_parameters_that_are_unknown_are_named(given: dict[str, str]) -> None:
    known = {"limit": "1", "tag": "1"}
    query = "&".join(f"{name}={value}" for name, value in {**known, **given}.items())
    status, answer = call("GET", "/api/notes", query)
    unknown = given.keys() - {"limit", "cursor", "tag", "limit_of"}
    if not unknown:
        assert (status, answer) == (200, {"limit": 1, "tag": "1"})
    else:
        assert (status, answer["type"]) == (400, "urn:sheaf:problem:invalid-fields")
        assert {error["field"] for error in answer["errors"]} == {f"query.{n}" for n in unknown}
        assert all(name in answer["detail"] for name in unknown)


def test_what_is_told_of_parameters_is_little() -> None:
    status, answer = call("GET", "/api/notes", "&".join(f"p{number}=" for number in range(5000)))
    assert (status, len(answer["errors"])) == (400, MAX_ERRORS)
    assert answer["detail"].endswith("; and 4980 more")


def test_a_parameter_that_is_there_twice() -> None:
    status, answer = call("GET", "/api/notes", "limit=1&limit=2", queryStringParameters={})
    assert status == 400
    assert answer["errors"] == [{"field": "query.limit", "message": "is there twice"}]
    assert call("PUT", "/api/notes/a", "x=1", body='{"body":"x"}')[0] == 400


def test_an_address_for_people_takes_what_others_add() -> None:
    assert call("GET", "/-/notes/a", "utm_source=x&fbclid=y")[0] == 200


@pytest.mark.parametrize("path", ["/api/notes\n", "/api/notes/", "/api/note", "\n/api/notes"])
def test_an_address_matches_whole(path: str) -> None:
    assert call("GET", path)[0] == 404


def test_a_slug_is_all_that_follows() -> None:
    assert call("GET", "/-/notes/a/b\nc\n") == (200, {"slug": "a/b\nc\n"})


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS", "BREW"])
def test_methods_that_an_address_does_not_have(method: str) -> None:
    assert call(method, "/-/notes/a")[0] == 405
    assert call(method, "/-/nothing")[0] == 404
    assert call(method, "/api/nothing")[0] == 404
