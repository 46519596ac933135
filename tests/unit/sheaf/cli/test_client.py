"""The client against a real HTTP server that answers from a script."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from typing import Any

import pytest

from local.invocation.endpoint import in_thread
from sheaf.cli.client import (
    ApiError,
    BatchRefused,
    Client,
)
from sheaf.cli.connection import Connection, UnexpectedAnswer, Unreachable
from tests.servers.meddler import Meddler, PassOn, Reply, Request, meddling
from tests.waiting import PATIENCE

Answer = tuple[int, dict[str, str], Any]
PAGE = {"slug": "é", "title": "T", "tags": ["x"], "version": 2, "blob": "b", "body": "B"}
PAGE |= {"id": "1", "origin": "edit", "file": "é.md", "updated_at": "2026-11-30T08:00:00Z"}


class Script(ThreadingHTTPServer):
    """Answers in order, and remembers what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Script

    def do_PUT(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, headers, document = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Script]:
    with in_thread(Script()) as server:
        yield server


def test_the_list_of_pages_is_followed_to_its_end(site: Script) -> None:
    site.answers = [
        (200, {}, {"items": [PAGE | {"slug": "a"}], "next": "c+/="}),
        (200, {}, {"items": [PAGE | {"slug": "b"}], "next": None}),
    ]
    assert [page.slug for page in Client(site.url).pages()] == ["a", "b"]
    assert site.asked[1][1] == "/api/pages?limit=200&sort=created&order=asc&cursor=c%2B%2F%3D"


def test_a_busy_page_is_asked_for_again_after_the_time_it_names(
    site: Script, pauses: list[float]
) -> None:
    busy = {"Retry-After": "1"}
    site.answers = [(409, busy, {}), (503, busy, {}), (201, {}, PAGE)]
    saved = Client(site.url, "t").save("é", b"text", None, origin="import", file="É.md")
    assert saved.is_new
    assert pauses == [1, 1]
    method, path, headers, body = site.asked[-1]
    assert (method, path, json.loads(body)) == (
        "PUT",
        "/api/pages/%C3%A9",
        {"body": "text", "origin": "import", "file": "É.md"},
    )
    assert headers["If-None-Match"] == "*"
    assert headers["Authorization"] == "Bearer t"


def test_an_edit_says_nothing_of_an_origin(site: Script) -> None:
    site.answers = [(200, {}, PAGE)]
    assert not Client(site.url, "t").save("a", b"text", 3).is_new
    assert json.loads(site.asked[0][3]) == {"body": "text"}


def test_a_conflict_without_an_end_is_told_at_once(site: Script, pauses: list[float]) -> None:
    moved = {"type": "urn:sheaf:problem:moved", "detail": "It has moved.", "moved_to": "b"}
    site.answers = [(409, {}, moved)]
    with pytest.raises(ApiError) as caught:
        Client(site.url).save("a", b"", None, origin="import")
    assert (caught.value.moved_to, caught.value.is_general, pauses) == ("b", False, [])


def test_a_merge_names_the_version_that_a_text_was_made_of(site: Script) -> None:
    conflict = {"line": 2, "base": "", "mine": "a", "theirs": "b"}
    site.answers = [(200, {}, {"version": 5, "body": "text", "conflicts": [conflict]})]
    merged = Client(site.url, "t").merge("é", 3, "mine")
    assert (merged.version, merged.body, merged.conflicts[0].line) == (5, "text", 2)
    method, path, _, body = site.asked[0]
    assert (method, path) == ("POST", "/api/merges/%C3%A9")
    assert json.loads(body) == {"base": 3, "body": "mine"}


def test_deleted_pages_are_a_list(site: Script) -> None:
    site.answers = [(200, {}, {"items": [PAGE], "next": None})] * 2
    assert [page.slug for page in Client(site.url).deleted("")] == ["é"]
    list(Client(site.url).deleted("docs"))
    first, second = (asked[1] for asked in site.asked)
    assert first == "/api/pages?limit=200&state=tombstone&sort=slug"
    assert second == f"{first}&prefix=docs"


def test_a_delete_names_the_version(site: Script) -> None:
    site.answers = [(204, {}, b"")]
    Client(site.url, "t").delete("a/é", 3)
    method, path, headers, _ = site.asked[0]
    assert (method, path, headers["If-Match"]) == ("DELETE", "/api/pages/a/%C3%A9", '"v3"')


def test_retries_have_an_end(site: Script, pauses: list[float]) -> None:
    busy = {"type": "urn:sheaf:problem:busy", "detail": "Busy."}
    site.answers = [(409, {"Retry-After": "1"}, busy)] * 20
    with pytest.raises(ApiError) as caught:
        Client(site.url).save("a", b"", 3)
    assert (caught.value.status, caught.value.type) == (409, "urn:sheaf:problem:busy")
    assert len(site.asked) == 9
    assert site.asked[0][2]["If-Match"] == '"v3"'


def test_a_page_that_stays_held_says_when_to_try_again(site: Script, pauses: list[float]) -> None:
    held = {"type": "urn:sheaf:problem:held", "detail": "Somebody else is changing this."}
    site.answers = [(503, {"Retry-After": "1"}, held)] * 20
    with pytest.raises(ApiError, match=r"try again in two minutes \(503\)$") as caught:
        Client(site.url, "t").batch([])
    assert not caught.value.is_general


def test_a_problem_becomes_a_typed_error(site: Script) -> None:
    site.answers = [(410, {}, {"type": "urn:sheaf:problem:gone", "detail": "It was deleted."})]
    with pytest.raises(ApiError, match=r"^It was deleted\. \(410\)$") as caught:
        Client(site.url).page("a")
    assert caught.value.type == "urn:sheaf:problem:gone"


def test_an_answer_that_is_no_problem_still_has_a_status(site: Script) -> None:
    site.answers = [(502, {}, b"<h1>Oops</h1>")]
    with pytest.raises(ApiError, match=r"Bad Gateway \(502\)"):
        Client(site.url).page("a")


def test_another_kind_of_site_is_noticed(site: Script) -> None:
    site.answers = [(200, {}, b"<html>hello</html>")]
    with pytest.raises(UnexpectedAnswer):
        list(Client(site.url).pages())


def test_a_redirect_is_not_followed_with_the_token(site: Script) -> None:
    site.answers = [(302, {"Location": "http://127.0.0.1:1/"}, b"")]
    with pytest.raises(ApiError, match="302"):
        list(Client(site.url, "t").pages())


def test_a_site_that_is_not_there_is_unreachable() -> None:
    with Script() as closed:
        url = closed.url
    with pytest.raises(Unreachable, match="cannot reach http"):
        list(Client(url).pages())


@pytest.fixture
def server() -> Iterator[Meddler]:
    with meddling("http://127.0.0.1:1") as meddler:
        yield meddler


def test_an_answer_comes_as_it_is(server: Meddler) -> None:
    server.meddle = lambda request, _: Reply(308, {"location": request.path}, b"there")
    answer = Connection(f"{server.url}/below/").ask("GET", "/a?b")
    assert (answer.status, answer.data) == (308, b"there")
    assert answer.headers["location"] == "/below/a?b"


def test_a_token_goes_with_each_request(server: Meddler) -> None:
    server.meddle = lambda request, _: Reply(200, {}, request.headers["authorization"].encode())
    assert Connection(server.url, "t").ask("GET", "/").data == b"Bearer t"


def test_a_server_that_hangs_up_is_unreachable(server: Meddler) -> None:
    server.meddle = lambda _request, _pass_on: None
    reason = f"^cannot reach {server.url}: Remote end closed connection without response$"
    with pytest.raises(Unreachable, match=reason):
        Connection(server.url).ask("GET", "/")


def test_a_server_that_does_not_answer_is_not_waited_for(server: Meddler) -> None:
    given_up = Event()

    def sleep(_request: Request, _pass_on: PassOn) -> Reply:
        given_up.wait(PATIENCE)
        return Reply(200, {})

    server.meddle = sleep
    with pytest.raises(Unreachable, match="Read timed out"):
        Connection(server.url, seconds=0.1).ask("GET", "/")
    given_up.set()


def test_what_is_not_encoded_as_it_says_is_no_answer(server: Meddler) -> None:
    server.meddle = lambda _request, _pass_on: Reply(200, {"content-encoding": "gzip"}, b"plain")
    with pytest.raises(UnexpectedAnswer, match="/a is not encoded as it says"):
        Connection(server.url).ask("GET", "/a")


def test_a_batch_is_sent_again_with_its_key_and_says_what_was_refused(
    site: Script, pauses: list[float]
) -> None:
    refused = {
        "change": 1,
        "status": 412,
        "type": "t",
        "detail": "It has changed.",
        "current": None,
    }
    problem = {"type": "urn:sheaf:problem:batch-refused", "detail": "No.", "refused": [refused]}
    site.answers = [(503, {"Retry-After": "1"}, {}), (412, {}, problem)]
    with pytest.raises(BatchRefused) as caught:
        Client(site.url, "t").batch([{"slug": "a"}, {"slug": "b"}])
    assert (caught.value.status, pauses) == (412, [1])
    assert [(one.change, one.is_stale) for one in caught.value.refused] == [(1, True)]
    first, again = site.asked
    assert (first[0], first[1]) == ("POST", "/api/batches")
    assert json.loads(first[3]) == {"changes": [{"slug": "a"}, {"slug": "b"}]}
    assert first[2]["Idempotency-Key"] == again[2]["Idempotency-Key"]


@pytest.mark.parametrize(
    ("status", "origin", "slug"),
    [(308, "edit", "a/é"), (308, "alias", None), (404, "", None), (200, "", None)],
)
def test_where_a_page_has_moved_is_asked(
    site: Script, status: int, origin: str, slug: str | None
) -> None:
    site.answers = [(status, {"Location": "/api/pages/a/%C3%A9"}, {})]
    site.answers += [(200, {}, {"items": [{"origin": origin}]})] if origin else []
    assert Client(site.url).moved_to("old") == slug
    assert not site.answers
