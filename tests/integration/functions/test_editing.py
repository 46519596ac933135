"""A save from lock to cache: what it costs, and what it does when a service lets it down."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
import redis
from psycopg.errors import AdminShutdown, ConnectionTimeout
from sqlalchemy.exc import OperationalError

from sheaf import redis_client
from sheaf.caching.entry import Entry
from sheaf.http import documents
from sheaf.http.problems import as_problem
from sheaf.locks import engines
from sheaf.locks.redis import RedisLock
from sheaf.pages import editing, page_cache, saves
from sheaf.pages.errors import Busy
from sheaf.pages.preconditions import Precondition
from sheaf.pages.reads import Page
from sheaf.sharding import shards
from tests.fixtures import Servers
from tests.integration.conftest import Configure
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import address
from tests.site import CREATE, Site
from tests.waiting import PATIENCE


@contextmanager
def commands(servers: Servers) -> Iterator[list[str]]:
    """What clients ask of Redis in the block; not what scripts do there."""
    seen: list[str] = []
    with (
        redis.Redis.from_url(servers.cache_url, single_connection_client=True) as client,
        redis.Redis.from_url(servers.cache_url) as observer,
        observer.monitor() as monitor,
        ThreadPoolExecutor(1) as pool,
    ):
        reading = pool.submit(_read, monitor.listen(), seen)
        yield seen
        client.echo("the end")
        reading.result(PATIENCE)


def _read(monitor: Iterator[dict[str, str]], seen: list[str]) -> None:
    for entry in monitor:
        if entry["client_type"] != "lua":
            if entry["command"] == "ECHO the end":
                return
            seen.append(entry["command"].split()[0])


@contextmanager
def statements(trace: Path) -> Iterator[list[str]]:
    """What is sent to PostgreSQL in the block, as libpq writes it down."""
    sent: list[str] = []
    with shards.home().connect() as connection, trace.open("wb") as file:
        pgconn = connection.connection.driver_connection.pgconn  # type: ignore[union-attr]
        pgconn.trace(file.fileno())
        connection.close()
        yield sent
        pgconn.untrace()
    # F marks what we send. A Sync ends a statement with parameters; a Query is one without.
    sent += re.findall(r"\tF\t\d+\t(Sync|Query)\b", trace.read_text(errors="replace"))


def test_a_save_takes_two_round_trips_to_redis_and_two_to_postgresql(
    site: Site, clean: Servers, tmp_path: Path
) -> None:
    shards.dispose()  # The fifth time on one connection a statement is prepared.
    site.create("home", "one")  # Connections and scripts are there now.
    with commands(clean) as asked, statements(tmp_path / "trace") as sent:
        assert site.update("home", "two", 1).status_code == 200
    # The last two are sent together.
    assert asked == ["EVALSHA", "EVALSHA", "EVALSHA"]
    assert len(sent) == 2
    assert "two" in site.get("/").text


def test_a_fence_far_ahead_in_the_row_is_overtaken(site: Site, clean: Servers) -> None:
    site.create("home", "one")
    with psycopg.connect(clean.database_url) as connection:
        connection.execute("UPDATE pages SET fence = fence + 3600000000")
    assert site.update("home", "two", 1).status_code == 200
    assert site.update("home", "three", 2).status_code == 200


def test_a_lost_lock_gets_no_fence_above_the_one_in_its_way(
    site: Site, clean: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.create("home", "one")
    with psycopg.connect(clean.database_url) as connection:
        connection.execute("UPDATE pages SET fence = fence + 3600000000")
    reissue = RedisLock.reissue

    def after_a_flush(lock: RedisLock, above: int) -> int:
        lock.client.flushall()
        return reissue(lock, above)

    monkeypatch.setattr(RedisLock, "reissue", after_a_flush)
    refused = site.update("home", "two", 1)
    assert refused.status_code == 409
    assert json.loads(refused.text)["type"] == "urn:sheaf:problem:lock-lost"
    assert site.get("/api/pages/home").json["body"] == "one"


@pytest.mark.parametrize("error", [ConnectionTimeout(), AdminShutdown(), Exception()])
def test_after_a_save_that_failed_nobody_waits(
    site: Site, clean: Servers, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:

    def fail(*_: object) -> None:
        raise OperationalError("save", None, error, connection_invalidated=True)

    with monkeypatch.context() as patch:
        patch.setattr(saves, "save", fail)
        assert site.put("home", "one", CREATE).status_code == 503
    assert not engines.current().lock(page_cache.key("home"), 1).locked()
    assert site.put("home", "one", CREATE).status_code == 201


@pytest.mark.parametrize(
    ("error", "level"), [(ZeroDivisionError(), "ERROR"), (redis.ConnectionError("gone"), "WARNING")]
)
def test_a_page_that_cannot_be_shown_is_saved_all_the_same(
    site: Site,
    clean: Servers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    level: str,
) -> None:
    def fail(_page: Page, *, looks: bool) -> NoReturn:
        raise error

    site.create("home", "one")
    caplog.clear()
    with monkeypatch.context() as patch:
        patch.setattr(documents, "entry", fail)
        assert site.update("home", "two", 1).status_code == 200
    [line] = caplog.records
    # A fault of ours has a traceback; what is expected to fail at times is a line.
    assert (line.message, line.levelname) == ("not published", level)
    assert bool(line.exc_info) == (level == "ERROR")
    with redis.Redis.from_url(clean.cache_url) as client:
        assert not client.exists("page:home")
    assert site.update("home", "three", 2).status_code == 200


@pytest.fixture
def wire(site: Site, clean: Servers, configure: Configure) -> Iterator[Proxy]:
    """The way to Redis. Each save, once committed, finds it cut, until `heal`."""
    with Proxy(address(clean.cache_url)) as proxy, pytest.MonkeyPatch.context() as patch:
        configure(SHEAF_CACHE_URL=proxy.url(clean.cache_url))
        site.publish("home", "one")
        save = saves.save

        def save_and_cut(*arguments: Any) -> Any:
            saved = save(*arguments)
            proxy.retarget(("127.0.0.1", 1))
            proxy.cut()
            return saved

        patch.setattr(saves, "save", save_and_cut)
        yield proxy


def test_a_publication_that_failed_is_tried_again(
    site: Site, clean: Servers, wire: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def mend(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            wire.retarget(address(clean.cache_url))

    monkeypatch.setattr(editing, "sleep", mend)
    assert site.update("home", "two", 1).status_code == 200
    assert pauses == [0.02, 0.04, 0.08]
    with redis.Redis.from_url(clean.cache_url) as client:
        assert client.get("entry:{page:home}").startswith(b"2 ")
        assert not client.exists("page:home")


def test_one_that_goes_on_failing_keeps_nobody_for_long(
    site: Site, clean: Servers, wire: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    assert site.update("home", "two", 1).status_code == 200
    assert time.monotonic() - began < 2 * editing._PUBLISH_SECONDS + PATIENCE
    assert "not published" in [line.message for line in caplog.records]
    wire.retarget(address(clean.cache_url))
    page_cache.near().close()  # as in another process
    assert "one" in site.get("/").text
    assert "two" in site.get("/?v=2").text
    assert "two" in site.get("/").text


def test_a_lock_that_was_lost_has_what_is_older_removed(
    site: Site, clean: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.create("home", "one")
    save = saves.save
    with redis.Redis.from_url(clean.cache_url) as client:

        def save_and_lose(*arguments: Any) -> Any:
            saved = save(*arguments)
            client.delete("page:home")
            return saved

        monkeypatch.setattr(saves, "save", save_and_lose)
        assert site.update("home", "two", 1).status_code == 200
        assert not client.exists("entry:{page:home}")
    assert "two" in site.get("/").text


@pytest.mark.parametrize("headers", [{"If-Match": '"v1"'}, CREATE])
def test_who_is_too_late_is_told_at_once_while_somebody_saves(
    site: Site, clean: Servers, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    site.create("home", "one")
    site.update("home", "two", 1)
    monkeypatch.setattr(editing, "_WAIT_SECONDS", 60)
    with RedisLock(redis_client.connect(clean.cache_url), "page:home", 120):
        began = time.monotonic()
        refused = site.put("home", "mine", headers)
        assert time.monotonic() - began < 30
    assert (refused.status_code, refused.json["current"]["version"]) == (412, 2)


def test_who_would_change_a_page_that_is_not_there_is_told_at_once_too(
    site: Site, clean: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editing, "_WAIT_SECONDS", 60)
    with RedisLock(redis_client.connect(clean.cache_url), "page:home", 120):
        refused = site.update("home", "mine", 1)
        assert site.delete("home", 1).status_code == 404
    assert (refused.status_code, refused.json["current"]) == (412, None)


def test_who_is_in_time_waits_while_somebody_saves(site: Site, clean: Servers) -> None:
    site.create("home", "one")
    with RedisLock(redis_client.connect(clean.cache_url), "page:home", 120):
        refused = site.update("home", "mine", 1)
    assert (refused.status_code, refused.json["type"]) == (409, "urn:sheaf:problem:busy")
    assert site.update("home", "mine", 1).status_code == 200


def test_a_free_lock_costs_no_look(site: Site, statements: list[str]) -> None:
    site.create("home", "one")
    statements.clear()
    assert site.update("home", "late", 7).status_code == 412
    assert len(statements) == 1


def test_who_is_known_to_be_late_is_told_before_the_text_is_rendered(
    site: Site, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.create("home", "one")
    assert site.update("home", "two", 1).status_code == 200
    monkeypatch.setattr(editing, "compose", lambda *_: pytest.fail("rendered"))
    statements.clear()
    refused = site.update("home", "late", 1)
    assert (refused.status_code, refused.json["current"]["version"]) == (412, 2)
    assert {each.split()[0] for each in statements} == {"SELECT"}


def test_what_this_process_knows_is_no_reason_if_the_database_knows_better(
    site: Site, clean: Servers
) -> None:
    """It may have been brought back from a backup."""
    site.create("home", "one")
    page_cache.near().saved("page:home", Entry(7, b"what was saved after the backup"), time.time())
    assert site.update("home", "two", 1).status_code == 200


def test_waiting_ends_before_the_invocation_does(
    site: Site, clean: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.create("home", "one")
    monkeypatch.setattr(editing, "_WAIT_SECONDS", 60)
    monkeypatch.setattr(editing, "_SAVE_SECONDS", 60)
    holder = RedisLock(redis_client.connect(clean.cache_url), "page:home", 120)
    with holder:
        for time_left, least in ((60.2, 0.2), (59, 0)):
            started = time.monotonic()
            with pytest.raises(Busy) as refused:
                editing.put(
                    "home",
                    Precondition(frozenset({1})),
                    "alice",
                    "",
                    editing.compose("home", "two"),
                    document=documents.saved,
                    time_left=time_left,
                )
            problem = as_problem(refused.value)
            assert (problem.name, problem.headers["retry-after"]) == ("busy", "1")
            assert least <= time.monotonic() - started < 30


def test_connections_that_the_server_has_ended_are_replaced(site: Site, clean: Servers) -> None:
    site.create("home", "one")
    with psycopg.connect(clean.database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'sheaf' AND datname = current_database()"
        )
    with redis.Redis.from_url(clean.cache_url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert site.update("home", "two", 1).status_code == 200
    assert "two" in site.get("/").text
