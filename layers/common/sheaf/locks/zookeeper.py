"""Locks on ZooKeeper: a queue of nodes that end with their session.

The recipe is ZooKeeper's own (a numbered node for each, the lowest holds the lock). What is added
is expiry while the session lives: waiters remove a holder whose time is over.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.connection import ConnectionDropped, ConnectionHandler

from sheaf.locks.contract import Lock, LockError, LockNotOwnedError
from sheaf.locks.zookeeper_queue import Place

_CONNECT_SECONDS = 5.0
_SESSION_SECONDS = 10.0
_ROOT = "/sheaf"


class Client(KazooClient):
    """A KazooClient that lives on when a server leaves an answer out.

    Servers do so when a session has moved to another of them. kazoo 2.11 takes the next answer for
    a bug, and its thread ends: every later call fails (github.com/python-zk/kazoo, number 254).
    """

    def __init__(self, hosts: str, timeout: float = _SESSION_SECONDS, **options: Any) -> None:
        super().__init__(hosts=hosts, timeout=timeout, **options)
        self._connection = _Connection(self, self._conn_retry.copy(), logger=self.logger)


class _Connection(ConnectionHandler):
    """A connection that is dropped, and made anew in the same session, after a missing answer."""

    def _read_response(self, header: Any, buffer: bytes, offset: int) -> object:
        pending = self.client._pending
        if not pending or pending[0][2] != header.xid:
            raise ConnectionDropped("an answer is missing")
        return super()._read_response(header, buffer, offset)


class ZooKeeperLock(Lock):
    """A lock kept by ZooKeeper, with `client` started.

    Its fences are ids of transactions, which lie far below the fences of Redis: after a change of
    engine, claims are refused at first and the fence is reissued.

    A lock is ours for certain no longer than our session would last without a connection: a
    `timeout` above that (10 s) needs a `reacquire` within it.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        timeout: float,
        *,
        root: str = _ROOT,
        blocking: bool = True,
        blocking_timeout: float | None = None,
    ) -> None:
        super().__init__(name, timeout, blocking=blocking, blocking_timeout=blocking_timeout)
        self._place = Place(client, root, name, self.token)
        # A session that the servers do not hear of ends, and the node with it.
        self._session_seconds = client._session_timeout / 1000

    def remaining(self) -> float:
        """Seconds for which the lock is ours for certain; 0 without a connection, too."""
        return super().remaining() if self._place.session_lives else 0.0

    def _acquire(self, give_up_at: float) -> bool:
        try:
            with self._lock_errors():
                return self._take(give_up_at)
        except LockError:
            if not self._fence:
                self._place.abandon()
            raise

    def _take(self, give_up_at: float) -> bool:
        asked_at = time.monotonic()
        fresh = not self._place.node
        while not self._place.first(self.timeout):
            fresh = False
            if time.monotonic() >= give_up_at:
                self._place.leave()
                self._gone(lost=self._fence > 0)
                return False
            self._place.wait(give_up_at)
        if fresh:
            self._hold(self.timeout, asked_at)
            return True
        # Others may have seen us at the head for some time: a change of the node restarts it.
        return self._renew(self.timeout) or self._take(give_up_at)

    def _renew(self, seconds: float) -> bool:
        asked_at = time.monotonic()
        if self._place.renew(seconds):
            self._hold(seconds, asked_at)
            return True
        self._gone(lost=self._fence > 0)
        return False

    def _hold(self, seconds: float, asked_at: float) -> None:
        self._held(self._place.fence, asked_at + min(seconds, self._session_seconds))

    def release(self) -> None:
        """Give the lock back; raises LockNotOwnedError if it was not ours any more."""
        _ = self.fence
        with self._lock_errors():
            released = self._place.leave()
        self._gone(lost=not released)
        if not released:
            raise LockNotOwnedError(f"{self.name} expired before it was released")

    def extend(self, additional_time: float, replace_ttl: bool = False) -> bool:
        """Add seconds to the time left, or leave just so many; raises LockNotOwnedError."""
        _ = self.fence
        self._prove_ownership(additional_time + (0 if replace_ttl else self.remaining()))
        return True

    def reissue(self, above: int) -> int:
        """A new fence for the same holding, higher than `above`; raises LockNotOwnedError."""
        fence = self.fence
        self._prove_ownership(self.remaining())
        self._fence = self._place.fence = max(fence, above) + 1
        return self._fence

    def _prove_ownership(self, seconds: float) -> None:
        with self._lock_errors():
            if not self._renew(seconds):
                raise LockNotOwnedError(f"{self.name} expired, or its session ended")

    def locked(self) -> bool:
        """Whether anybody holds the lock."""
        with self._lock_errors():
            return bool(self._place.everybody())

    def owned(self) -> bool:
        """Whether this object holds the lock, asked of the servers."""
        with self._lock_errors():
            return self._fence > 0 and self._place.exists()

    @contextmanager
    def _lock_errors(self) -> Iterator[None]:
        try:
            yield
        except (KazooException, KazooTimeoutError) as error:
            raise LockError(f"{self.name}: the lock service does not answer") from error


class ZooKeeperLocks:
    """Locks on one ensemble, below one node."""

    def __init__(self, client: Client, root: str = _ROOT) -> None:
        self._client = client
        self._root = root

    @classmethod
    def from_url(cls, url: str, connect_timeout: float = _CONNECT_SECONDS) -> Self:
        """Locks at zookeeper://host1:2181,host2:2181/path; raises LockError if none answers.

        This opens a session, which has a thread: one for each process is enough.
        """
        parts = urlsplit(url)
        return cls(_session(parts.netloc, connect_timeout), parts.path.rstrip("/") or _ROOT)

    def close(self) -> None:
        """End the session, and with it all locks that are still held."""
        self._client.stop()
        self._client.close()

    def lock(
        self,
        name: str,
        timeout: float,
        *,
        blocking: bool = True,
        blocking_timeout: float | None = None,
    ) -> ZooKeeperLock:
        """A lock by name, not yet taken."""
        return ZooKeeperLock(
            self._client,
            name,
            timeout,
            root=self._root,
            blocking=blocking,
            blocking_timeout=blocking_timeout,
        )

    def batches(self, names: Iterable[str]) -> list[tuple[str, ...]]:
        """Each name on its own, sorted: a step takes one lock."""
        return [(name,) for name in sorted(set(names), key=str.encode)]

    def acquire_batch(self, locks: list[ZooKeeperLock], give_up_at: float) -> bool:
        """Take the one lock of a batch."""
        return all(lock._acquire(give_up_at) for lock in locks)


def _session(hosts: str, connect_timeout: float) -> Client:
    client = Client(hosts)
    try:
        client.start(timeout=connect_timeout)
    except KazooTimeoutError as error:
        raise LockError("no ZooKeeper server answers") from error
    return client
