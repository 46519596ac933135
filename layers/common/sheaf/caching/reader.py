"""A client of Redis that can only read: connect, log in, GET. It costs a tenth of a full one.

What it does not expect it does not handle: it raises, and the caller uses the full client.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

# Most values come in one piece.
_BUFFER_BYTES = 1 << 16

Login = Callable[[], tuple[str, str]]


class Unexpected(Exception):
    """Redis answered, though not with a value: an error, or a redirection of a cluster's."""


class Reader:
    """One connection to one server, opened when it is first needed and again when it has ended.

    `url` is as redis-py's: redis[s]://[user:password@]host[:port][/database][?ssl_ca_certs=file].
    `login` gives user and password anew for each connection, if they are not in the URL. Each step
    of a request may take `timeout` seconds.
    """

    def __init__(self, url: str, timeout: float, login: Login | None = None) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 6379)
        self._encrypted = parts.scheme == "rediss"
        self._authority = parse_qs(parts.query).get("ssl_ca_certs", [None])[0]
        self._database = parts.path.strip("/") or "0"
        in_url = (unquote(parts.username or ""), unquote(parts.password or ""))
        self._login = login or (lambda: in_url)
        self._timeout = timeout
        self._connection: _Connection | None = None

    def get(self, key: str) -> bytes | None:
        """The value of a key, None if there is none.

        Raises OSError if the server cannot be reached or is too slow, and Unexpected.
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
        plain = socket.create_connection(self._address, self._timeout)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(self._encrypt(plain) if self._encrypted else plain)
            self._introduce(connection)
        except BaseException:
            plain.close()
            raise
        return connection

    def _encrypt(self, plain: socket.socket) -> socket.socket:
        import ssl  # noqa: PLC0415 - takes 6 ms, and not everybody needs it

        context = ssl.create_default_context(cafile=self._authority)
        return context.wrap_socket(plain, server_hostname=self._address[0])

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


class _Connection:
    """Sends commands, and reads one answer to each (RESP 2)."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._answers = end.makefile("rb", _BUFFER_BYTES)

    def ask(self, *words: str) -> bytes | None:
        encoded = [word.encode() for word in words]
        parts = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)
        self._socket.sendall(b"*%d\r\n%b" % (len(encoded), parts))
        line = self._read(self._answers.readline())
        if line.startswith(b"+"):
            return line[1:]
        if not line.startswith(b"$"):
            raise Unexpected(line.decode(errors="replace"))
        size = int(line[1:])
        return None if size < 0 else self._read(self._answers.read(size + 2), size + 2)

    def _read(self, data: bytes, size: int = 2) -> bytes:
        """Without the end of the line, which is there unless the server has hung up."""
        if len(data) < size or not data.endswith(b"\r\n"):
            raise ConnectionResetError("Redis ended the connection")
        return data[:-2]

    def close(self) -> None:
        self._answers.close()
        self._socket.close()
