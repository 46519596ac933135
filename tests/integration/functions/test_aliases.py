"""Aliases become redirects where nothing ever was, and whoever makes a page there has it."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import upkeep.app
from sheaf.locks import engines
from sheaf.pages import aliases, editing, outbox, page_cache
from sheaf.sharding import resharding, shards
from tests.context import new_context
from tests.fixtures import Servers, database, migrate_together
from tests.integration.conftest import Configure, migrated_shards
from tests.site import CREATE, Site

IMPORT = {"body": "imported", "origin": "import"}
MANY = [f"old/{number}" for number in range(12)]


@pytest.fixture(params=[1, 3], ids=["one database", "three databases"])
def spread(
    request: pytest.FixtureRequest, site: Site, servers: Servers, configure: Configure
) -> Iterator[Site]:
    """The site on databases of its own."""
    with ExitStack() as stack:
        names = [f"aliases_{number}" for number in range(request.param)]
        urls = [stack.enter_context(database(servers, name, None)) for name in names]
        migrate_together(urls)
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        yield site
        shards.dispose()


def text(*named: str, body: str = "text") -> str:
    return f"---\naliases: [{', '.join(named)}]\n---\n{body}\n"


def relay() -> int:
    page_cache.near().close()  # as another process would
    relayed: int = upkeep.app.handler({}, new_context())["relayed"]
    return relayed


def leads_to(site: Site, slug: str) -> str | None:
    """Where people, programs and readers of the source get to from a slug."""
    answers = [site.get(path) for path in (f"/{slug}", f"/{slug}.md", f"/api/pages/{slug}")]
    if {answer.status_code for answer in answers} != {308}:
        assert 308 not in {answer.status_code for answer in answers}
        return None
    page, source, api = (answer.headers["Location"] for answer in answers)
    assert (source, api) == (f"{page}.md", f"/api/pages{page}")
    return str(page)


def versions(site: Site, slug: str) -> list[tuple[str, str]]:
    items = site.get(f"/api/revisions/{slug}").json["items"]
    return [(item["state"], item["origin"]) for item in items]


def warnings(answer: Any) -> list[str]:
    return [warning["reason"] for warning in answer.json["warnings"]]


def test_aliases_lead_to_their_page_once_upkeep_has_run(spread: Site) -> None:
    spread.create("drinks/tea", text("/posts/old/", "Green tea", "../Chai", *MANY))
    named = ["posts/old", "drinks/Green-tea", "Chai", *(f"drinks/{each}" for each in MANY)]
    assert [leads_to(spread, slug) for slug in named] == [None] * len(named)
    # Those on shards that come later are relayed at once, too.
    first = relay()
    assert [leads_to(spread, slug) for slug in named] == ["/drinks/tea"] * len(named)
    assert first + relay() == 1 + len(named)
    spread.update("drinks/tea", text("/posts/old/", "Green tea", body="other"), 1)
    assert relay() == 1
    assert relay() == 0
    assert spread.get("/api/users/alice").json["edits"] == 2
    assert {len(versions(spread, slug)) for slug in named} == {1}


def test_an_alias_says_what_it_is_and_is_no_event(spread: Site) -> None:
    spread.create("tea", text("posts/old"))
    relay()
    assert versions(spread, "posts/old") == [("redirect", "alias")]
    history = spread.get("/-/history/posts/old").text
    assert "This address is an alias of" in history
    assert "Version 1: an alias of" in history
    assert "names it as an alias" in spread.get("/-/history/posts/old?version=1").text
    for query in ("", "?imports=1", "?folder=posts&imports=1"):
        found = spread.get(f"/api/changes{query}").json["items"]
        assert {item["slug"] for item in found} <= {"tea"}
    listed = spread.get("/api/pages").json["items"]
    assert [item["slug"] for item in listed] == ["tea"]


def test_aliases_that_are_taken_are_told_and_stay_as_they_are(
    spread: Site, caplog: pytest.LogCaptureFixture
) -> None:
    spread.create("live", "text")
    spread.create("gone", "text")
    spread.delete("gone", 1)
    spread.create("here", "text")
    moving = {"from": "here", "to": "there", "if_match": '"v1"'}
    assert spread.post("/api/moves", moving).status_code == 201
    saved = spread.create("tea", text("live", "gone", "here", "free", "tea"))
    told = warnings(saved)
    assert [(reason.split()[2], reason.split()[4]) for reason in told] == [
        ("live", "nowhere:"),
        ("gone", "nowhere:"),
        ("here", "to"),
    ]
    assert {warning["line"] for warning in saved.json["warnings"]} == {2}
    caplog.clear()
    relay()
    [line] = [line for line in caplog.records if line.message == "aliases taken"]
    assert (line.slug, line.aliases) == ("tea", ["live", "gone", "here"])  # type: ignore[attr-defined]
    assert [leads_to(spread, slug) for slug in ("live", "gone", "here", "free")] == [
        None,
        None,
        "/there",
        "/tea",
    ]
    # Their own aliases are none of others', and that is all there is to say.
    assert not warnings(spread.update("tea", text("free", body="more"), 1))
    assert len(warnings(spread.create("coffee", text("free")))) == 1


@pytest.mark.parametrize("sent", [IMPORT, {"body": "written"}], ids=["import", "person"])
def test_whoever_makes_a_page_there_has_it(spread: Site, sent: dict[str, str]) -> None:
    page = spread.create("tea", text("old")).json
    relay()
    made = spread.put("old", sent, CREATE)
    assert (made.status_code, made.json["version"]) == (201, 2), made.text
    assert made.json["id"] != page["id"]
    assert spread.get("/old").status_code == 200
    [newest, alias] = versions(spread, "old")
    assert newest[0] == "live"
    assert alias == ("redirect", "alias")
    [created] = spread.get("/api/changes?imports=1&limit=1").json["items"]
    assert (created["slug"], created["kind"]) == ("old", "created")
    # It stays, and the other page's author is told.
    assert len(warnings(spread.update("tea", text("old", body="more"), 1))) == 1
    relay()
    assert spread.get("/old").status_code == 200


def test_a_batch_makes_pages_there_too_and_warns(spread: Site) -> None:
    spread.create("tea", text("old"))
    relay()
    change = {"slug": "old", "if_none_match": "*", "body": text("tea"), "origin": "import"}
    done = spread.post("/api/batches", {"changes": [change]})
    assert done.status_code == 201, done.text
    assert len(done.json["items"][0]["warnings"]) == 1
    assert spread.get("/old").status_code == 200


def test_where_a_page_has_moved_from_an_import_still_makes_none(spread: Site) -> None:
    spread.create("old", "text")
    moving = {"from": "old", "to": "tea", "if_match": '"v1"'}
    assert spread.post("/api/moves", moving).status_code == 201
    spread.update("tea", text("old"), 3)
    relay()
    assert spread.put("old", IMPORT, CREATE).status_code == 409


def test_what_is_no_alias_any_more_leads_on(spread: Site) -> None:
    spread.create("tea", text("old"))
    relay()
    spread.update("tea", "text", 1)
    relay()
    assert leads_to(spread, "old") == "/tea"
    spread.delete("tea", 2)
    assert leads_to(spread, "old") == "/tea"


def test_a_page_that_moves_takes_its_aliases_along(spread: Site) -> None:
    spread.create("drinks/tea", text("/old", "chai"))
    relay()
    moving = {"from": "drinks/tea", "to": "hot/tea", "if_match": '"v1"'}
    assert spread.post("/api/moves", moving).status_code == 201
    relay()
    for slug in ("old", "drinks/chai", "hot/chai"):
        assert spread.get(f"/api/pages/{slug}").headers["Location"] == "/api/pages/hot/tea"
    version = spread.get("/api/pages/hot/tea").json["version"]
    assert not warnings(spread.update("hot/tea", text("/old", body="more"), version))


def test_relative_aliases_start_where_the_file_is(spread: Site) -> None:
    sent = {"body": text("start"), "file": "guide/README.md", "origin": "import"}
    assert spread.put("guide", sent, CREATE).status_code == 201
    relay()
    assert leads_to(spread, "guide/start") == "/guide"


@pytest.mark.parametrize("named", ["/api/x", "/-/y", "robots.txt", "'???'", "'   x/..  /  '"])
def test_what_can_be_no_alias_is_told(site: Site, named: str) -> None:
    saved = site.create("tea", text(named, "fine"))
    [reason] = warnings(saved)
    assert "leads nowhere" in reason
    relay()
    assert leads_to(site, "fine") == "/tea"


def test_one_of_two_pages_gets_an_alias(spread: Site) -> None:
    for slug in ("one", "two"):
        spread.create(slug, text("old"))
    relay()
    assert leads_to(spread, "old") in ("/one", "/two")


def test_it_is_done_again_where_upkeep_died(spread: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    spread.create("tea", text("a", "b", "c"))
    led: list[str] = []
    lead = editing.lead

    def dies(slug: str, *others: Any, **more: Any) -> None:
        if len(led) == 2:
            raise RuntimeError("died")
        led.append(slug)
        lead(slug, *others, **more)

    with monkeypatch.context() as patch:
        patch.setattr(editing, "lead", dies)
        with pytest.raises(RuntimeError):
            relay()
    relay()
    assert {leads_to(spread, slug) for slug in "abc"} == {"/tea"}
    assert {len(versions(spread, slug)) for slug in "abc"} == {1}


def test_what_is_too_much_for_once_is_done_next_time(
    spread: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliases, "_MADE_AT_ONCE", 2)
    spread.create("plain", "text")
    spread.create("tea", text("a", "b", "c"))
    relay()
    assert {leads_to(spread, slug) for slug in "ab"} == {"/tea"}
    assert leads_to(spread, "c") is None
    while relay():
        pass
    assert leads_to(spread, "c") == "/tea"
    assert spread.get("/api/users/alice").json["edits"] == 2


def test_somebody_who_saves_there_is_waited_for_and_a_lease_is_not(site: Site) -> None:
    site.create("tea", text("a", "b"))
    signed_in = {"Authorization": f"Bearer {site.token}"}
    lease = site.client.put("/api/leases/b", json={}, headers=signed_in).json["fence"]
    with engines.current().lock(page_cache.key("a"), 10):
        relay()
    assert (leads_to(site, "a"), leads_to(site, "b")) == (None, "/tea")
    relay()
    assert leads_to(site, "a") == "/tea"
    made = site.put("b", "mine", {**CREATE, "Sheaf-Lease": str(lease)})
    assert made.status_code == 201, made.text


def test_without_aliases_nothing_more_is_asked(site: Site, statements: list[str]) -> None:
    site.create("warm", "text")
    relay()
    site.create("plain", "---\ntitle: aliases\n---\n")
    statements.clear()
    site.update("plain", "text", 1)
    of_save = len(statements)
    statements.clear()
    site.update("plain", text("old"), 2)
    # Where it finds nothing it asks whether it may say so.
    assert len(statements) == of_save + 2
    with shards.owning("plain").connect() as connection:
        outbox.remove(connection, outbox.oldest(connection, 10))
    site.update("plain", "no more", 3)
    statements.clear()
    relay()
    assert not [one for one in statements if "version >" in one and "ANY" in one]


def test_slots_that_move_take_aliases_along_and_no_events_come_of_it(
    site: Site, servers: Servers, configure: Configure
) -> None:
    with migrated_shards(servers) as urls:
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        named = [f"posts/{number}" for number in range(12)]
        site.create("tea", text(*named))
        relay()
        assert resharding.run(len(urls)) > 0
        shards.forget_map()
        assert {leads_to(site, slug) for slug in named} == {"/tea"}
        [event] = site.get("/api/changes?imports=1").json["items"]
        assert event["slug"] == "tea"
        shards.dispose()
