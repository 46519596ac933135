"""A page that is in the cache: what it loads, what it costs, and when it is not good enough."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import redis

import pages.app
from sheaf import telemetry
from sheaf.caching import entry as entries
from sheaf.caching.entry import Entry
from sheaf.pages import page_cache
from tests.context import new_context
from tests.site import Site

ROOT = Path(__file__).parents[3]
# Of our own, what a cache hit may load; of others', nothing but the standard library.
ALLOWED = {
    "pages",
    "pages.app",
    "pages.cached",
    "sheaf",
    "sheaf.caching",
    "sheaf.caching.near",
    "sheaf.caching.entry",
    "sheaf.caching.reader",
    "sheaf.http",
    "sheaf.http.conditions",
    "sheaf.http.encodings",
    "sheaf.http.origin",
    "sheaf.http.requests",
    "sheaf.http.responses",
    "sheaf.pages",
    "sheaf.pages.page_cache",
    "sheaf.settings",
    "sheaf.telemetry",
    "sheaf.urls",
}
# Slow to load, and not needed.
HEAVY = {
    *("asyncio", "brotli", "dataclasses", "datetime", "inspect", "ipaddress", "random"),
    *("socket", "ssl", "typing", "urllib.parse"),
}
# What Lambda's own client has loaded by then is free, so it is loaded first here, too.
HIT = """
import awslambdaric.bootstrap, json, sys
before = set(sys.modules)
import pages.app
class Context:
    function_name, memory_limit_in_mb, aws_request_id = "pages", 512, "1"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:pages"
    get_remaining_time_in_millis = lambda: 15_000
answer = pages.app.handler(json.loads(sys.argv[1]), Context)
print(json.dumps([answer["statusCode"], sorted(set(sys.modules) - before)]))
"""


def event(path: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    return {
        "rawPath": path,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "requestContext": {"http": {"method": method, "path": path}},
    }


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How the pages of each request were found."""
    ways: list[str] = []

    def note(*_args: object, cache: str, **_fields: object) -> None:
        ways.append(cache)

    monkeypatch.setattr(telemetry, "request", note)
    return ways


def ask(path: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    answer: dict[str, Any] = pages.app.handler(event(path, method, **headers), new_context())
    return answer


def stored(client: "redis.Redis", slug: str) -> Entry:
    data = client.get(entries.name(page_cache.key(slug)))
    assert isinstance(data, bytes)
    return Entry.decode(data)


def store(client: "redis.Redis", slug: str, entry: Entry) -> None:
    client.set(entries.name(page_cache.key(slug)), entry.encode(), ex=60)


def publish(site: Site, found: list[str]) -> None:
    """Create the page, and read it once elsewhere: what is around it is known then."""
    site.publish("home", "# Home")
    page_cache.near().close()
    found.clear()


class Clock:
    """What `pages` takes for the time of day: it stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pages.app, "time", clock)
    return clock


@pytest.mark.parametrize("known", [False, True], ids=["200", "304"])
def test_a_hit_loads_next_to_nothing(site: Site, known: bool) -> None:
    site.publish("home", "# Home")
    tag = ask("/", accept_encoding="br")["headers"]["etag"]
    headers = {"if_none_match": tag} if known else {}
    request = json.dumps(event("/", accept_encoding="gzip, br", **headers))
    # Without site-packages' .pth files, which load modules of their own.
    paths = [ROOT, ROOT / "functions", ROOT / "layers/common", *map(Path, sys.path)]
    code = f"import sys; sys.path[:] = {[str(path) for path in paths]!r}\n{HIT}"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, request],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    status, loaded = json.loads(done.stdout.splitlines()[-1])
    assert status == (304 if known else 200)
    others = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    assert others - {"__main__"} == ALLOWED
    assert HEAVY & set(loaded) == set()


def test_a_hit_is_one_get(site: Site, client: "redis.Redis", found: list[str]) -> None:
    publish(site, found)
    ask("/")
    page_cache.near().close()
    client.config_resetstat()
    ask("/", accept_encoding="br")
    stats: dict[str, Any] = client.info("commandstats")
    # The test's own CONFIG RESETSTAT is counted by some servers, each under a name of its own.
    calls = {name: each["calls"] for name, each in stats.items() if "config" not in name}
    assert calls == {"cmdstat_auth": 1, "cmdstat_get": 1}
    assert found == ["hit", "hit"]


def test_a_page_under_a_flood_is_answered_from_memory(
    site: Site, client: "redis.Redis", found: list[str], clock: Clock
) -> None:
    publish(site, found)
    client.config_resetstat()
    for _ in range(250):
        ask("/")
        clock.now += 0.01
    stats: dict[str, Any] = client.info("commandstats")
    assert stats["cmdstat_get"]["calls"] == 3
    assert (found.count("hit"), found.count("memory")) == (3, 247)


def test_a_save_is_not_answered_from_memory_to_its_author(
    site: Site, client: "redis.Redis", found: list[str], clock: Clock
) -> None:
    publish(site, found)
    for _ in range(3):
        ask("/")
    pages.app.handler({**event("/"), "rawQueryString": "v=1"}, new_context())
    assert found[-2:] == ["memory", "hit"]


def test_a_writer_who_reads_is_not_fooled_by_a_flood(
    site: Site, client: "redis.Redis", found: list[str], clock: Clock
) -> None:
    site.publish("home", "# One")
    found.clear()
    old = stored(client, "home")
    saved = site.update("home", "# Two", 1)
    page_cache.near().remember("page:home", old, clock.now)  # an instance under a flood
    assert "One" in ask("/")["body"]
    assert "Two" in ask("/", if_none_match=saved.headers["ETag"])["body"]
    assert found == ["memory", "newest"]


def test_a_reload_asks_storage(site: Site, client: "redis.Redis", found: list[str]) -> None:
    site.publish("home", "# One")
    found.clear()
    old = stored(client, "home")
    site.update("home", "# Two", 1)
    store(client, "home", old)  # as if the writer had died before it published
    page_cache.near().close()
    assert "One" in ask("/")["body"]
    assert "Two" in ask("/", cache_control="no-cache")["body"]
    assert found == ["hit", "newest"]
    assert stored(client, "home").version == 2


def test_a_reader_that_has_seen_a_newer_version_than_the_cache_gets_it(
    site: Site, client: "redis.Redis"
) -> None:
    site.publish("home", "# One")
    old = stored(client, "home")
    site.update("home", "# Two", 1)
    new = ask("/")["headers"]["etag"]
    store(client, "home", old)
    page_cache.near().close()
    assert ask("/", if_none_match=new)["statusCode"] == 304


def test_one_reader_renews_what_is_old_while_others_get_it(
    site: Site, client: "redis.Redis", found: list[str]
) -> None:
    publish(site, found)
    old = stored(client, "home")
    store(client, "home", old.stamped(old.build, int(time.time()) - 1))
    client.set("lease:{page:home}", "another reader's", ex=5)
    assert "Home" in ask("/")["body"]
    assert stored(client, "home").fresh_until < time.time()
    client.delete("lease:{page:home}")
    page_cache.near().close()
    assert "Home" in ask("/")["body"]
    assert stored(client, "home").fresh_until > time.time()
    assert found == ["stale", "stale"]


def test_what_an_older_build_made_is_renewed_and_what_a_newer_made_is_served(
    site: Site, client: "redis.Redis", found: list[str]
) -> None:
    publish(site, found)
    newer = stored(client, "home")
    newer = newer.stamped(7, newer.fresh_until)
    store(client, "home", newer)
    ask("/")
    assert found == ["hit"]
    assert stored(client, "home").build == 7


def test_a_miss_is_remembered_briefly(site: Site, client: "redis.Redis", found: list[str]) -> None:
    assert ask("/nowhere")["statusCode"] == 404
    assert client.ttl("entry:{page:nowhere}") <= 30
    page_cache.near().close()
    assert ask("/nowhere")["statusCode"] == 404
    assert found == ["miss", "hit"]
    site.create("nowhere", "# Now here")
    page_cache.near().close()
    assert ask("/nowhere")["statusCode"] == 200


def test_a_deleted_page_is_a_hit_too(site: Site, found: list[str]) -> None:
    publish(site, found)
    site.delete("home", 1)
    assert ask("/")["statusCode"] == 410
    assert found == ["hit"]


@pytest.mark.parametrize("foreign", ["no entry at all", "9 lives"])
def test_what_cannot_be_read_is_replaced(
    site: Site, client: "redis.Redis", found: list[str], foreign: str
) -> None:
    publish(site, found)
    client.set("entry:{page:home}", foreign, ex=60)
    assert "Home" in ask("/")["body"]
    assert stored(client, "home").version == 1
    page_cache.near().close()
    assert "Home" in ask("/")["body"]
    assert found == ["unexpected", "hit"]
