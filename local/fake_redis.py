"""fakeredis as a server process: reads the port and the password as redis.conf lines from input.

fakeredis accepts AUTH but lets everybody else in too, so a connection must show the password first.
"""

import hmac
import select
import socket
import sys

from fakeredis import TcpFakeServer
from fakeredis._clients._tcp_server import TCPFakeRequestHandler

PATIENCE_SECONDS = 10


class Guarded(TCPFakeRequestHandler):
    """A connection whose first command must be AUTH or HELLO with the password."""

    def handle(self) -> None:
        """Serve the connection if it knows the password."""
        if _shows(self.connection, self.server.fake_server.config[b"requirepass"]):
            super().handle()
        else:
            self.wfile.write(b"-NOAUTH Authentication required.\r\n")


def _shows(connection: socket.socket, password: bytes) -> bool:
    """Look at the first command, which clients send in one piece, without taking it."""
    if not select.select([connection], [], [], PATIENCE_SECONDS)[0]:
        return False
    words = connection.recv(1024, socket.MSG_PEEK).split(b"\r\n")
    # *2 $4 AUTH $43 secret; *3 $4 AUTH $7 default $43 secret; *5 $5 HELLO $1 3 $4 AUTH …
    if len(words) < 2 or words[2].upper() not in (b"AUTH", b"HELLO"):
        return False
    return any(hmac.compare_digest(word, password) for word in words[4:15:2])


def main() -> None:
    """Serve until a signal ends the process."""
    settings = dict(line.split(None, 1) for line in sys.stdin.read().splitlines())
    server = TcpFakeServer(("127.0.0.1", int(settings["port"])))
    server.RequestHandlerClass = Guarded
    server.fake_server.config[b"requirepass"] = settings["requirepass"].encode()
    server.serve_forever()


if __name__ == "__main__":
    main()
