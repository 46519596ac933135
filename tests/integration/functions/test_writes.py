"""Writes through the gateway: created, changed, deleted, refused; nothing half done."""

import json

import pytest
import redis as redis_module

from tests.conftest import Mint
from tests.fixtures import Servers
from tests.site import CREATE, Site


def test_create_update_and_delete_raise_the_version_for_ever(site: Site) -> None:
    created = site.put("guide/start", "# Start\n\nHello.", CREATE)
    assert created.status_code == 201
    assert created.headers["ETag"] == '"v1"'
    assert created.headers["Location"] == "/api/pages/guide/start"
    assert created.json["title"] == "Start"

    updated = site.update("guide/start", "# Begin", 1)
    assert (updated.status_code, updated.json["version"]) == (200, 2)
    deleted = site.delete("guide/start", 2)
    assert (deleted.status_code, deleted.text) == (204, "")
    assert site.get("/api/pages/guide/start").status_code == 410

    again = site.put("guide/start", "# Again", CREATE)
    assert (again.status_code, again.json["version"]) == (201, 4)
    assert again.json["id"] == created.json["id"]


def test_a_stale_write_is_refused_with_the_current_version(site: Site) -> None:
    site.create("home", "one")
    site.update("home", "two", 1)
    stale = site.update("home", "other two", 1)
    assert stale.status_code == 412
    assert stale.content_type == "application/problem+json"
    assert stale.json["type"] == "urn:sheaf:problem:precondition-failed"
    assert stale.json["current"]["version"] == 2
    assert stale.json["current"]["etag"] == '"v2"'
    assert stale.json["current"]["author"] == "alice"
    assert site.get("/api/pages/home").json["body"] == "two"


def test_creating_what_exists_is_refused_and_updating_what_does_not(site: Site) -> None:
    site.create("home", "one")
    assert site.put("home", "two", CREATE).status_code == 412
    missing = site.update("nowhere", "text", 1)
    assert (missing.status_code, missing.json["current"]) == (412, None)
    assert site.delete("nowhere", 1).status_code == 404
    assert site.get("/api/pages/nowhere").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({}, 428, "precondition-required"),
        ({"If-Match": "*"}, 400, "bad-request"),
        ({"If-Match": "v1"}, 400, "bad-request"),
        ({"If-None-Match": '"v1"'}, 400, "bad-request"),
        ({"If-Match": '"v1"', "If-None-Match": "*"}, 400, "bad-request"),
        ({"If-Match": 'W/"v1"'}, 412, "precondition-failed"),
        ({"If-Match": '"something else"'}, 412, "precondition-failed"),
        ({"If-Match": '"v99999999999999999999"'}, 412, "precondition-failed"),
    ],
)
def test_preconditions(site: Site, headers: dict[str, str], status: int, name: str) -> None:
    site.create("home", "one")
    answer = site.put("home", "two", headers)
    assert (answer.status_code, answer.json["type"]) == (status, f"urn:sheaf:problem:{name}")
    assert site.get("/api/pages/home").json["version"] == 1


def test_one_of_several_entity_tags_is_enough(site: Site) -> None:
    site.create("home", "one")
    assert site.put("home", "two", {"If-Match": '"v7", "v1"'}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        ({}, 422, "invalid-fields"),
        ({"body": 1}, 422, "invalid-fields"),
        ({"body": "x", "colour": "red"}, 422, "invalid-fields"),
        ({"body": "a\0b"}, 422, "invalid-fields"),
        ({"body": "x", "title": ""}, 422, "invalid-fields"),
        ({"body": "x", "title": "two\nlines"}, 422, "invalid-fields"),
        ({"body": "x", "comment": "\x1b[31m"}, 422, "invalid-fields"),
        ({"body": "x", "title": "x" * 201}, 422, "invalid-fields"),
        ({"body": "x", "tags": "a"}, 422, "invalid-fields"),
        ({"body": "x", "tags": ["a\0"]}, 422, "invalid-fields"),
        ([], 422, "invalid-fields"),
        ("text", 422, "invalid-fields"),
        ({"body": "x" * 1024 * 1024}, 413, "too-large"),
    ],
)
def test_bodies_that_are_refused(site: Site, body: object, status: int, name: str) -> None:
    answer = site.client.put(
        "/api/pages/home",
        data=json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {site.token}", **CREATE},
    )
    assert (answer.status_code, answer.json["type"]) == (status, f"urn:sheaf:problem:{name}")
    assert site.get("/api/pages/home").status_code == 404


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        ('{"body": ', "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ('{"body": "\\ud800"}', "application/json", 422),
        (b"\xff\xfe", "application/json", 400),
        ('{"body": "x"}', "text/plain", 415),
        ("body=x", "application/x-www-form-urlencoded", 415),
        (b"\x00\x01", "application/octet-stream", 415),
    ],
)
def test_bodies_that_are_no_json(
    site: Site, data: str | bytes, content_type: str, status: int
) -> None:
    answer = site.client.put(
        "/api/pages/home",
        data=data,
        content_type=content_type,
        headers={"Authorization": f"Bearer {site.token}", **CREATE},
    )
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "slug",
    ["a//b", "a/./b", "a/../b", "-/x", "api/x", "a%20b", "x" * 201, "a.md", "robots.txt", "a%00"],
)
def test_bad_slugs_are_named(site: Site, slug: str) -> None:
    answer = site.client.put(
        f"/api/pages/{slug}",
        json={"body": "x"},
        headers={"Authorization": f"Bearer {site.token}", **CREATE},
    )
    assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-slug")


def test_slugs_are_one_in_unicode_normal_form(site: Site) -> None:
    site.create("nai\u0308ve/部署", "text")
    assert site.get("/api/pages/na\u00efve/部署").json["slug"] == "na\u00efve/部署"
    assert site.put("na\u00efve/部署", "text", CREATE).status_code == 412


def test_permission_to_write(site: Site, mint_token: Mint) -> None:
    assert site.put("home", "x", CREATE, token="").status_code == 401
    assert site.put("home", "x", CREATE, token="nonsense").status_code == 401
    assert site.put("home", "x", CREATE, token=mint_token("bob", "reader")).status_code == 403
    assert site.put("home", "x", CREATE, token=mint_token("bob", "admin")).status_code == 201


def test_title_and_tags_come_from_the_text_unless_given(site: Site) -> None:
    body = "---\ntitle: From front matter\ntags: [a, b]\n---\n# Heading\n"
    assert site.create("one", body).json["title"] == "From front matter"
    assert site.get("/api/pages/one").json["tags"] == ["a", "b"]
    assert site.get("/api/pages/one").json["body"] == body
    assert site.create("dir/two", "no heading").json["title"] == "two"
    given = site.put("three", {"body": body, "title": "Given", "tags": ["c"]}, CREATE)
    assert (given.json["title"], given.json["tags"]) == ("Given", ["c"])


def test_a_preview_stores_nothing(site: Site) -> None:
    answer = site.post("/api/previews", {"body": "# T\n\n<script>x</script>", "slug": "a/b"})
    assert answer.json["title"] == "T"
    assert "<script" not in answer.json["html"]
    assert site.get("/api/pages").json["items"] == []
    assert site.post("/api/previews", {"body": "x"}, token="").status_code == 401


def test_a_page_that_is_being_saved_is_busy_for_others(site: Site, clean: Servers) -> None:
    with redis_module.Redis.from_url(clean.cache_url) as client:
        client.set("lock:{page:home}", "someone", px=60_000)
    answer = site.put("home", "x", CREATE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")
    assert site.get("/api/pages/home").status_code == 404
