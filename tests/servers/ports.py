"""Ports that nobody listens on."""

import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

# Below those from which systems choose one for a client: what was free would be in use again before
# a server is up, now and then.
_FIRST, _LAST = 10_000, 32_000


def free_ports(count: int) -> list[int]:
    """Different ports of 127.0.0.1 that were free just now."""
    return list(islice(_free_ports(), count))


def _free_ports() -> Iterator[int]:
    for port in random.SystemRandom().sample(range(_FIRST, _LAST), _LAST - _FIRST):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            yield port
