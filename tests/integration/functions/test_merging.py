"""Merges over the API: what it takes to save onto a page that has changed meanwhile."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.conftest import Mint
from tests.site import CREATE, Site

BASE = "# Tea\n\nblack\n\ngreen\n\nwhite\n"


def merge(site: Site, slug: str, base: int | None, body: str) -> TestResponse:
    """Ask; a base of None is left out."""
    return site.post(f"/api/merges/{slug}", {"body": body} | ({"base": base} if base else {}))


def move(site: Site, slug: str, to: str, version: int) -> None:
    moved = site.post("/api/moves", {"from": slug, "to": to, "if_match": f'"v{version}"'})
    assert moved.status_code == 201, moved.text


def saved_by(site: Site, token: str, slug: str, body: str, version: int) -> None:
    answer = site.put(slug, body, {"If-Match": f'"v{version}"'}, token)
    assert answer.status_code == 200, answer.text


def test_changes_apart_from_each_other_are_merged(site: Site, mint_token: Mint) -> None:
    site.create("tea", BASE)
    saved_by(site, mint_token("bob", "editor"), "tea", BASE.replace("black", "BLACK"), 1)
    saved_by(site, mint_token("carol", "editor"), "tea", BASE.replace("black", "Black\nred"), 2)
    answer = merge(site, "tea", 1, BASE.replace("white", "WHITE"))
    assert answer.json == {
        "slug": "tea",
        "version": 3,
        "body": "# Tea\n\nBlack\nred\n\ngreen\n\nWHITE\n",
        "merged": {"lines": 2, "authors": ["carol", "bob"]},
        "conflicts": [],
    }
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"v3"')
    assert answer.headers["Cache-Control"] == "no-store"
    assert site.get("/api/pages/tea").json["version"] == 3, "a question stores nothing"
    body = answer.json["body"]
    assert site.put("tea", body, {"If-Match": answer.headers["ETag"]}).json["version"] == 4


def test_changes_of_the_same_lines_are_for_a_person(site: Site, mint_token: Mint) -> None:
    site.create("tea", BASE)
    saved_by(
        site, mint_token("bob", "editor"), "tea", BASE.replace("black", "BLACK") + "\nred\n", 1
    )
    mine = BASE.replace("black", "Black")
    assert merge(site, "tea", 1, mine).json == {
        "slug": "tea",
        "version": 2,
        "body": mine + "\nred\n",
        "merged": {"lines": 2, "authors": ["bob"]},
        "conflicts": [{"line": 3, "base": "black\n", "mine": "Black\n", "theirs": "BLACK\n"}],
    }


def test_where_nobody_was_faster_the_text_is_as_it_was(site: Site) -> None:
    site.create("tea", BASE)
    assert merge(site, "tea", 1, "mine").json == {
        "slug": "tea",
        "version": 1,
        "body": "mine",
        "merged": {"lines": 0, "authors": []},
        "conflicts": [],
    }


def test_a_page_that_two_people_began_has_no_base(site: Site) -> None:
    site.create("tea", "# Tea\n\ntheirs\n")
    assert merge(site, "tea", None, "# Tea\n\nmine\n").json["conflicts"] == [
        {"line": 3, "base": "", "mine": "mine\n", "theirs": "theirs\n"}
    ]
    assert merge(site, "tea", None, "# Tea\n\ntheirs\n").json["conflicts"] == []


def test_there_has_to_be_a_page_and_the_version(site: Site) -> None:
    assert merge(site, "tea", 1, "x").status_code == 404
    site.create("tea", BASE)
    unknown = merge(site, "tea", 7, "x")
    assert (unknown.status_code, unknown.json["detail"]) == (
        404,
        "There is no version 7 of page tea.",
    )
    site.delete("tea", 1)
    assert merge(site, "tea", 1, "x").status_code == 410


def test_a_page_that_moved_is_merged_where_it_is_now(site: Site) -> None:
    site.create("tea", BASE)
    site.update("tea", BASE + "\nred\n", 1)
    moved = site.post("/api/moves", {"from": "tea", "to": "drinks/tea", "if_match": '"v2"'})
    assert moved.status_code == 201, moved.text
    answer = merge(site, "tea", 1, BASE.replace("black", "BLACK"))
    assert (answer.status_code, answer.headers["Location"]) == (308, "/api/merges/drinks/tea")
    merged = merge(site, "drinks/tea", 1, BASE.replace("black", "BLACK")).json
    assert merged["version"] == moved.json["version"]
    assert merged["body"] == BASE.replace("black", "BLACK") + "\nred\n"
    assert merged["slug"] == "drinks/tea"


def test_what_was_made_of_a_page_that_moved_on_is_not_merged_into_another(site: Site) -> None:
    site.create("tea", BASE)
    move(site, "tea", "green", 1)
    move(site, "green", "greener", 3)
    site.create("tea", "# Another")
    answer = merge(site, "tea", 1, BASE)
    assert (answer.status_code, answer.headers["Location"]) == (308, "/api/merges/greener")
    assert merge(site, "tea", 3, "# Another").json["slug"] == "tea"


def test_a_page_that_came_back_is_the_same(site: Site) -> None:
    site.create("tea", BASE)
    move(site, "tea", "green", 1)
    move(site, "green", "tea", 3)
    assert merge(site, "tea", 1, BASE).json["slug"] == "tea"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 422),
        ({"body": "x", "base": "1"}, 422),
        ({"body": "x", "base": 0}, 422),
        ({"body": "x", "base": 10**18}, 422),
        ({"body": "x", "more": 1}, 422),
        ({"body": "\0"}, 422),
        ([], 422),
    ],
)
def test_what_is_no_merge_is_refused(site: Site, sent: Any, status: int) -> None:
    site.create("tea", BASE)
    assert site.post("/api/merges/tea", sent).status_code == status


def test_only_editors_merge(site: Site, mint_token: Mint) -> None:
    site.put("tea", BASE, CREATE)
    for token, status in (("", 401), (mint_token("ron", "reader"), 403)):
        answer = site.post("/api/merges/tea", {"body": "x", "base": 1}, token)
        assert answer.status_code == status
