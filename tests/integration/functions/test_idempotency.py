"""Writes with an idempotency key: sent again they get their first answer, and are done once."""

from typing import Any

import psycopg
import pytest
from werkzeug.test import TestResponse

import upkeep.app
from sheaf.http import documents
from sheaf.locks import engines
from sheaf.pages import editing, idempotency, page_cache
from sheaf.pages.idempotency import Key, KeyReused
from sheaf.pages.preconditions import Precondition
from tests.conftest import Mint
from tests.context import new_context
from tests.fixtures import Servers
from tests.site import CREATE, Site
from tests.waiting import PATIENCE

NAME = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
ON_ONE = {"If-Match": '"v1"'}


def whole(answer: TestResponse) -> tuple[Any, ...]:
    """All of an answer but when it was given."""
    of_this_time = ("date", "server-timing")
    headers = {k: v for k, v in answer.headers.items() if k.lower() not in of_this_time}
    return answer.status_code, headers, answer.data


def versions(site: Site, slug: str = "home") -> list[int]:
    return [item["version"] for item in site.get(f"/api/revisions/{slug}").json["items"]]


def test_what_is_sent_again_is_answered_as_the_first_time(site: Site) -> None:
    text = "---\nunread\n---\n# Tea\n"  # with a warning
    requests = [(text, CREATE), ("two", ON_ONE), (text, {"If-Match": '"v2"'})]
    firsts = []
    for number, (body, state) in enumerate(requests):
        firsts.append(site.put("home", body, {**state, "Idempotency-Key": f"k{number}"}))
    assert [first.status_code for first in firsts] == [201, 200, 200]
    assert firsts[0].json["warnings"]
    for number, (body, state) in enumerate(requests):
        again = site.put("home", body, {**state, "Idempotency-Key": f"k{number}"})
        assert whole(again) == whole(firsts[number])
    assert versions(site) == [3, 2, 1]


def test_so_is_a_deletion(site: Site) -> None:
    site.create("home", "one")
    first = site.delete("home", 1, NAME)
    assert (first.status_code, first.headers["ETag"]) == (204, '"v2"')
    site.create("home", "again")
    assert whole(site.delete("home", 1, NAME)) == whole(first)
    assert versions(site) == [3, 2, 1]
    assert site.get("/api/pages/home").json["body"] == "again"


def test_what_was_refused_is_judged_anew(site: Site) -> None:
    assert site.put("home", "two", {**ON_ONE, **NAME}).status_code == 412
    site.create("home", "one")
    assert site.put("home", "two", {**ON_ONE, **NAME}).status_code == 200
    assert site.put("home", "two", {**ON_ONE, **NAME}).status_code == 200
    assert versions(site) == [2, 1]


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("other", CREATE),
        ("one", ON_ONE),
        ({"body": "one", "comment": "why"}, CREATE),
        ({"body": "one", "tags": []}, CREATE),
        ("one", {**CREATE, "Sheaf-Lease": "7"}),
    ],
)
def test_another_request_with_the_same_key_is_refused(
    site: Site, body: Any, state: dict[str, str]
) -> None:
    site.put("home", "one", {**CREATE, **NAME})
    refused = site.put("home", body, {**state, **NAME})
    assert refused.status_code == 422
    assert refused.json["type"] == "urn:sheaf:problem:idempotency-key-reused"
    assert versions(site) == [1]


def test_a_key_is_of_one_person_one_method_and_one_address(site: Site, mint_token: Mint) -> None:
    site.put("home", "one", {**CREATE, **NAME})
    assert site.put("other", "one", {**CREATE, **NAME}).status_code == 201
    bob = mint_token("bob", "editor")
    assert site.put("home", "bob's", {**ON_ONE, **NAME}, bob).status_code == 200
    assert site.delete("home", 2, NAME).status_code == 204
    assert versions(site) == [3, 2, 1]


@pytest.mark.parametrize("again", ["k-1", '"k-1"', ' "k-1" '])
def test_a_key_may_stand_in_quotes(site: Site, again: str) -> None:
    site.put("home", "one", {**CREATE, "Idempotency-Key": "k-1"})
    assert site.put("home", "one", {**CREATE, "Idempotency-Key": again}).status_code == 201
    assert versions(site) == [1]


@pytest.mark.parametrize("key", ["", '""', "a b", '"a', 'a"', '"a","b"', "ü", "x" * 256])
def test_what_is_no_key_is_refused(site: Site, key: str) -> None:
    refused = site.put("home", "one", {**CREATE, "Idempotency-Key": key})
    assert (refused.status_code, refused.json["type"]) == (400, "urn:sheaf:problem:bad-request")
    assert refused.json["detail"] == (
        "Idempotency-Key holds 1 to 255 letters of ASCII, in quotes if there are spaces, commas,"
        " quotes or backslashes among them."
    )
    assert site.get("/api/pages/home").status_code == 404


@pytest.mark.parametrize("key", [r'"a\"b\\"', '"' + "x" * 255 + '"', '"a b"', "x" * 255])
def test_what_is_one_is_taken(site: Site, key: str) -> None:
    for _ in range(2):
        assert site.put("home", "one", {**CREATE, "Idempotency-Key": key}).status_code == 201


def test_while_the_first_is_under_way_it_is_409(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editing, "_WAIT_SECONDS", 0.01)
    with engines.current().lock(page_cache.key("home"), PATIENCE):
        busy = site.put("home", "one", {**CREATE, **NAME})
    assert (busy.status_code, busy.headers["Retry-After"]) == (409, "1")


def test_a_write_that_is_late_finds_its_key_used(site: Site) -> None:
    """Nothing of it is done, though the page is in the state that it builds on."""
    site.create("home", "one")
    key = Key("k", "alice", "PUT", "digest")

    def put(version: int, request: str = "digest") -> idempotency.Saved:
        content = editing.compose("home", f"after {version}")
        known = Precondition(frozenset({version}))
        return editing.put(
            "home",
            known,
            "alice",
            "",
            content,
            document=documents.saved,
            key=Key(key.text, key.author, key.method, request),
        )

    first = put(1)
    assert put(2).page.version == first.page.version == 2
    with pytest.raises(KeyReused):
        put(2, "another")
    assert versions(site) == [2, 1]


def test_a_save_without_a_key_asks_no_more(site: Site, statements: list[str]) -> None:
    site.create("home", "one")
    statements.clear()
    assert site.update("home", "two", 1).status_code == 200
    without = len(statements)
    statements.clear()
    assert site.put("home", "three", {"If-Match": '"v2"', **NAME}).status_code == 200
    assert len(statements) == without + 2  # the question, and whether its answer was up to date


def test_keys_are_kept_for_a_day(site: Site, clean: Servers) -> None:
    site.put("home", "one", {**CREATE, **NAME})
    for hours, removed, status in ((23, 0, 201), (25, 1, 412)):
        with psycopg.connect(clean.database_url) as connection:
            connection.execute(
                "UPDATE idempotency_keys SET created_at = now() - make_interval(hours => %s)",
                (hours,),
            )
        assert upkeep.app.handler({}, new_context())["removed"] == removed
        assert site.put("home", "one", {**CREATE, **NAME}).status_code == status


def test_the_state_in_a_412_tells_whose_write_it_was(site: Site, clean: Servers) -> None:
    """So that who had no key may know the own write again."""
    saved = site.create("home", "one").json
    refused = site.put("home", "one", CREATE).json["current"]
    assert refused["blob"] == saved["blob"]
    with psycopg.connect(clean.database_url) as connection:
        (write_id,) = connection.execute("SELECT write_id FROM pages").fetchone() or ()
    assert refused["write_id"] == str(write_id)
