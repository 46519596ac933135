"""A database that cannot serve is 503 wherever it is asked, whatever its driver makes of that."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NoReturn

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.test import TestResponse

import upkeep.app
from sheaf import paging
from sheaf.pages import claims, drafts, edit_leases, outbox, reads, revisions, users
from sheaf.sharding import scattering, shards
from sheaf.sharding.ownership import Moved
from sheaf.sharding.slot_maps import SlotMap
from tests.context import hurried_context
from tests.fixtures import Servers, database, migrate_together
from tests.integration.conftest import Configure
from tests.site import CREATE, Site

ERRORS = [
    OperationalError("SELECT 1", None, Exception("secret host")),
    InterfaceError("SELECT 1", None, Exception("secret host")),
    DBAPIError("SELECT 1", None, Exception("secret host"), connection_invalidated=True),
    PoolTimeout("secret host"),
    psycopg.OperationalError("secret host"),
    psycopg.InterfaceError("secret host"),
    TimeoutError(),
    Moved("home"),
]
# What asks the database, where that is defined, and a request that needs it.
REQUESTS: dict[str, tuple[Any, str, Callable[[Site], TestResponse]]] = {
    "page": (reads, "read", lambda site: site.get("/elsewhere")),
    "newer page": (reads, "read", lambda site: site.get("/home?v=2")),
    "source": (revisions, "find", lambda site: site.get("/home.md")),
    "page as JSON": (reads, "find", lambda site: site.get("/api/pages/home")),
    "history": (reads, "find", lambda site: site.get("/-/history/home")),
    "revision": (revisions, "find", lambda site: site.get("/api/revisions/home?version=1")),
    "list": (paging, "fetch", lambda site: site.get("/api/pages")),
    "list for people": (paging, "fetch", lambda site: site.get("/-/recent")),
    "suggestions": (scattering, "sources", lambda site: site.get("/api/suggestions?q=h")),
    "user": (users, "find", lambda site: site.get("/api/users/alice")),
    "lease": (edit_leases, "find", lambda site: site.get("/api/leases/home")),
    "save": (claims, "claim", lambda site: site.put("new", "text", CREATE)),
    "lease taken": (edit_leases, "take", lambda site: put(site, "/api/leases/home")),
    "drafts": (drafts, "of_page", lambda site: get(site, "/api/drafts/home")),
    "all drafts": (scattering, "sources", lambda site: get(site, "/api/drafts")),
    "draft kept": (drafts, "autosave", lambda site: put_draft(site, "home")),
}


def put(site: Site, path: str) -> TestResponse:
    return site.client.put(path, json={}, headers=signed_in(site))


def put_draft(site: Site, slug: str) -> TestResponse:
    path = f"/api/drafts/{slug}"
    return site.client.put(path, json={"body": "text"}, headers=signed_in(site))


def get(site: Site, path: str) -> TestResponse:
    return site.client.get(path, headers=signed_in(site))


def signed_in(site: Site) -> dict[str, str]:
    return {"Authorization": f"Bearer {site.token}"}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_MOVE_SECONDS", 0.0)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", REQUESTS)
def test_it_is_503_everywhere(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception
) -> None:
    module, function, request = REQUESTS[name]
    site.create("home", "text")

    def fail(*_arguments: Any, **_options: Any) -> NoReturn:
        raise error

    monkeypatch.setattr(module, function, fail)
    answer = request(site)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "secret" not in answer.text


@pytest.fixture
def two_shards(site: Site, servers: Servers, configure: Configure) -> Iterator[Site]:
    with ExitStack() as stack:
        urls = [stack.enter_context(database(servers, f"half_{n}", None)) for n in range(2)]
        migrate_together(urls)
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        yield site
        shards.dispose()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("silent", [0, 1])
def test_upkeep_goes_on_with_the_other_shards(
    two_shards: Site, monkeypatch: pytest.MonkeyPatch, silent: int, error: Exception
) -> None:
    owner, names = SlotMap.even(2).owner, [f"page-{number}" for number in range(8)]
    for name in names:
        two_shards.create(name, "text")
    oldest = outbox.oldest

    def fail_there(connection: Connection, limit: int) -> list[outbox.Change]:
        if connection.engine.url == shards.at(silent).url:
            raise error
        return oldest(connection, limit)

    monkeypatch.setattr(outbox, "oldest", fail_there)
    relayed = upkeep.app.handler({}, hurried_context())["relayed"]
    assert relayed == sum(owner(name) != silent for name in names) > 0
