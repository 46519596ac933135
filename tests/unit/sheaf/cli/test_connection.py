"""Connections to servers that do not answer as they should."""

from collections.abc import Iterator
from threading import Event

import pytest

from sheaf.cli.client import Connection, UnexpectedAnswer, Unreachable
from tests.servers.meddler import Meddler, PassOn, Reply, Request, meddling
from tests.waiting import PATIENCE


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
