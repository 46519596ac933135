"""The queue for a lock on ZooKeeper: a node for each who wants it, and the lowest has it."""

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

from kazoo.client import KazooClient
from kazoo.exceptions import (
    BadVersionError,
    ConnectionLoss,
    NoNodeError,
    OperationTimeoutError,
    SessionExpiredError,
)
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.retry import KazooRetry

from sheaf.hashing import slot

_CALL_SECONDS = 2.0
# Of our own node: a session that has ended took it along.
_GONE = (NoNodeError, SessionExpiredError)


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
        """Whether our node is the lowest; it is added, for so many seconds, if it is missing."""
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
        """Change our node, so that its time begins anew; False when it is not there any more."""
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
