"""The locks that are measured, each as its own manual would have it used, on one Redis."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pottery
import redis
import redis.lock
import redis_lock

from sheaf.locks.redis import RedisLock

# No measurement holds a lock for so long.
LIFETIME_SECONDS = 120
OURS, REDIS_PY, POTTERY = "Sheaf RedisLock", "redis-py Lock", "pottery Redlock"


class CountingConnection(redis.Connection):
    """A connection that counts how often something is sent: each time is one round trip."""

    sent = 0

    def send_packed_command(self, *args: Any, **options: Any) -> None:
        """Send a command, or the commands of a pipeline."""
        CountingConnection.sent += 1
        super().send_packed_command(*args, **options)  # type: ignore[no-untyped-call]


def connect(url: str) -> "redis.Redis":
    """A client with redis-py's own settings, whose round trips are counted."""
    pool = redis.ConnectionPool.from_url(url, connection_class=CountingConnection)
    return redis.Redis(connection_pool=pool)


@dataclass(frozen=True)
class Peer:
    """A kind of lock: `make` gives an object with acquire() and release()."""

    name: str
    make: Callable[["redis.Redis", str], Any]


PEERS = (
    Peer(OURS, lambda client, name: RedisLock(client, name, LIFETIME_SECONDS)),
    Peer(REDIS_PY, lambda client, name: redis.lock.Lock(client, name, LIFETIME_SECONDS)),
    Peer(
        "python-redis-lock",
        lambda client, name: redis_lock.Lock(client, name, expire=LIFETIME_SECONDS),
    ),
    Peer(
        POTTERY,
        lambda client, name: pottery.Redlock(
            key=name, masters={client}, auto_release_time=LIFETIME_SECONDS
        ),
    ),
)


class TwoPings:
    """No lock, but the least that one with two round trips can cost with this client."""

    def __init__(self, client: "redis.Redis", _name: str) -> None:
        self._client = client

    def acquire(self) -> bool:
        """One round trip."""
        return bool(self._client.ping())

    def release(self) -> None:
        """Another one."""
        self._client.ping()


FLOOR = Peer("two PINGs", TwoPings)


def by_name(name: str) -> Peer:
    """The peer with this name."""
    return next(peer for peer in PEERS if peer.name == name)
