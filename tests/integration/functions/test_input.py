"""What nobody should send: it is refused for what it is, and nothing of it is done."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from local.laptop import keys
from tests.conftest import ISSUER
from tests.site import CREATE, Site

SIGNED = {"iss": ISSUER, "aud": "sheaf", "scope": "sheaf/write", "exp": 4_000_000_000}


def send(site: Site, method: str, path: str, data: bytes = b"", **headers: str) -> Any:
    """A request with an editor's token; header names are given with underscores."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    signed_in = {"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"}
    return site.client.open(path, method=method, data=data, headers={**signed_in, **given})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/api/pages/x", [{"body": "A"}, {"body": "B"}]),
        ("/api/leases/x", [None, None]),
        ("/api/leases/x", [{"seconds": 600}]),
        ("/api/previews", [{"body": "A"}]),
    ],
)
def test_a_list_is_no_object(site: Site, path: str, value: Any) -> None:
    method = "POST" if path == "/api/previews" else "PUT"
    answer = send(site, method, path, json.dumps(value).encode(), If_None_Match="*")
    assert (answer.status_code, answer.json["type"]) == (422, "urn:sheaf:problem:invalid-fields")
    assert site.get("/api/pages/x").status_code == site.get("/api/leases/x").status_code == 404


@pytest.mark.parametrize("coding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_body_is_utf_8(site: Site, coding: str) -> None:
    data = '{"body":"größe"}'.encode(coding)
    answer = send(site, "PUT", "/api/pages/x", data, If_None_Match="*")
    assert answer.status_code == (201 if coding == "utf-8-sig" else 400)


@pytest.mark.parametrize(
    ("method", "path", "data", "name"),
    [
        ("PUT", "/api/pages/x", '{"body": "one", "comment": "", "body": "two"}', "body"),
        ("PUT", "/api/pages/x", '{"restore": {"version": 1, "version": 2}}', "version"),
        ("PUT", "/api/leases/x", '{"seconds": 60, "seconds": 60}', "seconds"),
        ("POST", "/api/previews", '{"body": "one", "b\\u006fdy": "two"}', "body"),
        ("POST", "/api/moves", '{"from": "home", "to": "a", "to": "b", "if_match": "v1"}', "to"),
        ("POST", "/api/batches", '{"changes": [{"slug": "a", "slug": "b"}]}', "slug"),
    ],
)
def test_a_member_that_is_there_twice_is_named(
    site: Site, method: str, path: str, data: str, name: str
) -> None:
    answer = send(site, method, path, data.encode(), If_None_Match="*")
    assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-request")
    assert answer.json["detail"] == f"The body has the member '{name}' twice."
    assert site.get("/api/pages/x").status_code == site.get("/api/leases/x").status_code == 404


def test_of_many_unknown_keys_a_few_are_named(site: Site) -> None:
    value = {"body": "x", **{f"key-{number}": number for number in range(40_000)}}
    answer = send(site, "PUT", "/api/pages/x", json.dumps(value).encode(), If_None_Match="*")
    assert answer.status_code == 422
    assert len(answer.data) < 10_000


@pytest.mark.parametrize(
    "path",
    [
        "/api/pages?tags=a",
        "/api/pages/home?v=1",
        "/api/health?probe=1",
        "/api/openapi.json?x",
        "/api/search?q=a&page=2",
        "/api/tree?prefix=a",
        "/api/leases/home?limit=1",
        "/api/pages?limit=1&limit=2",
        *("/api/search?q=a&tag=%00", "/api/search?q=a&author=%20", "/api/pages?tag=%E2%80%8B"),
        *(f"/api/pages?limit={limit}" for limit in ("0", "-1", "201", "x", "", "1e1", "²")),
    ],
)
def test_parameters_that_are_not_known(site: Site, path: str) -> None:
    answer = site.get(path)
    assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:invalid-fields")
    name = path.partition("?")[2].split("&")[-1].partition("=")[0]
    assert name in answer.json["detail"]


@pytest.mark.parametrize(
    "path", ["/home", "/home.md", "/", "/-/recent", "/-/history/home", "/-/sign-in", "/robots.txt"]
)
def test_an_address_for_people_takes_what_trackers_add(site: Site, path: str) -> None:
    site.create("home", "text")
    assert site.get(f"{path}?utm_source=x&fbclid=y&utm_source=z").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/home", "/home.md", "/-/edit/home", "/-/history/home", "/-/diff/home"),
        *("/-/backlinks/home", "/api/pages/home", "/api/revisions/home", "/api/users/alice"),
        *("/api/leases/home", "/api/backlinks/home", "/api/health", "/-/users/alice", "/-/recent"),
    ],
)
def test_an_address_does_not_end_in_a_line_break(site: Site, path: str) -> None:
    site.create("home", "text")
    assert site.get(f"{path}%0A").status_code in (400, 404)


def test_no_page_is_made_with_a_line_break(site: Site) -> None:
    answer = send(site, "PUT", "/api/pages/new%0A", b'{"body":"x"}', If_None_Match="*")
    assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-slug")
    assert site.get("/api/pages/new").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        *("/api", "/-", "/api/", "/-/", "/sitemap.xml/", "/api.md"),
        *("/sitemap.xml.md", "/-/edit/feed.atom", "/-/edit/api/x"),
    ],
)
def test_what_the_site_keeps_for_itself_is_not_there(site: Site, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 404
    assert "There is no such address." in answer.text


@pytest.mark.parametrize("method", ["OPTIONS", "PATCH", "BREW", "TRACE"])
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/pages", "GET, HEAD"),
        ("/api/pages/a/b", "GET, HEAD, PUT, DELETE"),
        ("/api/leases/a", "GET, HEAD, PUT, DELETE"),
        ("/api/drafts/a", "GET, HEAD, PUT, DELETE"),
        ("/api/drafts", "GET, HEAD"),
        ("/api/presence/a", "PUT, DELETE"),
        ("/api/previews", "POST"),
        ("/api/health", "GET, HEAD"),
        ("/api/users/alice", "GET, HEAD"),
        *((path, "GET, HEAD") for path in ("/", "/home", "/a/b.md", "/robots.txt", "/-/sign-in")),
        *((path, "GET, HEAD") for path in ("/-/recent", "/-/history/a", "/-/edit/a")),
        *((path, "") for path in ("/api/nothing", "/api/users/a/b", "/-/nothing", "/api/")),
    ],
)
def test_other_methods(site: Site, method: str, path: str, allowed: str) -> None:
    answer = site.client.open(path, method=method)
    found = (answer.status_code, answer.headers.get("Allow", ""))
    assert found == ((405, allowed) if allowed else (404, ""))


def test_a_body_that_nobody_asks_for_is_not_looked_at(site: Site) -> None:
    site.create("home", "text")
    text = {"Content_Type": "text/plain"}
    assert send(site, "GET", "/api/pages", b"text", **text).status_code == 200
    assert send(site, "DELETE", "/api/pages/home", b"x", If_Match='"v1"', **text).status_code == 204


def token(home: Path, **claims: Any) -> str:
    """A token that the site's issuer has signed."""
    key = keys.load(home)
    return jwt.encode({**SIGNED, **claims}, key.private, "RS256", {"kid": key.id})


@pytest.mark.parametrize(
    "groups",
    [
        *(["Domain Admin"], ["Domain admin"], ["x editor"], ["Editor"], ["x,admin"], ["[editor]"]),
        *("x editor", "[editor]", {"editor": True}, [["editor"]], None, 5),
    ],
)
def test_a_role_is_the_whole_name_of_a_group(site: Site, home: Path, groups: Any) -> None:
    signed = token(home, username="alice", **{"cognito:groups": groups})
    answer = site.put("x", "text", CREATE, token=signed)
    assert (answer.status_code, answer.json["type"]) == (403, "urn:sheaf:problem:forbidden")
    signed = token(home, username="alice", **{"cognito:groups": [groups, "editor"]})
    assert site.put("x", "text", CREATE, token=signed).status_code == 201


@pytest.mark.parametrize(
    "handle", ["alice@example.org", "Alice", "x" * 65, "", None, 1, True, ["alice"], {"a": 1}]
)
def test_a_handle_that_may_not_be_one(site: Site, home: Path, handle: Any) -> None:
    signed = token(home, username=handle, **{"cognito:groups": ["editor"]})
    answer = site.put("x", "text", CREATE, token=signed)
    assert (answer.status_code, answer.json["type"]) == (403, "urn:sheaf:problem:bad-handle")
    assert "The claim username of your token" in answer.json["detail"]
    assert site.get("/api/pages/x").status_code == 404


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"scope": 5}, 403),
        ({"scope": {"sheaf/write": 1}}, 403),
        ({"aud": {"sheaf": 1}}, 401),
        ({"aud": [{"sheaf": 1}]}, 401),
        ({"aud": 5}, 401),
        ({"exp": {}}, 401),
        ({"exp": "soon"}, 401),
    ],
)
def test_claims_of_other_types(site: Site, home: Path, claims: dict[str, Any], status: int) -> None:
    signed = token(home, **{"username": "alice", "cognito:groups": ["editor"], **claims})
    assert site.put("x", "text", CREATE, token=signed).status_code == status


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", ""])
def test_the_scheme_of_a_token_has_no_case(site: Site, scheme: str) -> None:
    headers = {**CREATE, "Authorization": scheme + site.token}
    answer = site.client.put("/api/pages/x", json={"body": "x"}, headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize("tag", ['"v1"', 'W/"v1"', '"v7", W/"v1"'])
def test_a_proxy_may_have_made_the_tag_weak(site: Site, tag: str) -> None:
    site.create("home", "one")
    assert site.put("home", "two", {"If-Match": tag}).status_code == 200
    assert site.put("home", "three", {"If-Match": tag}).status_code == 412
