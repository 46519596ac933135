"""A worker of gunicorn that no slow client holds, and that serves writes before reads.

gunicorn's own sync workers read a request while they serve it, so whoever sends half of one keeps a
process. This one serves a request when all of it is there, and hands out the answer as fast as it
is read. Its main thread still serves one request at a time: only the waiting is done side by side.

A save is refused if somebody else saved after its author had read the page. The longer it waits,
the likelier that is, so it goes ahead of reads. These wait in a line that all processes share.
"""

import io
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

import h11
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.workers.sync import SyncWorker  # type: ignore[import-untyped]

from local.gateway.app import MAX_BODY_BYTES

LONGEST_HEAD = 64 * 1024  # of a longer one the rest is not waited for
# In seconds: a client has so long to send its request, and to read on in its answer.
PATIENCE = 60
_LINGER = 5  # and to end the connection
# So many clients, and so many bytes of theirs, may wait in a process. Whoever has waited longest
# makes room.
MAX_WAITING = 500
MAX_WAITING_BYTES = 64 * 1024 * 1024
_AT_ONCE = 64 * 1024
# A read is served at the latest after so many writes: an import does not keep readers out.
_WRITES_BEFORE_A_READ = 3
_READS = (b"GET", b"HEAD")


class Exchange:
    """What gunicorn takes for a client's socket: what came of it, and what it will be sent."""

    def __init__(self, received: bytes) -> None:
        self.recv = io.BytesIO(received).read
        self.answer = bytearray()

    def sendall(self, data: bytes) -> None:
        """Add to the answer."""
        self.answer += data

    def send(self, data: bytes) -> int:
        """Let “100 Continue” go, which is all that comes this way: nothing more is expected."""
        return len(data)

    def gettimeout(self) -> float:
        """Nothing here is waited for."""
        return 0.0

    def settimeout(self, seconds: float) -> None:
        """Nothing here is waited for."""

    def shutdown(self, how: int) -> None:
        """The connection ends when the answer has been sent."""

    def close(self) -> None:
        """The connection ends when the answer has been sent."""


class Connection:
    """A client and its one request: received, served, answered.

    A step of it is taken when its event has come, and returns the next one, or None at the end.
    It raises BlockingIOError if that was too early, and OSError if the client is gone.
    """

    def __init__(
        self, client: socket.socket, arrived: Callable[["Connection"], "Step | None"]
    ) -> None:
        self.client, self._arrived = client, arrived
        self.received, self.is_read = bytearray(), False
        self._answer = memoryview(b"")
        self._body = 0
        self._framing = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD)
        self.answered = False
        self._allow(PATIENCE)

    @property
    def size(self) -> int:
        """How many bytes wait here."""
        return len(self.received) + len(self._answer)

    def receive(self) -> "Step | None":
        """Take what has come; if that is all of the request, `arrived` says what to do next."""
        data = self.client.recv(_AT_ONCE)
        self.received += data
        if self._is_more_to_come(data):
            return EVENT_READ, self.receive
        return self._arrived(self)

    def give_up(self) -> "Step | None":
        """Time is over: answer what is half a request, and end what is none or has an answer."""
        if self.answered or not self.received:
            return None
        return self.answer(_refuse_slow)

    def answer(self, serve: Callable[[Exchange], None]) -> "Step":
        """Have what was received served, and send what comes of it."""
        exchange = Exchange(bytes(self.received))
        self.received.clear()
        serve(exchange)
        self.answered, self._answer = True, memoryview(exchange.answer)
        self._allow(PATIENCE)
        return EVENT_WRITE, self._send

    def _is_more_to_come(self, data: bytes) -> bool:
        """Not if the request is none, or too large: gunicorn and the gateway find that out, too."""
        self._framing.receive_data(data)
        try:
            while (event := self._framing.next_event()) is not h11.NEED_DATA:
                if not isinstance(event, h11.Request | h11.Data):
                    return False
                if isinstance(event, h11.Request):
                    self.is_read = event.method in _READS
                else:
                    self._body += len(event.data)
        except h11.RemoteProtocolError:
            return False
        if self._framing.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
            self.client.send(self._framing.send(go_on) or b"")
        return self._body <= MAX_BODY_BYTES

    def _send(self) -> "Step":
        """Send of the answer what the client takes, and then its end."""
        self._answer = self._answer[self.client.send(self._answer) :]
        if self._answer:
            self._allow(PATIENCE)
            return EVENT_WRITE, self._send
        self.client.shutdown(socket.SHUT_WR)
        self._allow(_LINGER)
        return EVENT_READ, self.linger

    def linger(self) -> "Step | None":
        """Let what still comes go past: unread, it would take the answer with it (RFC 9112)."""
        return (EVENT_READ, self.linger) if self.client.recv(_AT_ONCE) else None

    def _allow(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds


Step = tuple[int, Callable[[], "Step | None"]]  # an event to wait for, and what to do then


def _refuse_slow(exchange: Exchange) -> None:
    util.write_error(exchange, 408, "Request Timeout", f"It was not there within {PATIENCE} s.")


class Line:
    """Where reads wait that have arrived: whichever process is free takes the oldest.

    A message in it is a request, and with it goes its client's socket.
    """

    def __init__(self) -> None:
        # Elsewhere there is no such kind, and of the other one requests are too long for it.
        kind = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM
        self._rear, self._front = socket.socketpair(socket.AF_UNIX, kind)
        for end in (self._rear, self._front):
            end.setblocking(False)

    def fileno(self) -> int:
        """What is ready to be read from when somebody waits."""
        return self._front.fileno()

    def close(self) -> None:
        """Who waits is not served any more."""
        for end in (self._rear, self._front):
            end.close()

    def add(self, client: socket.socket, request: bytes) -> bool:
        """Whether there was room: if so, the client is the line's, and can be closed here."""
        if len(request) > _AT_ONCE:  # who takes it would get no more
            return False
        try:
            socket.send_fds(self._rear, [request], [client.fileno()])
        except OSError:
            return False
        return True

    def take(self) -> tuple[socket.socket, bytes] | None:
        """The client who has waited longest, and the request, unless there is none."""
        try:
            request, (number,), _, _ = socket.recv_fds(self._front, _AT_ONCE, 1)
        except BlockingIOError:
            return None
        client = socket.socket(fileno=number)
        client.setblocking(False)
        return client, request


@cache
def _shared_line() -> Line:
    """That of the processes which are forked from this one."""
    return Line()


class BufferingWorker(SyncWorker):
    """Serves requests one at a time, each when all of it is there, and writes before reads."""

    def __init__(self, *arguments: Any) -> None:
        """gunicorn does this before it forks."""
        super().__init__(*arguments)
        (self._listener,) = self.sockets
        self._line = _shared_line()
        self._writes = 0  # that were served since a read was
        self._waiting: dict[Connection, None] = {}  # the oldest first

    def run(self) -> None:
        """Serve until told to stop, and then hand out the answers that are there."""
        with selectors.DefaultSelector() as self._selector:
            self._selector.register(self.PIPE[0], EVENT_READ, self._woken)
            self._listener.setblocking(False)
            sources = (self._listener, self._line)
            for source in sources:
                self._selector.register(source, EVENT_READ, self._serve_next)
            while self.alive and self.is_parent_alive():
                self._turn()
            for source in sources:
                self._selector.unregister(source)
            for each in [each for each in self._waiting if not each.answered]:
                self._drop(each)
            while self._serve_read():
                self.notify()
            while self._waiting and self.is_parent_alive():
                self._turn()

    def _turn(self) -> None:
        self.notify()
        for key, _ in self._selector.select(1):
            key.data()
        now = time.monotonic()
        for each in [each for each in self._waiting if each.deadline < now]:
            self._proceed(each, EVENT_WRITE, each.give_up)

    def _woken(self) -> None:
        """A signal has come, and its handler has done what it asks for."""
        os.read(self.PIPE[0], 64)

    def _serve_next(self) -> None:
        """Serve a write, if one has come, and else a read."""
        if not self._serve_write():
            self._serve_read()

    def _serve_write(self) -> bool:
        """Take connections up to one with a write, and serve it; whether there was one.

        More are not taken, since another process may be free for them before.
        """
        served = self.nr
        while self.nr == served:
            try:
                client, _ = self._listener.accept()
            except BlockingIOError:
                return False
            except ConnectionAbortedError:
                continue
            client.setblocking(False)
            connection = Connection(client, self._arrived)
            self._proceed(connection, EVENT_READ, connection.receive)
        return True

    def _serve_read(self) -> bool:
        """Serve the read that has waited longest; whether there was one."""
        self._writes = 0
        taken = self._line.take()
        if taken:
            client, request = taken
            connection = Connection(client, self._arrived)
            connection.received += request
            self._proceed(connection, EVENT_READ, partial(self._serve, connection))
        return taken is not None

    def _arrived(self, connection: Connection) -> Step | None:
        """Serve a request that has come, unless it is a read and there is room in the line."""
        if connection.is_read and self._line.add(connection.client, bytes(connection.received)):
            return None
        if self._writes == _WRITES_BEFORE_A_READ:
            self._serve_read()
        self._writes += 1
        return self._serve(connection)

    def _serve(self, connection: Connection) -> Step:
        self.notify()
        address = connection.client.getpeername()
        return connection.answer(lambda exchange: self.handle(self._listener, exchange, address))

    def _proceed(self, connection: Connection, event: int, step: Callable[[], Step | None]) -> None:
        """Take a step, and send at once what there is to send; then wait for the next event."""
        try:
            following = step()
            while following and following[0] == EVENT_WRITE:
                event, step = following
                following = step()
        except BlockingIOError:
            following = event, step
        except OSError:
            following = None
        if following:
            self._wait(connection, *following)
        else:
            self._drop(connection)

    def _wait(self, connection: Connection, event: int, step: Callable[[], Step | None]) -> None:
        schedule = self._selector.modify if connection in self._waiting else self._selector.register
        schedule(connection.client, event, partial(self._proceed, connection, event, step))
        self._waiting[connection] = None
        while len(self._waiting) > MAX_WAITING or (
            sum(each.size for each in self._waiting) > MAX_WAITING_BYTES
        ):
            self._drop(next(iter(self._waiting)))

    def _drop(self, connection: Connection) -> None:
        if connection in self._waiting:
            del self._waiting[connection]
            self._selector.unregister(connection.client)
        connection.client.close()
