"""Pages that move: what goes along, what stays, and what leads there."""

from typing import Any

import psycopg
import pytest
from werkzeug.test import TestResponse

from sheaf.pages import drafts, editing
from sheaf.sharding import shards
from tests.conftest import Mint
from tests.fixtures import Servers
from tests.site import CREATE, Site


def move(site: Site, source: str, to: str, version: int) -> TestResponse:
    return site.post("/api/moves", {"from": source, "to": to, "if_match": f'"v{version}"'})


def test_a_page_moves_with_its_id_and_leaves_a_redirect(site: Site) -> None:
    created = site.put("guide/tea", {"body": "# Tea", "tags": ["hot"]}, CREATE).json
    site.update("guide/tea", "# Green tea", 1)
    moved = move(site, "guide/tea", "drinks/tea", 2)
    assert moved.status_code == 201, moved.text
    assert moved.headers["Location"] == "/api/pages/drinks/tea"
    assert (moved.json["id"], moved.json["version"]) == (created["id"], 4)
    assert moved.json["created_at"] == created["created_at"]
    there = site.get("/api/pages/drinks/tea")
    assert (there.json["body"], there.json["id"]) == ("# Green tea", created["id"])
    for path, location in [
        ("/guide/tea", "/drinks/tea"),
        ("/guide/tea.md", "/drinks/tea.md"),
        ("/api/pages/guide/tea", "/api/pages/drinks/tea"),
    ]:
        answer = site.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (308, location)
        assert answer.headers["Cache-Control"] == "max-age=0, must-revalidate, s-maxage=60"
    listed = site.get("/api/pages").json["items"]
    assert [(item["slug"], item["id"]) for item in listed] == [("drinks/tea", created["id"])]


def test_one_onto_a_live_page_is_412_and_nothing_changes(site: Site) -> None:
    site.create("one", "one")
    site.create("two", "two")
    refused = move(site, "one", "two", 1)
    assert (refused.status_code, refused.json["current"]["version"]) == (412, 1)
    assert site.get("/one").status_code == site.get("/two").status_code == 200


def test_chains_are_followed_and_a_page_made_again_ends_them(site: Site) -> None:
    site.create("p0", "text")
    version = 1
    for number in range(4):
        version = move(site, f"p{number}", f"p{number + 1}", version).json["version"]
    assert site.get("/p0").headers["Location"] in ("/p1", "/p4")
    assert site.get("/api/pages/p0").headers["Location"] == "/api/pages/p4"
    again = site.put("p0", "again", CREATE)
    assert again.status_code == 201
    assert site.get("/p0").status_code == 200


def test_there_and_back(site: Site) -> None:
    first = site.create("one", "text").json
    there = move(site, "one", "two", 1).json
    back = move(site, "two", "one", there["version"]).json
    assert back["id"] == first["id"]
    assert back["version"] > there["version"]
    assert site.get("/two").headers["Location"] == "/one"
    assert site.get("/one").status_code == 200


def test_both_histories_lead_into_each_other(site: Site) -> None:
    site.create("one", "text")
    site.update("one", "other text", 1)
    version = move(site, "one", "two", 2).json["version"]
    site.update("two", "third text", version)
    ours, theirs = (site.get(f"/api/revisions/{slug}").json["items"] for slug in ("two", "one"))
    assert [(each["version"], each["moved_from"]) for each in ours] == [(5, None), (4, "one")]
    assert [(each["version"], each["moved_to"]) for each in theirs] == [
        *((3, "two"), (2, None), (1, None))
    ]
    assert 'moved from <a href="/-/history/one">' in site.get("/-/history/two").text
    assert 'moved to <a href="/-/history/two">' in site.get("/-/history/one").text
    assert site.get("/api/revisions/one?version=2").json["body"] == "other text"


def test_the_version_is_above_any_that_either_slug_had(site: Site) -> None:
    site.create("old", "text")
    for version in range(1, 8):
        site.update("old", f"text {version}", version)
    site.delete("old", 8)
    site.create("one", "text")
    assert move(site, "one", "old", 1).json["version"] == 10
    site.create("two", "text")
    assert move(site, "old", "new", 10).json["version"] == 12


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"from": "one", "to": "two", "if_match": '"v7"'}, 412),
        ({"from": "none", "to": "two", "if_match": '"v1"'}, 404),
        ({"from": "gone", "to": "two", "if_match": '"v1"'}, 410),
        ({"from": "one", "to": "one", "if_match": '"v1"'}, 400),
        ({"from": "one", "to": "a//b", "if_match": '"v1"'}, 400),
        ({"from": "one", "to": "two", "if_match": "v1"}, 400),
        ({"from": "one", "to": "two"}, 422),
        ({"from": "one", "to": "two", "if_match": '"v1"', "more": 1}, 422),
    ],
)
def test_what_is_refused_changes_nothing(site: Site, body: Any, status: int) -> None:
    site.create("one", "text")
    site.create("gone", "text")
    site.delete("gone", 1)
    assert site.post("/api/moves", body).status_code == status
    assert site.get("/api/pages/one").json["version"] == 1
    assert site.get("/api/pages/two").status_code == 404


@pytest.mark.parametrize("leased", ["one", "two"])
def test_nobody_moves_what_somebody_else_edits(site: Site, mint_token: Mint, leased: str) -> None:
    site.create("one", "text")
    headers = {"Authorization": f"Bearer {mint_token('bob', 'editor')}"}
    assert site.client.put(f"/api/leases/{leased}", json={}, headers=headers).status_code == 201
    refused = move(site, "one", "two", 1)
    assert (refused.status_code, refused.json["holder"]) == (423, "bob")
    assert site.get("/one").status_code == 200


def test_tags_drafts_and_words_go_along(site: Site, clean: Servers) -> None:
    site.put("one", {"body": "# Tea\n\nleaves [two](other)", "tags": ["hot"]}, CREATE)
    with shards.owning("one").connect() as connection:
        drafts.keep(connection, "one", "alice", 1, editing.compose("one", "mine"), "")
    move(site, "one", "two", 1)
    kept = [shards.read(slug, drafts.of_page, "alice") for slug in ("one", "two")]
    assert [len(each) for each in kept] == [0, 1]
    for path in ("/api/pages?tag=hot", "/api/search?q=leaves", "/api/backlinks/other"):
        assert [item["slug"] for item in site.get(path).json["items"]] == ["two"]


def test_a_save_at_the_old_slug_is_412_and_its_state_a_redirect(site: Site) -> None:
    site.create("one", "text")
    move(site, "one", "two", 1)
    refused = site.update("one", "late", 1)
    assert (refused.status_code, refused.json["current"]["state"]) == (412, "redirect")
    assert site.delete("one", 2).status_code == 412


def test_a_lock_service_that_lost_its_counter_is_no_reason(site: Site, clean: Servers) -> None:
    site.create("one", "text")
    with psycopg.connect(clean.database_url) as connection:
        connection.execute("UPDATE pages SET fence = fence + 1000000")
    assert move(site, "one", "two", 1).status_code == 201
