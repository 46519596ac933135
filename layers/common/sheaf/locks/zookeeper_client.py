"""A session with ZooKeeper, the answers to its requests, and what they say when there are none."""

import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from kazoo.client import CLOSED_STATES, KazooClient
from kazoo.exceptions import (
    AuthFailedError,
    ConnectionClosedError,
    ConnectionLoss,
    KazooException,
    NoAuthError,
    NotReadOnlyCallError,
    OperationTimeoutError,
    SessionExpiredError,
)
from kazoo.handlers import utils
from kazoo.handlers.threading import KazooTimeoutError, SequentialThreadingHandler
from kazoo.protocol.connection import ConnectionDropped, ConnectionHandler
from kazoo.protocol.states import KeeperState

from sheaf.locks.errors import LockError

T = TypeVar("T")
_SESSION_SECONDS = 10.0
# For how long an answer is waited for, and for how long a connection that was lost may take to be
# back when nobody gives a shorter limit.
CALL_SECONDS = 0.25
_SETTLE_SECONDS = 2.0
_PAUSE_SECONDS = 0.02
# Of so many locks the client remembers who had them.
_SIGHTINGS = 1000
# After which a step may have been done.
LOST_ANSWERS = (ConnectionLoss, OperationTimeoutError, SessionExpiredError, KazooTimeoutError)
FAILURES = (KazooException, KazooTimeoutError)
_logger = logging.getLogger(__name__)


class Sighting(NamedTuple):
    """The first in a lock's queue as it was seen, and until when it is let be."""

    path: str
    changed: int
    version: int
    overdue_at: float


class Client(KazooClient):
    """A KazooClient that lives on when a server leaves an answer out.

    Servers do so when a session has moved to another of them. kazoo 2.11 takes the next answer for
    a bug, and its thread ends: every later call fails (github.com/python-zk/kazoo, number 254).

    `hosts` are host:port, with commas; `timeout`, in seconds, is how long a session may be silent;
    `options` are a KazooClient's. Raises ValueError for hosts that cannot be.

    A fork does not copy the thread that a client has: the child makes a client of its own. Locks
    on the parent's raise LockError there.

    >>> client = Client(hosts)
    >>> client.start(timeout=5)
    >>> with ZooKeeperLock(client, "tea", timeout=10) as lock:
    ...     lock.owned()
    True
    >>> client.stop()
    >>> client.close()
    """

    def __init__(self, hosts: str, timeout: float = _SESSION_SECONDS, **options: Any) -> None:
        super().__init__(hosts=hosts, timeout=timeout, **{"handler": _Handler(), **options})
        self._connection = _Connection(self, self._conn_retry.copy(), logger=self.logger)
        self._process = os.getpid()
        self._backlog = _Backlog(self)
        self._sightings: dict[str, Sighting] = {}
        # What the servers have agreed to, once there is a session.
        self.session_seconds = timeout

    def start_async(self) -> Any:
        """As a KazooClient's."""
        if not self.connected:
            self._process = os.getpid()
        return super().start_async()

    @property
    def is_ours(self) -> bool:
        """Whether it was started in this process, and not in the one that this was forked from."""
        return self._process == os.getpid()

    def seen(self, queue: str) -> Sighting | None:
        """What was noted last of the first in a queue, if it is not long ago."""
        return self._sightings.get(queue)

    def note(self, queue: str, sighting: Sighting) -> None:
        """Remember who is the first in a queue: its time counts for all who want the lock."""
        self._sightings.pop(queue, None)
        self._sightings[queue] = sighting
        for oldest in list(self._sightings)[:-_SIGHTINGS]:
            self._sightings.pop(oldest, None)

    def later(self, call: Callable[[], object], until: float) -> None:
        """Make a call in the background, as soon as the servers can be reached.

        When an answer is lost, it is made again until this time, by `time.monotonic`, or until the
        client is closed. The process does not wait for it to end.
        """
        if self.is_ours:
            self._backlog.add(call, until)

    def _call(self, request: Any, result: Any) -> Any:
        """Send a request as a KazooClient does, but let what the handler of a signal raises pass.

        kazoo takes it for a closed connection.
        """
        if self.client_state in CLOSED_STATES:
            return super()._call(request, result)
        try:
            self._queue.append((request, result))
            self._wake()
        except (AttributeError, OSError):
            result.set_exception(ConnectionClosedError("Connection has been closed"))
        except BaseException:
            # Or from now on each request would be sent when the next one comes.
            self._wake()
            raise
        return None

    def _wake(self) -> None:
        # Its thread may be trying to connect, and read nothing. Then it has been told long ago.
        with suppress(BlockingIOError):
            self._connection._write_sock.send(b"\0", socket.MSG_DONTWAIT)


class _Connection(ConnectionHandler):
    """A connection that is dropped, and made again in the same session, after a missing answer."""

    def _connect(self, *server: Any) -> Any:
        read_milliseconds, other = super()._connect(*server)
        # kazoo waits for two thirds of the session's time.
        self.client.session_seconds = read_milliseconds * 3 / 2 / 1000
        return read_milliseconds, other

    def _read_response(self, header: Any, buffer: bytes, offset: int) -> object:
        pending = self.client._pending
        if not pending or pending[0][2] != header.xid:
            raise ConnectionDropped("an answer is missing")
        return super()._read_response(header, buffer, offset)


class _Queue(SimpleQueue[Any]):
    def task_done(self) -> None:
        """Nobody waits for that."""


class _Handler(SequentialThreadingHandler):
    """One whose objects stay of use when a signal's handler raises something, at whatever moment.

    Python calls such handlers within its Condition and its Queue as well, while these hold a lock
    that nobody would give back: the client's own threads would wait for it for ever.
    """

    queue_impl = _Queue

    def async_result(self) -> "_Result":
        """An answer that is to come."""
        return _Result(self)


class _Condition(threading.Condition):
    """What `with` calls is its lock's own: between that and the block no handler is called."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        super().__init__(self.lock)

    __enter__ = property(lambda self: self.lock.__enter__)
    __exit__ = property(lambda self: self.lock.__exit__)


class _Result(utils.AsyncResult):
    def __init__(self, handler: _Handler) -> None:
        super().__init__(handler, _Condition, KazooTimeoutError)
        self._is_there = SimpleQueue[None]()

    def set(self, value: object = None) -> None:
        super().set(value)
        self._is_there.put(None)

    def set_exception(self, exception: object) -> None:
        super().set_exception(exception)
        self._is_there.put(None)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The answer; of those who wait for one at the same time, each wakes up the next."""
        if block and not self.ready():
            with suppress(Empty):
                self._is_there.put(self._is_there.get(timeout=timeout))
        return super().get(block=False)


class _Backlog:
    """Calls that are to be made when the servers can be reached, by one thread for all of them.

    It ends when there are none left.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._calls: deque[tuple[Callable[[], object], float]] = deque()
        self._running = False
        # A signal's handler may come here while its thread is here.
        self._guard = threading.RLock()

    def add(self, call: Callable[[], object], until: float) -> None:
        with self._guard:
            self._calls.append((call, until))
            if self._running:
                return
            # At the end of the process there are no new threads.
            with suppress(RuntimeError):
                threading.Thread(target=self._run, name="zookeeper backlog", daemon=True).start()
                self._running = True

    def _next(self) -> tuple[Callable[[], object], float] | None:
        with self._guard:
            self._running = bool(self._calls)
            return self._calls.popleft() if self._calls else None

    def _run(self) -> None:
        while next_call := self._next():
            self._make(*next_call)

    def _make(self, call: Callable[[], object], until: float) -> None:
        while time.monotonic() < until and self._client.client_state != KeeperState.CLOSED:
            # What is asked without a connection is kept, and sent when there is one.
            if self._client.connected:
                try:
                    call()
                except LOST_ANSWERS:
                    pass
                except Exception:
                    _logger.exception("not cleared")
                    return
                else:
                    return
            time.sleep(_PAUSE_SECONDS)


def connect(hosts: str, timeout: float) -> Client:
    """A started client; raises LockError if no server answers in this time, in seconds."""
    client = Client(hosts)
    try:
        client.start(timeout=timeout)
    except KazooTimeoutError as error:
        raise LockError("no ZooKeeper server answers") from error
    return client


def answer(request: Any) -> Any:
    """What a request is answered; raises KazooTimeoutError if that takes too long."""
    return request.get(timeout=CALL_SECONDS)


def patiently(call: Callable[[], T], until: float = float("inf")) -> T:
    """The call's answer, over lost ones: one who was frozen soon has a new session.

    It is made once, and again until this time, by `time.monotonic`, but not for long.
    """
    until = min(until, time.monotonic() + _SETTLE_SECONDS)
    while True:
        try:
            return call()
        except ConnectionClosedError:
            raise
        except LOST_ANSWERS:
            if time.monotonic() >= until:
                raise
        time.sleep(_PAUSE_SECONDS)


def cause(error: Exception, connected: bool) -> str:
    """What a failure tells those who use a lock."""
    if isinstance(error, ConnectionClosedError):
        return "the client is closed"
    if isinstance(error, ConnectionLoss | SessionExpiredError):
        return "the lock service cannot be reached"
    if isinstance(error, KazooTimeoutError | OperationTimeoutError):
        late = "the lock service does not answer in time"
        return late if connected else "the lock service cannot be reached"
    if isinstance(error, NotReadOnlyCallError):
        return "the lock service is read-only: most servers are away"
    if isinstance(error, NoAuthError | AuthFailedError):
        return "the lock service does not allow it"
    return f"the lock service says: {type(error).__name__} {error}".rstrip()
