"""A session that is of no more use is thrown away, and what it did not do is done in another."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg import sql
from werkzeug.test import TestResponse

import upkeep.app
from sheaf.database import connections
from sheaf.sharding import shards
from tests.context import hurried_context
from tests.fixtures import Servers
from tests.integration.conftest import Configure, clones, originals_of_a_site
from tests.integration.functions.test_unavailable import get, put
from tests.site import Site

# A statement is prepared the sixth time that it is sent.
WARM = 7
READ: dict[str, Callable[[Site], TestResponse]] = {
    "page": lambda site: site.get("/home", cache_control="no-cache"),
    "source": lambda site: site.get("/home.md"),
    "page as JSON": lambda site: site.get("/api/pages/home"),
    "history": lambda site: site.get("/-/history/home"),
    "revision": lambda site: site.get("/api/revisions/home?version=1"),
    "list": lambda site: site.get("/api/pages"),
    "list of users": lambda site: site.get("/api/users"),
    "tree": lambda site: site.get("/api/tree"),
    "search": lambda site: site.get("/api/search?q=text"),
    "suggestions": lambda site: site.get("/api/suggestions?q=h"),
    "drafts": lambda site: get(site, "/api/drafts/home"),
    "all drafts": lambda site: get(site, "/api/drafts"),
    "health": lambda site: site.get("/api/health"),
}


def save(site: Site) -> TestResponse:
    """The next version of `home`."""
    etag = site.get("/api/pages/home").headers["etag"]
    version = int(etag.strip('"v'))
    return site.update("home", f"text {version}", version)


def renew(site: Site) -> TestResponse:
    """The edit lease of `home`, which the editor has."""
    return put(site, "/api/leases/home")


WRITE = {"save": save, "lease": renew}
ALL = READ | WRITE


@pytest.fixture(scope="module", params=[1, 2], ids=["one shard", "two shards"])
def originals(servers: Servers, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The names of migrated databases."""
    with originals_of_a_site(servers, f"original_{request.param}", request.param) as names:
        yield names


@pytest.fixture
def databases(
    site: Site, servers: Servers, configure: Configure, originals: list[str]
) -> Iterator[list[str]]:
    """The addresses of the site's databases, which the test may change; there is a page `home`."""
    with clones(servers, "changed", originals) as urls:
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        site.create("home", "# Home\n\ntext")
        assert upkeep.app.handler({}, hurried_context())["relayed"] == 1
        assert renew(site).status_code == 201
        yield urls
        shards.dispose()


def execute(urls: list[str], *statements: str) -> None:
    """Execute statements in each database, of which `{}` is the name."""
    for url in urls:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("SET default_transaction_read_only = off")
            name = sql.Identifier(admin.info.dbname)
            for statement in statements:
                admin.execute(sql.SQL(statement).format(name))


TAKE_NO_CHANGES = "ALTER DATABASE {} SET default_transaction_read_only = on"
TAKE_CHANGES = "ALTER DATABASE {} RESET default_transaction_read_only"
END_SESSIONS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def statuses(site: Site, name: str, times: int = 1) -> list[int]:
    return [ALL[name](site).status_code for _ in range(times)]


@pytest.mark.parametrize("column", ["title", "author", "sort_title"])
def test_a_column_may_get_another_type_meanwhile(
    site: Site, databases: list[str], column: str
) -> None:
    for number, name in enumerate(ALL):
        statuses(site, name, WARM)
        change = f"ALTER COLUMN {column} TYPE varchar({1000 + number})"
        tables = ("pages",) if column == "sort_title" else ("pages", "revisions")
        execute(databases, *(f"ALTER TABLE {table} {change}" for table in tables))
        assert statuses(site, name, 3) == [200] * 3, name


def test_prepared_statements_may_be_gone(site: Site, databases: list[str]) -> None:
    for name in ALL:
        statuses(site, name, WARM)
        for shard in shards.everywhere():
            with closing(shard.raw_connection()) as connection:
                driver: Any = connection.driver_connection
                driver.pgconn.exec_(b"DEALLOCATE ALL")  # unseen by the driver
        assert statuses(site, name, 3) == [200] * 3, name


def test_sessions_may_have_been_ended(site: Site, databases: list[str]) -> None:
    for name in ALL:
        statuses(site, name)
        execute(databases, END_SESSIONS)
        assert statuses(site, name) == [200], name


def test_a_database_that_takes_no_changes_is_waited_for(site: Site, databases: list[str]) -> None:
    for name, write in WRITE.items():
        statuses(site, name, 2)
        execute(databases, TAKE_NO_CHANGES, END_SESSIONS)
        for _ in range(3):
            refused = write(site)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json["type"] == "urn:sheaf:problem:unavailable"
            assert "takes no changes" in refused.json["detail"]
        reading = {name: ask(site).status_code for name, ask in READ.items()}
        assert reading == {**dict.fromkeys(READ, 200), "health": 503}
        execute(databases, TAKE_CHANGES)
        assert statuses(site, name) == [200]


def test_that_it_does_is_a_warning(
    site: Site, databases: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    execute(databases, TAKE_NO_CHANGES, END_SESSIONS)
    caplog.clear()
    assert statuses(site, "lease") == [503]
    [line] = caplog.records
    assert (line.levelname, line.message, line.exc_info) == ("WARNING", "unavailable", None)
    assert "read-only transaction" in vars(line)["reason"]


def test_health_says_so_and_forgets_it(
    site: Site, databases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(databases, TAKE_NO_CHANGES, END_SESSIONS)
    failing = site.get("/api/health")
    assert failing.status_code == 503
    assert failing.json == {"status": "failing", "database": "read-only", "cache": "ok"}
    execute(databases, TAKE_CHANGES)
    monkeypatch.setattr(connections, "_READ_ONLY_SECONDS", 0)
    assert site.get("/api/health").json == {"status": "ok", "database": "ok", "cache": "ok"}
