"""A TCP proxy that loses, holds back and cuts, so that real clients meet a real bad network."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Self
from urllib.parse import urlsplit

from tests.waiting import PATIENCE, wait_until

_CHUNK = 1 << 16
Address = tuple[str, int]


class Gate:
    """What one direction of a proxy waits at while it is held; data that arrived is kept."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held = False
        self._waiting = 0

    def hold(self) -> None:
        """Let nothing more pass."""
        with self._changed:
            self._held = True

    def open(self) -> None:
        """Let pass what was held, and what comes."""
        with self._changed:
            self._held = False
            self._changed.notify_all()

    def wait(self) -> None:
        """Called with data in hand: return when it may pass."""
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._held)
            self._waiting -= 1

    def until_held(self) -> None:
        """Return once some data is being held back."""
        with self._changed:
            held = self._changed.wait_for(lambda: self._held and self._waiting, PATIENCE)
        assert held, "nothing arrived to be held back"


class Connection:
    """A client's connection and the one to the server that stands behind it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self._open = 2
        self._closing = threading.Lock()

    def cut(self) -> None:
        """End both at once, as seen from both sides."""
        _shut(self.client)
        _shut(self.server)

    def finished(self) -> bool:
        """Called when a direction has ended: close both sockets after the second."""
        with self._closing:
            self._open -= 1
            if self._open:
                return False
        self.client.close()
        self.server.close()
        return True


class Proxy:
    """Listens on a port of its own and passes on to `target`, which can be changed.

    `requests` and `replies` are the gates of the two directions. What is held is delivered when
    its gate opens, even if its sender is gone by then: a packet that was long on the way.
    """

    def __init__(self, target: Address) -> None:
        self.target = target
        self.requests, self.replies = Gate(), Gate()
        self._to_drop = 0
        self._cuts = True
        self._connections: set[Connection] = set()
        self._guard = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where clients connect; it never changes."""
        return int(self._listener.getsockname()[1])

    def url(self, url: str) -> str:
        """The URL of a server with this proxy put in front."""
        parts = urlsplit(url)
        account = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{account}@127.0.0.1:{self.port}").geturl()

    def retarget(self, target: Address) -> None:
        """Send new connections there. Those that are open stay where they are."""
        self.target = target

    def drop_replies(self, count: int = 1, *, cut: bool = True) -> None:
        """Swallow the next replies, and cut each connection that had one coming, or let it be."""
        with self._guard:
            self._to_drop, self._cuts = count, cut

    @property
    def dropping(self) -> bool:
        """Whether a reply is still to be dropped."""
        return self._to_drop > 0

    def cut(self) -> None:
        """Cut all connections. New ones are welcome."""
        for connection in self._open():
            connection.cut()

    def hang_up(self) -> None:
        """Cut all connections as the clients see it: what they have sent is still delivered."""
        for connection in self._open():
            _shut(connection.client)

    def until_quiet(self) -> None:
        """Return once no connection is left."""
        wait_until(lambda: not self._open(), "a connection does not end")

    def _open(self) -> list[Connection]:
        with self._guard:
            return list(self._connections)

    def heal(self, target: Address) -> None:
        """Work as if new, in front of this server."""
        self.retarget(target)
        self.drop_replies(0)
        self.cut()
        self.let_through()

    def let_through(self) -> None:
        """Lose nothing more, and deliver what is held."""
        self.drop_replies(0)
        self.requests.open()
        self.replies.open()

    def close(self) -> None:
        """Stop listening, deliver what is held, and cut all connections."""
        _shut(self._listener)
        self._listener.close()
        self.cut()
        self.requests.open()
        self.replies.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target, timeout=PATIENCE)
            except OSError:
                client.close()
                continue
            self._start(Connection(client, server))

    def _start(self, connection: Connection) -> None:
        for end in (connection.client, connection.server):
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._guard:
            self._connections.add(connection)
        for carry in (self._carry_requests, self._carry_replies):
            threading.Thread(target=carry, args=(connection,), daemon=True).start()

    def _carry_requests(self, connection: Connection) -> None:
        with contextlib.suppress(OSError):
            for data in _chunks(connection.client):
                self.requests.wait()
                connection.server.sendall(data)
        # Also after an error: the server must learn that there will be no more.
        _shut(connection.server, socket.SHUT_WR)
        self._finished(connection)

    def _carry_replies(self, connection: Connection) -> None:
        with contextlib.suppress(OSError):
            for data in _chunks(connection.server):
                self.replies.wait()
                if not self._drops():
                    connection.client.sendall(data)
                elif self._cuts:
                    connection.cut()
                    break
        _shut(connection.client, socket.SHUT_WR)
        self._finished(connection)

    def _finished(self, connection: Connection) -> None:
        if connection.finished():
            with self._guard:
                self._connections.discard(connection)

    def _drops(self) -> bool:
        with self._guard:
            if not self._to_drop:
                return False
            self._to_drop -= 1
            return True


def _shut(end: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(how)


def _chunks(source: socket.socket) -> Iterator[bytes]:
    while data := source.recv(_CHUNK):
        yield data
