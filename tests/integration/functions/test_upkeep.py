"""The relay does what a writer that died after its commit could not."""

import psycopg
import pytest
import redis

import upkeep.app
from sheaf import redis_client
from sheaf.http import documents
from sheaf.locks import engines
from sheaf.pages import drafts, editing, outbox, page_cache
from sheaf.pages.outbox import Change
from sheaf.sharding import shards
from tests.context import hurried_context, new_context
from tests.fixtures import Servers
from tests.integration.conftest import Configure
from tests.site import Site
from tests.waiting import wait_until


def test_edits_are_counted_once(site: Site) -> None:
    site.create("home", "one")
    site.update("home", "two", 1)
    assert site.get("/api/users").json["items"] == []
    assert upkeep.app.handler({}, new_context())["relayed"] == 2
    assert upkeep.app.handler({}, new_context())["relayed"] == 0
    user = site.get("/api/users/alice").json
    assert (user["handle"], user["edits"]) == ("alice", 2)
    site.update("home", "three", 2)
    upkeep.app.handler({}, new_context())
    assert site.get("/api/users/alice").json["edits"] == 3
    assert "alice" in site.get("/-/users").text
    assert "home" in site.get("/-/users/alice").text


def test_a_move_is_one_edit(site: Site) -> None:
    site.create("one", "text")
    for source, to in (("one", "two"), ("two", "one")):
        etag = site.get(f"/api/pages/{source}").headers["ETag"]
        moving = {"from": source, "to": to, "if_match": etag}
        assert site.post("/api/moves", moving).status_code == 201
    assert upkeep.app.handler({}, new_context())["relayed"] == 5
    assert site.get("/api/users/alice").json["edits"] == 3


def test_what_was_committed_and_not_published_is_published(site: Site, clean: Servers) -> None:
    site.publish("home", "# Old")
    with redis.Redis.from_url(clean.cache_url) as client:
        old = client.get("entry:{page:home}")
        assert old
        site.update("home", "# New", 1)
        client.set("entry:{page:home}", old)  # as if the writer had died before it published
        page_cache.near().close()
        assert "Old" in site.get("/").text
        relayed = upkeep.app.handler({}, new_context())
        assert relayed["purge"] == [f"#{documents.cdn_tag('home')}"]
        page_cache.near().close()  # the next reader is another process
        assert "New" in site.get("/").text


def test_without_a_cache_the_changes_stay_in_the_outbox(
    site: Site, clean: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.create("home", "one")
    nobody = redis_client.connect("redis://127.0.0.1:1")
    with monkeypatch.context() as patch:
        patch.setattr(redis_client, "connect", lambda _url: nobody)
        with pytest.raises(redis.ConnectionError):
            upkeep.app.handler({}, new_context())
    assert site.get("/api/users").json["items"] == []
    assert upkeep.app.handler({}, new_context())["relayed"] == 1
    assert site.get("/api/users/alice").json["edits"] == 1


def test_one_instance_works_at_a_time(site: Site) -> None:
    site.create("home", "one")
    with engines.current().lock("upkeep", 10):
        assert upkeep.app.handler({}, new_context()) == {
            "relayed": 0,
            "removed": 0,
            "purge": [],
        }
    assert upkeep.app.handler({}, new_context())["relayed"] == 1


def test_an_instance_that_lost_its_place_stops_and_tells_what_it_did(
    site: Site, clean: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.create("home", "one")

    def relay(*_: object) -> list[Change]:
        with redis.Redis.from_url(clean.cache_url) as client:
            client.flushall()
        return [Change(1, "home", 1, "alice")] * upkeep.app._BATCH

    monkeypatch.setattr(upkeep.app, "relay", relay)
    done = upkeep.app.handler({}, new_context())
    assert done["relayed"] == upkeep.app._BATCH
    assert done["purge"] == [f"#{documents.cdn_tag('home')}"]


def test_drafts_are_kept_for_thirty_days(site: Site, clean: Servers) -> None:
    content = editing.compose("home", "mine")
    with shards.owning("home").connect() as connection:
        for author in ("alice", "bob"):
            drafts.keep(connection, "home", author, 1, content, "")
    with psycopg.connect(clean.database_url) as connection:
        connection.execute(
            "UPDATE drafts SET created_at = now() - interval '31 days' WHERE author = 'bob'"
        )
    assert upkeep.app.handler({}, new_context())["removed"] == 1
    with shards.owning("home").connect() as connection:
        assert len(drafts.of_page(connection, "home", "alice")) == 1


def test_claims_that_never_became_a_page_are_removed(site: Site, clean: Servers) -> None:
    site.update("never", "text", 1)
    site.create("home", "one")
    with psycopg.connect(clean.database_url) as connection:
        connection.execute("UPDATE pages SET created_at = now() - interval '2 days'")
    assert upkeep.app.handler({}, new_context())["removed"] == 1
    assert site.get("/api/pages/home").status_code == 200


def test_changes_are_counted_once_however_often_they_are_relayed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.create("home", "one")
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "remove", lambda *_: None)  # as if the instance had died before
        upkeep.app.handler({}, new_context())
    assert upkeep.app.handler({}, new_context())["relayed"] == 1
    assert upkeep.app.handler({}, new_context())["relayed"] == 0
    assert site.get("/api/users/alice").json["edits"] == 1


def test_a_shard_that_is_down_is_left_out(site: Site, clean: Servers, configure: Configure) -> None:
    site.create("home", "one")
    nobody = "postgresql://nobody@127.0.0.1:1/none"
    configure(SHEAF_DATABASE_URLS=f"{clean.database_url},{nobody}")
    assert upkeep.app.handler({}, hurried_context())["relayed"] == 1


def test_a_dry_run_changes_nothing(site: Site) -> None:
    site.create("home", "one")
    nothing = {"relayed": 0, "removed": 0, "purge": []}
    assert upkeep.app.handler({"dry_run": True}, new_context()) == nothing
    done = upkeep.app.handler({}, new_context())
    assert (done["relayed"], done["purge"]) == (1, [f"#{documents.cdn_tag('home')}"])


def test_connections_are_given_back(site: Site, clean: Servers) -> None:
    """So that a database sleeps, although the process stays."""
    site.create("home", "# Home")
    upkeep.app.handler({}, new_context())
    own = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    # A transaction goes on seeing whom its first look at pg_stat_activity has seen.
    with psycopg.connect(clean.database_url, autocommit=True) as connection:
        wait_until(
            lambda: connection.execute(f"{own} AND pid <> pg_backend_pid()").fetchone() == (0,),
            "upkeep has kept a connection",
        )
