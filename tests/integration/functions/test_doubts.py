"""Readers who doubt what the cache has, by `no-cache`, an entity tag or `?v=`: anybody may."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from werkzeug.test import TestResponse

from local.laptop import services
from sheaf.pages import page_cache
from tests.integration.conftest import Configure
from tests.integration.functions.test_cached import store, stored
from tests.site import Site
from tests.waiting import wait_until

Ask = Callable[[Site, str, int], TestResponse]
MANY = 50
DOUBTS: dict[str, Ask] = {
    "no-cache": lambda site, path, _number: site.get(path, Cache_Control="no-cache"),
    "tag": lambda site, path, number: site.get(
        path, If_None_Match=f'"v{999_999_999_999_999 - number}-x"'
    ),
    "address": lambda site, path, number: site.get(f"{path}?v={1000 + number}"),
    "head": lambda site, path, number: site.client.head(f"{path}?v={1000 + number}"),
}


def reads_of(statements: list[str]) -> int:
    """How often a page was read."""
    return sum("pages.html" in statement for statement in statements)


@pytest.mark.parametrize("path", ["/", "/home.md", "/nowhere", "/nowhere.md", "/gone"])
@pytest.mark.parametrize("kind", DOUBTS)
def test_the_database_is_asked_for_a_page_once_a_second(
    site: Site, statements: list[str], kind: str, path: str
) -> None:
    site.publish("home", "# Home")
    site.create("gone", "# Gone")
    site.delete("gone", 1)
    expected = site.get(path).status_code
    statements.clear()
    began = time.monotonic()
    answers = [DOUBTS[kind](site, path, number) for number in range(MANY)]
    seconds = time.monotonic() - began
    assert 1 <= reads_of(statements) <= math.ceil(seconds) + 1
    # Whoever asks for what there is gets it; for more, the truth of this second or none.
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} - {503} == {expected}
    assert answers[0].status_code == expected
    assert {answer.headers["Retry-After"] for answer in refused} <= {"1"}
    assert len(refused) == (0 if kind == "no-cache" else MANY - reads_of(statements))


def spend(client: "redis.Redis", slug: str) -> None:
    """Have the database asked for a page, and the second last for as long as the test."""
    assert client.set(f"doubt:{{page:{slug}}}", "", px=600_000) is True


@pytest.mark.parametrize("kind", ["tag", "address"])
def test_who_asks_for_more_than_there_is_gets_neither_less_nor_waits(
    site: Site, client: "redis.Redis", statements: list[str], pauses: list[float], kind: str
) -> None:
    site.create("home", "# One")
    site.update("home", "# Two", 1)
    site.get("/")  # all that is around it is known now
    spend(client, "home")
    statements.clear()
    refused = DOUBTS[kind](site, "/", 1)
    assert (refused.status_code, refused.mimetype) == (503, "text/html")
    assert refused.headers["Retry-After"] == "1"
    assert "no-cache" in refused.headers["Cache-Control"]
    assert "Two" in site.get("/?v=2").text
    assert "Two" in site.get("/", Cache_Control="no-cache").text
    assert site.get("/", If_None_Match=site.get("/").headers["ETag"]).status_code == 304
    assert (statements, pauses) == ([], [])
    client.delete("doubt:{page:home}")
    assert "Two" in DOUBTS[kind](site, "/", 1).text
    assert reads_of(statements) == 1


def test_a_save_is_seen_by_its_author_whoever_has_spent_the_second(
    site: Site, client: "redis.Redis", statements: list[str]
) -> None:
    site.publish("home", "# One")
    spend(client, "home")
    site.update("home", "# Two", 1)
    statements.clear()
    assert "Two" in site.get("/?v=2").text
    site.delete("home", 2)
    statements.clear()
    assert site.get("/?v=3").status_code == 410
    assert statements == []


def test_so_is_one_whose_writer_died_before_it_published(
    site: Site, client: "redis.Redis", statements: list[str]
) -> None:
    site.publish("home", "# One")
    old = stored(client, "home")
    site.update("home", "# Two", 1)
    store(client, "home", old)
    page_cache.near().close()  # the reader is another process
    assert "One" in site.get("/").text
    statements.clear()
    assert "Two" in site.get("/?v=2").text
    assert reads_of(statements) == 1
    assert "Two" in site.get("/").text


def test_the_process_that_has_saved_shows_nothing_older(
    site: Site, client: "redis.Redis", statements: list[str]
) -> None:
    site.publish("home", "# One")
    assert "One" in site.get("/").text
    old = stored(client, "home")
    site.update("home", "# Two", 1)
    store(client, "home", old)
    assert "Two" in site.get("/").text
    # Somebody has spent the second: what is remembered has to do, and is no older.
    store(client, "home", old)
    statements.clear()
    for headers in ({}, {"Cache_Control": "no-cache"}):
        assert "Two" in site.get("/", **headers).text
    assert statements == []
    client.delete("doubt:{page:home}")
    assert "Two" in site.get("/", Cache_Control="no-cache").text
    assert stored(client, "home").version == 2


def test_a_read_at_once_after_a_save_is_not_older(site: Site) -> None:
    site.publish("home", "# 1")
    for version in range(1, 20):
        assert site.get("/").text == site.get("/").text  # now it is a flood
        site.update("home", f"# Edit {version + 1}", version)
        assert f"Edit {version + 1}" in site.get("/").text


def test_in_a_flood_who_has_seen_a_newer_version_is_not_shown_less(
    site: Site, client: "redis.Redis", statements: list[str]
) -> None:
    site.publish("home", "# One")
    one = stored(client, "home")
    site.update("home", "# Two", 1)
    tag = site.get("/").headers["ETag"]
    statements.clear()
    # Another process has saved, and this one is in the middle of a flood of the old version.
    for headers, path, status in (({}, "/?v=2", 200), ({"If_None_Match": tag}, "/", 304)):
        near = page_cache.near()
        near.remember("page:home", one, time.time())
        assert "One" in site.get("/").text
        answer = site.get(path, **headers)
        assert (answer.status_code, "One" in answer.text) == (status, False)
        assert "Two" in site.get("/").text
    assert statements == []


@pytest.mark.parametrize("newest_is_in", ["Redis", "memory"])
def test_a_reload_in_an_outage_of_the_database_shows_the_newest_copy(
    site: Site, client: "redis.Redis", configure: Configure, newest_is_in: str
) -> None:
    site.publish("home", "# One")
    one = stored(client, "home")
    site.update("home", "# Two", 1)
    two = stored(client, "home")
    configure(SHEAF_DATABASE_URLS="postgresql://nobody@127.0.0.1:1/none")
    in_redis, in_memory = (two, one) if newest_is_in == "Redis" else (one, two)
    store(client, "home", in_redis)
    page_cache.near().remember("page:home", in_memory, time.time())
    for _ in range(3):
        answer = site.get("/", Cache_Control="no-cache")
        assert (answer.status_code, "Two" in answer.text) == (200, True)
        # Entries count as fresh for up to a fifth less than the time that this is reckoned from.
        assert 0 <= int(answer.headers["Age"]) <= 61
    assert site.get("/?v=3").status_code == 503
    assert "Two" in site.get("/?v=2").text
    assert "Two" in site.get("/").text


def test_a_reload_tells_how_old_the_page_is(site: Site, client: "redis.Redis") -> None:
    site.publish("home", "# Home")
    assert "Age" not in site.get("/").headers
    assert site.get("/", Cache_Control="no-cache").headers["Age"] == "0"
    spend(client, "home")
    old = stored(client, "home")
    store(client, "home", old.stamped(old.build, int(time.time()) - 3600))
    page_cache.near().close()
    age = int(site.get("/", Cache_Control="no-cache").headers["Age"])
    assert 3660 <= age <= 3662


@pytest.mark.parametrize("query", ["v=", "v=x", "v=-1", "v=1.5", "v=" + "9" * 16, "v=%D9%A3"])
def test_what_is_no_version_asks_for_none(site: Site, statements: list[str], query: str) -> None:
    site.publish("home", "# Home")
    statements.clear()
    assert site.get(f"/?{query}").status_code == 200
    assert statements == []


def test_an_old_entry_is_not_given_to_one_who_knows_more(
    site: Site, client: "redis.Redis", statements: list[str]
) -> None:
    site.publish("home", "# Home")
    old = stored(client, "home")
    store(client, "home", old.stamped(old.build, int(time.time()) - 1))
    client.set("lease:{page:home}", "another reader's", ex=600)
    spend(client, "home")
    assert "Home" in site.get("/").text
    assert "Home" in site.get("/?v=1").text
    assert site.get("/?v=2").status_code == 503


def test_what_is_not_in_the_cache_is_waited_for_as_ever(
    site: Site, client: "redis.Redis", statements: list[str]
) -> None:
    site.publish("home", "# Home")
    spend(client, "home")
    client.delete("entry:{page:home}")
    statements.clear()
    assert site.get("/?v=1").status_code == 200
    assert site.get("/?v=1").status_code == 200
    assert reads_of(statements) == 1


@pytest.mark.parametrize("kind", DOUBTS)
def test_without_redis_each_process_asks_about_once_a_second(
    site: Site, configure: Configure, statements: list[str], tmp_path: Path, kind: str
) -> None:
    with services.redis(tmp_path) as server:
        configure(SHEAF_CACHE_URL=server.url)
        site.publish("home", "# Home")
        assert DOUBTS[kind](site, "/", 0).status_code == 200
    statements.clear()
    began = time.monotonic()
    answers = [DOUBTS[kind](site, "/", number) for number in range(MANY)]
    seconds = time.monotonic() - began
    # A process tries Redis again after three quarters of a second, or later.
    assert reads_of(statements) <= math.ceil(seconds / 0.75) + 1
    assert {answer.status_code for answer in answers} <= {200, 503}
    if kind == "no-cache":
        assert {answer.status_code for answer in answers} == {200}
    else:
        assert {answer.headers.get("Retry-After") for answer in answers} >= {"1"}
        found = lambda: DOUBTS[kind](site, "/", MANY).status_code == 200  # noqa: E731
        wait_until(found, "nobody asks the database again")


def test_a_redis_that_went_back_is_not_believed(site: Site, client: "redis.Redis") -> None:
    """As a failover to a replica without the last save does. In a flood, and in another process."""
    site.publish("home", "# One")
    old = client.get("entry:{page:home}")
    assert old
    site.update("home", "# Two", 1)
    tag = site.get("/", Cache_Control="no-cache").headers["ETag"]
    client.set("entry:{page:home}", old)
    assert {site.get("/", If_None_Match=tag).status_code for _ in range(5)} == {304}
    page_cache.near().close()
    assert {site.get("/", If_None_Match=tag).status_code for _ in range(5)} <= {304, 503}
