"""A save from lock to cache: what it costs, and what it does when a service lets it down."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy.exc import OperationalError

from sheaf import redis_client
from sheaf.http import documents
from sheaf.http.problems import as_problem
from sheaf.locks import engines
from sheaf.locks.redis import RedisLock
from sheaf.pages import editing, page_cache, saves
from sheaf.pages.errors import Busy
from sheaf.pages.preconditions import Precondition
from sheaf.sharding import shards
from tests.fixtures import Servers
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


@pytest.mark.parametrize("lost", [True, False])
def test_the_lock_stays_when_nobody_knows_if_the_page_was_saved(
    site: Site, clean: Servers, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    """So that the next writer waits, and reads what may have been stored meanwhile."""

    def fail(*_: object) -> None:
        raise OperationalError("save", None, Exception(), connection_invalidated=lost)

    monkeypatch.setattr(saves, "save", fail)
    assert site.put("home", "one", CREATE).status_code >= 500
    assert engines.current().lock(page_cache.key("home"), 1).locked() == lost


def test_a_page_that_cannot_be_shown_is_saved_all_the_same(
    site: Site, clean: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.create("home", "one")
    with monkeypatch.context() as patch:
        patch.setattr(documents, "entry", lambda _page: 1 / 0)
        assert site.update("home", "two", 1).status_code == 200
    with redis.Redis.from_url(clean.cache_url) as client:
        assert not client.exists("lock:{page:home}")
    assert site.update("home", "three", 2).status_code == 200


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
                    document=documents.entry,
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
