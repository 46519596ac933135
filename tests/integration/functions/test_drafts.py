"""Drafts over the API: what somebody types is kept, and is nobody else's."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from sheaf.pages import drafts
from sheaf.sharding import shards
from tests.conftest import Mint
from tests.site import Site

TEA = "/api/drafts/notes/tea"


def send(site: Site, method: str, path: str, value: Any = None, token: str = "") -> TestResponse:
    headers = {"Authorization": f"Bearer {token or site.token}"}
    return site.client.open(path, method=method, json=value, headers=headers)


def keep(site: Site, body: str, replaces: str | None = None, **more: Any) -> Any:
    """Keep a text, and the answer."""
    named = {"replaces": replaces} if replaces else {}
    answer = send(site, "PUT", TEA, {"body": body, **named, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


def kept(site: Site, path: str = TEA, token: str = "") -> list[Any]:
    found: list[Any] = send(site, "GET", path, token=token).json["items"]
    return found


def test_what_is_typed_is_kept_for_its_author(site: Site, mint_token: Mint) -> None:
    body = "---\ntitle: Tea\ntags: [hot]\n---\nleaves"
    answer = keep(site, body, comment="better", based_on=3)
    (draft,) = kept(site)
    assert draft == {**answer, "body": body, "tags": ["hot"]}
    names = ("slug", "title", "comment", "based_on", "autosaved")
    assert [draft[name] for name in names] == ["notes/tea", "Tea", "better", 3, True]
    assert kept(site, token=mint_token("bob", "editor")) == []
    assert kept(site, "/api/drafts/notes") == []


def test_it_takes_the_place_of_what_it_was_before(site: Site) -> None:
    first = keep(site, "lea")
    second = keep(site, "leaves", first["id"])
    assert second["id"] != first["id"]
    assert [draft["body"] for draft in kept(site)] == ["leaves"]


def test_the_same_text_again_is_the_same_draft(site: Site) -> None:
    """The answer to the first may have been lost."""
    first = keep(site, "lea")
    second = keep(site, "leaves", first["id"])
    assert keep(site, "leaves", first["id"])["id"] == second["id"]
    assert keep(site, "leaves", second["id"])["id"] == second["id"]
    assert len(kept(site)) == 1


def test_who_types_in_two_places_has_two_drafts(site: Site) -> None:
    first = keep(site, "lea")
    keep(site, "leaves", first["id"])
    keep(site, "leather", first["id"])
    assert [draft["body"] for draft in kept(site)] == ["leather", "leaves"]


def test_nobody_replaces_or_discards_the_draft_of_another(site: Site, mint_token: Mint) -> None:
    mine, bob = keep(site, "mine"), mint_token("bob", "editor")
    assert send(site, "PUT", TEA, {"body": "x", "replaces": mine["id"]}, bob).status_code == 200
    assert send(site, "DELETE", f"{TEA}?id={mine['id']}", token=bob).status_code == 204
    assert send(site, "DELETE", TEA, token=bob).status_code == 204
    assert [draft["body"] for draft in kept(site)] == ["mine"]
    assert kept(site, token=bob) == []


def test_a_draft_is_discarded_or_all_of_a_page(site: Site) -> None:
    one, *_ = [keep(site, word) for word in ("one", "two", "three")]
    other = send(site, "PUT", "/api/drafts/other", {"body": "other"}).json
    assert send(site, "DELETE", f"{TEA}?id={one['id']}").status_code == 204
    assert [draft["body"] for draft in kept(site)] == ["three", "two"]
    assert send(site, "DELETE", f"{TEA}?id={other['id']}").status_code == 204, "of another page"
    assert send(site, "DELETE", TEA).status_code == 204
    assert kept(site) == []
    assert len(kept(site, "/api/drafts/other")) == 1


def test_a_person_finds_the_drafts_of_all_pages(site: Site, mint_token: Mint) -> None:
    for slug in ("a", "b/c", "d"):
        send(site, "PUT", f"/api/drafts/{slug}", {"body": f"text of {slug}"})
    send(site, "PUT", TEA, {"body": "bob's"}, mint_token("bob", "editor"))
    found = kept(site, "/api/drafts")
    assert [draft["slug"] for draft in found] == ["d", "b/c", "a"]
    assert not any("body" in draft for draft in found)


def test_what_is_kept_is_bounded_and_a_refusal_removes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "MAX_AUTOSAVED", 3)
    monkeypatch.setattr(drafts, "_AUTOSAVE", drafts._autosave())
    first, *_ = [keep(site, word) for word in ("one", "two", "three")]
    refused = send(site, "PUT", TEA, {"body": "four"})
    assert (refused.status_code, refused.json["type"]) == (422, "urn:sheaf:problem:too-many-drafts")
    assert keep(site, "another", first["id"])
    unknown = send(site, "PUT", TEA, {"body": "four", "replaces": str(uuid4())})
    assert unknown.status_code == 422
    assert [draft["body"] for draft in kept(site)] == ["another", "three", "two"]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"body": None},
        {"body": "a\0b"},
        {"body": "x", "based_on": 0},
        {"body": "x", "replaces": "1"},
        {"body": "x", "comment": "y" * 501},
        {"body": "x", "other": 1},
    ],
)
def test_what_cannot_be_a_draft(site: Site, wanted: dict[str, Any]) -> None:
    refused = send(site, "PUT", TEA, wanted)
    assert (refused.status_code, refused.json["type"]) == (422, "urn:sheaf:problem:invalid-fields")


def test_a_draft_that_is_too_long_for_a_page_is_too_long(site: Site) -> None:
    assert send(site, "PUT", TEA, {"body": "word " * 220_000}).status_code == 413


@pytest.mark.parametrize("query", ["id=1", "id=", "ID=x", "id=a&id=b"])
def test_an_id_is_an_id(site: Site, query: str) -> None:
    keep(site, "text")
    assert send(site, "DELETE", f"{TEA}?{query}").status_code == 400
    assert len(kept(site)) == 1


def test_drafts_are_for_editors(site: Site, mint_token: Mint) -> None:
    requests = [("GET", "/api/drafts"), ("GET", TEA), ("PUT", TEA), ("DELETE", TEA)]
    for method, path in requests:
        value = {"body": "x"} if method == "PUT" else None
        assert site.client.open(path, method=method, json=value).status_code == 401
        refused = send(site, method, path, value, mint_token("carol", "reader"))
        assert (refused.status_code, refused.json["type"]) == (403, "urn:sheaf:problem:forbidden")


def test_a_draft_goes_along_with_its_page(site: Site) -> None:
    site.create("notes/tea", "one")
    draft = keep(site, "two", based_on=1)
    move = {"from": "notes/tea", "to": "notes/chai", "if_match": '"v1"'}
    assert site.post("/api/moves", move).status_code == 201
    (moved,) = kept(site, "/api/drafts/notes/chai")
    assert (moved["id"], moved["autosaved"]) == (draft["id"], True)
    # Who goes on at the old slug, where nothing else is, goes on with it.
    later = keep(site, "three", based_on=1, replaces=draft["id"])
    assert (later["slug"], [each["body"] for each in kept(site)]) == ("notes/chai", ["three"])
    assert send(site, "DELETE", TEA).status_code == 204
    assert kept(site, "/api/drafts/notes/chai") == []


def test_a_draft_stays_where_another_page_is_by_now(site: Site) -> None:
    site.create("notes/tea", "one")
    move = {"from": "notes/tea", "to": "notes/chai", "if_match": '"v1"'}
    assert site.post("/api/moves", move).status_code == 201
    site.create("notes/tea", "another")
    assert keep(site, "two", based_on=3)["slug"] == "notes/tea"


def test_old_ones_end(site: Site) -> None:
    keep(site, "old")
    with shards.home().begin() as connection:
        connection.execute(text("UPDATE drafts SET created_at = now() - interval '31 days'"))
    assert keep(site, "new")
    assert shards.on(0, drafts.remove_old, timedelta(days=30)) == 1
    assert [draft["body"] for draft in kept(site)] == ["new"]
