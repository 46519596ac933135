"""A client of Redis that can only read: connect, log in, GET. It costs a tenth of a full one.

What it does not expect it does not handle: it raises, and the caller uses the full client.
"""

from __future__ import annotations

# `socket` makes enumerations of all its names, and loads `selectors`: 3 ms at each start.
import _socket as socket
import struct
from collections.abc import Callable

from sheaf.urls import Url, unquoted

# Most values come in one piece.
_PIECE_BYTES = 1 << 16

Login = Callable[[], tuple[str, str]]


class Unexpected(Exception):
    """Redis answered, though not with a value: an error, or a redirection of a cluster's.

    Its text is the first line of the answer.
    """


class Reader:
    """One connection to one server, opened when it is first needed and again when it has ended.

    `url` is as redis-py's: redis[s]://[user:password@]host[:port][/database][?ssl_ca_certs=file];
    raises ValueError for a port that cannot be. `login` gives user and password again for each
    connection, in place of those in the URL. Each step of a request (to connect, to send, to
    receive a piece) may take `timeout`, in seconds. For one thread.

    >>> reader = Reader(url, timeout=0.25)
    >>> client.set("cake", "plum"), reader.get("cake"), reader.get("nothing")
    (True, b'plum', None)
    >>> reader.close()
    """

    def __init__(self, url: str, timeout: float, login: Login | None = None) -> None:
        parts = Url(url)
        self._address = (parts.host or "127.0.0.1", parts.port or 6379)
        self._encrypted = parts.scheme == "rediss"
        self._query = parts.query
        self._database = parts.path.strip("/") or "0"
        in_url = (unquoted(parts.user), unquoted(parts.password))
        self._login = login or (lambda: in_url)
        self._timeout = timeout
        self._connection: _Connection | None = None

    def get(self, key: str) -> bytes | None:
        """The value of a key, None if there is none.

        Raises OSError if the server cannot be reached (at the second attempt, where a connection
        was refused or had ended) or is too slow, Unexpected if it answers with something else, and
        what `login` raises.
        """
        try:
            return self._try(key)
        except ConnectionError:
            # Servers end connections, and a process may have been frozen since the last request.
            return self._try(key)

    def _try(self, key: str) -> bytes | None:
        connection = self._connection or self._connect()
        # Left out until it has answered: what came later would be taken for the next answer.
        self._connection = None
        try:
            value = connection.ask("GET", key)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return value

    def _connect(self) -> _Connection:
        end = _reach(self._address, self._timeout)
        try:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._encrypted:
                # Keeps Python's limit: OpenSSL would begin to wait again at the kernel's.
                end = self._encrypt(end)
            else:
                _limit(end, self._timeout)
            connection = _Connection(end)
            self._introduce(connection)
        except BaseException:
            end.close()
            raise
        return connection

    def _encrypt(self, plain: socket.socket) -> socket.socket:
        # Takes 6 ms, and not everybody needs it.
        import socket as whole  # noqa: PLC0415
        import ssl  # noqa: PLC0415
        from urllib.parse import parse_qs  # noqa: PLC0415

        authority = parse_qs(self._query).get("ssl_ca_certs", [None])[0]
        context = ssl.create_default_context(cafile=authority)
        end = whole.socket(fileno=plain.detach())
        end.settimeout(self._timeout)
        return context.wrap_socket(end, server_hostname=self._address[0])

    def _introduce(self, connection: _Connection) -> None:
        user, password = self._login()
        if password:
            connection.ask("AUTH", *([user] if user else []), password)
        if self._database != "0":
            connection.ask("SELECT", self._database)

    def close(self) -> None:
        """End the connection. The next request opens another one."""
        if self._connection:
            self._connection.close()
            self._connection = None


def _reach(address: tuple[str, int], timeout: float) -> socket.socket:
    """A connection to the first address of a host that takes one; raises OSError."""
    failure = OSError("the host has no address")
    for family, kind, protocol, _, place in socket.getaddrinfo(*address, 0, socket.SOCK_STREAM):
        end = socket.socket(family, kind, protocol)
        try:
            end.settimeout(timeout)
            end.connect(place)
        except OSError as error:
            end.close()
            failure = error
        else:
            return end
    raise failure


def _limit(end: socket.socket, seconds: float) -> None:
    """Let the kernel watch the time: Python would ask it before each step if it may go on."""
    whole = int(seconds)
    limit = struct.pack("ll", whole, int((seconds - whole) * 1_000_000))
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    end.settimeout(None)


class _Connection:
    """Sends commands, and reads one answer to each (RESP 2)."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def ask(self, *words: str) -> bytes | None:
        encoded = [word.encode() for word in words]
        parts = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)
        try:
            self._socket.sendall(b"*%d\r\n%b" % (len(encoded), parts))
            return self._answer()
        except BlockingIOError as error:
            raise TimeoutError("Redis is too slow") from error

    def _answer(self) -> bytes | None:
        data = self._piece()
        while b"\r\n" not in data:
            data += self._piece()
        line, _, data = data.partition(b"\r\n")
        if line.startswith(b"+"):
            return line[1:]
        if not line.startswith(b"$"):
            raise Unexpected(line.decode(errors="replace"))
        size = int(line[1:])
        if size < 0:
            return None
        while len(data) < size + 2:
            data += self._piece()
        return data[:size]

    def _piece(self) -> bytes:
        data = self._socket.recv(_PIECE_BYTES)
        if not data:
            raise ConnectionResetError("Redis ended the connection")
        return data

    def close(self) -> None:
        self._socket.close()
