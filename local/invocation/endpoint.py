"""An HTTP server that answers as it is told to, and remembers what it was asked."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import BaseServer
from threading import Thread
from typing import Any, NamedTuple, TypeVar

Server = TypeVar("Server", bound=BaseServer)


@dataclass(frozen=True)
class Asked:
    """A request; the path has its query with it."""

    method: str
    path: str
    headers: Message
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON of the body."""
        return json.loads(self.body)


class Answer(NamedTuple):
    """A body that is no bytes is sent as JSON. Status 0 hangs up without an answer."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody changes it


class Endpoint(HTTPServer):
    """Answers one request at a time."""

    def __init__(self, answer: Callable[[Asked], Answer], host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _Handler)
        self.answer = answer
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        """Where it is found."""
        return f"http://{self.server_address[0]!s}:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint
    protocol_version = "HTTP/1.1"  # whose clients ask before they send

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, self.path, self.headers, body)
        self.server.asked.append(asked)
        self.close_connection = True
        answer = self.server.answer(asked)
        if answer.status:
            self.reply(answer)

    def reply(self, answer: Answer) -> None:
        is_bytes = isinstance(answer.body, bytes)
        body = answer.body if is_bytes else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass


def serving(
    answer: Callable[[Asked], Answer], host: str = "127.0.0.1"
) -> AbstractContextManager[Endpoint]:
    """A server at an address of this machine that answers in this way, in a thread of its own."""
    return in_thread(Endpoint(answer, host))


@contextmanager
def in_thread(server: Server) -> Iterator[Server]:
    """A server that serves in a thread of its own for the time of the block, and is closed then."""
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
