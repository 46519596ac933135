"""A proxy that counts round trips: how often a client has asked after it has been answered."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit

_CHUNK = 1 << 16


class Counter:
    """Passes all that comes on to the server of an address, whatever it speaks."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self.trips = 0
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, server: str) -> str:
        """The address of something on the same server that leads through here."""
        parts = urlsplit(server)
        account = parts.netloc.rpartition("@")[0]
        port = self._listener.getsockname()[1]
        return parts._replace(netloc=f"{account}@127.0.0.1:{port}").geturl()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.create_connection(self._server)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answered = threading.Event()
            answered.set()
            for carry in (self._ask, self._answer):
                threading.Thread(target=carry, args=(client, server, answered), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, answered: threading.Event) -> None:
        with contextlib.suppress(OSError), server:
            while data := client.recv(_CHUNK):
                if answered.is_set():
                    answered.clear()
                    self.trips += 1
                server.sendall(data)

    def _answer(
        self, client: socket.socket, server: socket.socket, answered: threading.Event
    ) -> None:
        with contextlib.suppress(OSError), client:
            while data := server.recv(_CHUNK):
                answered.set()
                client.sendall(data)
