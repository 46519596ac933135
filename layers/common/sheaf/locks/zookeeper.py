"""Locks on ZooKeeper: a queue of nodes that end with their session.

The recipe is ZooKeeper's own (a numbered node for each, the lowest holds the lock). What is added
is expiry while the session lives: waiters remove a holder whose time is over.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlsplit

from kazoo.client import KazooClient
from kazoo.exceptions import (
    BadVersionError,
    ConnectionLoss,
    KazooException,
    NoNodeError,
    OperationTimeoutError,
    SessionExpiredError,
)
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.connection import ConnectionDropped, ConnectionHandler
from kazoo.retry import KazooRetry

from sheaf.hashing import slot
from sheaf.locks.contract import Lock, LockError, LockNotOwnedError

_CONNECT_SECONDS = 5.0
_SESSION_SECONDS = 10.0
_CALL_SECONDS = 2.0
# Of our own node: a session that has ended took it along.
_GONE = (NoNodeError, SessionExpiredError)
_ROOT = "/sheaf"


class Client(KazooClient):
    """A KazooClient that lives on when a server leaves an answer out.

    Servers do so when a session has moved to another of them. kazoo 2.11 takes the next answer for
    a bug, and its thread ends: every later call fails (github.com/python-zk/kazoo, number 254).

    `hosts` are host:port, with commas; `timeout`, in seconds, is how long a session may be silent;
    `options` are a KazooClient's. Raises ValueError for hosts that cannot be.

    >>> client = Client(hosts)
    >>> client.start(timeout=5)
    >>> with ZooKeeperLock(client, "tea", timeout=10) as lock:
    ...     lock.owned()
    True
    >>> client.stop()
    >>> client.close()
    """

    def __init__(self, hosts: str, timeout: float = _SESSION_SECONDS, **options: Any) -> None:
        super().__init__(hosts=hosts, timeout=timeout, **options)
        self._connection = _Connection(self, self._conn_retry.copy(), logger=self.logger)


class _Connection(ConnectionHandler):
    """A connection that is dropped, and made again in the same session, after a missing answer."""

    def _read_response(self, header: Any, buffer: bytes, offset: int) -> object:
        pending = self.client._pending
        if not pending or pending[0][2] != header.xid:
            raise ConnectionDropped("an answer is missing")
        return super()._read_response(header, buffer, offset)


class _Holder(NamedTuple):
    """The head of the queue as we saw it, and until when we let it be."""

    path: str
    changed: int
    version: int
    overdue_at: float


class Place:
    """One lock object's place in the queue for its name; errors of kazoo pass through.

    `fence` is the id of the transaction that made our node: later nodes have higher ones.
    """

    def __init__(self, client: KazooClient, root: str, name: str, token: object) -> None:
        self._client = client
        # A folder for each of 4096 slots, not for each name: names come and go, folders stay.
        self._folder = f"{root}/{slot(name):04}"
        self._line = f"{quote(name, safe='')}:"
        self._prefix = f"{self._folder}/{self._line}{token}-"
        self._session = 0
        self._queue: list[str] = []
        self._holder: _Holder | None = None
        self.node = ""
        self.fence = 0

    @property
    def session_lives(self) -> bool:
        """Whether we are connected, in the session that our node belongs to."""
        client = self._client
        return bool(client.connected and client.client_id and client.client_id[0] == self._session)

    def everybody(self) -> list[str]:
        """All nodes of the queue in their order."""
        try:
            names = _answer(self._client.get_children_async(self._folder))
        except NoNodeError:
            return []
        # ZooKeeper ends each name with ten digits that count upwards.
        ours = sorted((name for name in names if name.startswith(self._line)), key=_number)
        return [f"{self._folder}/{name}" for name in ours]

    def exists(self) -> bool:
        """Whether our node is there."""
        return bool(self.node and _answer(self._client.exists_async(self.node)))

    def first(self, seconds: float) -> bool:
        """Whether our node is the lowest; it is added, with a lifetime, if it is missing."""
        self._queue = _patiently(self.everybody) if self.node else []
        if self.node not in self._queue:
            self._add(seconds)
            self._queue = self.everybody()
        return self._queue[0] == self.node

    def _add(self, seconds: float) -> None:
        try:
            self.node, stat = self._create(seconds)
        except (ConnectionLoss, OperationTimeoutError, SessionExpiredError, KazooTimeoutError):
            self.node, stat = _patiently(lambda: self._find() or self._create(seconds))
        self.fence, self._session = stat.czxid, stat.ephemeralOwner

    def _create(self, seconds: float) -> Any:
        options = {"ephemeral": True, "sequence": True, "makepath": True, "include_data": True}
        return _answer(self._client.create_async(self._prefix, _encode(seconds), **options))

    def _find(self) -> Any:
        """Our node, made though the reply was lost: the token in its name tells."""
        # We may be connected to another server by now, which may lag behind.
        _answer(self._client.sync_async("/"))
        mine = [path for path in self.everybody() if path.startswith(self._prefix)]
        return mine and (mine[0], _answer(self._client.exists_async(mine[0])))

    def wait(self, give_up_at: float) -> None:
        """Sleep until the node ahead of ours is gone, the holder is overdue or time is up."""
        self._holder = self._look(self._queue[0])
        if not self._holder:
            return
        gone = threading.Event()
        ahead = self._queue[self._queue.index(self.node) - 1]
        if _answer(self._client.exists_async(ahead, watch=lambda _: gone.set())):
            gone.wait(max(0.0, min(self._holder.overdue_at, give_up_at) - time.monotonic()))

    def _look(self, path: str) -> _Holder | None:
        """The holder; None when it is gone, for which we see to if it is overdue.

        Its time counts from when we saw the node change, which is later than when it asked.
        """
        known = self._holder
        try:
            data, stat = _answer(self._client.get_async(path))
            if not known or (known.path, known.changed) != (path, stat.mzxid):
                overdue_at = time.monotonic() + int(data) / 1000
                return _Holder(path, stat.mzxid, stat.version, overdue_at)
            if time.monotonic() < known.overdue_at:
                return known
            _answer(self._client.delete_async(path, version=known.version))
        except (NoNodeError, BadVersionError):
            return None
        return None

    def renew(self, seconds: float) -> bool:
        """Change our node, so that its time begins again; False when it is not there any more."""
        try:
            _answer(self._client.set_async(self.node, _encode(seconds)))
        except _GONE:
            self.node = ""
            return False
        return True

    def leave(self) -> bool:
        """Remove our node; False when it was not there any more."""
        try:
            _answer(self._client.delete_async(self.node))
        except _GONE:
            return False
        finally:
            self.node = ""
        return True

    def abandon(self) -> None:
        """Ask for the removal of our node without waiting for an answer."""
        if self.node:
            self._client.delete_async(self.node)
        self.node = ""


class ZooKeeperLock(Lock):
    """A lock kept by ZooKeeper, with `client` started, below the node `root`.

    Its fences are ids of transactions, which lie far below the fences of Redis: after a change of
    engine, claims are refused at first and the fence is reissued. A lock is ours for certain no
    longer than our session would last without a connection: a `timeout` above that (10 s) needs a
    `reacquire` within it. The other parameters, and the ValueError for them, are Lock's. What kazoo
    raises is a LockError here.
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
        """As in the contract; 0 without a connection, too."""
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
        """As in the contract; what is added to is `remaining`."""
        _ = self.fence
        self._prove_ownership(additional_time + (0 if replace_ttl else self.remaining()))
        return True

    def reissue(self, above: int) -> int:
        """As in the contract; the next holder's may be lower, and is reissued in its turn."""
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
    """Locks on one ensemble, with `client` started, below the node `root`.

    >>> locks = ZooKeeperLocks.from_url(url)
    >>> with locks.lock("tea", timeout=10) as lock:
    ...     lock.fence > 0
    True
    >>> locks.close()
    """

    def __init__(self, client: Client, root: str = _ROOT) -> None:
        self._client = client
        self._root = root

    @classmethod
    def from_url(cls, url: str, connect_timeout: float = _CONNECT_SECONDS) -> Self:
        """Locks at zookeeper://host1:2181,host2:2181/path, where the path is the root (or /sheaf).

        This opens a session, which has a thread: one for each process is enough. Raises LockError
        if no server answers within `connect_timeout`, in seconds, and ValueError for hosts that
        cannot be.
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


def _patiently(call: Callable[[], Any]) -> Any:
    """The call's answer, over a lost connection: one who was frozen soon has a new session."""
    retry = KazooRetry(max_tries=-1, delay=0.01, max_delay=0.1, deadline=_CALL_SECONDS)
    return retry(call)


def _answer(request: Any) -> Any:
    return request.get(timeout=_CALL_SECONDS)


def _number(node: str) -> str:
    return node[-10:]


def _encode(seconds: float) -> bytes:
    return str(max(1, round(seconds * 1000))).encode()
