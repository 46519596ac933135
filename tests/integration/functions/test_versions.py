"""Old versions, differences and sources: made once, kept in the cache and by the CDN."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import redis

from local.laptop import services
from sheaf.caching.entry import Entry
from sheaf.caching.near import NearCache
from sheaf.caching.reader import Reader
from sheaf.caching.versioned import VersionedCache
from sheaf.http import encodings
from sheaf.pages import page_cache, read_through
from tests.fixtures import Servers
from tests.integration.conftest import Configure
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import address
from tests.site import Site
from tests.waiting import PATIENCE, wait_until

OLD = {
    "/-/history/home?version=1": "version=1",
    "/-/history/home?version=2": "version=2",
    "/-/history/home?version=3": "version=3",
    "/-/diff/home?from=1&to=2": "from=1&to=2",
    "/-/diff/home?from=2&to=1": "from=2&to=1",
    "/-/diff/home?from=1&to=2&view=side": "from=1&to=2&view=side",
    "/-/source/home?version=1": "source&version=1",
    "/api/revisions/home?version=1": "json&version=1",
    "/api/revisions/home?from=1&to=3": "json&from=1&to=3",
}
SOURCE = {"/home.md": "source=2"}
KEPT = OLD | SOURCE


@pytest.fixture
def edited(site: Site) -> Site:
    """A site whose home has two versions, and was deleted by a third."""
    site.create("home", "# One\n\nfirst words\n")
    site.update("home", "# Two\n\nother words\n", 1)
    return site


@pytest.fixture
def gone(edited: Site) -> Site:
    edited.delete("home", 2)
    return edited


@pytest.mark.parametrize("path", OLD)
def test_what_is_old_may_be_kept_and_can_be_purged(gone: Site, path: str) -> None:
    answer = gone.get(path)
    assert answer.status_code == 200
    kept = set(answer.headers["Cache-Control"].split(", "))
    assert {"max-age=600", "s-maxage=86400"} < kept
    assert answer.headers["Cache-Tag"] == gone.get("/").headers["Cache-Tag"]
    assert answer.headers["ETag"].startswith('"')
    assert answer.headers["Vary"] == "accept-encoding"
    if answer.mimetype == "text/html":
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", KEPT)
def test_each_encoding_has_a_strong_tag(edited: Site, path: str) -> None:
    edited.delete("home", 2) if "3" in path else None
    plain, tags = edited.get(path), set()
    for accepted in ("br", "gzip", ""):
        answer = edited.get(path, Accept_Encoding=accepted)
        assert encodings.decompress(answer.data, accepted or "identity") == plain.data
        tag = answer.headers["ETag"]
        known = edited.get(path, Accept_Encoding=accepted, If_None_Match=tag)
        assert (known.status_code, known.data, known.headers["ETag"]) == (304, b"", tag)
        assert known.headers["Cache-Control"] == answer.headers["Cache-Control"]
        tags.add(tag)
    assert len(tags) == 3
    head = edited.client.head(path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == plain.headers["ETag"]


@pytest.mark.parametrize("path", KEPT)
def test_it_is_made_once(
    edited: Site,
    client: "redis.Redis",
    statements: list[str],
    path: str,
) -> None:
    edited.delete("home", 2) if "3" in path else None
    first = edited.get(path)
    assert first.status_code == 200
    page_cache.near().close()  # the next readers are other processes'
    statements.clear()
    for _ in range(20):
        again = edited.get(path)
        assert (again.status_code, again.data) == (200, first.data)
    assert statements == []
    assert 0 < client.ttl(f"entry:{{page:home}}?{KEPT[path]}") <= 3600


@pytest.mark.parametrize("path", OLD)
def test_later_versions_change_nothing_of_it(gone: Site, client: "redis.Redis", path: str) -> None:
    first = gone.get(path)
    answer = gone.put("home", "# Four", {"If-None-Match": "*"})
    assert answer.status_code == 201
    for forget in (False, True):
        if forget:
            client.flushall()
            page_cache.near().close()
        again = gone.get(path)
        assert (again.data, again.headers["ETag"]) == (first.data, first.headers["ETag"])


def test_a_source_is_that_of_the_newest_version(edited: Site) -> None:
    one = edited.get("/home.md")
    assert one.text == "# Two\n\nother words\n"
    assert one.headers["ETag"].startswith('"v2-')
    assert "s-maxage=60" in one.headers["Cache-Control"]
    assert one.headers["Cache-Tag"] == edited.get("/").headers["Cache-Tag"]
    edited.update("home", "# Three", 2)
    assert edited.get("/home.md?v=3", If_None_Match=one.headers["ETag"]).text == "# Three"
    edited.delete("home", 3)
    assert edited.get("/home.md?v=4").status_code == 410


@pytest.mark.parametrize(
    "path",
    [
        "/-/history/home?version=3",
        "/-/diff/home?from=2&to=3",
        "/-/source/home?version=3",
        "/api/revisions/home?version=3",
        "/api/revisions/home?from=3&to=1",
        "/-/history/new?version=1",
    ],
)
def test_a_version_that_comes_to_be_is_found(
    edited: Site,
    client: "redis.Redis",
    path: str,
) -> None:
    missing = edited.get(path)
    assert missing.status_code == 404
    assert "s-maxage" not in missing.headers["Cache-Control"]
    assert edited.get(path).status_code == 404
    assert edited.update("home", "# Three", 2).status_code == 200
    edited.create("new", "# New")
    wait_until(lambda: edited.get(path).status_code == 200, "it is not found")


def test_made_up_versions_cost_one_look_a_second(edited: Site, statements: list[str]) -> None:
    statements.clear()
    began = time.monotonic()
    for _ in range(50):
        assert edited.get("/-/history/home?version=99").status_code == 404
    reads = sum("revisions.body" in statement for statement in statements)
    assert 1 <= reads <= 2 * (time.monotonic() - began) + 2


def test_another_build_makes_it_again(edited: Site, configure: Configure) -> None:
    first = edited.get("/-/history/home?version=1")
    configure(SHEAF_SITE_NAME="Another name", SHEAF_BUILD="7")
    again = edited.get("/-/history/home?version=1")
    assert "Another name" in again.text
    assert again.headers["ETag"] != first.headers["ETag"]
    configure(SHEAF_SITE_NAME="Sheaf", SHEAF_BUILD="0")
    assert "Another name" in edited.get("/-/history/home?version=1").text


@pytest.mark.parametrize("path", OLD)
def test_redis_may_die_at_any_moment(
    gone: Site,
    configure: Configure,
    statements: list[str],
    tmp_path: Path,
    path: str,
) -> None:
    with services.redis(tmp_path) as server:
        configure(SHEAF_CACHE_URL=server.url)
        first = gone.get(path)
    statements.clear()
    for _ in range(20):
        again = gone.get(path)
        assert (again.status_code, again.data) == (200, first.data)
    assert statements == []
    page_cache.near().close()  # a process that remembers nothing
    assert gone.get(path).data == first.data
    assert statements != []


def test_who_would_wait_too_long_for_another_is_sent_away(
    edited: Site,
    client: "redis.Redis",
    statements: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client.set("lease:{page:home}?version=1", "another reader's", ex=600)
    monkeypatch.setattr("sheaf.caching.versioned.time.sleep", lambda _seconds: None)
    statements.clear()
    answer = edited.get("/-/history/home?version=1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert statements == []
    client.delete("lease:{page:home}?version=1")
    assert edited.get("/-/history/home?version=1").status_code == 200


@pytest.fixture
def near_each(clean: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache of its own for each thread, as each process has one."""
    with ExitStack() as stack:
        local = threading.local()

        def near() -> NearCache:
            if not hasattr(local, "near"):
                local.near = NearCache(Reader(clean.cache_url, float(PATIENCE)), 1_000_000)
                stack.callback(local.near.close)
            found: NearCache = local.near
            return found

        monkeypatch.setattr(page_cache, "near", near)
        yield


def test_of_many_who_come_at_once_one_makes_it(
    near_each: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, made, readers = set(), [], 16
    look = VersionedCache.look

    def counted(cache: VersionedCache, key: str) -> tuple[Entry | None, str]:
        found = look(cache, key)
        looked.add(threading.get_ident())
        return found

    def make() -> Entry:
        made.append(1)
        wait_until(lambda: len(looked) == readers, "not all have come")
        return Entry(1, b"made")

    monkeypatch.setattr(VersionedCache, "look", counted)
    monkeypatch.setattr(page_cache, "_MAKING_SECONDS", float(PATIENCE))
    monkeypatch.setattr(page_cache, "immutable", partial(patiently, page_cache.immutable))

    def read(_number: int) -> bytes:
        return read_through.immutable("x", "version=1", make, time.time()).body

    with ThreadPoolExecutor(readers) as pool:
        assert list(pool.map(read, range(readers))) == [b"made"] * readers
    assert len(made) == 1


def patiently(make: Callable[[], VersionedCache]) -> VersionedCache:
    cache = make()
    cache._patience = float(PATIENCE)
    return cache


def test_one_that_never_hears_that_it_is_to_make_it_keeps_others_out_for_seconds(
    clean: Servers, configure: Configure, client: "redis.Redis"
) -> None:
    with Proxy(address(clean.cache_url)) as network:
        configure(SHEAF_CACHE_URL=network.url(clean.cache_url))
        cache = page_cache.immutable()
        cache.get("x")
        network.drop_replies(1)
        with pytest.raises(redis.ConnectionError):
            cache.look("x")
    assert 0 < client.pttl("lease:{x}") <= 5000
