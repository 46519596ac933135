"""Versions that are restored: ordinary writes, whose text, title and tags were there before."""

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, update
from werkzeug.test import TestResponse

from sheaf.database.tables import revisions
from sheaf.hashing import git_blob_id
from tests.conftest import Mint
from tests.site import CREATE, Site

TOO_COMPLEX = "[a]: /" + "x" * 20_000 + "\n\n" + "[a] " * 2_500
KEY = {"Idempotency-Key": '"k-1"'}


def restore(
    site: Site, slug: str, kept: Any, state: int | dict[str, str], **more: Any
) -> TestResponse:
    """Ask for a version on top of another, or with the headers that are given."""
    headers = {"If-Match": f'"v{state}"'} if isinstance(state, int) else state
    return site.put(slug, {"restore": kept, **more}, headers)


def names(page: Any) -> tuple[Any, ...]:
    return page["body"], page["title"], page["tags"], page["blob"]


def versions(site: Site, slug: str) -> list[int]:
    return [item["version"] for item in site.get(f"/api/revisions/{slug}").json["items"]]


@pytest.fixture
def page(site: Site) -> Any:
    """The first of two versions of a page, with names that are not in its text."""
    first = site.put("page", {"body": "# One", "title": "Given", "tags": ["b", "a"]}, CREATE)
    site.update("page", "# Two", 1)
    return first.json


def test_a_version_comes_back_as_a_new_one(site: Site, page: Any) -> None:
    restored = restore(site, "page", 1, 2, comment="As it was")
    assert (restored.status_code, restored.headers["ETag"]) == (200, '"v3"')
    assert names(restored.json) == names(page) == names(site.get("/api/pages/page").json)
    newest = site.get("/api/revisions/page").json["items"][0]
    assert (newest["version"], newest["comment"], newest["author"]) == (3, "As it was", "alice")
    assert "One" in site.get(restored.json["url"]).text
    assert [item["slug"] for item in site.get("/api/pages?tag=a").json["items"]] == ["page"]


def test_so_does_a_deleted_page(site: Site, page: Any) -> None:
    site.delete("page", 2)
    assert restore(site, "page", 1, 3).status_code == 412
    restored = restore(site, "page", 1, CREATE)
    assert (restored.status_code, restored.headers["Location"]) == (201, "/api/pages/page")
    assert (restored.json["version"], restored.json["id"]) == (4, page["id"])
    assert names(restored.json) == names(page)
    assert restore(site, "page", 2, CREATE).status_code == 412


def test_and_what_a_page_was_before_it_moved(site: Site, page: Any) -> None:
    move = {"from": "page", "to": "new/page", "if_match": '"v2"'}
    moved = site.post("/api/moves", move).json["version"]
    kept = {"slug": "page", "version": 1}
    restored = restore(site, "new/page", kept, moved)
    assert (restored.status_code, restored.json["id"]) == (200, page["id"])
    assert names(restored.json) == names(page)
    # A page at the old slug is another one, and ends the redirect.
    again = restore(site, "page", 1, CREATE)
    assert (again.status_code, names(again.json)) == (201, names(page))
    assert again.json["id"] != page["id"]


def test_links_start_where_the_page_is_now(site: Site) -> None:
    site.create("a/old", "[there](there.md)")
    kept = {"slug": "a/old", "version": 1}
    assert restore(site, "b/new", kept, CREATE).status_code == 201
    assert 'href="/b/there"' in site.get("/b/new").text


@pytest.mark.parametrize(
    ("kept", "status", "detail"),
    [
        (7, 404, "There is no version 7 of page page."),
        (2**62, 404, f"There is no version {2**62} of page page."),
        ({"slug": "nowhere", "version": 1}, 404, "There is no version 1 of page nowhere."),
        ({"slug": "gone", "version": 2}, 400, "Version 2 of page gone is its deletion: "),
        ({"slug": "left", "version": 2}, 400, "Version 2 of page left leads to arrived: "),
        ({"slug": "a//b", "version": 1}, 400, ""),
    ],
)
def test_what_is_not_there_or_has_no_text(
    site: Site, page: Any, kept: Any, status: int, detail: str
) -> None:
    site.create("gone", "text")
    site.delete("gone", 1)
    site.create("left", "text")
    site.post("/api/moves", {"from": "left", "to": "arrived", "if_match": '"v1"'})
    refused = restore(site, "page", kept, 2)
    assert refused.status_code == status
    assert refused.json["detail"].startswith(detail)
    assert versions(site, "page") == [2, 1]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"restore": 1, "body": "x"}, "body.body"),
        ({"restore": 1, "title": "x"}, "body.title"),
        ({"restore": 1, "tags": []}, "body.tags"),
        ({"restore": 1, "comment": "x" * 501}, "body.comment"),
        ({"restore": {"version": 1, "more": 1}}, "body.restore.more"),
        ({"restore": {"slug": "page"}}, "body.restore.version"),
        ({"restore": {"slug": 5, "version": 1}}, "body.restore.slug"),
        ({"restore": {"slug": "\0", "version": 1}}, "body.restore.slug"),
        *(
            ({"restore": kept}, "body.restore.version")
            for kept in (0, -1, 2**62 + 1, 1.0, "1", True, None, [1])
        ),
        ({}, "body.body"),
        ({"body": 1}, "body.body"),
    ],
)
def test_bodies_that_are_refused_say_of_which_member(
    site: Site, page: Any, value: Any, field: str
) -> None:
    refused = site.put("page", value, {"If-Match": '"v2"'})
    assert (refused.status_code, refused.json["type"]) == (422, "urn:sheaf:problem:invalid-fields")
    assert [error["field"] for error in refused.json["errors"]] == [field]
    assert versions(site, "page") == [2, 1]


def test_it_is_a_write_like_any_other(site: Site, page: Any, mint_token: Mint) -> None:
    wanted = {"restore": 1}
    assert site.put("page", wanted, {}).status_code == 428
    assert site.put("page", wanted, {"If-Match": '"v1"'}).status_code == 412
    assert site.put("page", wanted, {"If-Match": '"v2"'}, token="").status_code == 401
    bob = {"Authorization": f"Bearer {mint_token('bob', 'editor')}"}
    fence = site.client.put("/api/leases/page", json={}, headers=bob).json["fence"]
    assert site.put("page", wanted, {"If-Match": '"v2"'}).status_code == 423
    leased = {**bob, "If-Match": '"v2"', "Sheaf-Lease": str(fence)}
    assert site.client.put("/api/pages/page", json=wanted, headers=leased).status_code == 200


def test_a_key_is_that_of_the_version(site: Site, page: Any) -> None:
    headers = {"If-Match": '"v2"', **KEY}
    first = restore(site, "page", 1, headers)
    assert restore(site, "page", 1, headers).json == first.json
    assert restore(site, "page", 2, headers).json["type"].endswith(":idempotency-key-reused")
    assert site.put("page", "# One", headers).status_code == 422
    assert versions(site, "page") == [3, 2, 1]


def test_a_text_from_before_the_bounds_is_refused_as_in_any_write(
    site: Site, page: Any, engine: Engine
) -> None:
    with engine.connect() as connection:
        old = update(revisions).where(revisions.c.version == 1)
        connection.execute(old.values(body=TOO_COMPLEX))
    refused = restore(site, "page", 1, 2)
    assert (refused.status_code, refused.json["line"]) == (422, 3)
    assert refused.json["type"] == "urn:sheaf:problem:too-complex"
    assert versions(site, "page") == [2, 1]


def test_names_from_before_their_one_spelling_get_it(site: Site, page: Any, engine: Engine) -> None:
    with engine.connect() as connection:
        old = update(revisions).where(revisions.c.version == 1)
        connection.execute(old.values(title=" Cafe\u0301\n", tags=["a\u00a0b", "a b", "\u202e"]))
    restored = restore(site, "page", 1, 2).json
    assert (restored["title"], restored["tags"]) == ("Café", ["a b"])


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
PIECES = st.sampled_from(
    ["\ufeff", "---\ntitle: T\n---\n", "+++\n+++\n", "\r\n", "\r", "  \n", "\t", " ", "# T", "\x85"]
)
SLUGS = (f"text-{number}" for number in count())


# The tests of a site begin with empty tables. Here each text has a page of its own.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.lists(TEXTS | PIECES, max_size=8).map("".join))
def test_a_source_is_restored_byte_for_byte(site: Site, body: str) -> None:
    slug = next(SLUGS)
    created = site.create(slug, body).json
    site.update(slug, "another", 1)
    restored = restore(site, slug, 1, 2).json
    assert names(restored) == names(site.get(f"/api/pages/{slug}").json) == names(created)
    assert (restored["body"], restored["blob"]) == (body, git_blob_id(body.encode()))
    assert restored["warnings"] == created["warnings"]
