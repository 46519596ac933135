"""An HTTP proxy that meddles: a site that works, but for one thing.

With a certificate it speaks TLS to clients that begin with that, and plain HTTP to others.
"""

import socket
import ssl
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3
from urllib3 import HTTPHeaderDict

from local.invocation.endpoint import in_thread
from tests.waiting import PATIENCE

# What is about one connection and not about what is said over it.
_HOP_BY_HOP = (
    *("connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding"),
)
_TLS_HANDSHAKE = b"\x16"


@dataclass(frozen=True)
class Request:
    """What a client asks, over TLS or not. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    secure: bool = False


@dataclass(frozen=True)
class Reply:
    """What it is answered. Header names are in lower case; the length is the body's."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


PassOn = Callable[[Request], Reply]
# Answers a request, with or without the help of the site. None hangs up.
Meddle = Callable[[Request, PassOn], Reply | None]


def leave_alone(request: Request, pass_on: PassOn) -> Reply:
    """Change nothing."""
    return pass_on(request)


class Meddler(ThreadingHTTPServer):
    """Stands before the site at `target`, at `url`. What it does with requests can be changed."""

    daemon_threads = True
    block_on_close = False  # a client that has given up is not waited for

    def __init__(self, target: str, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.meddle: Meddle = leave_alone
        self.context = context
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.server_port}"
        self._target = urllib3.connection_from_url(target, maxsize=8)

    def pass_on(self, request: Request) -> Reply:
        """What the site answers."""
        answer = self._target.request(
            request.method,
            request.path,
            headers=request.headers,
            body=request.body or None,
            decode_content=False,
            redirect=False,
            retries=False,
            timeout=PATIENCE,
        )
        return Reply(answer.status, _end_to_end(answer.headers), answer.data)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Called in a thread of each connection's own."""
        if self.context and request.recv(1, socket.MSG_PEEK) == _TLS_HANDSHAKE:
            with self.context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
        else:
            super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may hang up, and distrust certificates; everything else is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Meddler

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        secure = isinstance(self.connection, ssl.SSLSocket)
        request = Request(self.command, self.path, _end_to_end(self.headers), body, secure)
        reply = self.server.meddle(request, self.server.pass_on)
        if reply is None:
            return
        self.send_response_only(reply.status)
        for name, value in {"content-length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else reply.body)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, *args: object) -> None:
        pass


def _end_to_end(headers: Any) -> dict[str, str]:
    named = {name.lower(): value for name, value in HTTPHeaderDict(headers.items()).items()}
    return {name: value for name, value in named.items() if name not in _HOP_BY_HOP}


def meddling(target: str, context: ssl.SSLContext | None = None) -> AbstractContextManager[Meddler]:
    """A meddler before the site at `target`."""
    return in_thread(Meddler(target, context))
