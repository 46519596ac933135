"""The socket that gunicorn's workers take connections from."""

import socket

_SILENCE_SECONDS = 300


def listen(host: str, port: int) -> socket.socket:
    """Take a port (0: any free one); raises OSError when it is in use.

    Browsers open connections ahead of need. A sync worker that accepted one would wait for it and
    serve nobody else, so the kernel (on Linux) hands over only those on which a request arrives.
    """
    listener = socket.create_server((host, port), backlog=2048)
    if hasattr(socket, "TCP_DEFER_ACCEPT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _SILENCE_SECONDS)
    return listener
