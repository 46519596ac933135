"""`sheaf smoke` on sites of which one thing does not work: the check for it fails, and no other."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import urllib3

from sheaf.cli import smoke
from tests.conftest import Mint
from tests.integration.sheaf.cli.walking import failed, walk
from tests.servers.meddler import Meddle, Meddler, PassOn, Reply, Request, meddling
from tests.servers.meddles import (
    When,
    asks,
    at,
    body,
    changed,
    header,
    once,
    remembers,
    says,
    sent,
    status,
    without,
)

LIST = "/api/pages?limit=1&sort=created&order=asc"
EMPTY: dict[str, object] = {"items": [], "next": None, "prev": None}


def second_page(request: Request) -> bool:
    return "&cursor=" in request.path


def encoded(encoding: str) -> When:
    return at("/home?v=*", accept_encoding=encoding)


READS: dict[str, tuple[str, Meddle]] = {
    "health is a fault": ("health", says(at("/api/health"), 500)),
    "health says something else": ("health", says(at("/api/health"), 200, b"fine")),
    "the home page is a fault": ("home page", changed(at("/"), status(500))),
    "the home page is text": ("home page", changed(at("/"), header("content-type", "text/plain"))),
    "the home page is cut off": ("home page", changed(at("/"), body(lambda html: html[:-9]))),
    "no policy": ("security headers", changed(at("/"), without("content-security-policy"))),
    "scripts in pages run": (
        "security headers",
        changed(at("/"), header("content-security-policy", "default-src 'none' 'unsafe-inline'")),
    ),
    "types are guessed": ("security headers", changed(at("/"), without("x-content-type-options"))),
    "no HSTS": ("security headers", changed(at("/"), without("strict-transport-security"))),
    "HSTS is over": (
        "security headers",
        changed(at("/"), header("strict-transport-security", "max-age=0")),
    ),
    "no ETag": ("conditional request", changed(at("/home"), without("etag"))),
    "never 304": ("conditional request", changed(at("/home"), status(200))),
    "always 304": (
        "conditional request",
        says(at("/home", if_none_match='"something-else"'), 304, b""),
    ),
    "no brotli": ("compression", asks(encoded("br"), sent("accept-encoding", "gzip"))),
    "no gzip": ("compression", asks(encoded("gzip"), sent("accept-encoding", "identity"))),
    "another text in gzip": (
        "compression",
        changed(encoded("gzip"), body(lambda _: gzip.compress(b"another text"))),
    ),
    "damaged gzip": ("compression", changed(encoded("gzip"), body(lambda data: b"x" + data))),
    "encoded unasked": ("compression", asks(encoded("identity"), sent("accept-encoding", "br"))),
    "no Vary": ("compression", changed(encoded("identity"), without("vary"))),
    "no HEAD for pages": ("HEAD", changed(at("/", "HEAD"), status(404))),
    "no HEAD for lists": ("HEAD", changed(at(LIST, "HEAD"), status(404))),
    "HEAD has another type": ("HEAD", changed(at(LIST, "HEAD"), header("content-type", "a/b"))),
    "HEAD has another ETag": ("HEAD", changed(at("/", "HEAD"), header("etag", '"other"'))),
    "another source": ("Markdown source", changed(at("/home.md"), body(bytes.upper))),
    "the source is a document": (
        "Markdown source",
        changed(at("/home.md"), header("content-type", "text/html")),
    ),
    "no static files": ("static files", changed(at("/-/static/*"), status(404))),
    "static files that change": (
        "static files",
        changed(at("/-/static/*"), header("cache-control", "max-age=60")),
    ),
    "style sheets that are text": (
        "static files",
        changed(at("/-/static/style.*"), header("content-type", "text/plain")),
    ),
    "static files elsewhere": (
        "static files",
        changed(at("/"), body(lambda html: html.replace(b"/-/static/", b"//cdn.example/"))),
    ),
    "a document without style": ("static files", changed(at("/"), body(lambda _: b"</html>"))),
    "a list without Link": ("list", changed(at(LIST, "GET"), without("link"))),
    "a Link to no next page": ("list", changed(at(LIST), header("link", '</a>; rel="first"'))),
    "a Link with another cursor": (
        "list",
        changed(at(LIST), header("link", '</a>; rel="first", </a?cursor=b>; rel="next"')),
    ),
    "a list that is a fault": ("list", changed(at(LIST), status(500))),
    "a list that begins again": ("list", asks(second_page, lambda it: replace(it, path=LIST))),
    "a list that ends early": ("list", says(second_page, 200, EMPTY)),
    "search is a fault": ("search", changed(at("/api/search?q=About"), status(500))),
    "search finds nothing": ("search", says(at("/api/search?q=About"), 200, EMPTY)),
    "operators reach the database": ("bad queries", changed(at("/api/search?q=%22*"), status(500))),
    "an empty query is a fault": ("bad queries", changed(at("/api/search?q="), status(500))),
    "a long query is tried": ("bad queries", says(at("/api/search?q=xxx*"), 200, EMPTY)),
    "a false cursor is taken": ("bad queries", says(at("/api/pages?cursor=*"), 200, EMPTY)),
    "a 400 that is no problem": (
        "bad queries",
        changed(at("/api/search?q="), header("content-type", "application/json")),
    ),
    "every address exists": ("unknown address", changed(at("/api/nowhere"), status(200))),
    "every page exists": ("unknown address", changed(at("/smoke/no-*"), status(200))),
    "an unknown problem": ("unknown address", changed(at("/api/nowhere"), body(lambda _: b"{}"))),
    "a bad name is a fault": ("malformed name", changed(at("/api/pages/a%20b"), status(500))),
    "a bad name is a page": ("malformed name", changed(at("/a%20b"), status(200))),
    "a bad name offers none": ("malformed name", changed(at("/a%20b"), body(lambda _: b"No."))),
    "anybody may save": (
        "write without a token",
        changed(at("/api/pages/smoke/*", "PUT"), status(201)),
    ),
    "anybody may delete": (
        "write without a token",
        changed(at("/api/pages/smoke/*", "DELETE"), status(204)),
    ),
    "any token will do": (
        "write without a token",
        changed(at("*", authorization="Bearer not.a.token"), status(412)),
    ),
}

PAGE = "/api/pages/smoke/*"
CREATE = at(PAGE, "PUT", if_none_match="*")
READ = at(PAGE, "GET")
DELETE = at(PAGE, "DELETE", if_match='"v2"')


def saves(number: int) -> When:
    """For the save whose text has this number; 0 is for those that should be refused."""
    return lambda request: request.method == "PUT" and b"save %d" % number in request.body


def blind(request: Request) -> bool:
    return saves(0)(request) and "if-match" not in request.headers


def stale(request: Request) -> bool:
    return saves(0)(request) and "if-match" in request.headers


def search_for_the_page(request: Request) -> bool:
    return re.fullmatch(r"/api/search\?q=[a-z]{12}", request.path) is not None


def overwrite_and_deny(request: Request, pass_on: PassOn) -> Reply:
    if not stale(request):
        return pass_on(request)
    return status(412)(pass_on(sent("if-match", '"v2"')(request)))


UPDATED = {
    "id": "",
    "slug": "",
    "title": "",
    "tags": [],
    "version": 2,
    "blob": "",
    "body": "",
    "origin": "edit",
    "file": "",
    "updated_at": "2026-11-30T00:00:00Z",
}

WRITES: dict[str, tuple[set[str], Meddle]] = {
    "nothing is created": ({"create"}, says(CREATE, 500)),
    "a new page is said to be old": ({"create"}, changed(CREATE, status(200))),
    "a new page is said to be nothing": ({"create"}, changed(CREATE, body(lambda _: b"{}"))),
    "a new page is not there": ({"read back"}, changed(once(READ), status(404))),
    "a new page has another version": ({"read back"}, changed(once(READ), header("etag", '"v7"'))),
    "a new page has another text": (
        {"read back"},
        changed(once(READ), body(lambda page: page.replace(b"save 1", b"save 7"))),
    ),
    "a new page is not shown": ({"read back"}, says(at("/smoke/*?v=1"), 404)),
    "a new page is shown without its text": (
        {"read back"},
        changed(at("/smoke/*?v=1"), body(lambda html: html.replace(b"save 1", b"save 7"))),
    ),
    "a save need not say what it builds on": ({"no precondition"}, says(blind, 200)),
    "an update is a fault": ({"update"}, says(saves(2), 500)),
    "an update is lost": ({"update", "stale save"}, says(saves(2), 200, UPDATED)),
    "an update has another version": (
        {"update", "stale save", "history", "delete"},
        changed(saves(2), body(lambda page: page.replace(b'"version":2', b'"version":3'))),
    ),
    "an update is not shown": ({"update", "stale save"}, says(at("/smoke/*?v=2"), 404)),
    "a page is kept for ever": ({"update", "stale save", "delete"}, remembers(READ)),
    "a stale save overwrites": (
        {"stale save", "history", "delete"},
        asks(stale, sent("if-match", '"v2"')),
    ),
    "a stale save overwrites, which is denied": (
        {"stale save", "history", "delete"},
        overwrite_and_deny,
    ),
    "history forgets": (
        {"history"},
        says(at("/api/revisions/*"), 200, {"items": [{"version": 2}]}),
    ),
    "history is a fault": ({"history"}, says(at("/api/revisions/*"), 500)),
    "search is behind": ({"found by search"}, says(search_for_the_page, 200, EMPTY)),
    "a delete is a fault, once": ({"delete"}, says(once(DELETE), 500)),
    "a delete does nothing": ({"delete"}, says(once(DELETE), 204)),
    "a deleted page is shown": ({"delete"}, says(at("/smoke/*?v=3"), 200)),
}


@pytest.fixture(scope="module")
def meddler(site_url: str) -> Iterator[Meddler]:
    with meddling(site_url) as meddler:
        yield meddler


@pytest.mark.parametrize(("check", "meddle"), READS.values(), ids=READS)
def test_for_readers(meddler: Meddler, check: str, meddle: Meddle) -> None:
    meddler.meddle = meddle
    assert failed(walk(meddler.url, None)) == {check}


@pytest.mark.parametrize(("checks", "meddle"), WRITES.values(), ids=WRITES)
def test_for_editors(
    meddler: Meddler, site_url: str, mint_token: Mint, checks: set[str], meddle: Meddle
) -> None:
    meddler.meddle = meddle
    assert failed(walk(meddler.url, mint_token("alice", "editor"))) == checks
    left = urllib3.request("GET", f"{site_url}/api/pages?prefix=smoke/", timeout=30)
    assert left.json()["items"] == []


def test_every_check_is_seen_to_fail() -> None:
    seen = {check for check, _ in READS.values()}.union(*(checks for checks, _ in WRITES.values()))
    assert {check.name for check in smoke.CHECKS} == seen | {"plain HTTP"}  # see test_smoke.py
