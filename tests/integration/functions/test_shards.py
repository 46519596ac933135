"""A site on several databases: lists of all of them, and what goes on when one is down."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from sheaf.sharding.slot_maps import SlotMap
from tests.fixtures import seed
from tests.integration.conftest import Sharded
from tests.waiting import PATIENCE

SLUGS = [f"page-{number:02}" for number in range(40)]
OWNER = SlotMap.even(2).owner


@pytest.fixture
def client(sharded: Sharded) -> Iterator[httpx.Client]:
    seed(sharded.url, sharded.token, SLUGS)
    headers = {"Authorization": f"Bearer {sharded.token}"}
    with httpx.Client(base_url=sharded.url, headers=headers, timeout=PATIENCE) as client:
        yield client


def walk(client: httpx.Client, address: str) -> list[str]:
    """The slugs of a whole list."""
    found: list[str] = []
    cursor = ""
    while len(found) < 200:
        answer = client.get(f"{address}{cursor}").raise_for_status().json()
        found += [item["slug"] for item in answer["items"]]
        if not answer["next"]:
            return found
        cursor = f"&cursor={answer['next']}"
    raise AssertionError("the list has no end")


def test_a_folder_is_one_whatever_shards_its_pages_are_on(
    client: httpx.Client, sharded: Sharded
) -> None:
    below = {OWNER(slug): slug for slug in (f"tree/{number}" for number in range(20))}
    page = next(f"t{n}" for n in range(20) if OWNER(f"t{n}") == 0)
    apart = next(f"{page}/{n}" for n in range(20) if OWNER(f"{page}/{n}") == 1)
    seed(sharded.url, sharded.token, [*below.values(), page, apart])
    found = client.get("/api/tree?limit=200").json()["items"]
    kinds = {item["name"]: (item["page"], item["folder"]) for item in found}
    assert list(kinds) == sorted([*SLUGS, page, "tree"])
    assert len(found) == len(kinds)
    assert (kinds["tree"], kinds[page]) == ((False, True), (True, True))
    assert walk(client, "/api/tree?limit=7") == list(kinds)
    with down(sharded.databases[1]):
        assert client.get("/api/tree").status_code == 503
        assert client.get("/-/tree").status_code == 503
        part = client.get("/api/tree/tree?partial=1").json()
    assert part["partial"] is True
    assert [item["slug"] for item in part["items"]] == [below[0]]


@contextmanager
def down(url: str) -> Iterator[None]:
    """The database takes no connections and ends those that it has."""
    parts = urlsplit(url)
    name = parts.path[1:]
    with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_a_list_is_of_all_shards(client: httpx.Client) -> None:
    assert {OWNER(slug) for slug in SLUGS} == {0, 1}
    assert walk(client, "/api/pages?sort=title&limit=7") == SLUGS
    assert walk(client, "/api/pages?sort=created&order=asc&limit=11") == SLUGS
    assert walk(client, "/api/pages?limit=200") == SLUGS[::-1]


def test_links_to_pages_of_a_shard_that_is_down_look_as_if_they_were_there(
    client: httpx.Client, sharded: Sharded
) -> None:
    here, there = (next(slug for slug in SLUGS if OWNER(slug) == number) for number in (0, 1))
    linking = next(f"linking-{n}" for n in range(20) if OWNER(f"linking-{n}") == 0)
    gone = [f"gone-{n}" for n in range(20)]
    body = " ".join(f"[{slug}]({slug})" for slug in (here, there, *gone))
    new = {"If-None-Match": "*"}
    page = client.put(f"/api/pages/{linking}", json={"body": body}, headers=new)
    assert page.status_code == 201
    assert client.get(f"/{linking}").text.count('class="missing"') == len(gone)
    with down(sharded.databases[1]):
        told = {"Cache-Control": "no-cache"}
        shown = client.get(f"/{linking}", headers=told)
        assert shown.status_code == 200
        assert 'class="missing"' not in shown.text


def test_a_shard_that_is_down_is_not_kept_quiet_about(
    client: httpx.Client, sharded: Sharded
) -> None:
    alive = [slug for slug in SLUGS if OWNER(slug) == 0]
    dead = next(slug for slug in SLUGS if OWNER(slug) == 1)
    with down(sharded.databases[1]):
        short = client.get("/api/pages?limit=200")
        assert short.status_code == 503
        assert short.headers["Retry-After"]
        part = client.get("/api/pages?limit=200&sort=title&partial=1").json()
        assert part["partial"] is True
        assert [item["slug"] for item in part["items"]] == alive
        assert client.get(f"/api/pages/{alive[0]}").status_code == 200
        assert client.get(f"/api/pages/{dead}").status_code == 503
        saved = client.put(
            f"/api/pages/{alive[0]}", json={"body": "new"}, headers={"If-Match": '"v1"'}
        )
        assert saved.status_code == 200
        assert client.get(f"/{dead}").status_code == 200  # the cache has it
    # Each of the two processes sees that the connections it had are dead.
    for _ in range(10):
        whole = client.get("/api/pages?limit=200")
        assert whole.status_code == 200
        assert "partial" not in whole.json()
        assert len(whole.json()["items"]) == len(SLUGS)
