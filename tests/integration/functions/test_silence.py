"""A database that takes connections and says nothing, as one does that was paused and now wakes."""

import time
from collections.abc import Iterator
from threading import Timer
from typing import Any

import psycopg
import pytest

import upkeep.app
from sheaf.database import connections
from sheaf.locks import engines
from sheaf.pages import page_cache, saves
from sheaf.sharding import shards
from tests.context import new_context
from tests.fixtures import Servers
from tests.integration.conftest import Configure
from tests.servers.proxy import Gate, Proxy
from tests.servers.redis_pair import address
from tests.site import CREATE, Site

# In seconds: enough for a database of this machine that is awake.
LIMIT = 4


@pytest.fixture
def network(
    site: Site, clean: Servers, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proxy]:
    """Holds what the functions send to the database, when told so, and delivers it later.

    The page `home` is cached. No connection is open.
    """
    site.publish("home", "# Home")
    for name in ("_CONNECT_SECONDS", "_STATEMENT_SECONDS"):
        monkeypatch.setattr(connections, name, LIMIT)
    monkeypatch.setattr(connections.Impatient, "patience", LIMIT)
    with Proxy(address(clean.database_url)) as proxy:
        configure(SHEAF_DATABASE_URLS=proxy.url(clean.database_url))
        yield proxy
        shards.dispose()


def create(site: Site) -> tuple[int, str | None, float]:
    """Try to create the page `new`: status, Retry-After, and how long it took."""
    began = time.monotonic()
    answer = site.put("new", "text", CREATE)
    if answer.status_code == 503:
        assert answer.content_type == "application/problem+json"
        assert answer.json["type"] == "urn:sheaf:problem:unavailable"
    return answer.status_code, answer.headers.get("Retry-After"), time.monotonic() - began


def versions(servers: Servers) -> list[int]:
    """The versions of `new` that were stored."""
    with psycopg.connect(servers.database_url) as connection:
        query = "SELECT version FROM revisions WHERE slug = 'new' ORDER BY version"
        return [version for (version,) in connection.execute(query)]


def test_nobody_waits_until_a_paused_database_has_woken(
    site: Site, clean: Servers, network: Proxy
) -> None:
    network.requests.hold()
    status, retry_after, seconds = create(site)
    assert (status, retry_after) == (503, "10")
    assert seconds < 2 * LIMIT
    began = time.monotonic()
    page_cache.near().close()
    assert site.get("/").status_code == 200
    assert time.monotonic() - began < LIMIT  # so the database was not asked
    other = site.get("/other")
    assert (other.status_code, other.headers["Retry-After"]) == (503, "10")
    listed = site.get("/api/pages")
    assert (listed.status_code, listed.headers["Retry-After"]) == (503, "10")
    network.requests.open()
    assert create(site)[0] == 201
    assert versions(clean) == [1]


def test_one_that_refuses_may_be_back_in_a_moment(
    site: Site, clean: Servers, configure: Configure
) -> None:
    configure(SHEAF_DATABASE_URLS="postgresql://nobody@127.0.0.1:1/none")
    assert create(site)[:2] == (503, "1")
    assert site.get("/other").headers["Retry-After"] == "1"


def test_a_statement_that_is_not_answered_is_given_up(
    site: Site, clean: Servers, network: Proxy
) -> None:
    assert site.get("/other").status_code == 404  # there is a connection now
    network.requests.hold()
    status, retry_after, seconds = create(site)
    assert (status, retry_after) == (503, "10")
    assert seconds < 2 * LIMIT
    assert versions(clean) == []
    network.requests.open()
    network.until_quiet()  # what was sent has arrived
    assert create(site)[0] == 201
    assert versions(clean) == [1]


@pytest.mark.parametrize("arrives", ["before the next one", "after it"])
def test_a_save_that_comes_late_loses_nothing_though_its_lock_was_given_back(
    site: Site, clean: Servers, network: Proxy, monkeypatch: pytest.MonkeyPatch, arrives: str
) -> None:
    """Nobody is told that somebody is saving. Either it is seen, or it does nothing any more."""
    save = saves.save

    def save_into_silence(*arguments: Any) -> Any:
        network.requests.hold()
        return save(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(saves, "save", save_into_silence)
        assert site.update("home", "late", 1).status_code == 503
    assert not engines.current().lock(page_cache.key("home"), 1).locked()
    if arrives == "before the next one":
        network.requests.open()
        network.until_quiet()
        assert site.update("home", "mine", 1).status_code == 412
        assert "late" in site.get("/?v=2").text  # nobody else has published it
    else:
        silent, network.requests = network.requests, Gate()
        assert site.update("home", "mine", 1).status_code == 200
        shards.dispose()
        silent.open()
        network.until_quiet()
        assert "mine" in site.get("/").text
    assert site.get("/api/pages/home").json["version"] == 2


def test_upkeep_waits_for_a_database_that_it_has_woken(
    site: Site, network: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep.app, "_WAKING_PAUSE_SECONDS", 0.5)
    network.requests.hold()
    awake = Timer(LIMIT + 0.5, network.requests.open)
    awake.start()
    assert upkeep.app.handler({}, new_context())["relayed"] == 1
    awake.join()
