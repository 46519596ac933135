"""Lets containers reach a server that listens on the loopback address only."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Forwarder(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, host: str, target: int) -> None:
        super().__init__((host, 0), _Connection)
        self.target = ("127.0.0.1", target)


class _Connection(socketserver.BaseRequestHandler):
    server: _Forwarder

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as target:
            back = threading.Thread(target=_copy, args=(target, self.request))
            back.start()
            _copy(self.request, target)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one side hung up: the other copy ends with its own next read or write


@contextmanager
def forwarding(host: str, port: int) -> Iterator[int]:
    """Forward connections to `host` to the loopback's `port`; yields the port on `host`."""
    with _Forwarder(host, port) as forwarder:
        threading.Thread(target=forwarder.serve_forever).start()
        yield forwarder.server_address[1]
        forwarder.shutdown()
