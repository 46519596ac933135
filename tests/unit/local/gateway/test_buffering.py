"""Over real sockets: when a request is served, in which order, and how its answer is sent."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from selectors import EVENT_READ, DefaultSelector

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from local.gateway import buffering
from local.gateway.app import MAX_BODY_BYTES
from local.gateway.buffering import (
    LONGEST_HEAD,
    BufferingWorker,
    Connection,
    Exchange,
    Line,
    Step,
)

HEAD = b"PUT /api/pages/a HTTP/1.1\r\nHost: a\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
HEADERS = st.lists(
    st.sampled_from([b"X-A: b\r\n", b"Accept: */*\r\n", b"X-Empty:\r\n"]), max_size=3
)


def with_length(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def in_chunks(chunks: list[bytes]) -> bytes:
    parts = b"".join(b"%x;a=b\r\n%s\r\n" % (len(each), each) for each in chunks)
    return b"Transfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\nX-Trailer: c\r\n\r\n"


BODIES = st.binary(max_size=200).map(with_length) | st.lists(
    st.binary(min_size=1, max_size=50), max_size=4
).map(in_chunks)
REQUESTS = st.builds(
    lambda headers, body: HEAD + b"".join(headers) + body, HEADERS, BODIES | st.just(b"\r\n")
)


class Client:
    """The other end of a connection, and the requests that were served."""

    def __init__(self, connection: socket.socket, ours: socket.socket, answer: bytes) -> None:
        self.socket, self.served, self._answer = connection, list[bytes](), answer
        self.connection = Connection(ours, lambda connection: connection.answer(self._serve))

    def _serve(self, exchange: Exchange) -> None:
        self.served.append(exchange.recv())
        exchange.sendall(self._answer)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)
        self.next: Step | None = self.connection.receive()

    def proceed(self) -> bool:
        """Have the connection take its next step; whether it could."""
        assert self.next
        try:
            self.next = self.next[1]()
        except BlockingIOError:
            return False
        return True

    def answer(self) -> bytes:
        """Everything up to the end, as the connection sends it."""
        found = bytearray()
        while self.next and self.next[0] != EVENT_READ:
            self.proceed()
            found += self.socket.recv(65536)
        while part := self.socket.recv(65536):
            found += part
        return bytes(found)


@contextmanager
def client(answer: bytes = ANSWER) -> Iterator[Client]:
    theirs, ours = socket.socketpair()
    with theirs, ours:
        ours.setblocking(False)
        theirs.settimeout(10)
        yield Client(theirs, ours, answer)


@given(request=REQUESTS, cuts=st.lists(st.floats(0, 1), max_size=5))
def test_a_request_is_served_once_and_not_before_it_is_whole(
    request: bytes, cuts: list[float]
) -> None:
    places = sorted({0, len(request), *(int(cut * len(request)) for cut in cuts)})
    with client() as one:
        for begin, end in pairwise(places):
            assert one.served == []
            one.send(request[begin:end])
        assert one.served == [request]
        assert one.answer() == ANSWER


@given(request=REQUESTS, cut=st.floats(0, 1, exclude_max=True))
def test_what_ends_too_early_is_shown_as_it_is(request: bytes, cut: float) -> None:
    """gunicorn and the gateway refuse it: here only its extent is looked at."""
    begun = request[: max(1, int(cut * len(request)))]
    with client() as one:
        one.send(begun)
        assert one.served == []
        one.socket.shutdown(socket.SHUT_WR)
        one.connection.receive()
        assert one.served == [begun]


@given(noise=st.binary(min_size=1, max_size=300))
def test_anything_else_is_shown_at_once_or_when_it_ends(noise: bytes) -> None:
    with client() as one:
        one.send(noise)
        if not one.served:
            one.socket.shutdown(socket.SHUT_WR)
            one.connection.receive()
        assert one.served == [noise]


@pytest.mark.parametrize(
    "begin", [b"GET /", HEAD + b"X-Long: ", HEAD + in_chunks([])[:-24] + b"1;"]
)
def test_what_never_ends_is_not_waited_for(begin: bytes) -> None:
    with client() as one:
        one.send(begin)
        sent = 0
        while not one.served:
            one.send(b"a" * 4096)
            sent += 4096
            assert sent < 2 * LONGEST_HEAD
        assert one.served[0].startswith(begin)


def test_of_a_body_that_is_too_large_the_rest_is_not_waited_for() -> None:
    with client() as one:
        one.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%s\r\n" % (50_000, b"a" * 50_000)
        while not one.served:
            one.send(chunk)
            assert one.connection.size <= MAX_BODY_BYTES + 2 * len(chunk)
        assert MAX_BODY_BYTES < len(one.served[0]) < MAX_BODY_BYTES * 1.1


def test_a_client_that_asks_may_send_its_body() -> None:
    with client() as one:
        one.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert one.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        one.send(b"abc")
        assert one.answer() == ANSWER


def test_a_request_that_takes_too_long_is_refused() -> None:
    with client() as one:
        one.send(HEAD)
        one.next = one.connection.give_up()
        assert one.answer().startswith(b"HTTP/1.1 408 ")
        assert one.connection.give_up() is None, "its answer has been read"


def test_a_silent_client_is_told_nothing() -> None:
    with client() as one:
        assert one.connection.give_up() is None


def test_a_large_answer_is_sent_as_it_is_read() -> None:
    large = ANSWER + b"a" * 4_000_000
    with client(large) as one:
        one.send(HEAD + b"\r\n")
        while one.proceed():
            assert one.connection.size
        assert one.connection.size < len(large)
        assert one.answer() == large


def test_what_is_sent_after_the_answer_goes_past() -> None:
    with client() as one:
        one.send(HEAD + b"\r\n")
        assert one.answer() == ANSWER
        for _ in range(3):
            one.socket.sendall(b"more")
            assert one.connection.linger()
        one.socket.shutdown(socket.SHUT_WR)
        assert one.connection.linger() is None
        assert len(one.served) == 1


class Worker(BufferingWorker):
    """One that notes what it serves, and has nothing of gunicorn but its settings."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(0, os.getppid(), [listener], None, 30, Config(), None)
        self._selector, self.PIPE = DefaultSelector(), os.pipe()
        self.served: list[bytes] = []
        self.whole: list[bytes] = []

    def handle(self, listener: socket.socket, client: Exchange, addr: object) -> None:
        """What gunicorn does with a request."""
        self.nr += 1
        self.whole.append(client.recv())
        self.served.append(self.whole[-1].split()[0])
        client.sendall(ANSWER)

    def close(self) -> None:
        """What the end of the process does."""
        for each in list(self._waiting):
            self._drop(each)
        self._selector.close()
        self.tmp.close()
        for end in self.PIPE:
            os.close(end)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture
def workers(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Worker]]:
    """Two that have a line in common."""
    line = Line()
    monkeypatch.setattr(buffering, "_shared_line", lambda: line)
    workers = [Worker(listener) for _ in range(2)]
    yield workers
    for each in workers:
        each.close()
    line.close()


@contextmanager
def asking(listener: socket.socket, *methods: str) -> Iterator[list[socket.socket]]:
    """Clients that have sent their requests, in this order."""
    with ExitStack() as stack:
        clients = []
        for method in methods:
            clients.append(stack.enter_context(socket.create_connection(listener.getsockname())))
            clients[-1].settimeout(10)
            clients[-1].sendall(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        yield clients


def test_writes_are_served_before_reads(listener: socket.socket, workers: list[Worker]) -> None:
    with asking(listener, "GET", "PUT", "HEAD", "DELETE", "GET") as clients:
        for _ in clients:
            workers[0]._serve_next()
        assert workers[0].served == [b"PUT", b"DELETE", b"GET", b"HEAD", b"GET"]
        assert {client.recv(1000) for client in clients} == {ANSWER}


def test_writes_do_not_keep_reads_out(listener: socket.socket, workers: list[Worker]) -> None:
    with asking(listener, "GET", "GET", *["PUT"] * 7):
        for _ in range(9):
            workers[0]._serve_next()
    assert workers[0].served == [*[b"PUT"] * 3, b"GET", *[b"PUT"] * 3, b"GET", b"PUT"]


def test_nor_do_writes_that_come_in_two_parts(
    listener: socket.socket, workers: list[Worker]
) -> None:
    with asking(listener, "GET", "GET"), ExitStack() as stack:
        writers = [
            stack.enter_context(socket.create_connection(listener.getsockname())) for _ in range(7)
        ]
        for writer in writers:
            writer.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
        while len(workers[0]._waiting) < len(writers):
            assert not workers[0]._serve_write()
        for writer in writers:
            writer.sendall(b"a")
        while len(workers[0].served) < 9:
            for key, _ in workers[0]._selector.select(1):
                key.data()
    assert workers[0].served == [*[b"PUT"] * 3, b"GET", *[b"PUT"] * 3, b"GET", b"PUT"]


def test_whoever_is_free_serves_a_read_that_waits(
    listener: socket.socket, workers: list[Worker]
) -> None:
    with asking(listener, "GET", "GET", "PUT") as clients:
        workers[0]._serve_next()
        workers[1]._serve_next()
        workers[0]._serve_next()
        assert [worker.served for worker in workers] == [[b"PUT", b"GET"], [b"GET"]]
        assert {client.recv(1000) for client in clients} == {ANSWER}


def test_a_read_for_which_the_line_has_no_room_is_served_at_once(
    listener: socket.socket, workers: list[Worker]
) -> None:
    long = HEAD.replace(b"PUT", b"GET") + b"X-Long: " + b"a" * 60_000 + b"\r\n\r\n"
    with asking(listener, "GET") as clients:
        while workers[0]._line.add(clients[0], long):
            pass
        workers[0]._serve_next()
        assert workers[0].served == [b"GET"]
        assert clients[0].recv(1000) == ANSWER


def test_a_read_that_is_too_long_for_the_line_is_served_at_once_and_whole(
    listener: socket.socket, workers: list[Worker]
) -> None:
    long = [b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * size) for size in (65_000, 66_000)]
    with asking(listener) as _, ExitStack() as stack:
        for request in long:
            client = stack.enter_context(socket.create_connection(listener.getsockname()))
            client.settimeout(10)
            client.sendall(request)
            while not client_is_answered(client, workers[0]):
                pass
    assert [len(each) for each in workers[0].whole] == [len(request) for request in long]


def client_is_answered(client: socket.socket, worker: Worker) -> bool:
    """After a turn of the worker."""
    worker._serve_next()
    for key, _ in worker._selector.select(0):
        key.data()
    client.setblocking(False)
    try:
        return client.recv(1000) == ANSWER
    except BlockingIOError:
        return False


def test_reads_that_wait_are_answered_by_who_is_told_to_stop(
    listener: socket.socket, workers: list[Worker]
) -> None:
    with asking(listener, "GET", "GET") as clients:
        assert not workers[1]._serve_write()
        for client in clients:
            client.shutdown(socket.SHUT_WR)
        workers[0].alive = False
        workers[0].run()
        assert workers[0].served == [b"GET", b"GET"]
        assert {client.recv(1000) for client in clients} == {ANSWER}
