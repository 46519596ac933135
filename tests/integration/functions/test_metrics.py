"""The metrics that alarms watch: what the functions write when the thing itself has happened."""

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import redis
from sqlalchemy import Engine, text

import upkeep.app
from sheaf import redis_client
from sheaf.database import connections
from sheaf.database.transactions import transactional
from sheaf.locks import LockError, engines
from sheaf.locks.redis import RedisLock
from sheaf.pages import claims
from tests.context import hurried_context, new_context
from tests.fixtures import Servers
from tests.integration.conftest import Configure
from tests.integration.functions.conftest import wait_for_waiter
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import address
from tests.site import Site
from tests.waiting import PATIENCE

NOBODY = "postgresql://nobody@127.0.0.1:1/none"
Measured = Callable[[], dict[str, float]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """The lines of metrics that were written since the last call."""

    def read() -> list[dict[str, Any]]:
        written = (json.loads(line) for line in capsys.readouterr().out.splitlines())
        return [line for line in written if "_aws" in line]

    return read


@pytest.fixture
def measured(lines: Callable[[], list[dict[str, Any]]]) -> Measured:
    """The metrics that were written since the last call, each of them once."""

    def read() -> dict[str, float]:
        found: dict[str, float] = {}
        for line in lines():
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            for metric in directive["Metrics"]:
                assert metric["Name"] not in found
                (found[metric["Name"]],) = line[metric["Name"]]
        return found

    return read


def test_a_line_is_in_the_embedded_metric_format(
    site: Site, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    upkeep.app.handler({}, new_context())
    written = lines()
    assert written
    for line in written:
        assert line["service"] == "sheaf-tests"
        assert line["_aws"]["Timestamp"] > 1e12
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Sheaf"
        assert directive["Dimensions"] == [["service"]]
        for metric in directive["Metrics"]:
            seconds = metric["Name"].endswith("Seconds")
            assert metric["Unit"] == ("Seconds" if seconds else "Count")


class TestWrites:
    def test_nothing_is_written_when_nothing_goes_wrong(
        self, site: Site, measured: Measured
    ) -> None:
        site.create("home", "one")
        assert site.update("home", "two", 1).status_code == 200
        assert site.update("home", "other two", 1).status_code == 412
        assert measured() == {}

    def test_a_lock_that_was_lost_in_the_middle_of_a_save(
        self, site: Site, clean: Servers, engine: Engine, measured: Measured
    ) -> None:
        site.create("home", "one")
        with ThreadPoolExecutor(1) as thread, transactional(engine).connect() as other:
            with other.begin():
                # A save has to wait for this, a claim has not.
                other.execute(text("LOCK TABLE revisions IN SHARE MODE"))
                saving = thread.submit(site.update, "home", "two", 1)
                wait_for_waiter(engine)
                self._take_over(clean, engine)
            refused = saving.result(PATIENCE)
        assert (refused.status_code, refused.json["type"]) == (409, "urn:sheaf:problem:lock-lost")
        assert measured() == {"LockLost": 1}
        assert site.get("/api/pages/home").json["version"] == 1

    @staticmethod
    def _take_over(servers: Servers, engine: Engine) -> None:
        """Let Redis forget the lock, and another writer take and claim the page."""
        client = redis_client.connect(servers.cache_url)
        client.delete("page:home")
        with RedisLock(client, "page:home", 10) as lock, engine.connect() as connection:
            claims.claim(connection, "home", lock.fence, lock.token)

    def test_a_fence_that_was_too_low_though_the_save_went_well(
        self, site: Site, clean: Servers, measured: Measured
    ) -> None:
        site.create("home", "one")
        with psycopg.connect(clean.database_url) as connection:
            connection.execute("UPDATE pages SET fence = fence + 3600000000")
        assert site.update("home", "two", 1).status_code == 200
        assert measured() == {"FenceRejected": 1}

    def test_a_lock_that_was_waited_for_in_vain(
        self, site: Site, clean: Servers, measured: Measured
    ) -> None:
        site.create("home", "one")
        with RedisLock(redis_client.connect(clean.cache_url), "page:home", 10):
            assert site.update("home", "two", 1).status_code == 409
        assert measured() == {"LockBusy": 1}


@contextmanager
def prepared(url: str) -> Iterator[None]:
    """A transaction in doubt."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT pg_current_xact_id()")
        connection.execute("PREPARE TRANSACTION 'in doubt'")
        try:
            yield
        finally:
            connection.execute("ROLLBACK PREPARED 'in doubt'")


class TestUpkeep:
    def test_all_is_well(self, site: Site, measured: Measured) -> None:
        upkeep.app.handler({}, new_context())
        names = ("ShardsDown", "OutboxSeconds", "InDoubtSeconds", "Recovered", "Relayed")
        assert measured() == dict.fromkeys(names, 0)

    def test_changes_that_have_been_waiting(
        self, site: Site, clean: Servers, measured: Measured
    ) -> None:
        site.create("home", "one")
        site.create("away", "one")
        with psycopg.connect(clean.database_url) as connection:
            connection.execute(
                "UPDATE outbox SET created_at = now() - interval '5 min' WHERE slug = 'home'"
            )
        upkeep.app.handler({}, new_context())
        before = measured()
        assert 300 <= before["OutboxSeconds"] < 300 + PATIENCE
        assert before["Relayed"] == 2
        upkeep.app.handler({}, new_context())
        after = measured()
        assert (after["OutboxSeconds"], after["Relayed"]) == (0, 0)

    def test_changes_that_cannot_be_relayed_go_on_waiting(
        self, site: Site, clean: Servers, measured: Measured
    ) -> None:
        site.create("home", "one")
        with redis.Redis.from_url(clean.cache_url) as client:
            client.delete("entry:{page:home}")
            client.rpush("entry:{page:home}", "no entry")
        for _ in range(2):
            with pytest.raises(redis.ResponseError):
                upkeep.app.handler({}, new_context())
            found = measured()
            assert found["OutboxSeconds"] > 0
            assert "Relayed" not in found

    def test_a_transaction_in_doubt(self, site: Site, clean: Servers, measured: Measured) -> None:
        with prepared(clean.database_url), psycopg.connect(clean.database_url) as connection:
            connection.execute("SELECT pg_sleep(0.2)")
            upkeep.app.handler({}, new_context())
        assert 0.2 <= measured()["InDoubtSeconds"] < PATIENCE
        upkeep.app.handler({}, new_context())
        assert measured()["InDoubtSeconds"] == 0

    def test_one_that_a_dead_writer_has_left_is_ended_and_counted(
        self, site: Site, clean: Servers, measured: Measured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(upkeep.app, "_LEFT_SECONDS", 0)
        with psycopg.connect(clean.database_url, autocommit=True) as connection:
            connection.execute("BEGIN")
            connection.execute("SELECT pg_current_xact_id()")
            connection.execute(f"PREPARE TRANSACTION 'sheaf-{uuid4().hex}-0'")
        upkeep.app.handler({}, new_context())
        found = measured()
        assert (found["InDoubtSeconds"] > 0, found["Recovered"]) == (True, 1)
        upkeep.app.handler({}, new_context())
        found = measured()
        assert (found["InDoubtSeconds"], found["Recovered"]) == (0, 0)

    def test_one_of_another_database_is_not_ours(
        self, site: Site, clean: Servers, measured: Measured
    ) -> None:
        with prepared(clean.database_url.rpartition("/")[0] + "/postgres"):
            upkeep.app.handler({}, new_context())
        assert measured()["InDoubtSeconds"] == 0

    def test_a_shard_that_refuses_connections(
        self, site: Site, clean: Servers, measured: Measured, configure: Configure
    ) -> None:
        site.create("home", "one")
        configure(SHEAF_DATABASE_URLS=f"{clean.database_url},{NOBODY}")
        upkeep.app.handler({}, hurried_context())
        found = measured()
        assert (found["ShardsDown"], found["Relayed"]) == (1, 1)
        assert found["OutboxSeconds"] > 0

    def test_shards_that_accept_connections_and_say_nothing(
        self,
        site: Site,
        clean: Servers,
        measured: Measured,
        configure: Configure,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(connections, "_CONNECT_SECONDS", 2)
        with Proxy(address(clean.database_url)) as first, Proxy(first.target) as second:
            urls = [proxy.url(clean.database_url) for proxy in (first, second)]
            configure(SHEAF_DATABASE_URLS=",".join(urls))
            first.replies.hold()
            second.replies.hold()
            upkeep.app.handler({}, hurried_context())
        # Nobody knows how old their changes are.
        assert measured() == {"ShardsDown": 2, "Recovered": 0, "Relayed": 0}

    def test_another_instance_at_work_is_not_taken_for_a_run(
        self, site: Site, measured: Measured, caplog: pytest.LogCaptureFixture
    ) -> None:
        with engines.current().lock("upkeep", 10), caplog.at_level(logging.WARNING):
            upkeep.app.handler({}, new_context())
        assert [record.getMessage() for record in caplog.records] == ["another instance is at work"]
        assert measured() == {}

    def test_without_its_lock_service_a_run_fails(
        self, site: Site, measured: Measured, configure: Configure
    ) -> None:
        configure(SHEAF_LOCKS="redis://127.0.0.1:1")
        with pytest.raises(LockError):
            upkeep.app.handler({}, new_context())
        assert measured() == {}
