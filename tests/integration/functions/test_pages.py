"""What readers see: pages, their source, redirects, errors, static files; cached and not."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import redis

from sheaf.caching.near import NearCache
from sheaf.caching.reader import Reader
from sheaf.http import encodings
from sheaf.pages import page_cache, reads
from sheaf.rendering import static
from tests.fixtures import Servers
from tests.site import Site


def test_a_page_is_html_with_a_validator(site: Site) -> None:
    site.create("guide/start", "# Start\n\nSee [more](more.md).")
    page = site.get("/guide/start")
    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    assert '<a href="/guide/more"' in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    again = site.get("/guide/start", If_None_Match=page.headers["ETag"])
    assert (again.status_code, again.text) == (304, "")
    assert again.headers["ETag"] == page.headers["ETag"]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, *", "gzip"),
        ("", None),
        ("zstd", None),
        ("identity, br;q=0.9", None),
    ],
)
@pytest.mark.parametrize("path", ["/", "/home.md", "/-/edit/home", "/nowhere"])
def test_everybody_gets_an_encoding_they_take(
    site: Site, path: str, accepted: str, encoding: str | None
) -> None:
    site.create("home", "# Home of the naïve 部署")
    plain = site.get(path)
    answer = site.get(path, Accept_Encoding=accepted)
    assert answer.headers.get("Content-Encoding") == encoding
    assert "accept-encoding" in answer.headers["Vary"]
    assert encodings.decompress(answer.data, encoding or "identity") == plain.data
    assert int(answer.headers["Content-Length"]) == len(answer.data)


@pytest.mark.parametrize("path", ["/", "/home.md", static.url("style.css")])
def test_each_encoding_has_a_tag_of_its_own(site: Site, path: str) -> None:
    site.create("home", "# Home")
    tags = {
        each: site.get(path, Accept_Encoding=each).headers["ETag"] for each in ("br", "gzip", "")
    }
    assert len(set(tags.values())) == 3
    for accepted, tag in tags.items():
        known = {"Accept_Encoding": accepted, "If_None_Match": tag}
        assert site.get(path, **known).status_code == 304
        other = {**known, "Accept_Encoding": "br" if accepted != "br" else "gzip"}
        assert site.get(path, **other).status_code == 200


def test_a_client_that_knows_only_the_time_is_asked_for_no_more(site: Site, clean: Servers) -> None:
    site.create("home", "# Home")
    assert "Last-Modified" not in site.get("/").headers  # it could change again in this second
    with psycopg.connect(clean.database_url) as connection:
        connection.execute("UPDATE pages SET updated_at = '2026-11-02 14:03:11.5+00'")
    page = site.get("/", Cache_Control="no-cache")
    assert page.headers["Last-Modified"] == "Mon, 02 Nov 2026 14:03:11 GMT"
    since = {"If_Modified_Since": page.headers["Last-Modified"]}
    assert site.get("/", **since).status_code == 304
    assert site.get("/", If_Modified_Since="Mon, 02 Nov 2026 14:03:10 GMT").status_code == 200
    assert site.get("/", If_Modified_Since="no date").status_code == 200
    # A tag says more than a time (RFC 9110, 13.1.3).
    assert site.get("/", **since, If_None_Match='"another"').status_code == 200


def test_shared_caches_may_keep_a_page_a_little(site: Site) -> None:
    site.create("home", "# Home")
    page = site.get("/")
    for answer in (page, site.get("/", If_None_Match=page.headers["ETag"])):
        kept = answer.headers["Cache-Control"].split(", ")
        assert {"max-age=0", "s-maxage=60"} < set(kept)
        assert "max-age=60" in answer.headers["CDN-Cache-Control"]
        assert "Set-Cookie" not in answer.headers


def test_head_is_get_without_the_body(site: Site) -> None:
    site.create("home", "# Home")
    got, head = site.get("/"), site.client.head("/")
    assert (head.status_code, head.text) == (200, "")
    assert head.headers["ETag"] == got.headers["ETag"]
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


def test_home_is_at_the_root(site: Site) -> None:
    site.create("home", "# Welcome")
    assert site.get("/").text == site.get("/home").text


def test_an_edit_is_seen_at_once(site: Site) -> None:
    site.create("home", "# One")
    assert "One" in site.get("/").text
    two = site.update("home", "# Two", 1)
    assert "Two" in site.get("/", If_None_Match=two.headers["ETag"]).text
    site.delete("home", 2)
    assert site.get("/", Cache_Control="no-cache").status_code == 410


def test_a_hit_asks_no_database(site: Site, clean: Servers) -> None:
    site.create("home", "# Home")
    with psycopg.connect(clean.database_url) as connection:
        connection.execute("UPDATE pages SET html = 'changed behind the cache'")
    assert "Home" in site.get("/").text
    with redis.Redis.from_url(clean.cache_url) as client:
        client.flushall()
    page_cache.near().close()  # the next reader is another process
    assert "changed behind the cache" in site.get("/").text
    with psycopg.connect(clean.database_url) as connection:
        connection.execute("DELETE FROM revisions")
        connection.execute("DELETE FROM pages")
    assert "changed behind the cache" in site.get("/").text


def test_the_source_is_what_was_saved(site: Site) -> None:
    body = "---\ntitle: T\n---\n\r\n# naïve 部署  \n\n\n"
    site.create("a/b", body)
    source = site.get("/a/b.md")
    assert source.content_type == "text/markdown; charset=utf-8"
    assert source.data.decode() == body
    assert site.get("/a/b.md", If_None_Match=source.headers["ETag"]).status_code == 304
    assert site.get("/no.md").status_code == 404


def test_a_slash_at_the_end_leads_to_the_page(site: Site) -> None:
    answer = site.get("/gu%C3%AFde/")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/gu%C3%AFde")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/-/nowhere", 404),
        ("/-/static/style.css", 404),
        ("/-/static/..%2Fstyle.css", 404),
        ("/a//b", 404),
        ("/a%20b", 404),
        ("/-/edit/a%20b", 404),
        ("/%00", 404),
    ],
)
def test_errors_are_documents_for_people(site: Site, path: str, status: int) -> None:
    answer = site.get(path)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert "<h1>" in answer.text


def test_a_missing_page_can_be_created_from_its_address(site: Site) -> None:
    assert 'href="/-/edit/some/page"' in site.get("/some/page").text
    assert 'href="/-/edit/some/page"' in site.get("/some/page.md").text
    assert 'href="/-/edit/home"' in site.get("/").text
    assert "/-/edit/" not in site.get("/-/nowhere").text


def test_errors_under_api_are_problems(site: Site) -> None:
    for answer, status in ((site.get("/api/nowhere"), 404), (site.client.patch("/api/users"), 405)):
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_other_methods_are_not_allowed(site: Site) -> None:
    answer = site.client.post("/home", data="x")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_static_files_never_change_under_their_name(site: Site) -> None:
    site.create("home", "# Home")
    addresses = re.findall(r'"(/-/static/[^"]+)"', site.get("/").text)
    assert len(addresses) >= 3
    for address in addresses:
        answer = site.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]
        assert site.get(address, If_None_Match=answer.headers["ETag"]).status_code == 304
    assert static.url("style.css") in addresses


def test_the_other_files(site: Site) -> None:
    not_crawled = site.get("/robots.txt").text.splitlines()
    for path in ("/api/", "/-/edit/", "/-/history/", "/-/diff/", "/-/source/", "/-/new"):
        assert f"Disallow: {path}" in not_crawled
    feed = site.get("/feed.atom")
    assert (feed.status_code, feed.headers["Location"]) == (308, "/-/feed.atom")
    assert site.get("/favicon.svg").mimetype == "image/svg+xml"
    assert 'data-slug="new/page"' in site.get("/-/edit/new/page").text
    assert site.get("/-/sign-in").status_code == 200


def test_the_site_stays_up_without_its_cache(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.create("home", "# Home")
    nobody = NearCache(Reader("redis://127.0.0.1:1", 0.25), 1024 * 1024)
    monkeypatch.setattr(page_cache, "near", lambda: nobody)
    assert "Home" in site.get("/").text
    assert site.get("/nowhere").status_code == 404


def test_readers_that_the_database_cannot_bear_are_sent_away(site: Site, clean: Servers) -> None:
    site.create("home", "# Home")
    with redis.Redis.from_url(clean.cache_url) as client:
        client.flushall()
    page_cache.near().close()
    with crowd(clean):
        shed = site.get("/")
        assert (shed.status_code, shed.mimetype) == (503, "text/html")
        assert shed.headers["Retry-After"] == "1"
        assert site.get("/home.md").status_code == 503
    page_cache.near().close()
    with redis.Redis.from_url(clean.cache_url) as client:
        client.flushall()  # the fill lease of the one that was sent away
    assert site.get("/").status_code == 200


def test_what_a_process_remembers_is_better_than_nothing(site: Site, clean: Servers) -> None:
    site.create("home", "# Home")
    assert "Home" in site.get("/").text
    time.sleep(0.06)  # so that it is no flood
    with redis.Redis.from_url(clean.cache_url) as client:
        client.flushall()
    with crowd(clean):
        assert "Home" in site.get("/", Cache_Control="no-cache").text


@contextmanager
def crowd(servers: Servers) -> Iterator[None]:
    """As many readers as the database serves, all gone when the block ends."""
    with psycopg.connect(servers.database_url) as connection:
        for number in range(1, reads.READERS + 1):
            # Of the transaction: those of a connection are kept until its process has noticed.
            taken = "SELECT pg_advisory_xact_lock(%s, %s)"
            connection.execute(taken, (reads._READERS_LOCK, number))
        yield
